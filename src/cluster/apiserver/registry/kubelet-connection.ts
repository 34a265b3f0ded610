// Requests that the API server passes on to the kubelet of a Pod's node: logs, exec, attach, port-forward
// (pkg/registry/core/pod/rest with the node connection of pkg/kubelet/client).

import type { Node, Pod } from '../../api/generated/types.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import { ApiError, badRequest, type FieldError, internalError, invalid } from '../../api/status.ts';
import { forbiddenField, invalidValue, notSupported } from '../../api/validation/errors.ts';
import { HttpClient, type HttpResponse } from '../../network/http.ts';
import { relayStreams } from '../../network/relay.ts';
import { SocketError } from '../../network/socket-error.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Exchange, type Server, stage } from '../server.ts';
import { addressOf } from './update.ts';

const COST = 60;
export const KUBELET_PORT = 10_250;
const CONNECT_TIMEOUT = 10 * SECOND;
const TEXT = { 'content-type': 'text/plain' };

/** Connections to kubelets, kept by node address. */
const connections = new WeakMap<Server, Map<string, HttpClient>>();

/** GET pods/<name>/log. */
export function* podLog(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const problems = logOptionErrors(x.query);
  if (problems.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, x.info.name, problems);
  const pod = yield* podOf(x, kind);
  const container = containerOf(x, pod);
  if (!pod.spec.nodeName) return { status: 200, headers: TEXT, body: '' };
  const { namespace = '', name } = pod.metadata;
  const response = yield* ask(x, pod.spec.nodeName, `/containerLogs/${namespace}/${name}/${container}`);
  if (response.status !== 200) throw kubeletError(x, response);
  return response.stream ? { ...response, stream: relayStreams(x.server.os, null, response.stream, x.subject) } : response;
}

/** How the API server reads an answer of the kubelet that is no log (rest.GenericHttpResponseChecker). */
function kubeletError(x: Exchange, { status, body }: HttpResponse): ApiError {
  const message = String(body ?? '').trimEnd();
  if (status === 400) return badRequest(message);
  if (status === 500) return internalError(message);
  const text = `the server could not find the requested resource ( pods/log ${x.info.name})`;
  return status === 404
    ? new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: text, reason: 'NotFound', details: { name: x.info.name, kind: 'pods/log' }, code: 404 })
    : internalError(message);
}

/** ValidatePodLogOptions. */
function logOptionErrors(query: Exchange['query']): FieldError[] {
  const errors: FieldError[] = [];
  const number = (field: string, least: number, message: string): void => {
    const text = query[field];
    if (text !== undefined && Number(text) < least) errors.push(invalidValue(field, Number(text), message));
  };
  number('tailLines', 0, 'must be greater than or equal to 0');
  number('limitBytes', 1, 'must be greater than 0');
  if (query['sinceSeconds'] !== undefined && query['sinceTime'] !== undefined) {
    errors.push(forbiddenField('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else number('sinceSeconds', 1, 'must be greater than 0');
  const { stream } = query;
  if (stream === undefined) return errors;
  if (!['All', 'Stdout', 'Stderr'].includes(stream)) errors.push(notSupported('stream', stream, ['All', 'Stderr', 'Stdout']));
  else if (stream !== 'All' && query['tailLines'] !== undefined) {
    errors.push(forbiddenField('', '`tailLines` and specific `stream` are mutually exclusive for now'));
  }
  return errors;
}

const KUBELET_PATHS = { exec: 'exec', attach: 'attach', portforward: 'portForward' } as const;

/** GET or POST pods/<name>/exec, attach, portforward: an upgraded connection through to the kubelet. */
export function* podConnect(x: Exchange, kind: ResourceKind, subresource: keyof typeof KUBELET_PATHS): Op<HttpResponse> {
  const pod = yield* podOf(x, kind);
  const container = subresource === 'portforward' ? '' : containerOf(x, pod);
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  if (x.http.stream === undefined) throw badRequest('Upgrade request required');
  const { namespace = '', name } = pod.metadata;
  const path = `/${KUBELET_PATHS[subresource]}/${namespace}/${name}${container === '' ? '' : `/${container}`}`;
  const response = yield* ask(x, pod.spec.nodeName, path, 'POST');
  if (response.stream === undefined || response.status !== 101) return response;
  return { ...response, stream: relayStreams(x.server.os, x.http.stream, response.stream, x.subject) };
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

function* ask(x: Exchange, nodeName: string, path: string, method = 'GET'): Op<HttpResponse> {
  const { server } = x;
  const host = addressOfNode(server, nodeName);
  const upgrade = x.http.stream !== undefined;
  const endless = upgrade || x.query['follow'] === 'true';
  try {
    return yield* kubeletClient(server, host).request(
      { method, path, query: x.query, headers: {}, verb: x.info.subresource, ...(x.subject ? { subject: x.subject } : {}), ...(upgrade ? { upgrade } : {}) },
      endless ? undefined : CONNECT_TIMEOUT,
    );
  } catch (error) {
    if (!(error instanceof SocketError) && !(error instanceof Error && error.name === 'HttpTimeout')) throw error;
    throw unreachable(`Get ${JSON.stringify(`https://${host}:${KUBELET_PORT}${path}`)}: ${error.message}`);
  }
}

const unreachable = (message: string): ApiError => new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });

/** Where the API server reaches a node. @throws ApiError 500 */
export function addressOfNode({ store }: Server, name: string): string {
  const node = store.cached({ kind: mustResource('nodes'), namespace: '', name }) as Node | undefined;
  const address = node?.status?.addresses?.find((a) => a.type === 'InternalIP')?.address;
  if (address === undefined)
    throw internalError(node ? `no preferred addresses found; known addresses: []` : `nodes ${JSON.stringify(name)} not found`);
  return address;
}

/** The connection to a kubelet, as the API server's own client certificate. */
export function kubeletClient(server: Server, host: string): HttpClient {
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
