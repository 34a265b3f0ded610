// stress and stress-ng: workers that burn CPUs or hold memory, for as long as they are told. A worker's load is a rate on the
// virtual clock: it costs no events while it lasts.

import type { Process } from '../../../machine/process.ts';
import { Deferred } from '../../../sim/channel.ts';
import type { Op } from '../../../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../../../sim/time.ts';
import { type Applet, type AppletContext, AppletError } from '../applet.ts';

/** What a worker touches in a second while it fills its memory. */
const TOUCHED_PER_SECOND = 1_600_000_000;
const STEPS = 8;
const WORKER_MEMORY = 200_000;

type Worker = (c: AppletContext, process: Process) => Op<void>;

interface Hog {
  readonly kind: string;
  readonly count: number;
  readonly run: Worker;
}

/** Fills `bytes` as fast as one CPU does. */
export function* fill(process: Process, bytes: number, from = 0): Op<void> {
  for (let step = 1; step <= STEPS; step++) {
    yield* process.compute(((bytes - from) / STEPS / TOUCHED_PER_SECOND) * SECOND);
    process.setMemory(WORKER_MEMORY + from + ((bytes - from) * step) / STEPS);
  }
}

const burn: Worker = (_c, process) => process.burn();

/** sync in a loop, writing and removing files: mostly waiting for the disk. */
const ofDisk = (share: number): Worker => function* (c, process) {
  process.footprint(WORKER_MEMORY, share);
  yield* c.os.sleep(Number.MAX_SAFE_INTEGER / 2);
};

/** Fills memory; `hang` null: again and again; else holds it so many seconds (0: for ever) before the next time. */
const ofMemory = (bytes: number, hang: number | null): Worker => function* (c, process) {
  yield* fill(process, bytes);
  if (hang === null) {
    yield* process.burn();
    return;
  }
  // From here on one round is like another: what a round uses, spread over it.
  const busy = bytes / TOUCHED_PER_SECOND;
  if (hang > 0) process.footprint(WORKER_MEMORY + bytes, busy / (busy + hang));
  yield* c.os.sleep(Number.MAX_SAFE_INTEGER / 2);
};

/** `128M`, `1G`, `50%` of the machine's memory, in bytes. */
export function bytesOf(text: string, memory: number): number {
  const m = /^(\d+(?:\.\d+)?)([bkmgt%]?)b?$/i.exec(text);
  if (!m) throw new AppletError(`unrecognized suffix: ${text}`);
  const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, '%': memory / 100 };
  return Math.floor(Number(m[1]) * (units[(m[2] as string).toLowerCase()] as number));
}

/** `10`, `10s`, `2m`, `1h`, `1d`. */
export function durationOf(text: string): Micros {
  const m = /^(\d+(?:\.\d+)?)([smhdwy]?)$/.exec(text);
  if (!m) throw new AppletError(`not a number: ${text}`);
  const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 };
  return Math.round(Number(m[1]) * (units[m[2] as string] as number) * SECOND);
}

interface Options {
  readonly value: (...names: readonly string[]) => string | undefined;
  readonly has: (...names: readonly string[]) => boolean;
}

/** getopt_long for options that take a value, but for those in `flags`. */
function optionsOf(args: readonly string[], flags: readonly string[]): Options {
  const values = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (!arg.startsWith('-')) throw new AppletError(`unrecognized option: ${arg}`);
    const equals = arg.indexOf('=');
    if (arg.startsWith('--') && equals > 0) values.set(arg.slice(2, equals), arg.slice(equals + 1));
    else if (!arg.startsWith('--') && arg.length > 2) values.set(arg[1] as string, arg.slice(2));
    else {
      const name = arg.replace(/^--?/, '');
      if (flags.includes(name)) values.set(name, '');
      else if (args[i + 1] === undefined) throw new AppletError(`missing argument to option '${arg}'`);
      else values.set(name, args[++i] as string);
    }
  }
  return { value: (...names) => names.map((n) => values.get(n)).find((v) => v !== undefined), has: (...names) => names.some((n) => values.has(n)) };
}

function spawnWorkers(c: AppletContext, hogs: readonly Hog[], begun: (hog: Hog, index: number, process: Process) => void): Process[] {
  const workers: Process[] = [];
  for (const hog of hogs) {
    for (let i = 0; i < hog.count; i++) {
      const process = c.os.spawn(
        function* (os) {
          os.process.setMemory(WORKER_MEMORY);
          yield* hog.run(c, os.process);
        },
        { argv: [c.name, ...c.args], comm: c.name === 'stress-ng' ? `stress-ng-${hog.kind}` : c.name },
      );
      begun(hog, i + 1, process);
      workers.push(process);
    }
  }
  return workers;
}

/** Until `timeout` is over (0: never) or a worker dies, which it returns. */
function* watch(c: AppletContext, workers: readonly Process[], timeout: Micros): Op<Process | null> {
  if (workers.length === 0) return null;
  const gone = new Deferred<Process | null>(c.os.sim);
  for (const worker of workers) worker.onExit(() => gone.resolve(worker));
  if (timeout > 0) c.os.sim.after(timeout, () => gone.resolve(null));
  return yield* gone.wait();
}

const seconds = (c: AppletContext, begun: Micros): number => Math.round((c.os.sim.now - begun) / SECOND);

/** stress 1.0. */
const stress: Applet = function* (c) {
  const options = optionsOf(c.args, ['v', 'verbose', 'q', 'quiet', 'vm-keep', 'n', 'dry-run', '?', 'help', 'version']);
  if (options.has('version')) {
    yield* c.stdout.write('stress 1.0.4\n');
    return 0;
  }
  if (c.args.length === 0 || options.has('?', 'help')) {
    yield* c.stdout.write('`stress\' imposes certain types of compute stress on your system\n\nUsage: stress [OPTION [ARG]] ...\n');
    return 0;
  }
  const count = (...names: readonly string[]): number => Number(options.value(...names) ?? 0);
  const bytes = bytesOf(options.value('vm-bytes') ?? '256M', c.os.machine.memoryBytes);
  const hangs = options.value('vm-hang');
  const hang = hangs === undefined ? null : Number(hangs);
  const hogs: readonly Hog[] = [
    { kind: 'cpu', count: count('c', 'cpu'), run: burn },
    { kind: 'io', count: count('i', 'io'), run: ofDisk(0.15) },
    { kind: 'vm', count: count('m', 'vm'), run: ofMemory(bytes, hang) },
    { kind: 'hdd', count: count('d', 'hdd'), run: ofDisk(0.4) },
  ];
  const limit = options.value('t', 'timeout');
  const timeout = limit === undefined ? 0 : durationOf(limit);
  const { pid, isolatePids } = c.os.process;
  const me = isolatePids ? 1 : pid;
  const verbose = options.has('v', 'verbose');
  const of = (kind: string): number => hogs.find((h) => h.kind === kind)?.count ?? 0;
  yield* c.stdout.write(`stress: info: [${me}] dispatching hogs: ${of('cpu')} cpu, ${of('io')} io, ${of('vm')} vm, ${of('hdd')} hdd\n`);
  const begun = c.os.sim.now;
  const said: string[] = [];
  let backoff = hogs.reduce((sum, h) => sum + h.count, 0) * 3000;
  const workers = spawnWorkers(c, hogs, (hog, index, process) => {
    said.push(`stress: dbug: [${me}] using backoff sleep of ${backoff}us\n`);
    if (timeout > 0) said.push(`stress: dbug: [${me}] setting timeout to ${timeout / SECOND}s\n`);
    said.push(`stress: dbug: [${me}] --> hog${hog.kind} worker ${hog.count - index + 1} [${process.pid}] forked\n`);
    if (hog.kind === 'vm') {
      said.push(`stress: dbug: [${process.pid}] allocating ${bytes} bytes ...\n`, `stress: dbug: [${process.pid}] touching bytes in strides of 4096 bytes ...\n`);
      if (hang !== null) said.push(`stress: dbug: [${process.pid}] sleeping for ${hang}s with allocated memory\n`);
    }
    backoff -= 3000;
  });
  if (verbose) for (const line of said) yield* c.stdout.write(line);
  const dead = yield* watch(c, workers, timeout);
  for (const worker of workers) worker.kill('SIGTERM');
  if (dead === null) {
    yield* c.stdout.write(`stress: info: [${me}] successful run completed in ${seconds(c, begun)}s\n`);
    return 0;
  }
  yield* c.stderr.write(`stress: FAIL: [${me}] (415) <-- worker ${dead.pid} got signal 9\n`);
  yield* c.stderr.write(`stress: WARN: [${me}] (417) now reaping child worker processes\n`);
  yield* c.stderr.write(`stress: FAIL: [${me}] (451) failed run completed in ${seconds(c, begun)}s\n`);
  return 1;
};

const NG_FLAGS = ['v', 'verbose', 'q', 'quiet', 'vm-keep', 'vm-populate', 'M', 'metrics', 'metrics-brief', 'times', 'aggressive', 'tz', 'page-in', 'V', 'version', 'h', 'help', 'oomable', 'vm-locked'];

/** stress-ng: the stressors that manifests name. */
const stressNg: Applet = function* (c) {
  const options = optionsOf(c.args, NG_FLAGS);
  if (options.has('V', 'version')) {
    yield* c.stdout.write('stress-ng, version 0.19.02 (gcc 14.2.0, x86_64 Linux 6.12.57+deb13-amd64)\n');
    return 0;
  }
  const count = (...names: readonly string[]): number => {
    const value = options.value(...names);
    return value === undefined ? 0 : Number(value) > 0 ? Number(value) : c.os.machine.cpus;
  };
  const vms = count('m', 'vm');
  const total = bytesOf(options.value('vm-bytes') ?? '256M', c.os.machine.memoryBytes);
  const hang = options.value('vm-hang');
  const load = Number(options.value('l', 'cpu-load') ?? 100);
  const hogs: readonly Hog[] = [
    { kind: 'cpu', count: count('c', 'cpu'), run: load >= 100 || load <= 0 ? burn : ofDisk(load / 100) },
    { kind: 'io', count: count('i', 'io'), run: ofDisk(0.15) },
    { kind: 'vm', count: vms, run: ofMemory(total / Math.max(1, vms), hang === undefined ? null : Number(hang)) },
    { kind: 'hdd', count: count('d', 'hdd'), run: ofDisk(0.4) },
  ];
  const limit = options.value('t', 'timeout');
  const timeout = limit === undefined ? 86_400 * SECOND : durationOf(limit);
  const { pid, isolatePids } = c.os.process;
  const info = (text: string): Op<void> => c.stderr.write(`stress-ng: info:  [${isolatePids ? 1 : pid}] ${text}\n`);
  const begun = c.os.sim.now;
  yield* info(limit === undefined ? 'defaulting to a 1 day, 0 secs run per stressor' : `setting to a ${timeout / SECOND} secs run per stressor`);
  yield* info(`dispatching hogs: ${hogs.filter((h) => h.count > 0).map((h) => `${h.count} ${h.kind}`).join(', ')}`);
  const workers = spawnWorkers(c, hogs, () => undefined);
  yield* watch(c, workers, timeout);
  for (const worker of workers) worker.kill('SIGKILL');
  const names = hogs.filter((h) => h.count > 0).map((h) => `${h.kind} (${h.count})`).join(' ');
  const all = hogs.reduce((sum, h) => sum + h.count, 0);
  for (const line of ['skipped: 0', `passed: ${all}: ${names}`, 'failed: 0', 'metrics untrustworthy: 0']) yield* info(line);
  yield* info(`successful run completed in ${((c.os.sim.now - begun) / SECOND).toFixed(2)} secs`);
  return 0;
};

/** For other programs: allocates in chunks with pauses, as vish/stress does. */
export function* allocate(process: Process, total: number, chunk: number, pause: Micros): Op<void> {
  const rounds = Math.max(1, Math.ceil(total / chunk));
  // Rounds of a thousandth of a second are taken together: eight a second are enough to be seen.
  const together = Math.max(1, Math.floor((125 * MILLISECOND) / Math.max(1, pause)));
  for (let done = 0; done < rounds; done += together) {
    const now = Math.min(total, (done + together) * chunk);
    yield* process.compute(((Math.min(together, rounds - done) * chunk) / TOUCHED_PER_SECOND) * SECOND);
    process.setMemory(WORKER_MEMORY + now);
    if (now < total) yield* process.sim.sleep(pause * together);
  }
}

export const STRESS_APPLETS: Readonly<Record<string, Applet>> = { stress, 'stress-ng': stressNg };
