// docker commands that do something: exec, logs, pull, start, stop, kill, rm, rmi.

import type { Signal } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { LogLine } from '../container-log.ts';
import { CriError } from '../cri.ts';
import { missingExecutable, spawnInContainer } from '../task.ts';
import { whyMissing } from '../flavour.ts';
import type { Docker } from './docker.ts';
import { type Entry, find } from './docker-list.ts';

const STOP_TIMEOUT = 10;
const SIGNALS: readonly Signal[] = ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

const refused = (text: string): CriError => new CriError('Unknown', `Error response from daemon: ${text}`);

/** For each container that is named: `act`, then the word is printed. */
function* each(d: Docker, verb: string, act: (entry: Entry, word: string) => Op<void>): Op<number> {
  let code = 0;
  for (const word of d.args.rest) {
    try {
      const entry = yield* d.look(`${verb} ${word}`, (engine) => find(engine, word));
      yield* act(entry, word);
      d.os.log(word);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      d.os.logError(error.message);
      code = 1;
    }
  }
  return code;
}

export function* stop(d: Docker): Op<number> {
  const seconds = Number(d.args.text('time') || d.args.text('timeout') || STOP_TIMEOUT);
  return yield* each(d, 'POST /containers/stop', (entry) =>
    d.ask(`POST /containers/${entry.id.slice(0, 12)}/stop`, function* (engine) {
      if (entry.record !== null) yield* engine.stop(entry.record, seconds * SECOND, null);
      else yield* engine.stopSandbox(entry.sandbox, null);
    }),
  );
}

export function* kill(d: Docker): Op<number> {
  const named = `SIG${(d.args.text('signal') || 'KILL').toUpperCase().replace(/^SIG/, '')}`;
  const signal: Signal = SIGNALS.find((s) => s === named) ?? 'SIGKILL';
  return yield* each(d, 'POST /containers/kill', (entry) =>
    d.ask(`POST /containers/${entry.id.slice(0, 12)}/kill`, function* () {
      if (!entry.process?.alive) throw refused(`cannot kill container: ${entry.id}: container ${entry.id} is not running`);
      entry.process.kill(signal);
    }),
  );
}

export function* start(d: Docker): Op<number> {
  return yield* each(d, 'POST /containers/start', (entry) =>
    d.ask(`POST /containers/${entry.id.slice(0, 12)}/start`, function* (engine) {
      if (entry.record !== null && entry.state === 'created') yield* engine.start(entry.record, null);
      else if (entry.state !== 'running') throw refused('cannot join network of a non running container: the kubelet makes a new one');
    }),
  );
}

export function* rm(d: Docker): Op<number> {
  return yield* each(d, 'DELETE /containers', (entry) =>
    d.ask(`DELETE /containers/${entry.id.slice(0, 12)}`, function* (engine) {
      if (entry.state === 'running' && !d.args.is('force')) {
        throw refused(`cannot remove container "${entry.name}": container is running: stop the container before removing or force remove`);
      }
      if (entry.record !== null) yield* engine.remove(entry.record, null);
      else {
        yield* engine.stopSandbox(entry.sandbox, null);
        for (const record of entry.sandbox.containers.values()) yield* engine.remove(record, null);
        yield* engine.removeSandbox(entry.sandbox);
      }
    }),
  );
}

export function* rmi(d: Docker): Op<number> {
  let code = 0;
  for (const word of d.args.rest) {
    const found = yield* d.look(`GET /images/${word}/json`, ({ state }) => {
      const image = state.images.find(word);
      return { image, user: [...state.containers.values()].find((c) => c.image.id === image?.id) };
    });
    if (found.image === undefined) {
      d.os.logError(`Error response from daemon: No such image: ${word.includes(':') ? word : `${word}:latest`}`);
      code = 1;
    } else if (found.user !== undefined && !d.args.is('force')) {
      const running = found.user.process?.alive ? 'running' : 'stopped';
      d.os.logError(`Error response from daemon: conflict: unable to delete ${word} (must be forced) - container ${found.user.status.id.slice(0, 12)} is using its referenced image ${found.image.id.slice(7, 19)} (${running})`);
      code = 1;
    } else {
      yield* d.ask(`DELETE /images/${word}`, (engine) => engine.removeImage(word));
      for (const tag of found.image.status.repoTags) d.os.log(`Untagged: ${tag}`);
      d.os.log(`Deleted: ${found.image.id}`);
    }
  }
  return code;
}

export function* pull(d: Docker): Op<void> {
  const [word = ''] = d.args.rest;
  const image = word.includes(':') || word.includes('@') ? word : `${word}:latest`;
  if (image !== word) d.os.log('Using default tag: latest');
  const had = yield* d.look(`GET /images/${image}/json`, ({ state }) => state.images.find(image)?.image.digest);
  yield* d.ask(`POST /images/create?fromImage=${image}`, (engine) => engine.pull(image, null));
  const stored = yield* d.look(`GET /images/${image}/json`, ({ state }) => state.images.find(image));
  if (stored === undefined) return;
  const short = stored.status.repoTags[0] ?? image;
  d.os.log(`${image.slice(image.lastIndexOf(':') + 1)}: Pulling from ${stored.image.repository.replace(/^docker\.io\//, '')}`);
  d.os.log(`Digest: ${stored.image.digest}`);
  d.os.log(`Status: ${had === stored.image.digest ? 'Image is up to date' : 'Downloaded newer image'} for ${short}`);
  d.os.log(`${stored.image.repository}:${stored.image.tag}`);
}

export function* logs(d: Docker): Op<void> {
  const { args, os } = d;
  const word = args.rest[0] as string;
  const entry = yield* d.look(`GET /containers/${word}/logs`, (engine) => find(engine, word));
  const log = entry.record?.log ?? null;
  if (log === null) return;
  const tail = args.text('tail');
  const lines = tail === '' || tail === 'all' ? log.lines : Number(tail) === 0 ? [] : log.lines.slice(-Number(tail));
  const print = (l: LogLine): string => `${args.is('timestamps') ? `${os.sim.microTime(l.time).slice(0, -1)}000Z ` : ''}${l.line}\n`;
  for (const line of lines) {
    if (line.stream === 'stdout') os.write(print(line));
    else os.writeError(print(line));
  }
  if (!args.is('follow') || entry.state !== 'running') return;
  const following = log.follow([], print);
  for (let piece = yield* following.read(); piece !== undefined; piece = yield* following.read()) os.write(String(piece));
}

export function* exec(d: Docker): Op<number> {
  const { args, os } = d;
  const [word = '', ...command] = args.rest;
  const { record, state, id } = yield* d.look(`GET /containers/${word}/json`, (engine) => find(engine, word));
  if (state !== 'running' || record === null) {
    if (state !== 'running') throw refused(`container ${id} is not running`);
    throw new CriError('Unknown', `OCI runtime exec failed: exec failed: unable to start container process: exec: "${command[0]}": ${whyMissing(command[0] ?? '')}`);
  }
  const missing = missingExecutable(record, command);
  if (missing !== undefined) {
    os.logError(`OCI runtime exec failed: exec failed: unable to start container process: exec: "${missing}": ${whyMissing(missing)}`);
    return 127;
  }
  const tty = args.is('tty') ? os.tty : null;
  const input = args.is('interactive') ? os.stdin : null;
  // The daemon's process writes on our streams: they are handed over with the request.
  return yield* d.ask(`POST /containers/${id.slice(0, 12)}/exec`, function* () {
    const process = spawnInContainer(os, record, command, {
      logs: { write: (stream, line) => (stream === 'stdout' ? os.log(line) : os.logError(line)), raw: (stream, text) => (stream === 'stdout' ? os.write(text) : os.writeError(text)) },
      ...(input === null ? {} : { stdin: input }),
      ...(tty === null ? {} : { tty }),
    });
    return (yield* process.wait()).code;
  });
}
