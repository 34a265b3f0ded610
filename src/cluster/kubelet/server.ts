// The kubelet's own endpoints: healthz on 127.0.0.1:10248; on :10250 /pods, /containerLogs, /healthz and a plain /run
// (kubelet/server/server.go).

import type { Pod, PodStatus } from '../api/generated/types.ts';
import { type HttpRequest, type HttpResponse, serveHttp } from '../network/http.ts';
import { SocketError } from '../network/socket.ts';
import { ContainerLog, type LogLine } from '../runtime/container-log.ts';
import { CriError } from '../runtime/cri.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import { type Context, podUid } from './context.ts';

export interface KubeletView {
  readonly pods: readonly Pod[];
  statusOf(pod: Pod): PodStatus;
}

const TEXT = { 'content-type': 'text/plain' };
const text = (status: number, body: string): HttpResponse => ({ status, headers: TEXT, body });

/** Serves /healthz on the loopback, before anything else of the kubelet is up. */
export function serveHealthz(os: Os, port: number): void {
  open(os, () => serveHttp(os, { port, address: '127.0.0.1' }, function* ({ path }) {
    return path === '/healthz' ? text(200, 'ok') : text(404, '404 page not found\n');
  }));
}

/** Serves :10250. */
export function serveKubelet(context: Context, kubelet: KubeletView): void {
  const { os, config } = context;
  open(os, () => serveHttp(os, { port: config.port, tls: { certificate: '' } }, (request) => handle(context, kubelet, request)));
}

function open(os: Os, serve: () => unknown): void {
  try {
    serve();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.logError(`"Failed to listen and serve" err="${error.message}"`);
  }
}

function* handle(context: Context, kubelet: KubeletView, request: HttpRequest): Op<HttpResponse> {
  const [root = '', namespace = '', name = '', container = ''] = request.path.split('/').slice(1);
  if (root === 'healthz') return text(200, 'ok');
  if (root === 'pods' || root === 'runningpods') {
    const items = kubelet.pods.map((pod) => ({ ...pod, status: kubelet.statusOf(pod) }));
    return { status: 200, headers: { 'content-type': 'application/json' }, body: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items } };
  }
  if (root === 'containerLogs') return containerLogs(context, kubelet, namespace, name, container, request.query);
  if (root === 'run' || root === 'exec') return yield* runCommand(context, kubelet, namespace, name, container, request.query);
  return text(404, '404 page not found\n');
}

const findPod = (kubelet: KubeletView, namespace: string, name: string): Pod | undefined =>
  kubelet.pods.find((p) => p.metadata.name === name && p.metadata.namespace === namespace);

/** Query as PodLogOptions: previous, tailLines, sinceSeconds, timestamps, limitBytes, follow. */
function containerLogs(
  { os, cache }: Context,
  kubelet: KubeletView,
  namespace: string,
  name: string,
  container: string,
  query: Readonly<Record<string, string>>,
): HttpResponse {
  const pod = findPod(kubelet, namespace, name);
  if (!pod) return text(404, `pod "${name}" does not exist\n`);
  const instances = cache.get(podUid(pod)).containers.filter((c) => c.name === container);
  const previous = query['previous'] === 'true';
  const status = instances[previous ? 1 : 0];
  if (!status && previous) return text(400, `previous terminated container "${container}" in pod "${name}" not found`);
  if (!status || status.state === 'CREATED') {
    const waiting = kubelet.statusOf(pod).containerStatuses?.find((s) => s.name === container)?.state?.waiting;
    return text(400, `container "${container}" in pod "${name}" is waiting to start: ${waiting?.reason ?? 'ContainerCreating'}`);
  }
  const log = os.machine.files.attached(status.logPath);
  if (!(log instanceof ContainerLog)) return text(500, `failed to try resolving symlinks in path "${status.logPath}": lstat ${status.logPath}: no such file or directory`);
  let lines: readonly LogLine[] = log.lines;
  const since = query['sinceSeconds'];
  if (since !== undefined) lines = lines.filter((l) => l.time >= os.sim.now - Number(since) * SECOND);
  const tail = query['tailLines'];
  if (tail !== undefined) lines = Number(tail) > 0 ? lines.slice(-Number(tail)) : [];
  const print = (l: LogLine): string => (query['timestamps'] === 'true' ? `${os.sim.microTime(l.time)} ${l.line}\n` : `${l.line}\n`);
  if (query['follow'] !== 'true' || status.state !== 'RUNNING') {
    const body = lines.map(print).join('');
    const limit = query['limitBytes'];
    return text(200, limit === undefined ? body : body.slice(0, Number(limit)));
  }
  return { status: 200, headers: TEXT, stream: log.follow(lines, print) };
}

function* runCommand(
  { cache, runtime }: Context,
  kubelet: KubeletView,
  namespace: string,
  name: string,
  container: string,
  query: Readonly<Record<string, string>>,
): Op<HttpResponse> {
  const pod = findPod(kubelet, namespace, name);
  const target = container === '' ? (pod?.spec?.containers[0]?.name ?? '') : container;
  const status = pod ? cache.get(podUid(pod)).containers.find((c) => c.name === target) : undefined;
  if (!pod || !status) return text(404, `pod "${name}" does not exist\n`);
  const command = query['command'] ?? query['cmd'] ?? '';
  try {
    const result = yield* runtime.execSync(status.id, command.split('\u0000'), 0);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: result };
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    return text(500, error.message);
  }
}
