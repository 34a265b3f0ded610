// …/proxy of Pods, Services and nodes: the request goes on to the address behind them, the answer comes back
// (pkg/registry/core/{pod,service,node} ResourceLocation with the upgrade-aware proxy handler).

import type { EndpointSlice, Pod, Service } from '../../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import { badRequest, serviceUnavailable } from '../../api/status.ts';
import { HttpClient, type HttpRequest, type HttpResponse } from '../../network/http.ts';
import { relayStreams } from '../../network/relay.ts';
import { SocketError } from '../../network/socket-error.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Exchange, stage } from '../server.ts';
import { addressOfNode, KUBELET_PORT, kubeletClient } from './kubelet-connection.ts';

const COST = 60;
const CONNECT_TIMEOUT = 30 * SECOND;

interface Target {
  readonly scheme: string;
  readonly host: string;
  readonly port: number;
  /** The kubelet's door, opened with the API server's certificate. */
  readonly kubelet: boolean;
}

/** Any verb on <kind>/<name>/proxy/<path>. */
export function* proxy(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  stage(x, 'connect', COST, () => ({ subresource: 'proxy' }));
  yield* x.meter.settle();
  const path = /\/(?:pods|services|nodes)\/[^/]+\/proxy(\/.*)?$/.exec(x.info.path)?.[1] ?? '';
  if (path === '' && x.http.method === 'GET') return redirectToSlash(x);
  const target = yield* targetOf(x, kind);
  const { server, http, subject } = x;
  const client = target.kubelet
    ? kubeletClient(server, target.host)
    : new HttpClient(server.os, { host: target.host, port: target.port, keepAlive: false, ...(target.scheme === 'https' ? { tls: {} } : {}) });
  const headers: Record<string, string> = { ...http.headers, 'x-forwarded-uri': x.info.path, host: `${target.host}:${target.port}` };
  for (const name of ['authorization', 'impersonate-user', 'impersonate-group']) delete headers[name];
  const request: HttpRequest = {
    method: http.method,
    path: path === '' ? '/' : path,
    query: http.query,
    headers,
    verb: 'proxy',
    ...(http.body === undefined ? {} : { body: http.body }),
    ...(subject ? { subject } : {}),
  };
  try {
    const response = yield* client.request(request, CONNECT_TIMEOUT);
    return response.stream ? { ...response, stream: relayStreams(server.os, null, response.stream, subject) } : response;
  } catch (error) {
    if (!(error instanceof SocketError) && !(error instanceof Error && error.name === 'HttpTimeout')) throw error;
    throw serviceUnavailable(`error trying to reach service: ${error.message}`);
  }
}

function redirectToSlash(x: Exchange): HttpResponse {
  return { status: 301, headers: { 'content-type': 'text/html; charset=utf-8', location: `${x.info.path}/` }, body: `<a href="${x.info.path}/">Moved Permanently</a>.\n\n` };
}

/** `[scheme:]name[:port]` (net.SplitSchemeNamePort). @throws ApiError 400 */
function splitName(x: Exchange, what: string): { scheme: string; name: string; port: string } {
  const parts = x.info.name.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: '', name: first, port: '' };
  if (parts.length === 2) return { scheme: '', name: first, port: second };
  if (parts.length === 3 && (first === 'http' || first === 'https' || first === '')) return { scheme: first, name: second, port: third };
  throw badRequest(`invalid ${what} request ${JSON.stringify(x.info.name)}`);
}

function targetOf(x: Exchange, kind: ResourceKind): Op<Target> {
  if (kind.key === 'pods') return podTarget(x);
  if (kind.key === 'nodes') return nodeTarget(x);
  return serviceTarget(x);
}

function* podTarget(x: Exchange): Op<Target> {
  const { scheme, name, port } = splitName(x, 'pod');
  const pod = (yield* x.server.store.get({ kind: mustResource('pods'), namespace: x.info.namespace, name })) as Pod;
  const host = pod.status?.podIP ?? '';
  if (host === '') throw badRequest('address not allowed');
  const declared = pod.spec.containers.flatMap((c) => c.ports ?? []);
  const number = port === '' ? (declared[0]?.containerPort ?? 80) : Number(port);
  return { scheme, host, port: number, kubelet: false };
}

function* nodeTarget(x: Exchange): Op<Target> {
  const { scheme, name, port } = splitName(x, 'node');
  yield* x.server.store.get({ kind: mustResource('nodes'), namespace: '', name });
  const host = addressOfNode(x.server, name);
  const number = port === '' ? KUBELET_PORT : Number(port);
  return { scheme: scheme || 'https', host, port: number, kubelet: number === KUBELET_PORT };
}

/** One of the ready endpoints of the port. */
function* serviceTarget(x: Exchange): Op<Target> {
  const { scheme, name, port } = splitName(x, 'service');
  const { server } = x;
  const { namespace } = x.info;
  const kind = mustResource('services');
  const service = (yield* server.store.get({ kind, namespace, name })) as unknown as Service;
  const ports = service.spec?.ports ?? [];
  // A number must be one of the Service's ports; a name is looked up as the endpoints call it.
  const wanted = port === '' ? (ports.length === 1 ? ports[0] : ports.find((p) => !p.name)) : ports.find((p) => p.name === port || String(p.port) === port);
  if (wanted === undefined) throw serviceUnavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
  const found: { host: string; port: number }[] = [];
  const prefix = `${namespace}/`;
  const slices: EndpointSlice[] = [];
  server.store.cache.ofKey('endpointslices.discovery.k8s.io').objects.walk(prefix, `${namespace}0`, (object) => {
    const slice = object as unknown as EndpointSlice;
    if (slice.metadata.labels?.['kubernetes.io/service-name'] === name) slices.push(slice);
  });
  for (const slice of slices) {
    const there = slice.ports?.find((p) => (p.name ?? '') === (wanted.name ?? ''));
    if (there?.port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready !== false) for (const address of endpoint.addresses) found.push({ host: address, port: there.port });
    }
  }
  const chosen = found[server.random.int(Math.max(1, found.length))];
  if (chosen === undefined) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(x.info.name)}`);
  return { scheme, host: chosen.host, port: chosen.port, kubelet: false };
}

/** Whether the path under a kind is its proxy; `name` may carry scheme and port. */
export const isProxy = (subresource: string): boolean => subresource === 'proxy' || subresource.startsWith('proxy/');

