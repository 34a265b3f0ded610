// docker ps, images, inspect, stats, top, version, info.

import type { Process } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { CriError } from '../cri.ts';
import { containerName, DOCKER_VERSION, sandboxName } from '../docker-flavour.ts';
import type { LocalEngine } from '../engine.ts';
import type { ContainerRecord, RuntimeState, SandboxRecord } from '../runtime-state.ts';
import { commandOf } from '../task.ts';
import type { Docker } from './docker.ts';
import { binarySize, humanDuration, humanSize, table } from './text.ts';

/** A container as Docker sees it: those of Pods, and the pause containers. */
export interface Entry {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly command: readonly string[];
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly state: 'created' | 'running' | 'exited';
  readonly exitCode: number;
  readonly process: Process | null;
  readonly record: ContainerRecord | null;
  readonly sandbox: SandboxRecord;
}

const STATES = { CREATED: 'created', RUNNING: 'running', EXITED: 'exited', UNKNOWN: 'exited' } as const;

export function entries(state: RuntimeState): readonly Entry[] {
  const pause = state.images.find('registry.k8s.io/pause:3.10.1');
  const list: Entry[] = [];
  for (const sandbox of state.sandboxes.values()) {
    const { id, createdAt } = sandbox.status;
    const running = sandbox.pause?.alive === true;
    list.push({
      id, name: sandboxName(sandbox.config), image: 'registry.k8s.io/pause:3.10.1', imageId: pause?.id ?? '', command: ['/pause'], createdAt, startedAt: createdAt,
      finishedAt: running ? 0 : sandbox.stoppedAt, state: running ? 'running' : 'exited', exitCode: 0, process: sandbox.pause, record: null, sandbox,
    });
    for (const record of sandbox.containers.values()) {
      const { status, config, image, process } = record;
      list.push({
        id: status.id, name: containerName(sandbox.config, config), image: image.id.slice('sha256:'.length, 'sha256:'.length + 12), imageId: image.id,
        command: commandOf(config, image.image), createdAt: status.createdAt, startedAt: status.startedAt, finishedAt: status.finishedAt, state: status.reason === 'ContainerCannotRun' ? 'created' : STATES[status.state],
        exitCode: status.exitCode, process, record, sandbox,
      });
    }
  }
  return list.sort((a, b) => b.createdAt - a.createdAt);
}

/** The container that is meant by an id, the beginning of one, or a name. Throws CriError. */
export function find(engine: LocalEngine, word: string): Entry {
  const all = entries(engine.state);
  const found = all.find((e) => e.name === word || e.id === word) ?? all.find((e) => e.id.startsWith(word));
  if (found === undefined) throw new CriError('NotFound', `Error response from daemon: No such container: ${word}`);
  return found;
}

/** At most so many characters, the last an ellipsis. */
const ellipsis = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`);

function statusText(d: Docker, e: Entry): string {
  const since = (at: number): string => humanDuration(d.os.sim.now - at);
  if (e.state === 'running') return `Up ${since(e.startedAt)}`;
  return e.state === 'created' ? 'Created' : `Exited (${e.exitCode}) ${since(e.finishedAt)} ago`;
}

export function* ps(d: Docker): Op<void> {
  const { args, os } = d;
  const filters = args.all('filter').map((f) => f.split(/=(.*)/s) as [string, string]);
  const matches = (e: Entry): boolean =>
    filters.every(([key, wanted]) => {
      if (key === 'name') return new RegExp(wanted).test(e.name);
      if (key === 'status') return e.state === wanted;
      if (key === 'id') return e.id.startsWith(wanted);
      if (key === 'label') {
        const [name, text] = wanted.split('=');
        const has = (e.record?.status.labels ?? e.sandbox.config.labels)[name as string];
        return text === undefined ? has !== undefined : has === text;
      }
      return true;
    });
  const all = args.is('all') || filters.some(([key]) => key === 'status') || args.is('latest') || args.has('last');
  const wanted = (yield* d.look('GET /containers/json', (engine) => entries(engine.state))).filter((e) => (all || e.state === 'running') && matches(e));
  const list = wanted.slice(0, args.is('latest') ? 1 : Number(args.text('last') || wanted.length));
  const whole = args.is('no-trunc');
  const id = (e: Entry): string => (whole ? e.id : e.id.slice(0, 12));
  if (args.is('quiet')) {
    for (const e of list) os.log(id(e));
    return;
  }
  const fields = (e: Entry): Readonly<Record<string, string>> => ({
    ID: id(e), Image: e.image, Command: JSON.stringify(whole ? e.command.join(' ') : ellipsis(e.command.join(' '), 20)), RunningFor: `${humanDuration(os.sim.now - e.createdAt)} ago`,
    Status: statusText(d, e), State: e.state, Ports: '', Names: e.name,
  });
  const format = args.text('format');
  if (format !== '') {
    printFormat(d, format, list.map(fields));
    return;
  }
  const rows = list.map((e) => {
    const f = fields(e);
    return [f['ID'], f['Image'], f['Command'], f['RunningFor'], f['Status'], f['Ports'], f['Names']] as string[];
  });
  os.write(table([['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'], ...rows], 10, 3));
}

/** `--format`: `table {{.Names}}\t{{.Status}}`, or without the heads. */
function printFormat({ os }: Docker, format: string, rows: readonly Readonly<Record<string, string>>[]): void {
  const heads: Readonly<Record<string, string>> = { ID: 'CONTAINER ID', RunningFor: 'CREATED' };
  const isTable = format.startsWith('table ');
  const body = (isTable ? format.slice('table '.length) : format).replaceAll('\\t', '\t');
  const fill = (row: (name: string) => string): string => body.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (_all, name: string) => row(name));
  const lines = rows.map((row) => fill((name) => row[name] ?? ''));
  if (!isTable) for (const line of lines) os.log(line);
  else os.write(table([fill((name) => heads[name] ?? name.toUpperCase()), ...lines].map((line) => line.split('\t')), 10, 3));
}

/** What an image takes when it is unpacked beside its compressed layers. */
const UNPACKED = 2.7;

export function* images(d: Docker): Op<void> {
  const { args, os } = d;
  const [only] = args.rest;
  const { list, used } = yield* d.look('GET /images/json', ({ state }) => ({
    list: state.images.list(),
    used: new Set([...state.containers.values()].map((c) => c.image.id)),
  }));
  const shown = list.flatMap((i) => (i.status.repoTags.length > 0 ? i.status.repoTags : ['<untagged>']).map((tag) => ({ tag, image: i }))).filter(({ tag }) => only === undefined || tag === only || tag.startsWith(`${only}:`));
  const id = (text: string): string => (args.is('no-trunc') ? text : text.slice('sha256:'.length, 'sha256:'.length + 12));
  if (args.is('quiet')) {
    for (const { image } of shown) os.log(id(image.id));
    return;
  }
  const rows = shown
    .sort((a, b) => (a.tag < b.tag ? -1 : 1))
    .map(({ tag, image }) => {
      const bytes = image.status.sizeBytes;
      const inUse = used.has(image.id) || tag.startsWith('registry.k8s.io/pause:');
      return [tag, id(image.id), humanSize(bytes * (1 + UNPACKED), 3), humanSize(bytes, 3), inUse ? 'U' : ''];
    });
  const width = Math.max('IMAGE'.length, ...rows.map(([tag = '']) => tag.length));
  const line = (tag: string, imageId: string, usage: string, content: string, extra: string): string =>
    `${tag.padEnd(width)}   ${imageId.padEnd(12)}   ${usage.padStart(10)}   ${content.padStart(12)}   ${extra}`.trimEnd();
  os.log(line('IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'EXTRA'));
  for (const [tag = '', imageId = '', usage = '', content = '', extra = ''] of rows) os.log(line(tag, imageId, usage, content, extra === '' ? '' : ` ${extra}`));
}

export function* inspect(d: Docker): Op<number> {
  const { args, os } = d;
  const documents: object[] = [];
  let code = 0;
  for (const word of args.rest) {
    const document = yield* d.look(`GET /containers/${word}/json`, (engine) => {
      try {
        return containerJson(d, find(engine, word));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        const image = engine.state.images.find(word);
        return image === undefined ? null : { Id: image.id, RepoTags: image.status.repoTags, RepoDigests: image.status.repoDigests, Architecture: 'amd64', Os: 'linux', Size: image.status.sizeBytes, Config: { Env: Object.entries(image.image.env).map(([k, v]) => `${k}=${v}`), Cmd: image.image.cmd, Entrypoint: image.image.entrypoint } };
      }
    });
    if (document !== null) documents.push(document);
    else {
      os.logError(`error: no such object: ${word}`);
      code = 1;
    }
  }
  const format = args.text('format');
  if (format === '') os.log(JSON.stringify(documents, null, 4));
  else {
    for (const document of documents) {
      os.log(
        format.replace(/\{\{\s*(json )?((?:\.[\w-]+)*\.?)\s*\}\}/g, (_all, json: string | undefined, path: string) => {
          let found: unknown = document;
          for (const key of path.split('.').filter((k) => k !== '')) found = (found as Record<string, unknown> | null)?.[key];
          return json !== undefined || (typeof found === 'object' && found !== null) ? JSON.stringify(found) : String(found ?? '<no value>');
        }),
      );
    }
  }
  return code;
}

const ZERO = '0001-01-01T00:00:00Z';

function containerJson({ os: { sim } }: Docker, e: Entry): object {
  const { config, podNetns } = e.sandbox;
  const [path = '', ...rest] = e.command;
  const at = (time: number): string => (time === 0 ? ZERO : sim.microTime(time).replace('Z', '000Z'));
  const own = e.record?.config;
  return {
    Id: e.id, Created: at(e.createdAt), Path: path, Args: rest,
    State: {
      Status: e.state, Running: e.state === 'running', Paused: false, Restarting: false, OOMKilled: e.record?.status.reason === 'OOMKilled', Dead: false,
      Pid: e.process?.alive ? e.process.pid : 0, ExitCode: e.exitCode, Error: e.record?.status.reason === 'ContainerCannotRun' ? e.record.status.message : '',
      StartedAt: at(e.startedAt), FinishedAt: at(e.finishedAt),
    },
    Image: e.imageId, LogPath: `/var/lib/docker/containers/${e.id}/${e.id}-json.log`, Name: `/${e.name}`, RestartCount: 0, Driver: 'overlayfs', Platform: 'linux',
    HostConfig: {
      CgroupParent: config.cgroupParent.slice(config.cgroupParent.lastIndexOf('/') + 1), LogConfig: { Type: 'json-file', Config: {} }, Memory: own?.memoryLimit ?? 0,
      NetworkMode: e.record !== null ? `container:${e.sandbox.status.id}` : podNetns === null ? 'host' : 'none', OomScoreAdj: own?.oomScoreAdj ?? -998, Privileged: own?.privileged ?? false,
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, Runtime: 'runc',
    },
    Mounts: (own?.mounts ?? []).map((m) => ({ Type: 'bind', Source: m.hostPath, Destination: m.containerPath, Mode: m.readOnly ? 'ro' : '', RW: !m.readOnly, Propagation: 'rprivate' })),
    Config: {
      Hostname: e.record === null ? config.hostname : '', Env: Object.entries(own?.env ?? {}).map(([k, v]) => `${k}=${v}`), Cmd: rest, Image: e.imageId, Entrypoint: [path],
      Labels: e.record === null ? { ...config.labels, 'io.kubernetes.docker.type': 'podsandbox' } : { ...e.record.status.labels, 'io.kubernetes.container.logpath': e.record.status.logPath, 'io.kubernetes.docker.type': 'container', 'io.kubernetes.sandbox.id': e.sandbox.status.id },
    },
  };
}

export function* stats(d: Docker): Op<void> {
  const running = (): Op<readonly Entry[]> => d.look('GET /containers/json', (engine) => entries(engine.state).filter((e) => e.process?.alive));
  const used = (e: Entry): number => e.process?.group.cpuMicros ?? 0;
  const before = new Map((yield* running()).map((e) => [e.id, used(e)]));
  yield* d.os.sleep(SECOND);
  const total = d.os.machine.memoryBytes;
  const rows = (yield* running()).map((e) => {
    const memory = e.process?.group.memoryBytes ?? 0;
    const limit = e.record?.config.memoryLimit || total;
    return [e.id.slice(0, 12), e.name, `${(((used(e) - (before.get(e.id) ?? used(e))) / SECOND) * 100).toFixed(2)}%`, `${binarySize(memory)} / ${binarySize(limit)}`, `${((memory / limit) * 100).toFixed(2)}%`, String(1 + (e.process?.children.size ?? 0))];
  });
  d.os.write(table([['CONTAINER ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'PIDS'], ...rows], 10, 3));
}

export function* top(d: Docker): Op<void> {
  const word = d.args.rest[0] as string;
  const entry = yield* d.look(`GET /containers/${word}/top`, (engine) => find(engine, word));
  const rows: string[][] = [];
  const visit = (p: Process): void => {
    rows.push([p.uid === 0 ? 'root' : String(p.uid), String(p.pid), String(p.ppid), '0', d.os.sim.time(p.started).slice(11, 16), '?', '00:00:00', p.argv.join(' ')]);
    for (const child of p.children) visit(child);
  };
  if (entry.process?.alive) visit(entry.process);
  d.os.write(table([['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], ...rows], 20, 1));
}

export function* version(d: Docker): Op<void> {
  const part = (name: string, more: string): string => `${name}: Docker Engine - Community\n${more}`;
  d.os.log(part('Client', ` Version:           ${DOCKER_VERSION}\n API version:       1.52\n Go version:        go1.25.5\n OS/Arch:           linux/amd64\n Context:           default\n`));
  yield* d.look('GET /version', () => null);
  d.os.log(part('Server', ` Engine:\n  Version:          ${DOCKER_VERSION}\n  API version:      1.52 (minimum version 1.44)\n  OS/Arch:          linux/amd64\n containerd:\n  Version:          v2.2.1\n runc:\n  Version:          1.3.4`));
}

export function* info(d: Docker): Op<void> {
  const { os } = d;
  const { all, imageCount } = yield* d.look('GET /info', ({ state }) => ({ all: entries(state), imageCount: state.images.list().length }));
  const count = (state: Entry['state']): number => all.filter((e) => e.state === state).length;
  os.log(`Server:\n Containers: ${all.length}\n  Running: ${count('running')}\n  Paused: 0\n  Stopped: ${all.length - count('running')}\n Images: ${imageCount}\n Server Version: ${DOCKER_VERSION}\n Storage Driver: overlayfs\n Logging Driver: json-file\n Cgroup Driver: systemd\n Cgroup Version: 2\n Operating System: Debian GNU/Linux 13 (trixie)\n OSType: linux\n Architecture: x86_64\n CPUs: ${os.machine.cpus}\n Total Memory: ${binarySize(os.machine.memoryBytes)}\n Name: ${os.machine.name}\n Docker Root Dir: /var/lib/docker\n Live Restore Enabled: false`);
}
