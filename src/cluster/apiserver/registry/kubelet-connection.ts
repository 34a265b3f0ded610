// Requests that the API server passes on to the kubelet of a Pod's node: logs, and exec in its plain form
// (pkg/registry/core/pod/rest with the node connection of pkg/kubelet/client).

import type { Node, Pod } from '../../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import { ApiError, badRequest, internalError } from '../../api/status.ts';
import { HttpClient, type HttpResponse, HttpStream } from '../../network/http.ts';
import { SocketError } from '../../network/socket-error.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Exchange, type Server, stage } from '../server.ts';
import { addressOf } from './update.ts';

const COST = 60;
const KUBELET_PORT = 10_250;
const CONNECT_TIMEOUT = 10 * SECOND;

/** Connections to kubelets, kept by node address. */
const connections = new WeakMap<Server, Map<string, HttpClient>>();

/** GET pods/<name>/log. */
export function* podLog(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const pod = yield* podOf(x, kind);
  const container = containerOf(x, pod);
  if (!pod.spec.nodeName) return { status: 200, headers: { 'content-type': 'text/plain' }, body: '' };
  const { namespace = '', name } = pod.metadata;
  const response = yield* ask(x, pod.spec.nodeName, `/containerLogs/${namespace}/${name}/${container}`);
  if (response.status !== 200) throw badRequest(String(response.body ?? '').trimEnd());
  return response.stream ? { ...response, stream: relay(x, response.stream) } : response;
}

/** POST or GET pods/<name>/exec without an upgrade: runs the command and answers with what it printed. */
export function* podExec(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const pod = yield* podOf(x, kind);
  const container = containerOf(x, pod);
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const { namespace = '', name } = pod.metadata;
  const response = yield* ask(x, pod.spec.nodeName, `/exec/${namespace}/${name}/${container}`);
  if (response.status >= 400) throw internalError(String(response.body ?? '').trimEnd());
  return response;
}

function* podOf(x: Exchange, kind: ResourceKind): Op<Pod> {
  stage(x, 'connect', COST, () => ({ subresource: x.info.subresource }));
  yield* x.meter.settle();
  return (yield* x.server.store.get(addressOf(x, kind))) as Pod;
}

/** The container meant, which must be there and unambiguous. @throws ApiError 400 */
function containerOf(x: Exchange, pod: Pod): string {
  const names = [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])].map((c) => c.name);
  const wanted = x.query['container'] ?? '';
  if (wanted === '') {
    if (pod.spec.containers.length === 1) return names[0] as string;
    const init = pod.spec.initContainers?.map((c) => c.name) ?? [];
    const or = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
    throw badRequest(
      `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${pod.spec.containers.map((c) => c.name).join(' ')}]${or}`,
    );
  }
  if (names.includes(wanted)) return wanted;
  throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`);
}

function* ask(x: Exchange, nodeName: string, path: string): Op<HttpResponse> {
  const { server } = x;
  const host = addressOfNode(server, nodeName);
  const url = `https://${host}:${KUBELET_PORT}${path}`;
  try {
    return yield* clientFor(server, host).request(
      { method: 'GET', path, query: x.query, headers: {}, verb: x.info.subresource, ...(x.subject ? { subject: x.subject } : {}) },
      x.query['follow'] === 'true' ? undefined : CONNECT_TIMEOUT,
    );
  } catch (error) {
    if (!(error instanceof SocketError) && !(error instanceof Error && error.name === 'HttpTimeout')) throw error;
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `Get ${JSON.stringify(url)}: ${error.message}`,
      code: 500,
    });
  }
}

function addressOfNode({ store }: Server, name: string): string {
  const node = store.cached({ kind: mustResource('nodes'), namespace: '', name }) as Node | undefined;
  const address = node?.status?.addresses?.find((a) => a.type === 'InternalIP')?.address;
  if (address === undefined)
    throw internalError(node ? `no preferred addresses found; known addresses: []` : `nodes ${JSON.stringify(name)} not found`);
  return address;
}

function clientFor(server: Server, host: string): HttpClient {
  let clients = connections.get(server);
  if (!clients) {
    clients = new Map();
    connections.set(server, clients);
  }
  let client = clients.get(host);
  if (!client) {
    const { files } = server.os;
    const path = server.flags.kubeletClientCertificate;
    const clientCertificate = path !== '' && files.exists(path) ? files.read(path) : '';
    client = new HttpClient(server.os, { host, port: KUBELET_PORT, tls: clientCertificate === '' ? {} : { clientCertificate } });
    clients.set(host, client);
  }
  return client;
}

/** Hands pieces on as they come, until either end stops. */
function relay(x: Exchange, from: HttpStream): HttpStream {
  const { sim, os } = x.server;
  const to = new HttpStream(sim);
  to.onClose(() => from.cancel());
  os.go('relay', function* () {
    try {
      for (let piece = yield* from.read(); piece !== undefined; piece = yield* from.read())
        to.write(piece, { verb: x.info.subresource, subject: x.subject, kind: 'http' });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
    to.close();
  });
  return to;
}
