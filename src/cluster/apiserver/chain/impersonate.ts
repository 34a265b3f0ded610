// Acting as somebody else by `Impersonate-*` headers, in the five modes of 1.36 (apiserver/pkg/endpoints/filters/impersonation,
// KEP-5284): the narrow ones `impersonate:<mode>` + `impersonate-on:<mode>:<verb>` first, then plain `impersonate`.

import { ApiError, badRequest } from '../../api/status.ts';
import { subdomain1123Errors } from '../../api/validation/names.ts';
import type { Attributes } from '../authorization/attributes.ts';
import type { Authorizer } from '../authorization/authorizer.ts';
import { forbiddenBy } from '../authorization/authorizer.ts';
import { goQuoteList } from '../authorization/quote.ts';
import type { User } from '../request.ts';

const EXTRA = 'impersonate-extra-';
const NODE = 'system:node:';
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';
const AUTHENTICATION = 'authentication.k8s.io';
/** With so many groups or extra values one question about all of them comes first. */
const MANY = 4;

export interface Impersonation {
  readonly user: User;
  /** The verb that allowed it; '' for plain `impersonate`. */
  readonly constraint: string;
}

/** Whether a request has such headers at all; nearly none has. */
export function impersonates(headers: Readonly<Record<string, string>>): boolean {
  if (headers['impersonate-user'] !== undefined || headers['impersonate-group'] !== undefined || headers['impersonate-uid'] !== undefined) return true;
  for (const name in headers) if (name.startsWith(EXTRA)) return true;
  return false;
}

/** Whom the headers ask for. @throws ApiError 400 */
function wantedUser(headers: Readonly<Record<string, string>>): User | null {
  const name = headers['impersonate-user'] ?? '';
  const uid = headers['impersonate-uid'] ?? '';
  const groups = headers['impersonate-group'] === undefined ? [] : headers['impersonate-group'].split(',').map((g) => g.trim());
  const extra: Record<string, readonly string[]> = {};
  for (const header in headers) {
    if (header.startsWith(EXTRA)) extra[unescapeKey(header.slice(EXTRA.length).toLowerCase())] = (headers[header] as string).split(',').map((v) => v.trim());
  }
  const keys = Object.keys(extra);
  if (name !== '') return { name, uid, groups, extra };
  if (uid === '' && groups.length === 0 && keys.length === 0) return null;
  const list = (texts: readonly string[]): string => `[]string{${texts.map((t) => JSON.stringify(t)).join(', ')}}`;
  const given = `Name:"", UID:${JSON.stringify(uid)}, Groups:${groups.length === 0 ? '[]string(nil)' : list(groups)}`;
  const more =
    keys.length === 0
      ? 'map[string][]string(nil)'
      : `map[string][]string{${keys.map((k) => `${JSON.stringify(k)}:${list(extra[k] as readonly string[])}`).join(', ')}}`;
  throw badRequest(`requested &user.DefaultInfo{${given}, Extra:${more}} without impersonating a user name`);
}

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

const nodeOf = (name: string): string =>
  name.startsWith(NODE) && subdomain1123Errors(name.slice(NODE.length)).length === 0 ? name.slice(NODE.length) : '';

interface Mode {
  readonly name: string;
  applies(wanted: User, requestor: User): boolean;
}

const onlyName = (wanted: User): boolean => wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;

const MODES: readonly Mode[] = [
  {
    name: 'associated-node',
    applies: (wanted, requestor) =>
      onlyName(wanted) &&
      nodeOf(wanted.name) !== '' &&
      ACCOUNT.test(requestor.name) &&
      requestor.extra['authentication.kubernetes.io/node-name']?.join() === nodeOf(wanted.name),
  },
  { name: 'arbitrary-node', applies: (wanted) => onlyName(wanted) && nodeOf(wanted.name) !== '' },
  { name: 'serviceaccount', applies: (wanted) => onlyName(wanted) && ACCOUNT.test(wanted.name) },
  { name: 'user-info', applies: (wanted) => nodeOf(wanted.name) === '' && !ACCOUNT.test(wanted.name) },
];

/** The user to act as; null without such headers. `request` says who asks for what. @throws ApiError 400, 403 */
export function impersonate(authorizer: Authorizer, headers: Readonly<Record<string, string>>, request: Attributes): Impersonation | null {
  const wanted = wantedUser(headers);
  if (!wanted) return null;
  let first: ApiError | null = null;
  for (const mode of [...MODES, null]) {
    if (mode && !mode.applies(wanted, request.user)) continue;
    try {
      if (mode) check(authorizer, { ...request, verb: `impersonate-on:${mode.name}:${request.verb}` });
      const constraint = mode ? `impersonate:${mode.name}` : '';
      return { user: checkedUser(authorizer, request.user, wanted, constraint), constraint };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      first ??= error;
    }
  }
  throw first as ApiError;
}

function check(authorizer: Authorizer, a: Attributes): void {
  const { allowed, reason } = authorizer.decide(a);
  if (!allowed) throw forbiddenBy(a, reason);
}

/** Asks about every part of the wanted user. @throws ApiError 403 */
function checkedUser(authorizer: Authorizer, requestor: User, wanted: User, constraint: string): User {
  const constrained = constraint !== '';
  const verb = constrained ? constraint : 'impersonate';
  const about = (resource: string, name: string, group = constrained ? AUTHENTICATION : ''): Attributes => ({
    user: requestor,
    verb,
    isResource: true,
    group,
    resource,
    subresource: '',
    namespace: '',
    name,
    path: '',
  });
  const account = ACCOUNT.exec(wanted.name);
  const node = constrained ? nodeOf(wanted.name) : '';
  let groups = wanted.groups;
  if (account) {
    if (groups.length === 0) groups = ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`];
    check(authorizer, { ...about('serviceaccounts', account[2] as string), namespace: account[1] as string });
  } else if (node !== '') {
    groups = ['system:nodes'];
    check(authorizer, about('nodes', constraint === 'impersonate:associated-node' ? '*' : node));
  } else check(authorizer, about('users', wanted.name));
  if (wanted.uid !== '') check(authorizer, about('uids', wanted.uid, AUTHENTICATION));
  checkGroups(authorizer, about('groups', ''), wanted.groups, constrained);
  checkExtra(authorizer, about('userextras', '', AUTHENTICATION), wanted.extra, constrained);
  if (wanted.name === 'system:anonymous') groups = withGroup(groups, UNAUTHENTICATED);
  else if (!groups.includes(UNAUTHENTICATED)) groups = withGroup(groups, AUTHENTICATED);
  return { name: wanted.name, uid: wanted.uid, groups, extra: wanted.extra };
}

const withGroup = (groups: readonly string[], group: string): readonly string[] => (groups.includes(group) ? groups : [...groups, group]);

function checkGroups(authorizer: Authorizer, a: Attributes, groups: readonly string[], constrained: boolean): void {
  if (constrained && groups.includes('')) throw forbiddenBy(a, 'impersonating the empty string group is not allowed');
  if (constrained && groups.includes('system:masters'))
    throw forbiddenBy({ ...a, name: 'system:masters' }, 'impersonating the system:masters group is not allowed');
  if (constrained && groups.length >= MANY && authorizer.decide({ ...a, name: '*' }).allowed) return;
  for (const name of groups) check(authorizer, { ...a, name });
}

function checkExtra(authorizer: Authorizer, a: Attributes, extra: User['extra'], constrained: boolean): void {
  const keys = Object.keys(extra);
  if (constrained) {
    const empty = keys.find((key) => extra[key]?.includes(''));
    if (keys.includes('')) throw forbiddenBy(a, 'impersonating the empty string key in extra is not allowed');
    if (empty !== undefined) throw forbiddenBy(a, 'impersonating the empty string value in extra is not allowed');
    const bad = keys.filter((key) => !/^[a-z0-9.-]+\/.+$/.test(key));
    if (bad.length > 0) throw forbiddenBy(a, `impersonating an invalid key in extra is not allowed: ${goQuoteList(bad)}`);
  }
  for (const key of keys) for (const name of extra[key] as readonly string[]) check(authorizer, { ...a, subresource: key, name });
}
