// /containerLogs: which instance's log is meant, why there is none, and which part of it is wanted
// (pkg/kubelet/kubelet_pods.go validateContainerLogStatus, cri-client/pkg/logs).

import type { ContainerStatus, Pod, PodStatus } from '../api/generated/types.ts';
import { bytesOf, textOf } from '../api/bytes.ts';
import type { HttpResponse, HttpStream } from '../network/http.ts';
import { ContainerLog, type LogLine } from '../runtime/container-log.ts';
import { parseTime, SECOND } from '../sim/time.ts';
import { type Context, podUid } from './context.ts';

const TEXT = { 'content-type': 'text/plain' };
const text = (status: number, body: string): HttpResponse => ({ status, headers: TEXT, body });

type Query = Readonly<Record<string, string>>;

const statusOfContainer = (status: PodStatus, name: string): ContainerStatus | undefined =>
  [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses].flatMap((list) => list ?? []).find((s) => s.name === name);

/** The id of the instance whose log is meant. Throws the words for a person. */
function instanceOf(podName: string, status: PodStatus, name: string, previous: boolean): string {
  const found = statusOfContainer(status, name);
  const where = `container ${JSON.stringify(name)} in pod ${JSON.stringify(podName)}`;
  if (found === undefined) throw new LogError(`${where} is not available`);
  const last = found.lastState?.terminated?.containerID ?? '';
  const { waiting, running, terminated } = found.state ?? {};
  if (previous) {
    if (last === '') throw new LogError(`previous terminated ${where} not found`);
    return last;
  }
  if (running) return found.containerID ?? '';
  if (terminated) {
    const id = terminated.containerID ?? '';
    if (id !== '' || last !== '') return id || last;
    throw new LogError(`${where} is terminated`);
  }
  if (found.lastState?.terminated) {
    if (last === '') throw new LogError(`${where} is terminated`);
    return last;
  }
  if (waiting) throw new LogError(`${where} is waiting to start: ${WAITING[waiting.reason ?? ''] ?? waiting.reason ?? ''}`);
  throw new LogError(`${where} is waiting to start - no logs yet`);
}

class LogError extends Error {}

const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};

/** Query as PodLogOptions: previous, tailLines, sinceSeconds, sinceTime, timestamps, limitBytes, follow, stream. */
export function containerLogs({ os, cache }: Context, pod: Pod, status: PodStatus, container: string, query: Query): HttpResponse {
  let id: string;
  try {
    id = instanceOf(pod.metadata.name ?? '', status, container, query['previous'] === 'true');
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return text(400, error.message);
  }
  const bare = id.slice(id.indexOf('://') + 3);
  const instance = cache.get(podUid(pod)).containers.find((c) => c.id === bare);
  const log = instance === undefined ? undefined : os.machine.files.attached(instance.logPath);
  if (!(log instanceof ContainerLog)) return text(200, `unable to retrieve container logs for ${id}`);
  const wanted = linesWanted(log.lines, query, os.sim);
  const print = query['timestamps'] === 'true' ? (l: LogLine): string => `${os.sim.microTime(l.time).slice(0, -1)}000Z ${l.line}\n` : (l: LogLine): string => `${l.line}\n`;
  const limit = query['limitBytes'] === undefined ? Number.POSITIVE_INFINITY : Number(query['limitBytes']);
  if (query['follow'] === 'true' && instance?.state === 'RUNNING') return { status: 200, headers: TEXT, stream: follow(os, log, wanted, print, limit, query['stream']) };
  const body = wanted.map(print).join('');
  return text(200, limit >= body.length * 3 ? body : textOf(bytesOf(body).subarray(0, limit)));
}

function linesWanted(all: readonly LogLine[], query: Query, sim: { readonly now: number; readonly epoch: number }): readonly LogLine[] {
  let lines = all;
  const stream = query['stream'];
  if (stream !== undefined && stream !== 'All') lines = lines.filter((l) => l.stream === stream.toLowerCase());
  const { sinceSeconds, sinceTime, tailLines } = query;
  const since = sinceSeconds !== undefined ? sim.now - Number(sinceSeconds) * SECOND : sinceTime !== undefined ? (parseTime(sinceTime) ?? 0) - sim.epoch : undefined;
  if (since !== undefined) lines = lines.filter((l) => l.time >= since);
  if (tailLines !== undefined) lines = Number(tailLines) > 0 ? lines.slice(-Number(tailLines)) : [];
  return lines;
}

/** What is there and what comes, to the end of the container or of the limit. */
function follow(os: Context['os'], log: ContainerLog, lines: readonly LogLine[], print: (line: LogLine) => string, limit: number, stream: string | undefined): HttpStream {
  const source = stream === undefined || stream === 'All' ? null : stream.toLowerCase();
  const shown = (line: LogLine): string => (source === null || line.stream === source ? print(line) : '');
  if (limit === Number.POSITIVE_INFINITY && source === null) return log.follow(lines, print);
  let left = limit;
  const cut: { stream: HttpStream | null } = { stream: null };
  const limited = (line: LogLine): string => {
    const bytes = bytesOf(shown(line));
    const piece = textOf(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0) os.sim.after(0, () => cut.stream?.close());
    return left + bytes.length <= 0 ? '' : piece;
  };
  cut.stream = log.follow(lines, limited);
  return cut.stream;
}
