// What a request asks for, read from its method, path and query as apiserver/pkg/endpoints/request/requestinfo.go does,
// and the context that the stages of the chain fill in.

import { type ResourceKind, resourceAt } from '../api/kinds.ts';
import type { HttpRequest, Peer } from '../network/http.ts';
import type { Subject } from '../sim/trace.ts';

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

/** Reads the request. */
export function readRequest(request: HttpRequest): RequestInfo {
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
  let name = unescape(parts[at + 1] ?? '');
  const subresource = parts.slice(at + 2).join('/');
  const kind = resourceAt(group === '' ? version : `${group}/${version}`, resource) ?? null;
  const verb = verbOf(method, name !== '', query);
  if (name === '' && (verb === 'list' || verb === 'watch' || verb === 'deletecollection')) name = singleName(query['fieldSelector']);
  return { isResource: true, path, verb, group, version, resource, subresource, namespace, name, kind };
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
