// What the query and the body of a request say besides the object: delete, list and field validation options.

import { decodeAs } from '../../api/decode.ts';
import type { FieldValidation } from '../../api/decode.ts';
import { checkFieldSelector, fieldsMatch } from '../../api/fields.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { EVERYTHING, matchLabels, parseFieldSelector, parseLabelSelector } from '../../api/selector.ts';
import { type FieldError, invalid } from '../../api/status.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import { isTrue, type Query, type RequestInfo } from '../request.ts';
import type { Scope } from '../storage/cacher.ts';
import { numberIn } from './list-options.ts';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: readonly string[];
}

const POLICIES = new Set(['Background', 'Foreground', 'Orphan']);

/** Options in the body win over those in the query. @throws ApiError 400, 422 */
export function deleteOptions(body: unknown, query: Query): DeleteOptions {
  const given = body === undefined || body === '' ? fromQuery(query) : decodeAs<DeleteOptions>('DeleteOptions', body);
  const { propagationPolicy, orphanDependents } = given;
  const errors: FieldError[] = [];
  if (propagationPolicy !== undefined) {
    const shown = `Invalid value: ${JSON.stringify(propagationPolicy)}`;
    if (orphanDependents !== undefined) {
      const message = `${shown}: orphanDependents and deletionPropagation cannot be both set`;
      errors.push({ type: 'FieldValueInvalid', field: 'propagationPolicy', message });
    }
    if (!POLICIES.has(propagationPolicy)) {
      const message = `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Foreground", "Background", "Orphan", "nil"`;
      errors.push({ type: 'FieldValueNotSupported', field: 'propagationPolicy', message });
    }
  }
  if (errors.length > 0) throw invalid({ group: META, kind: 'DeleteOptions' }, '', errors);
  return given;
}

const META = 'meta.k8s.io';

function fromQuery(query: Query): DeleteOptions {
  const grace = query['gracePeriodSeconds'];
  const policy = query['propagationPolicy'] as DeleteOptions['propagationPolicy'];
  const orphan = query['orphanDependents'];
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: numberIn(query, 'gracePeriodSeconds') }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(orphan === undefined ? {} : { orphanDependents: isTrue(orphan) }),
  };
}

const OPTIONS: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};

/** Whether the request asks for everything but the write. @throws ApiError 422 */
export function isDryRun(query: Query, body: unknown, verb = 'create'): boolean {
  const inQuery = query['dryRun'];
  if (inQuery === 'All') return true;
  const inBody = verb.startsWith('delete') ? (body as DeleteOptions | null | undefined)?.dryRun : undefined;
  const values = inQuery !== undefined && inQuery !== '' ? [inQuery] : Array.isArray(inBody) ? (inBody as readonly unknown[]) : [];
  if (values.length === 0) return false;
  if (values.every((value) => value === 'All')) return true;
  const message = `Unsupported value: ${JSON.stringify(values)}: supported values: "All"`;
  throw invalid({ group: META, kind: OPTIONS[verb] ?? 'CreateOptions' }, '', [{ type: 'FieldValueNotSupported', field: 'dryRun', message }]);
}

/** @throws ApiError 422 */
export function fieldValidation(query: Query, verb = 'create'): FieldValidation {
  const value = query['fieldValidation'];
  if (value === undefined || value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: "", "Ignore", "Strict", "Warn"`;
  const errors: FieldError[] = [{ type: 'FieldValueNotSupported', field: 'fieldValidation', message }];
  throw invalid({ group: META, kind: OPTIONS[verb] ?? 'CreateOptions' }, '', errors);
}

const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** @throws ApiError 422 for a fieldManager that nobody can be called */
export function checkFieldManager(query: Query, verb: string): void {
  const manager = query['fieldManager'];
  if (manager === undefined || (manager.length <= 128 && !UNPRINTABLE.test(manager))) return;
  const error: FieldError =
    manager.length > 128
      ? { type: 'FieldValueTooLong', field: 'fieldManager', message: 'Too long: may not be more than 128 bytes' }
      : { type: 'FieldValueInvalid', field: 'fieldManager', message: `Invalid value: ${JSON.stringify(manager)}: ${unprintableIn(manager)}` };
  throw invalid({ group: META, kind: OPTIONS[verb] ?? 'CreateOptions' }, '', [error]);
}

function unprintableIn(text: string): string {
  const at = text.search(UNPRINTABLE);
  const code = (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `invalid character U+${code} (at position ${at})`;
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
