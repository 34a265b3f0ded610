// The options of lists and watches: what upstream's ValidateListOptions refuses, which state of the resource a list
// shows, and the token with which a list goes on (apiserver/pkg/storage: continue.go, and the cacher's delegate rules).

import { fromBase64, toBase64Url } from '../../api/base64.ts';
import { badRequest, type FieldError, invalid } from '../../api/status.ts';
import type { Query } from '../request.ts';

const LIST_OPTIONS = { group: 'meta.k8s.io', kind: 'ListOptions' };
const MATCH = 'resourceVersionMatch';
const SEND = 'sendInitialEvents';

const forbidden = (field: string, why: string): FieldError => ({ type: 'FieldValueForbidden', field, message: `Forbidden: ${why}` });

function unsupported(match: string, supported: readonly string[]): FieldError {
  const names = supported.map((name) => JSON.stringify(name)).join(', ');
  return { type: 'FieldValueNotSupported', field: MATCH, message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${names}` };
}

/** @throws ApiError 422 */
export function checkListOptions(query: Query): void {
  const match = query[MATCH] ?? '';
  const errors: FieldError[] = [];
  if (match !== '') {
    if ((query['resourceVersion'] ?? '') === '') errors.push(forbidden(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
    if ((query['continue'] ?? '') !== '') errors.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
    if (match !== 'Exact' && match !== 'NotOlderThan') errors.push(unsupported(match, ['', 'Exact', 'NotOlderThan']));
    if (match === 'Exact' && query['resourceVersion'] === '0')
      errors.push(forbidden(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
  }
  if (query[SEND] !== undefined) errors.push(forbidden(SEND, `${SEND} is forbidden for list`));
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
}

/** @throws ApiError 422 */
export function checkWatchOptions(query: Query): void {
  const match = query[MATCH] ?? '';
  const sends = query[SEND] !== undefined;
  if (match === '' && !sends) return;
  const errors: FieldError[] = [];
  if (sends && match !== 'NotOlderThan') errors.push(forbidden(MATCH, `${SEND} requires setting ${MATCH} to NotOlderThan`));
  if (match !== '') {
    if (!sends) errors.push(forbidden(MATCH, `${MATCH} is forbidden for watch unless ${SEND} is provided`));
    if (match !== 'NotOlderThan') errors.push(unsupported(match, ['NotOlderThan']));
    if ((query['continue'] ?? '') !== '') errors.push(forbidden(MATCH, `${MATCH} is forbidden when continue is provided`));
  }
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
}

/** A whole number among the parameters; 0 when it is left out. @throws ApiError 400 */
export function numberIn(query: Query, name: string): number {
  const text = query[name];
  if (text === undefined || text === '') return 0;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** Whether a list shows exactly the revision that it names: when it says so, and, as of old, when it also has a limit. */
export function isExact(query: Query): boolean {
  const revision = query['resourceVersion'] ?? '';
  if (revision === '' || revision === '0') return false;
  const match = query[MATCH] ?? '';
  return match === 'Exact' || (match === '' && numberIn(query, 'limit') > 0);
}

export interface Token {
  /** -1: whatever the newest state is. */
  readonly revision: number;
  /** Key below the listed prefix at which the next page begins. */
  readonly start: string;
}

/** The token after a page that ends with `last` (a key below the listed prefix). */
export const writeToken = (revision: number, last: string): string =>
  toBase64Url(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: `${last}\0` }));

/** @throws ApiError 400 */
export function readToken(token: string): Token {
  const text = /^[A-Za-z0-9_-]*$/.test(token) ? fromBase64(token) : undefined;
  let read: { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown };
  try {
    read = JSON.parse(text ?? '') as typeof read;
  } catch {
    throw badRequest(`continue key is not valid: ${text === undefined ? 'illegal base64 data' : 'invalid character'}`);
  }
  const { v, rv, start } = read;
  if (v !== 'meta.k8s.io/v1') throw badRequest(`continue key is not valid: server does not recognize this encoded version ${String(v)}`);
  if (typeof rv !== 'number' || rv === 0)
    throw badRequest('continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  if (typeof start !== 'string' || start === '')
    throw badRequest('continue key is not valid: no start key, please use the value returned by the server');
  if (start.includes('..')) throw badRequest(`continue key is not valid: ${start}`);
  return { revision: rv, start };
}
