// crictl 1.36: a client of whatever runtime speaks CRI on this machine (cri-tools). /etc/crictl.yaml says where it listens.

import { parseYaml } from '../../api/yaml.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { CriError } from '../cri.ts';
import { CRI_SOCKET } from '../runtime-kind.ts';
import { RuntimeClient, unreachable } from '../socket.ts';
import { type Arguments, type FlagSpec, readArguments, UsageError } from './arguments.ts';
import { exec, logs, pull, rm, rmi, rmp, stats, start, statsp, stop, stopp, version } from './crictl-act.ts';
import { info, inspect, inspecti, inspectp } from './crictl-inspect.ts';
import { images, pods, ps } from './crictl-list.ts';

export const CRICTL_VERSION = 'v1.36.0';

/** What a command gets. */
export interface Crictl {
  readonly os: Os;
  readonly runtime: RuntimeClient;
  readonly args: Arguments;
}

/** Ends crictl with a message. */
export class CrictlError extends Error {}

interface Command {
  readonly run: (c: Crictl) => Op<number | void>;
  readonly usage: string;
  readonly flags: readonly FlagSpec[];
  readonly argumentsEndFlags?: boolean;
  /** What stands before a runtime's error. */
  readonly doing?: string;
}

const bool = (name: string, short?: string): FlagSpec => ({ name, bool: true, ...(short === undefined ? {} : { short }) });
const value = (name: string, short?: string): FlagSpec => ({ name, ...(short === undefined ? {} : { short }) });

const LISTING = [bool('quiet', 'q'), value('output', 'o'), bool('no-trunc'), bool('latest', 'l'), value('last', 'n'), value('label'), value('name'), value('id'), value('state', 's'), value('namespace'), bool('verbose', 'v')];
const INSPECTING = [value('output', 'o'), bool('quiet', 'q'), value('template'), value('name'), value('id'), value('label'), value('state', 's'), bool('latest', 'l'), value('last', 'n'), value('namespace'), value('pod', 'p'), value('image')];

const COMMANDS: Readonly<Record<string, Command>> = {
  exec: {
    run: exec,
    usage: 'Run a command in a running container',
    flags: [bool('sync', 's'), bool('tty', 't'), bool('interactive', 'i'), value('timeout'), value('transport', 'r')],
    argumentsEndFlags: true,
  },
  images: { run: images, doing: 'listing images: ', usage: 'List images', flags: [bool('quiet', 'q'), value('output', 'o'), bool('digests'), bool('no-trunc'), bool('pinned'), bool('verbose', 'v'), value('filter', 'f')] },
  info: { run: info, doing: 'getting status of runtime: ', usage: 'Display information of the container runtime', flags: [value('output', 'o'), bool('quiet', 'q')] },
  inspect: { run: inspect, doing: 'get the status of containers: get container status: ', usage: 'Display the status of one or more containers', flags: INSPECTING },
  inspecti: { run: inspecti, usage: 'Return the status of one or more images', flags: INSPECTING },
  inspectp: { run: inspectp, doing: 'get the status of pod sandboxes: get pod sandbox status: ', usage: 'Display the status of one or more pods', flags: INSPECTING },
  logs: { run: logs, usage: 'Fetch the logs of a container', flags: [bool('follow', 'f'), value('tail'), bool('timestamps', 't'), value('since'), bool('previous', 'p'), value('limit-bytes'), value('stream', 's')] },
  pods: { run: pods, doing: 'listing pod sandboxes: list pod sandboxes: call list sandboxes RPC: ', usage: 'List pods', flags: LISTING },
  ps: { run: ps, doing: 'listing containers: list containers: call list containers RPC: ', usage: 'List containers', flags: [...LISTING, bool('all', 'a'), value('pod', 'p'), value('image'), bool('resolve-image-path', 'r')] },
  pull: { run: pull, doing: 'pulling image: ', usage: 'Pull an image from a registry', flags: [value('creds'), value('auth'), value('username', 'u')] },
  rm: { run: rm, usage: 'Remove one or more containers', flags: [bool('force', 'f'), bool('all', 'a'), bool('keep-logs', 'k')] },
  rmi: { run: rmi, usage: 'Remove one or more images', flags: [bool('all', 'a'), bool('prune', 'q')] },
  rmp: { run: rmp, usage: 'Remove one or more pods', flags: [bool('force', 'f'), bool('all', 'a')] },
  start: { run: start, usage: 'Start one or more created containers', flags: [] },
  stats: { run: stats, usage: 'List container(s) resource usage statistics', flags: [bool('all', 'a'), value('id'), value('pod', 'p'), value('label'), value('output', 'o'), value('seconds', 's')] },
  statsp: { run: statsp, usage: 'List pod statistics. Stats represent a structured API that will fulfill the Kubelet\'s /stats/summary endpoint.', flags: [value('id'), value('label'), value('output', 'o')] },
  stop: { run: stop, usage: 'Stop one or more running containers', flags: [value('timeout', 't')] },
  stopp: { run: stopp, usage: 'Stop one or more running pods', flags: [] },
  version: { run: version, doing: 'getting the runtime version: ', usage: 'Display runtime version information', flags: [] },
};

const ALIASES: Readonly<Record<string, string>> = { image: 'images', img: 'images', p: 'stopp' };

const GLOBAL = [value('config', 'c'), value('runtime-endpoint', 'r'), value('image-endpoint', 'i'), value('timeout', 't'), bool('debug', 'D'), bool('help', 'h'), bool('version', 'v')];

export const crictlProgram: Program = function* (os: Os): Op<number> {
  let doing = '';
  try {
    const global = readArguments(os.argv.slice(1), GLOBAL, { argumentsEndFlags: true, unknown: notDefined });
    if (global.is('version')) {
      os.log(`crictl version ${CRICTL_VERSION}`);
      return 0;
    }
    const [name, ...rest] = global.rest;
    const command = name === undefined ? undefined : COMMANDS[ALIASES[name] ?? name];
    if (command === undefined || global.is('help')) {
      if (name !== undefined && name !== 'help' && command === undefined) os.log(`No help topic for '${name}'`);
      else help(os);
      return name === undefined || name === 'help' || global.is('help') ? 0 : 3;
    }
    const args = readArguments(rest, [...command.flags, bool('help', 'h')], { argumentsEndFlags: command.argumentsEndFlags ?? false, unknown: notDefined });
    if (args.is('help')) {
      os.log(`NAME:\n   crictl ${name} - ${command.usage}\n\nUSAGE:\n   crictl ${name} [command options]`);
      return 0;
    }
    const runtime = new RuntimeClient(os, endpointOf(os, global));
    doing = command.doing ?? '';
    return (yield* command.run({ os, runtime, args })) ?? 0;
  } catch (error) {
    if (error instanceof UsageError) {
      os.log(`Incorrect Usage: ${error.message}\n`);
      fatal(os, error.message);
      return 1;
    }
    if (error instanceof CriError || error instanceof CrictlError) {
      fatal(os, error instanceof CriError ? doing + error.text : error.message);
      return 1;
    }
    throw error;
  }
};

const notDefined = (flag: string): string => `flag provided but not defined: ${flag.replace(/^--/, '-').replace(/=.*$/, '')}`;

/** As logrus does: short for a person at a terminal, a line of keys and values for everything else. */
function fatal(os: Os, message: string): void {
  if (os.tty !== null) os.writeError(`FATA[0000] ${message} \n`);
  else os.logError(`time="${os.sim.time()}" level=fatal msg=${JSON.stringify(message)}`);
}

function endpointOf(os: Os, global: Arguments): string {
  const given = global.text('runtime-endpoint') || (os.env['CONTAINER_RUNTIME_ENDPOINT'] ?? '') || configured(os, global.text('config') || '/etc/crictl.yaml');
  if (given !== '') {
    const path = given.replace(/^unix:\/\//, '');
    const reason = unreachable(os, path);
    if (reason !== undefined) {
      throw new CrictlError(
        `validate service connection: validate CRI v1 runtime API for endpoint "unix://${path}": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix ${path}: connect: ${reason}"`,
      );
    }
    return path;
  }
  const found = Object.values(CRI_SOCKET).find((path) => unreachable(os, path) === undefined);
  if (found === undefined) throw new CrictlError('unable to determine runtime API version: no runtime endpoint answers');
  return found;
}

function configured(os: Os, path: string): string {
  if (!os.files.exists(path)) return '';
  const config = parseYaml(os.files.read(path)) as { readonly 'runtime-endpoint'?: unknown } | null;
  return typeof config?.['runtime-endpoint'] === 'string' ? config['runtime-endpoint'] : '';
}

function help(os: Os): void {
  os.log('NAME:\n   crictl - client for CRI\n\nUSAGE:\n   crictl [global options] command [command options]\n\nVERSION:');
  os.log(`   ${CRICTL_VERSION}\n\nCOMMANDS:`);
  for (const [name, { usage }] of Object.entries(COMMANDS)) os.log(`   ${name.padEnd(20)} ${usage}`);
}
