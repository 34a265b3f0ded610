// Which commands an image has, and the program that runs any command line in it.

import type { Os, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import type { Applet } from './shell/applet.ts';
import { awk } from './shell/applets/awk.ts';
import { FILE_APPLETS } from './shell/applets/files.ts';
import { HELPER_APPLETS } from './shell/applets/helpers.ts';
import { HOST_APPLETS } from './shell/applets/host.ts';
import { LOAD_APPLETS, withEndlessInput } from './shell/applets/load.ts';
import { NET_APPLETS } from './shell/applets/net.ts';
import { BUSYBOX_NETWORK_APPLETS } from './shell/applets/network.ts';
import { LOOKUP_APPLETS } from './shell/applets/lookup.ts';
import { sed } from './shell/applets/sed.ts';
import { SYSTEM_APPLETS } from './shell/applets/system.ts';
import { tar } from './shell/applets/tar.ts';
import { TEXT_APPLETS } from './shell/applets/text.ts';
import { BUILTINS } from './shell/builtins.ts';
import { Interpreter } from './shell/interpreter.ts';
import { findCommand, processStreams, runApplet, runShell } from './shell/run.ts';
import { type Dialect, Shell, type Toolbox } from './shell/shell.ts';

type Commands = Readonly<Record<string, Applet>>;

/** coreutils, grep, sed, awk: what nearly every image with a shell has. */
const PLAIN_COMMANDS: Commands = { ...FILE_APPLETS, ...TEXT_APPLETS, ...SYSTEM_APPLETS, sed, awk, tar, ...HELPER_APPLETS, ...HOST_APPLETS, ...LOAD_APPLETS };
export const BASIC_COMMANDS: Commands = { ...PLAIN_COMMANDS, ...withEndlessInput(PLAIN_COMMANDS) };
export const BUSYBOX_COMMANDS: Commands = { ...BASIC_COMMANDS, ...NET_APPLETS, ...LOOKUP_APPLETS, ...BUSYBOX_NETWORK_APPLETS };

/** Commands that are builtins of the shell and programs of the image alike: `sleep`, `echo`, `test` … */
const ALSO_PROGRAMS = ['echo', 'printf', 'test', '[', 'pwd', 'true', 'false', 'sleep', 'kill'];

/** Makes the commands of an image. `shells` are the names of its shells, `more` what else a name may stand for. */
export function toolboxOf(dialect: Dialect, commands: Commands, shells: readonly string[] = ['sh', 'ash'], more: Pick<Toolbox, 'assumed' | 'installable'> = {}): Toolbox {
  const table = new Map<string, Applet>(Object.entries(commands));
  const toolbox: Toolbox = { dialect, applet: (name) => table.get(name), ...more };
  const shell: Applet = ({ os, name, args, stdin, stdout, stderr }) =>
    runShell(os, toolbox, [name, ...args], { stdin, stdout, stderr, others: new Map() });
  for (const name of shells) table.set(name, shell);
  for (const name of ALSO_PROGRAMS) {
    table.set(name, ({ os, args, stdin, stdout, stderr, cwd }) => {
      const inner = new Shell(os, toolbox, name);
      inner.cwd = cwd;
      return new Interpreter(inner).run([name, ...args], { stdin, stdout, stderr, others: new Map() });
    });
  }
  if (table.has('ls') && dialect.name === 'busybox') {
    table.set('busybox', (c) => (c.args[0] === undefined ? c.run(['echo', 'BusyBox v1.37.0 multi-call binary.'], c.stdin, c.stdout) : c.run(c.args, c.stdin, c.stdout)));
  }
  return toolbox;
}

/** Runs whatever `os.argv` says, by the image's commands. */
export function runCommandLine(os: Os, toolbox: Toolbox): Op<number> {
  const streams = processStreams(os);
  const name = os.argv[0] ?? '';
  const base = name.slice(name.lastIndexOf('/') + 1);
  const probe = new Shell(os, toolbox, base);
  const target = findCommand(probe, name);
  if (typeof target !== 'string') {
    if (base === 'sh' || base === 'ash' || base === 'bash' || base === 'dash') return runShell(os, toolbox, [base, ...os.argv.slice(1)], streams);
    return runApplet(os, toolbox, target, os.argv, streams, probe.cwd);
  }
  return notFound(streams, target);
}

function* notFound(streams: ReturnType<typeof processStreams>, message: string): Op<number> {
  yield* streams.stderr.write(`${message}\n`);
  return 127;
}

/** A program for an image that is nothing but a shell and its commands. */
export const commandProgram =
  (toolbox: Toolbox): Program =>
  (os) =>
    runCommandLine(os, toolbox);

/** For runc's check: can `argv[0]` be found? Paths to scripts count as found; only the container knows its mounts. */
export function hasExecutable(toolbox: Toolbox, more: readonly string[] = []): (name: string) => boolean {
  return (name) => {
    if (more.includes(name)) return true;
    if (!name.includes('/')) return toolbox.applet(name) !== undefined;
    if (/^\/(usr\/(local\/)?)?s?bin\/[^/]+$/.test(name)) {
      const base = name.slice(name.lastIndexOf('/') + 1);
      return toolbox.applet(base) !== undefined || BUILTINS.has(base);
    }
    // A file of that name is for the runtime to find.
    return !name.startsWith('/');
  };
}
