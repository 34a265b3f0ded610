// The chain that every request goes through (DefaultBuildHandlerChain): authentication, audit, impersonation, priority
// and fairness, authorization, and then the registry or one of the paths beside it.

import { ApiError, internalError, methodNotSupported, noSuchPath, notFound, unauthorized } from '../../api/status.ts';
import { hasSubresource, mustResource, type ResourceKind } from '../../api/kinds.ts';
import { discover } from '../discovery/discovery.ts';
import { health } from '../discovery/health.ts';
import type { HttpRequest, HttpResponse, Peer } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { DETAIL } from '../../sim/trace.ts';
import { create } from '../registry/create.ts';
import { remove, removeCollection } from '../registry/delete.ts';
import { get, list } from '../registry/get-list.ts';
import { isDryRun } from '../registry/options.ts';
import { podExec, podLog } from '../registry/kubelet-connection.ts';
import { bind, evict, unsupported } from '../registry/pods.ts';
import { replyError } from '../registry/responses.ts';
import { isReview, review } from '../registry/reviews.ts';
import { createToken, finalize, getScale, writeScale } from '../registry/subresources.ts';
import { patch, update } from '../registry/update.ts';
import { watch } from '../registry/watch.ts';
import { readRequest, subjectOfRequest } from '../request.ts';
import { type Exchange, Meter, type Server, stage } from '../server.ts';
import { ANONYMOUS, impersonate } from './authenticate.ts';
import { attributesOf, authorize } from './authorize.ts';
import { type Classification, classify } from './flow-control.ts';

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
  let seat: Classification | null = null;
  try {
    admitCaller(x);
    const classification = classify(x);
    stage(x, 'priority-and-fairness', CLASSIFY_COST, () => classification);
    if (!server.flowControl.tryAcquire(classification)) yield* server.flowControl.wait(classification);
    seat = classification;
    checkAuthorized(x);
    return yield* dispatch(x);
  } catch (error) {
    return replyError(x, asApiError(server, error));
  } finally {
    if (seat) server.flowControl.release(seat);
  }
}

function exchangeOf(server: Server, http: HttpRequest, peer: Peer): Exchange {
  const info = readRequest(http);
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
    auditId: traced ? server.uids.uuid() : '',
    server,
    meter: new Meter(server.sim),
  };
  return x;
}

function admitCaller(x: Exchange): void {
  const { authenticator, rbac } = x.server;
  x.user = authenticator.authenticate(x);
  if (x.user === ANONYMOUS && !x.server.flags.anonymousAuth) throw unauthorized();
  stage(x, 'authenticate', AUTHENTICATE_COST, () => ({ user: x.user.name, groups: x.user.groups }));
  stage(x, 'audit', AUDIT_COST, () => ({ auditId: x.auditId }));
  const { headers } = x.http;
  if (headers['impersonate-user'] === undefined && headers['impersonate-group'] === undefined) return;
  const other = impersonate(x, (verb, group, resource, name) => {
    const attributes = { ...attributesOf(x), verb, group, resource, name, subresource: '', namespace: '', isResource: true };
    return rbac.authorize(attributes) !== null;
  });
  if (!other) return;
  stage(x, 'impersonate', AUTHORIZE_COST, () => ({ from: x.user.name, to: other.name, groups: other.groups }));
  x.user = other;
}

function checkAuthorized(x: Exchange): void {
  const grant = authorize(x.server.rbac, x);
  stage(x, 'authorize', AUTHORIZE_COST, () => ({ user: x.user.name, verb: x.info.verb, ...grant }));
}

function dispatch(x: Exchange): Op<HttpResponse> {
  const { info } = x;
  if (!info.isResource) return besideResources(x);
  if (!info.kind) throw noSuchPath();
  x.dryRun = isDryRun(x.query, x.http.body);
  return info.subresource === '' ? onResource(x, info.kind) : onSubresource(x, info.kind);
}

function* besideResources(x: Exchange): Op<HttpResponse> {
  const answer = health(x) ?? discover(x);
  if (!answer) throw noSuchPath();
  yield* x.meter.settle();
  return answer;
}

function onResource(x: Exchange, kind: ResourceKind): Op<HttpResponse> {
  const { verb } = x.info;
  if (verb === 'create' && isReview(kind)) return review(x, kind);
  if (verb === 'create' && kind.key === 'bindings') return bind(x, mustResource('pods'));
  const deprecated = DEPRECATED[kind.key];
  if (deprecated !== undefined) x.warnings.push(deprecated);
  if (!kind.verbs.includes(verb)) throw methodNotSupported(kind, verb);
  if (kind.namespaced && x.info.namespace === '' && verb !== 'list' && verb !== 'watch') throw noSuchPath();
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
      return podExec(x, kind);
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
