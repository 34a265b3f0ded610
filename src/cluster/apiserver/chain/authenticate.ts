// Who is asking: client certificate, bearer token of a ServiceAccount, impersonation headers, or system:anonymous.
// Models the union authenticator and the impersonation filter.

import type { Secret } from '../../api/generated/types.ts';
import { verifyCertificate } from '../../api/pki.ts';
import { ApiError, forbidden, unauthorized } from '../../api/status.ts';
import { verifyToken } from '../../api/token.ts';
import type { Simulation } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { RequestContext, User } from '../request.ts';
import { bootstrapUser, parseBootstrapToken } from './bootstrap-token.ts';

const AUTHENTICATED = 'system:authenticated';
const NO_EXTRA = Object.freeze({});

export const ANONYMOUS: User = Object.freeze({ name: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: NO_EXTRA });

/** What the authenticator must know of the world. */
export interface Authentication {
  /** CA text of --client-ca-file. */
  readonly clientCa: string;
  /** Key of --service-account-key-file. */
  readonly serviceAccountKey: string;
  /** The uid of a living object, or null: tokens die with their ServiceAccount and Pod. */
  readonly uidOf: (resource: string, namespace: string, name: string) => string | null;
  /** A Secret of kube-system, for bootstrap tokens; undefined when there is none. */
  readonly systemSecret: (name: string) => Secret | undefined;
}

interface ServiceAccountClaims {
  readonly sub?: string;
  readonly exp?: number;
  readonly aud?: readonly string[];
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: { readonly name?: string; readonly uid?: string };
    readonly pod?: { readonly name?: string; readonly uid?: string };
    readonly node?: { readonly name?: string; readonly uid?: string };
  };
}

export class Authenticator {
  readonly #sim: Simulation;
  readonly #with: Authentication;
  readonly #certificates = new Map<string, User | null>();
  readonly #tokens = new Map<string, Holder | null>();

  constructor(sim: Simulation, options: Authentication) {
    this.#sim = sim;
    this.#with = options;
  }

  /** The user. @throws ApiError 401 for credentials that are no good. */
  authenticate(context: RequestContext): User {
    const { certificate } = context.peer;
    const byCertificate = certificate === null ? null : this.#byCertificate(certificate);
    if (byCertificate) return byCertificate;
    const authorization = context.http.headers['authorization'];
    if (authorization === undefined) return ANONYMOUS;
    if (!authorization.startsWith('Bearer ')) return ANONYMOUS;
    const user = this.byToken(authorization.slice(7).trim());
    if (!user) throw unauthorized();
    return user;
  }

  /** The ServiceAccount or joining node behind a token, or null. */
  byToken(token: string): User | null {
    const bootstrap = parseBootstrapToken(token);
    if (bootstrap) {
      const secret = this.#with.systemSecret(bootstrap.secretName);
      return secret ? bootstrapUser(bootstrap.id, bootstrap.secret, secret, this.#sim.epoch + this.#sim.now) : null;
    }
    let holder = this.#tokens.get(token);
    if (holder === undefined) {
      holder = holderOf(verifyToken(this.#with.serviceAccountKey, token) as ServiceAccountClaims | null);
      if (this.#tokens.size > 4_096) this.#tokens.clear();
      this.#tokens.set(token, holder);
    }
    return holder && this.#isAlive(holder.claims) ? holder.user : null;
  }

  #byCertificate(text: string): User | null {
    const known = this.#certificates.get(text);
    if (known !== undefined) return known;
    const subject = verifyCertificate(text, this.#with.clientCa);
    const user = subject
      ? Object.freeze({ name: subject.user, uid: '', groups: [...subject.groups, AUTHENTICATED], extra: NO_EXTRA })
      : null;
    if (this.#certificates.size > 16_384) this.#certificates.clear();
    this.#certificates.set(text, user);
    return user;
  }

  #isAlive(claims: ServiceAccountClaims): boolean {
    const own = claims['kubernetes.io'];
    const account = own?.serviceaccount;
    if (!own?.namespace || !account?.name) return false;
    if (claims.exp !== undefined && (this.#sim.epoch + this.#sim.now) / SECOND >= claims.exp) return false;
    if (this.#with.uidOf('serviceaccounts', own.namespace, account.name) !== account.uid) return false;
    return !own.pod?.name || this.#with.uidOf('pods', own.namespace, own.pod.name) === own.pod.uid;
  }
}

/** A good token and whom it stands for as long as its objects live. */
interface Holder {
  readonly claims: ServiceAccountClaims;
  readonly user: User;
}

function holderOf(claims: ServiceAccountClaims | null): Holder | null {
  const own = claims?.['kubernetes.io'];
  const account = own?.serviceaccount;
  if (!claims || !own?.namespace || !account?.name) return null;
  const user: User = Object.freeze({
    name: `system:serviceaccount:${own.namespace}:${account.name}`,
    uid: account.uid ?? '',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${own.namespace}`, AUTHENTICATED],
    extra: extraOf(own),
  });
  return { claims, user };
}

function extraOf(own: NonNullable<ServiceAccountClaims['kubernetes.io']>): User['extra'] {
  if (!own.pod?.name) return NO_EXTRA;
  return {
    'authentication.kubernetes.io/pod-name': [own.pod.name],
    'authentication.kubernetes.io/pod-uid': [own.pod.uid ?? ''],
    ...(own.node?.name ? { 'authentication.kubernetes.io/node-name': [own.node.name] } : {}),
  };
}

/** The user that `Impersonate-*` headers ask for, once `allowed` has agreed to each part; null without such headers. */
export function impersonate(
  context: RequestContext,
  allowed: (verb: string, group: string, resource: string, name: string) => boolean,
): User | null {
  const { headers } = context.http;
  const name = headers['impersonate-user'];
  const groups = headers['impersonate-group']?.split(',').map((g) => g.trim()) ?? [];
  if (name === undefined) {
    if (groups.length === 0) return null;
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'requested [] without impersonating a user',
      reason: 'InternalError',
      code: 500,
    });
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  const wants: [string, string][] = [[account ? 'serviceaccounts' : 'users', account ? (account[2] as string) : name]];
  for (const group of groups) wants.push(['groups', group]);
  for (const [resource, wanted] of wants) {
    if (allowed('impersonate', '', resource, wanted)) continue;
    const why = `User "${context.user.name}" cannot impersonate resource "${resource}" in API group "" at the cluster scope`;
    throw forbidden({ group: '', plural: resource }, wanted, why);
  }
  const own = account ? ['system:serviceaccounts', `system:serviceaccounts:${account[1]}`] : [];
  return { name, uid: '', groups: [...new Set([...groups, ...own, AUTHENTICATED])], extra: NO_EXTRA };
}
