// What a request asks for, read from its method, path and query as apiserver/pkg/endpoints/request/requestinfo.go does,
// and the context that the stages of the chain fill in.

import type { ResourceKind } from '../api/kinds.ts';
import type { HttpRequest, Peer } from '../network/http.ts';
import type { Subject } from '../sim/trace.ts';
import type { ServerKinds } from './kinds.ts';

export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  /** An API verb, or for other paths the method in lower case. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The resource's kind; null when this server has no such resource. */
  readonly kind: ResourceKind | null;
}

export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export type Query = Readonly<Record<string, string>>;

/** One request on its way through the chain. */
export interface RequestContext {
  readonly http: HttpRequest;
  readonly peer: Peer;
  readonly info: RequestInfo;
  readonly query: Query;
  readonly subject: Subject | null;
  /** Whether the stages should leave DETAIL records. */
  readonly traced: boolean;
  user: User;
  /** dryRun=All: everything but the write. */
  dryRun: boolean;
  /** Texts for `Warning: 299` headers. */
  readonly warnings: string[];
  auditId: string;
}

const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** The part of a path that many requests share: everything up to the resource in its namespace. */
export type Collection = Pick<RequestInfo, 'group' | 'version' | 'resource' | 'namespace' | 'kind'>;

const COLLECTIONS_LIMIT = 4_096;

/** Reads the request, with the kinds that the server has now. */
export function readRequest(request: HttpRequest, kinds: ServerKinds): RequestInfo {
  const { collections } = kinds;
  const { method, path, query } = request;
  const end = endOfCollection(path);
  const prefix = end === path.length ? path : path.slice(0, end);
  const known = collections.get(prefix);
  if (known) {
    const slash = path.indexOf('/', end + 1);
    const name = end === path.length ? '' : path.slice(end + 1, slash < 0 ? path.length : slash);
    const subresource = slash < 0 ? '' : path.slice(slash + 1);
    if (!subresource.endsWith('/') && name !== '') return withVerb(method, path, query, known, unescape(name), subresource);
    if (end === path.length) return withVerb(method, path, query, known, '', '');
  }
  const info = readPath(request, kinds);
  const { group, version, resource, namespace, kind } = info;
  // The names of namespaces are paths of another form.
  if (info.isResource && resource !== 'namespaces' && info.subresource === '' && kind) {
    if (collections.size >= COLLECTIONS_LIMIT) collections.clear();
    collections.set(prefix, { group, version, resource, namespace, kind });
  }
  return info;
}

/** Where `/api/v1/pods`, `/apis/apps/v1/namespaces/default/deployments` … ends, if the path begins so. */
function endOfCollection(path: string): number {
  let at = path.startsWith('/apis/') ? path.indexOf('/', 6) : 4;
  // Now before the version.
  if (at >= 0) at = path.indexOf('/', at + 1);
  if (at >= 0 && path.startsWith('/namespaces/', at)) at = path.indexOf('/', at + 12);
  if (at >= 0) at = path.indexOf('/', at + 1);
  return at < 0 ? path.length : at;
}

function withVerb(method: string, path: string, query: Query, where: Collection, given: string, subresource: string): RequestInfo {
  const { group, version, resource, namespace, kind } = where;
  const verb = verbOf(method, given !== '', query);
  const choosing = given === '' && (verb === 'list' || verb === 'watch' || verb === 'deletecollection');
  const name = choosing ? singleName(query['fieldSelector']) : given;
  return { isResource: true, path, verb, group, version, resource, subresource, namespace, name, kind };
}

/** Reads a path of any form. */
function readPath(request: HttpRequest, kinds: ServerKinds): RequestInfo {
  const { method, path, query } = request;
  const parts = path.split('/');
  if (parts[0] === '') parts.shift();
  if (parts.at(-1) === '') parts.pop();
  const core = parts[0] === 'api';
  if ((!core && parts[0] !== 'apis') || parts.length < (core ? 3 : 4)) return nonResource(method, path);
  const group = core ? '' : (parts[1] as string);
  const version = parts[core ? 1 : 2] as string;
  let at = core ? 2 : 3;
  let namespace = '';
  if (parts[at] === 'namespaces' && parts.length > at + 1) {
    namespace = unescape(parts[at + 1] as string);
    if (parts.length > at + 2 && !NAMESPACE_SUBRESOURCES.has(parts[at + 2] as string)) at += 2;
  }
  const resource = parts[at] ?? '';
  const name = unescape(parts[at + 1] ?? '');
  const subresource = parts.slice(at + 2).join('/');
  const kind = kinds.at(group === '' ? version : `${group}/${version}`, resource) ?? null;
  return withVerb(method, path, query, { group, version, resource, namespace, kind }, name, subresource);
}

function nonResource(method: string, path: string): RequestInfo {
  return {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
    kind: null,
  };
}

function verbOf(method: string, named: boolean, query: Query): string {
  switch (method) {
    case 'GET':
    case 'HEAD':
      if (isTrue(query['watch'])) return 'watch';
      return named ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return '';
  }
}

/** How Go's query decoding reads a boolean. */
export const isTrue = (value: string | undefined): boolean => value !== undefined && value !== '0' && value !== 'false';

/** The name in `metadata.name=x`, when the selector asks for exactly that. */
function singleName(selector: string | undefined): string {
  if (selector === undefined || !selector.startsWith('metadata.name=')) return '';
  const value = selector.slice(selector[14] === '=' ? 15 : 14);
  return value.includes(',') ? '' : value;
}

function unescape(part: string): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** What the trace calls the request's object. */
export function subjectOfRequest(info: RequestInfo): Subject | null {
  if (!info.isResource) return null;
  return { group: info.group, resource: info.resource, kind: info.kind?.kind ?? '', namespace: info.namespace, name: info.name };
}
