// The chain that every request goes through (DefaultBuildHandlerChain): authentication, audit, impersonation, priority
// and fairness, authorization, and then the registry or one of the paths beside it.

import { ApiError, internalError, methodNotSupported, noSuchPath, notAcceptable, notFound } from '../../api/status.ts';
import { hasSubresource, mustResource, type ResourceKind } from '../../api/kinds.ts';
import { proxyToRemote } from '../aggregator/proxy.ts';
import { discover } from '../discovery/discovery.ts';
import { health } from '../discovery/health.ts';
import type { HttpRequest, HttpResponse, Peer } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { DETAIL } from '../../sim/trace.ts';
import { create } from '../registry/create.ts';
import { remove, removeCollection } from '../registry/delete.ts';
import { get, list } from '../registry/get-list.ts';
import { isDryRun } from '../registry/options.ts';
import { podConnect, podLog } from '../registry/kubelet-connection.ts';
import { bind, evict, unsupported } from '../registry/pods.ts';
import { isProxy, proxy } from '../registry/proxy.ts';
import { replyError } from '../registry/responses.ts';
import { isReview, review } from '../registry/reviews.ts';
import { finalize, getScale, writeScale } from '../registry/subresources.ts';
import { createToken } from '../registry/token-request.ts';
import { patch, update } from '../registry/update.ts';
import { watch } from '../registry/watch.ts';
import { readRequest, subjectOfRequest } from '../request.ts';
import { type Exchange, Meter, type Server, stage } from '../server.ts';
import { metrics } from '../metrics.ts';
import { forbiddenBy } from '../authorization/authorizer.ts';
import type { Level } from '../flowcontrol/level.ts';
import { dumpFlowControl } from '../flowcontrol/debug.ts';
import { openid } from '../authentication/openid.ts';
import { ANONYMOUS } from './authenticate.ts';
import { attributesOf } from './authorize.ts';
import { impersonate, impersonates } from './impersonate.ts';

const AUTHENTICATE_COST = 40;
const AUTHORIZE_COST = 30;
const AUDIT_COST = 5;
const CLASSIFY_COST = 15;

/** What clients of old kinds are told. */
const DEPRECATED: Readonly<Record<string, string>> = {
  endpoints: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  componentstatuses: 'v1 ComponentStatus is deprecated in v1.19+',
};

/** Answers one request; never throws. Long-running requests hold their seat only until they have begun, as the watch initialisation does. */
export function* handle(server: Server, http: HttpRequest, peer: Peer): Op<HttpResponse> {
  const x = exchangeOf(server, http, peer);
  let level: Level | null = null;
  let width = 1;
  let answered: HttpResponse | null = null;
  try {
    admitCaller(x);
    const { flowControl } = server;
    const classified = flowControl.classify(x);
    const wanted = flowControl.widthOf(x, classified);
    x.classified = classified;
    stage(x, 'priority-and-fairness', CLASSIFY_COST, () => ({ flowSchema: classified.flowSchema, priorityLevel: classified.level.name, seats: wanted }));
    if (!classified.level.tryAcquire(wanted)) {
      const distinguisher = flowControl.distinguisher(x, classified);
      if (!(yield* classified.level.wait(x, classified.flowSchema, distinguisher, wanted))) return (answered = finished(x, TURNED_AWAY));
    }
    level = classified.level;
    width = wanted;
    checkAuthorized(x);
    return (answered = finished(x, yield* dispatch(x)));
  } catch (error) {
    return (answered = finished(x, replyError(x, asApiError(server, error))));
  } finally {
    level?.release(width);
    if (answered) x.audited?.answered(answered);
  }
}

/** Not a Status: the filter answers before it is known how to speak to the client. */
const TURNED_AWAY: HttpResponse = Object.freeze({
  status: 429,
  headers: Object.freeze({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'retry-after': '1' }),
  body: 'Too many requests, please try again later.\n',
});

/** Who watches the request learns its audit id and how it was classified. */
function finished(x: Exchange, response: HttpResponse): HttpResponse {
  x.server.metrics.answered(x, response.status);
  if (x.auditId === '') return response;
  const { classified } = x;
  const headers: Record<string, string> = { ...response.headers, 'audit-id': x.auditId };
  if (classified) {
    headers['x-kubernetes-pf-flowschema-uid'] = classified.flowSchemaUid;
    headers['x-kubernetes-pf-prioritylevel-uid'] = classified.levelUid;
  }
  return { ...response, headers };
}

function exchangeOf(server: Server, http: HttpRequest, peer: Peer): Exchange {
  const info = readRequest(http, server.kinds);
  const traced = server.sim.trace.wants(DETAIL, server.sim.cause);
  const x: Exchange = {
    http,
    peer,
    info,
    query: http.query,
    subject: http.subject ?? subjectOfRequest(info),
    traced,
    user: ANONYMOUS,
    dryRun: false,
    warnings: [],
    auditId: http.headers['audit-id'] ?? (traced || server.audit ? server.uids.uuid() : ''),
    classified: null,
    audited: null,
    server,
    meter: new Meter(server.sim),
  };
  return x;
}

function admitCaller(x: Exchange): void {
  const { authenticator, authorizer } = x.server;
  try {
    x.user = authenticator.authenticate(x);
  } catch (error) {
    if (error instanceof ApiError) x.server.audit?.refused(x, replyError(x, error));
    throw error;
  }
  if (x.server.audit) x.audited = x.server.audit.begin(x);
  stage(x, 'authenticate', AUTHENTICATE_COST, () => ({ user: x.user.name, groups: x.user.groups }));
  stage(x, 'audit', AUDIT_COST, () => ({ auditId: x.auditId }));
  const { headers } = x.http;
  if (!impersonates(headers)) return;
  const other = impersonate(authorizer, headers, attributesOf(x));
  if (!other) return;
  stage(x, 'impersonate', AUTHORIZE_COST, () => ({ from: x.user.name, to: other.user.name, groups: other.user.groups }));
  if (x.audited) {
    x.audited.impersonated = other.user;
    x.audited.constraint = other.constraint;
  }
  x.user = other.user;
}

function checkAuthorized(x: Exchange): void {
  const attributes = attributesOf(x);
  const decision = x.server.authorizer.decide(attributes);
  if (x.audited) x.audited.decision = decision;
  if (!decision.allowed) throw forbiddenBy(attributes, decision.reason);
  stage(x, 'authorize', AUTHORIZE_COST, () => ({ user: x.user.name, verb: x.info.verb, ...decision }));
}

const ACCEPTABLE = /\*\/\*|application\/(\*|json|yaml|vnd\.kubernetes\.protobuf)/;
const ACCEPTABLE_TYPES = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
/** What comes from a kubelet or another server comes in its own form. */
const STREAMS = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

function dispatch(x: Exchange): Op<HttpResponse> {
  const { info } = x;
  if (!info.isResource) return besideResources(x);
  if (!info.kind) return unknownResource(x);
  const { accept } = x.http.headers;
  if (accept !== undefined && !ACCEPTABLE.test(accept) && !STREAMS.has(info.subresource)) throw notAcceptable(`only the following media types are accepted: ${ACCEPTABLE_TYPES}`);
  x.dryRun = isDryRun(x.query, x.http.body, info.verb);
  return info.subresource === '' ? onResource(x, info.kind) : onSubresource(x, info.kind);
}

/** Another server may know it. */
function unknownResource(x: Exchange): Op<HttpResponse> {
  const remote = x.server.aggregator.remoteOf(x.info.group, x.info.version);
  if (!remote) throw noSuchPath();
  return proxyToRemote(x, remote);
}

const GROUP_VERSION = /^\/apis\/([^/]+)\/([^/]+)\/?$/;

function* besideResources(x: Exchange): Op<HttpResponse> {
  const at = GROUP_VERSION.exec(x.info.path);
  const remote = at && x.server.aggregator.remoteOf(at[1] as string, at[2] as string);
  if (remote) return yield* proxyToRemote(x, remote);
  const answer = health(x) ?? discover(x) ?? openid(x) ?? dumpFlowControl(x) ?? metrics(x);
  if (!answer) throw noSuchPath();
  yield* x.meter.settle();
  return answer;
}

function onResource(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const { verb } = x.info;
  if (verb === 'create' && isReview(kind)) return review(x, kind);
  if (verb === 'create' && kind.key === 'bindings') return bind(x, mustResource('pods'));
  const deprecated = kind.custom?.deprecation ?? DEPRECATED[kind.key];
  if (deprecated !== undefined && deprecated !== '') x.warnings.push(deprecated);
  if (!kind.verbs.includes(verb)) throw methodNotSupported(kind, verb);
  if (kind.namespaced && x.info.namespace === '' && verb !== 'list' && verb !== 'watch') throw noSuchPath();
  if (kind.custom !== null && !kind.namespaced && x.info.namespace !== '') throw noSuchPath();
  switch (verb) {
    case 'get':
      return get(x, kind);
    case 'list':
      return list(x, kind);
    case 'watch':
      return watch(x, kind);
    case 'create':
      return create(x, kind);
    case 'update':
      return update(x, kind);
    case 'patch':
      return patch(x, kind);
    case 'delete':
      return remove(x, kind);
    case 'deletecollection':
      return removeCollection(x, kind);
    default:
      throw methodNotSupported(kind, verb);
  }
}

function onSubresource(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const { verb, subresource, name } = x.info;
  if (isProxy(subresource) && name !== '' && hasSubresource(kind, 'proxy')) return proxy(x, kind);
  if (!hasSubresource(kind, subresource)) throw noSuchPath();
  if (name === '') throw notFound(kind, name);
  switch (`${subresource} ${verb}`) {
    case 'status get':
    case 'ephemeralcontainers get':
    case 'approval get':
    case 'resize get':
      return get(x, kind);
    case 'status update':
    case 'ephemeralcontainers update':
    case 'approval update':
    case 'resize update':
      return update(x, kind);
    case 'status patch':
    case 'ephemeralcontainers patch':
    case 'approval patch':
    case 'resize patch':
      return patch(x, kind);
    case 'scale get':
      return getScale(x, kind);
    case 'scale update':
    case 'scale patch':
      return writeScale(x, kind);
    case 'binding create':
      return bind(x, kind);
    case 'eviction create':
      return evict(x, kind);
    case 'token create':
      return createToken(x, kind);
    case 'log get':
      return podLog(x, kind);
    case 'exec get':
    case 'exec create':
    case 'attach get':
    case 'attach create':
    case 'portforward get':
    case 'portforward create':
      return podConnect(x, kind, subresource as 'exec' | 'attach' | 'portforward');
    case 'finalize update':
      return finalize(x, kind);
    default:
      throw unsupported(kind, subresource);
  }
}

/** A fault of the server itself becomes a 500, is told to its log, and stops nobody else. */
function asApiError(server: Server, error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  server.os.logError(`unhandled error: ${error instanceof Error ? (error.stack ?? message) : message}`);
  return internalError(message);
}
