// What the query and the body of a request say besides the object: delete, list and field validation options.

import { decodeAs } from '../../api/decode.ts';
import type { FieldValidation } from '../../api/decode.ts';
import { checkFieldSelector, fieldsMatch } from '../../api/fields.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { EVERYTHING, matchLabels, parseFieldSelector, parseLabelSelector } from '../../api/selector.ts';
import { badRequest } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Query, RequestInfo } from '../request.ts';
import type { Scope } from '../storage/cacher.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

const POLICIES = new Set(['Background', 'Foreground', 'Orphan']);

/** Options in the body win over those in the query. @throws ApiError 400 */
export function deleteOptions(body: unknown, query: Query): DeleteOptions {
  const given = body === undefined || body === '' ? fromQuery(query) : decodeAs<DeleteOptions>('DeleteOptions', body);
  if (given.propagationPolicy !== undefined && !POLICIES.has(given.propagationPolicy)) {
    throw badRequest(
      `invalid DeleteOptions: propagationPolicy: Unsupported value: ${JSON.stringify(given.propagationPolicy)}: supported values: "Background", "Foreground", "Orphan", "nil"`,
    );
  }
  return given;
}

function fromQuery(query: Query): DeleteOptions {
  const grace = query['gracePeriodSeconds'];
  const policy = query['propagationPolicy'] as DeleteOptions['propagationPolicy'];
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
  };
}

/** Whether the request asks for everything but the write. @throws ApiError 400 */
export function isDryRun(query: Query, body: unknown): boolean {
  const inBody = (body as DeleteOptions | null | undefined)?.dryRun;
  const value = query['dryRun'] ?? (Array.isArray(inBody) ? inBody[0] : undefined);
  if (value === undefined || value === '') return false;
  if (value !== 'All') throw badRequest(`invalid dryRun: Unsupported value: ${JSON.stringify(value)}: supported values: "All"`);
  return true;
}

export function fieldValidation(query: Query): FieldValidation {
  const value = query['fieldValidation'];
  if (value === undefined || value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw badRequest(`invalid fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`);
}

/** What a list or watch selects. @throws ApiError 400 for selectors that cannot be read or fields that the kind lacks */
export function scopeOf(kind: ResourceKind, info: RequestInfo, query: Query): Scope {
  const labels = query['labelSelector'] ? parseLabelSelector(query['labelSelector']) : EVERYTHING;
  const fields = query['fieldSelector'] ? parseFieldSelector(query['fieldSelector']) : [];
  let name = '';
  let nodeName = '';
  let namespace = kind.namespaced ? info.namespace : '';
  const rest: { field: string; equal: boolean; value: string }[] = [];
  for (const requirement of fields) {
    const { field, equal, value } = requirement;
    if (equal && value !== '' && field === 'metadata.name' && name === '') name = value;
    else if (equal && value !== '' && field === 'spec.nodeName' && kind.key === 'pods' && nodeName === '') nodeName = value;
    else if (equal && value !== '' && field === 'metadata.namespace' && kind.namespaced && namespace === '') namespace = value;
    else rest.push(requirement);
  }
  checkFieldSelector(kind, rest);
  const byLabels = labels.nothing || labels.requirements.length > 0;
  if (!byLabels && rest.length === 0) return { namespace, name, nodeName, matches: null };
  const matches = (object: VersionedObject): boolean =>
    (!byLabels || matchLabels(labels, object.metadata['labels'] as Readonly<Record<string, string>> | undefined)) &&
    (rest.length === 0 || fieldsMatch(rest, kind, object));
  return { namespace, name, nodeName, matches };
}
