// Programs of images of which nothing is known: their shells and common commands run as anywhere; whatever else they are told to
// run is taken for a server that listens where its Pod expects it to, or, where the Pod expects it to end, for a short task
// that succeeds. A command beside the main one succeeds.

import type { Os, Program } from '../../machine/process.ts';
import { belongsToInit, hintsOf, isContainerInit } from '../../runtime/container-hints.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import type { Applet } from '../shell/applet.ts';
import { FILE_APPLETS } from '../shell/applets/files.ts';
import { CURL_APPLETS } from '../shell/applets/net.ts';
import { sed } from '../shell/applets/sed.ts';
import { BASH, resolvePath, type Toolbox } from '../shell/shell.ts';
import { BUSYBOX_COMMANDS, runCommandLine, toolboxOf } from '../toolbox.ts';
import { MEGABYTE, type PlainServer, servePlainly, text } from './server.ts';

const SHORT_TASK = 5 * SECOND;
const SIDE_COMMAND = SECOND;
const PROBE_COMMAND = 30 * MILLISECOND;

const COMMANDS: Parameters<typeof toolboxOf>[1] = { ...BUSYBOX_COMMANDS, ...CURL_APPLETS };
const SHELLS = ['sh', 'bash', 'ash', 'dash'];

/** The stand-in for `reference`. */
export function assumedServer(reference: string, ports: readonly number[]): PlainServer {
  return {
    ports,
    listensWhereExpected: true,
    guesses: [80, 8080],
    lines: [`orrery: ${reference} is not in the image catalogue; a server stands in for it, listening on {ports}`],
    memoryBytes: 24 * MEGABYTE,
    startup: SECOND,
    *answer(os, request) {
      os.log(`${request.method} ${request.path} 200`);
      return text(`${reference} at ${os.env['HOSTNAME'] ?? os.machine.name}: ${request.method} ${request.path}\n`);
    },
  };
}

/** cp, with every file of the image assumed to be there. */
const copyAnything: Applet = (c) => {
  for (const path of c.args.filter((arg) => !arg.startsWith('-')).slice(0, -1)) {
    const full = resolvePath(c.cwd, path);
    if (!/[*?]/.test(path) && !c.os.files.exists(full)) c.os.files.write(full, '', 0o755);
  }
  return (FILE_APPLETS['cp'] as Applet)(c);
};

/** `sed -i`, with the file that it edits assumed to be there. */
const editAnything: Applet = (c) => {
  const last = resolvePath(c.cwd, c.args.at(-1) ?? '');
  if (c.args.some((arg) => arg.startsWith('-i')) && !c.os.files.exists(last)) c.os.files.write(last, '');
  return sed(c);
};

/** The image's commands, with everything else assumed to be there. `own`: commands that are known all the same. */
export function assumingToolbox(server: PlainServer, own: Readonly<Record<string, Applet>> = {}): Toolbox {
  const main: Applet = (c) => behave(Object.create(c.os, { argv: { value: [c.name, ...c.args] } }) as Os, server);
  const side: Applet = function* (c) {
    yield* c.os.sleep(belongsToInit(c.os.process) ? SIDE_COMMAND : PROBE_COMMAND);
    return 0;
  };
  return toolboxOf(BASH, { ...COMMANDS, cp: copyAnything, sed: editAnything, ...own }, SHELLS, { assumed: (_name, isMain) => (isMain ? main : side) });
}

/** What a container's first process does when its command says nothing more. */
export function* behave(os: Os, server: PlainServer): Op<number> {
  if (!hintsOf(os.process).ends) return yield* servePlainly(os, server);
  os.log('orrery: nothing is known of this command; it is taken for a short task that succeeds');
  yield* os.sleep(SHORT_TASK);
  return 0;
}

export function assumedProgram(server: PlainServer, tools: Toolbox): Program {
  return function* (os: Os): Op<number> {
    const command = os.argv[0] ?? '';
    const base = command.slice(command.lastIndexOf('/') + 1);
    const isScript = command.startsWith('/') && os.files.exists(command) && !os.files.isDirectory(command) && os.files.stat(command).size > 0;
    if (tools.applet(base) !== undefined || isScript) return yield* runCommandLine(os, tools);
    if (isContainerInit(os.process)) return yield* behave(os, server);
    yield* os.sleep(PROBE_COMMAND);
    return 0;
  };
}
