// crictl commands that do something: exec, logs, pull, start, stop, remove, and statistics over a second.

import { HttpClient } from '../../network/http.ts';
import type { CommandFrame } from '../../network/remote-frames.ts';
import type { Chunk } from '../../machine/process.ts';
import { textOf } from '../../api/bytes.ts';
import type { Op, Task } from '../../sim/simulation.ts';
import { MINUTE, SECOND } from '../../sim/time.ts';
import { ContainerLog, type LogLine } from '../container-log.ts';
import { type ContainerStats, CriError } from '../cri.ts';
import { type Crictl, CrictlError } from './crictl.ts';
import { labelled, nanos, printed, printTable, shortId, write } from './crictl-list.ts';
import { humanSize } from './text.ts';

const NO_ID = 'ID cannot be empty';

function ids(c: Crictl): readonly string[] {
  if (c.args.rest.length === 0) throw new CrictlError(NO_ID);
  return c.args.rest;
}

export function* version(c: Crictl): Op<void> {
  const { runtimeName, runtimeVersion } = yield* c.runtime.version();
  write(c, `Version:  0.1.0\nRuntimeName:  ${runtimeName}\nRuntimeVersion:  ${runtimeVersion}\nRuntimeApiVersion:  v1\n`);
}

export function* pull(c: Crictl): Op<void> {
  const [image] = c.args.rest;
  if (image === undefined) throw new CrictlError('image name cannot be empty');
  const [username = '', password = ''] = c.args.text('creds').split(':');
  const ref = yield* c.runtime.pullImage(image, null, ...(username === '' ? [] : [{ username, password }]));
  const status = yield* c.runtime.imageStatus(ref);
  write(c, `Image is up to date for ${status?.id ?? ref}\n`);
}

export function* rmi(c: Crictl): Op<void> {
  const all = yield* c.runtime.listImages();
  const wanted = [...c.args.rest];
  if (c.args.is('all') || c.args.is('prune')) {
    const used = new Set(c.args.is('prune') ? (yield* c.runtime.listContainers()).map((s) => s.imageId) : []);
    wanted.push(...all.filter((i) => !used.has(i.id) && !(c.args.is('prune') && i.repoTags.some((t) => t.includes('/pause:')))).map((i) => i.id));
  }
  if (wanted.length === 0) throw new CrictlError(NO_ID);
  for (const id of wanted) {
    const status = yield* c.runtime.imageStatus(id);
    if (status === undefined) throw new CrictlError(`no such image ${id}`);
    yield* c.runtime.removeImage(status.id);
    write(c, (status.repoTags.length > 0 ? status.repoTags : status.repoDigests).map((name) => `Deleted: ${name}\n`).join(''));
  }
}

export function* start(c: Crictl): Op<void> {
  for (const id of ids(c)) {
    yield* doing(`starting the container "${id}"`, () => c.runtime.startContainer(id));
    write(c, id);
  }
}

export function* stop(c: Crictl): Op<void> {
  for (const id of ids(c)) {
    yield* doing(`stopping the container "${id}"`, function* () {
      yield* c.runtime.containerStatus(id);
      yield* c.runtime.stopContainer(id, Number(c.args.text('timeout') || 0) * SECOND);
    });
    write(c, id);
  }
}

/** Names what was being done when the runtime refuses. */
function* doing(what: string, act: () => Op<void>): Op<void> {
  try {
    yield* act();
  } catch (error) {
    throw error instanceof CriError ? new CrictlError(`${what}: ${error.text}`) : error;
  }
}

export function* rm(c: Crictl): Op<void> {
  const wanted = c.args.is('all') ? (yield* c.runtime.listContainers()).map((s) => s.id) : ids(c);
  for (const id of wanted) {
    const { state } = yield* c.runtime.containerStatus(id);
    if (state === 'RUNNING' && !c.args.is('force')) {
      throw new CrictlError(`container "${id}" is running, please stop it first`);
    }
    yield* c.runtime.removeContainer(id);
    write(c, id);
  }
}

export function* stopp(c: Crictl): Op<void> {
  for (const id of ids(c)) {
    yield* doing(`stopping the pod sandbox "${id}"`, function* () {
      yield* c.runtime.podSandboxStatus(id);
      yield* c.runtime.stopPodSandbox(id);
    });
    write(c, `Stopped sandbox ${id}`);
  }
}

export function* rmp(c: Crictl): Op<void> {
  const wanted = c.args.is('all') ? (yield* c.runtime.listPodSandbox()).map((s) => s.id) : ids(c);
  for (const id of wanted) {
    const { state } = yield* c.runtime.podSandboxStatus(id);
    if (state === 'READY' && !c.args.is('force')) {
      throw new CrictlError(`pod sandbox "${id}" is running, please stop it first`);
    }
    yield* c.runtime.removePodSandbox(id);
    write(c, `Removed sandbox ${id}`);
  }
}

export function* logs(c: Crictl): Op<void> {
  const { args, os, runtime } = c;
  const [id] = ids(c);
  const status = yield* runtime.containerStatus(id as string);
  let path = status.logPath;
  if (args.is('previous')) {
    if (status.attempt === 0) throw new CrictlError(`previous terminated container ${status.name} not found`);
    path = path.replace(/\/\d+(\.[^/]*)$/, `/${status.attempt - 1}$1`);
  }
  const log = os.files.exists(path) ? os.files.attached(path) : undefined;
  if (!(log instanceof ContainerLog)) throw new CrictlError(`failed to try resolving symlinks in path "${path}": lstat ${path}: no such file or directory`);
  const stream = args.text('stream');
  const since = sinceOf(c);
  const tail = args.has('tail') ? Number(args.text('tail')) : -1;
  const kept = log.lines.filter((l) => l.time >= since && (stream === '' || l.stream === stream));
  const lines = tail < 0 ? kept : tail === 0 ? [] : kept.slice(-tail);
  const print = (l: LogLine): string => `${args.is('timestamps') ? `${os.sim.microTime(l.time).slice(0, -1)}000Z ` : ''}${l.line}\n`;
  const show = (l: LogLine): void => (l.stream === 'stdout' ? os.write(print(l)) : os.writeError(print(l)));
  for (const line of lines) show(line);
  if (!args.is('follow') || status.state !== 'RUNNING') return;
  const following = log.follow([], print);
  for (let piece = yield* following.read(); piece !== undefined; piece = yield* following.read()) os.write(String(piece));
}

/** `42m`, `10s`, `2h`, or an instant. */
function sinceOf({ args, os }: Crictl): number {
  const text = args.text('since');
  if (text === '') return 0;
  const relative = /^(\d+)(s|m|h)$/.exec(text);
  if (relative) return os.sim.now - Number(relative[1]) * (relative[2] === 's' ? SECOND : relative[2] === 'm' ? MINUTE : 60 * MINUTE);
  throw new CrictlError(`failed to parse value as time or duration: "${text}"`);
}

export function* exec(c: Crictl): Op<number> {
  const { args, os, runtime } = c;
  const [id, ...command] = args.rest;
  if (id === undefined || command.length === 0) throw new CrictlError(NO_ID);
  if (args.is('sync')) {
    const result = yield* runtime.execSync(id, command, Number(args.text('timeout') || 0) * SECOND);
    write(c, `${result.stdout}\n`);
    if (result.stderr !== '') os.writeError(`${result.stderr}\n`);
    if (result.exitCode !== 0) throw new CrictlError(`execing command in container synchronously: command '${command.join(' ')}' exited with ${result.exitCode}: ${result.stderr}`);
    return 0;
  }
  const tty = args.is('tty');
  const stdin = args.is('interactive');
  const url = yield* runtime.exec(id, command, { stdin, stdout: true, stderr: !tty, tty });
  const [authority = '', ...path] = url.slice('http://'.length).split('/');
  const [host = '', port = ''] = authority.split(':');
  const client = new HttpClient(os, { host, port: Number(port), keepAlive: false });
  const response = yield* client.request({ method: 'POST', path: `/${path.join('/')}`, query: {}, headers: {}, upgrade: true, verb: 'exec' });
  const { stream } = response;
  if (stream === undefined) throw new CrictlError(`unable to upgrade connection: ${String(response.body ?? '')}`);
  const send = (frame: CommandFrame): void => stream.write(frame, { verb: 'frame', subject: null, kind: 'http' });
  const screen = tty ? os.tty : null;
  const tasks: Task[] = [];
  screen?.setRaw(true);
  try {
    if (screen !== null) send({ channel: 'resize', columns: screen.columns, rows: screen.rows });
    if (stdin && os.stdin !== null) tasks.push(os.go('stdin', () => pump(os.stdin as NonNullable<typeof os.stdin>, send)));
    for (let piece = yield* stream.read(); piece !== undefined; piece = yield* stream.read()) {
      const frame = piece as CommandFrame;
      if (frame.channel === 'stdout' && 'data' in frame) os.write(frame.data);
      else if (frame.channel === 'stderr' && 'data' in frame) os.writeError(frame.data);
      else if (frame.channel === 'status' && frame.status.status !== 'Success') {
        const { reason, message = '', details } = frame.status;
        const code = details?.causes?.find((cause) => cause.reason === 'ExitCode')?.message ?? '';
        throw new CrictlError(`execing command in container ${id}: ${reason === 'NonZeroExitCode' ? `command terminated with exit code ${code}` : message}`);
      } else if (frame.channel === 'status') break;
    }
  } finally {
    for (const task of tasks) task.kill();
    screen?.setRaw(false);
    stream.cancel();
  }
  return 0;
}

function* pump(input: { receive(): Op<Chunk | undefined> }, send: (frame: CommandFrame) => void): Op<void> {
  for (let piece = yield* input.receive(); piece !== undefined; piece = yield* input.receive()) send({ channel: 'stdin', data: textOf(piece) });
  send({ channel: 'stdin', end: true });
}

/** What is used, measured twice a second apart. */
function* sampled(c: Crictl): Op<readonly { readonly stats: ContainerStats; readonly cpu: number }[]> {
  const sample = Number(c.args.text('seconds') || 1) * SECOND;
  const before = new Map((yield* c.runtime.listContainerStats()).map((s) => [s.status.id, s.cpuMicros]));
  yield* c.os.sleep(sample);
  const after = yield* c.runtime.listContainerStats();
  return after.flatMap((stats) => {
    const old = before.get(stats.status.id);
    return old === undefined ? [] : [{ stats, cpu: ((stats.cpuMicros - old) / sample) * 100 }];
  });
}

export function* stats(c: Crictl): Op<void> {
  const { args } = c;
  const wanted = args.text('id') || (args.rest[0] ?? '');
  const chosen = (s: ContainerStats): boolean =>
    s.status.id.startsWith(wanted) && s.status.sandboxId.startsWith(args.text('pod')) && labelled(c, [s.status]).length > 0;
  if (args.text('output') !== '') {
    const list = (yield* c.runtime.listContainerStats()).filter(chosen);
    printed(c, () => ({ stats: list.map((s) => statsJson(c, s)) }));
    return;
  }
  const list = (yield* sampled(c)).filter(({ stats: s }) => chosen(s)).sort((a, b) => (a.stats.status.id < b.stats.status.id ? -1 : 1));
  const rows = list.map(({ stats: s, cpu }) => [shortId(s.status.id), s.status.name, cpu.toFixed(2), humanSize(s.memoryBytes), humanSize(s.diskBytes), '0', '0B']);
  write(c, printTable([['CONTAINER', 'NAME', 'CPU %', 'MEM', 'DISK', 'INODES', 'SWAP'], ...rows]));
}

const statsJson = (c: Crictl, s: ContainerStats): object => ({
  attributes: { id: s.status.id, metadata: { name: s.status.name, attempt: s.status.attempt }, labels: s.status.labels, annotations: s.status.annotations },
  cpu: { timestamp: nanos(c, c.os.sim.now), usageCoreNanoSeconds: { value: `${Math.round(s.cpuMicros * 1000)}` } },
  memory: { timestamp: nanos(c, c.os.sim.now), workingSetBytes: { value: String(s.memoryBytes) }, usageBytes: { value: String(s.memoryBytes) } },
  writableLayer: { timestamp: nanos(c, c.os.sim.now), usedBytes: { value: String(s.diskBytes) } },
});

export function* statsp(c: Crictl): Op<void> {
  const list = yield* sampled(c);
  const pods = (yield* c.runtime.listPodSandbox()).filter((p) => p.state === 'READY' && p.id.startsWith(c.args.text('id') || (c.args.rest[0] ?? '')));
  const rows = [...labelled(c, pods)]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((p) => {
      const own = list.filter(({ stats: s }) => s.status.sandboxId === p.id);
      const cpu = own.reduce((sum, one) => sum + one.cpu, 0);
      const memory = own.reduce((sum, one) => sum + one.stats.memoryBytes, 0);
      return [p.name, shortId(p.id), cpu.toFixed(2), humanSize(memory)];
    });
  write(c, printTable([['POD', 'POD ID', 'CPU %', 'MEM'], ...rows]));
}
