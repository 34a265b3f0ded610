// The kubelet's own endpoints: healthz on 127.0.0.1:10248; on :10250, for those whom the API server lets (server-auth.ts), /pods,
// /containerLogs, /exec, /attach, /portForward, /run and /healthz (kubelet/server/server.go).

import type { Pod, PodStatus } from '../api/generated/types.ts';
import { type HttpRequest, type HttpResponse, type Peer, serveHttp } from '../network/http.ts';
import { SocketError } from '../network/socket.ts';
import { CriError } from '../runtime/cri.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Context, podUid } from './context.ts';
import { kubeletExtras } from './extras.ts';
import { ServerAuth } from './server-auth.ts';
import { resourceMetrics } from './server-metrics.ts';
import { containerLogs } from './server-logs.ts';
import { stream } from './server-streams.ts';

export interface KubeletView {
  readonly pods: readonly Pod[];
  statusOf(pod: Pod): PodStatus;
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
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
  const auth = new ServerAuth(context);
  open(os, () => serveHttp(os, { port: config.port, tls: { certificate: '' } }, (request, peer) => guarded(context, kubelet, auth, request, peer)));
}

function open(os: Os, serve: () => unknown): void {
  try {
    serve();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.logError(`"Failed to listen and serve" err="${error.message}"`);
  }
}

function* guarded(context: Context, kubelet: KubeletView, auth: ServerAuth, request: HttpRequest, peer: Peer): Op<HttpResponse> {
  const { sim } = context.os;
  const { cause } = sim;
  const refused = yield* auth.refuse(request, peer);
  sim.cause = cause;
  return refused ?? (yield* handle(context, kubelet, request));
}

function* handle(context: Context, kubelet: KubeletView, request: HttpRequest): Op<HttpResponse> {
  const [root = '', namespace = '', name = '', ...rest] = request.path.split('/').slice(1);
  const container = rest.at(-1) ?? '';
  switch (root) {
    case 'healthz':
      return text(200, 'ok');
    case 'pods':
    case 'runningpods': {
      const items = kubelet.pods.map((pod) => ({ ...pod, status: kubelet.statusOf(pod) }));
      return { status: 200, headers: { 'content-type': 'application/json' }, body: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items } };
    }
    case 'stats':
      if (namespace !== 'summary') return text(404, '404 page not found\n');
      return { status: 200, headers: { 'content-type': 'application/json' }, body: kubeletExtras()?.summary(context, kubelet.pods) ?? {} };
    case 'metrics':
      if (namespace === 'cadvisor') return text(200, kubeletExtras()?.cadvisorMetrics(context, kubelet.pods) ?? '');
      return namespace === 'resource' ? text(200, resourceMetrics(context, kubelet.pods)) : text(404, '404 page not found\n');
    case 'containerLogs':
    case 'exec':
    case 'attach':
    case 'portForward':
    case 'run': {
      const pod = kubelet.pods.find((p) => p.metadata.name === name && p.metadata.namespace === namespace);
      if (!pod) return text(404, root === 'containerLogs' ? `pod ${JSON.stringify(name)} does not exist\n` : 'pod does not exist');
      if (root === 'run') return yield* runCommand(context, pod, container, request.query);
      if (root === 'containerLogs') return containerLogs(context, pod, kubelet.statusOf(pod), container, request.query);
      return yield* stream(context, root, pod, container, request);
    }
    default:
      return text(404, '404 page not found\n');
  }
}

function* runCommand({ cache, runtime }: Context, pod: Pod, container: string, query: Readonly<Record<string, string>>): Op<HttpResponse> {
  const target = container === '' ? (pod.spec?.containers[0]?.name ?? '') : container;
  const status = cache.get(podUid(pod)).containers.find((c) => c.name === target);
  if (!status) return text(500, `container not found (${JSON.stringify(target)})`);
  try {
    const { stdout, stderr } = yield* runtime.execSync(status.id, (query['cmd'] ?? '').split(' '), 0);
    return text(200, stdout + stderr);
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    return text(500, error.message);
  }
}
