// docker: Docker's client on a machine whose runtime it is (docker/cli 29). It asks dockerd over /var/run/docker.sock; the
// kubelet's containers have names that begin with k8s_.

import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { DETAIL } from '../../sim/trace.ts';
import { CriError } from '../cri.ts';
import type { LocalEngine } from '../engine.ts';
import { DOCKER_SOCKET } from '../runtime-kind.ts';
import { AT_ONCE, callOver, IN_TIME, unreachable } from '../socket.ts';
import { type Arguments, type FlagSpec, readArguments, UsageError } from './arguments.ts';
import { exec, kill, logs, pull, rm, rmi, start, stop } from './docker-act.ts';
import { images, info, inspect, ps, stats, top, version } from './docker-list.ts';

/** What a command gets. */
export interface Docker {
  readonly os: Os;
  readonly args: Arguments;
  /** A look at what dockerd has. */
  look<T>(path: string, body: (engine: LocalEngine) => T): Op<T>;
  /** Has dockerd do something. */
  ask<T>(path: string, body: (engine: LocalEngine) => Op<T>): Op<T>;
}

interface Command {
  readonly run: (d: Docker) => Op<number | void>;
  readonly flags: readonly FlagSpec[];
  readonly argumentsEndFlags?: boolean;
  readonly least: number;
}

const bool = (name: string, short?: string): FlagSpec => ({ name, bool: true, ...(short === undefined ? {} : { short }) });
const value = (name: string, short?: string): FlagSpec => ({ name, ...(short === undefined ? {} : { short }) });

const PS: Command = { run: ps, least: 0, flags: [bool('all', 'a'), bool('quiet', 'q'), bool('no-trunc'), value('filter', 'f'), value('format'), value('last', 'n'), bool('latest', 'l'), bool('size', 's')] };
const IMAGES: Command = { run: images, least: 0, flags: [bool('all', 'a'), bool('quiet', 'q'), bool('no-trunc'), bool('digests'), value('filter', 'f'), value('format')] };

const COMMANDS: Readonly<Record<string, Command>> = {
  ps: PS,
  images: IMAGES,
  exec: { run: exec, least: 2, flags: [bool('interactive', 'i'), bool('tty', 't'), bool('detach', 'd'), value('env', 'e'), value('user', 'u'), value('workdir', 'w')], argumentsEndFlags: true },
  info: { run: info, least: 0, flags: [value('format', 'f')] },
  inspect: { run: inspect, least: 1, flags: [value('format', 'f'), value('type'), bool('size', 's')] },
  kill: { run: kill, least: 1, flags: [value('signal', 's')] },
  logs: { run: logs, least: 1, flags: [bool('follow', 'f'), value('tail', 'n'), bool('timestamps', 't'), value('since'), value('until')] },
  pull: { run: pull, least: 1, flags: [bool('quiet', 'q'), bool('all-tags', 'a')] },
  rm: { run: rm, least: 1, flags: [bool('force', 'f'), bool('volumes', 'v')] },
  rmi: { run: rmi, least: 1, flags: [bool('force', 'f')] },
  start: { run: start, least: 1, flags: [] },
  stats: { run: stats, least: 0, flags: [bool('no-stream'), bool('all', 'a'), bool('no-trunc'), value('format')] },
  stop: { run: stop, least: 1, flags: [value('time', 't'), value('timeout')] },
  top: { run: top, least: 1, flags: [] },
  version: { run: version, least: 0, flags: [value('format', 'f')] },
};

/** `docker container ls` and its like. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  container: { ls: 'ps', list: 'ps', ps: 'ps' },
  image: { ls: 'images', list: 'images', rm: 'rmi', pull: 'pull', inspect: 'inspect' },
  system: { info: 'info' },
};

export const dockerProgram: Program = function* (os: Os): Op<number> {
  let [name = 'help', ...rest] = os.argv.slice(1).filter((arg, i, all) => !(i === 0 && /^(-v|--version)$/.test(arg)) || all.length > 1);
  if (os.argv[1] === '-v' || os.argv[1] === '--version') {
    os.log('Docker version 29.1.3, build f52814d');
    return 0;
  }
  const group = GROUPS[name];
  if (group !== undefined) {
    const [verb = '', ...more] = rest;
    name = group[verb] ?? verb;
    rest = more;
  }
  const command = COMMANDS[name];
  if (command === undefined) {
    if (name !== 'help') os.logError(`docker: unknown command: docker ${name}\n\nRun 'docker --help' for more information`);
    else os.log(`Usage:  docker [OPTIONS] COMMAND\n\nCommands:\n${Object.keys(COMMANDS).map((c) => `  ${c}`).join('\n')}`);
    return name === 'help' ? 0 : 1;
  }
  try {
    const args = readArguments(rest, command.flags, { argumentsEndFlags: command.argumentsEndFlags ?? false, unknown: (flag) => `unknown flag: ${flag}` });
    if (args.rest.length < command.least) {
      throw new UsageError(`docker: 'docker ${name}' requires at least ${command.least} argument${command.least === 1 ? '' : 's'}\n\nRun 'docker ${name} --help' for more information`);
    }
    return (yield* command.run(dockerOf(os, args))) ?? 0;
  } catch (error) {
    if (error instanceof UsageError) {
      os.logError(error.message);
      return 125;
    }
    if (!(error instanceof CriError)) throw error;
    os.logError(error.message);
    return 1;
  }
};

function dockerOf(os: Os, args: Arguments): Docker {
  const connect = (): void => {
    const reason = unreachable(os, DOCKER_SOCKET);
    if (reason === undefined) return;
    throw new CriError('Unavailable', `failed to connect to the docker API at unix://${DOCKER_SOCKET}; check if the path is correct and if the daemon is running: dial unix ${DOCKER_SOCKET}: connect: ${reason}`);
  };
  return {
    os,
    args,
    *look(path, body) {
      connect();
      return yield* callOver(os, DOCKER_SOCKET, { verb: path, subject: null, detail: null, level: DETAIL, pace: AT_ONCE }, function* (engine: LocalEngine) {
        return body(engine);
      });
    },
    *ask(path, body) {
      connect();
      return yield* callOver(os, DOCKER_SOCKET, { verb: path, subject: null, detail: null, level: DETAIL, pace: IN_TIME }, body);
    },
  };
}
