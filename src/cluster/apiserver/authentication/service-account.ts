// The claims of ServiceAccount tokens, and when they have lost their worth (pkg/serviceaccount/claims.go, legacy.go): a token dies with
// its account and with the Pod, Secret or Node that it is bound to.

import { fromBase64 } from '../../api/base64.ts';
import type { Secret } from '../../api/generated/types.ts';
import type { Simulation } from '../../sim/simulation.ts';
import { parseTime, SECOND } from '../../sim/time.ts';
import type { User } from '../request.ts';

const AUTHENTICATED = 'system:authenticated';
const LEGACY_ISSUER = 'kubernetes/serviceaccount';
const NODE_INFO = 'authentication.kubernetes.io/node-';
const POD_INFO = 'authentication.kubernetes.io/pod-';
const INVALIDATED = 'service account token has been invalidated';
/** Clocks of others may be so far off. */
const LEEWAY = 60;

interface Ref {
  readonly name?: string;
  readonly uid?: string;
}

interface Claims {
  readonly iss?: string;
  readonly exp?: number;
  readonly nbf?: number;
  readonly aud?: readonly string[] | string;
  readonly jti?: string;
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: Ref;
    readonly pod?: Ref;
    readonly secret?: Ref;
    readonly node?: Ref;
  };
  readonly 'kubernetes.io/serviceaccount/namespace'?: string;
  readonly 'kubernetes.io/serviceaccount/secret.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.uid'?: string;
}

/** What the check of a token must know of the world. */
export interface World {
  /** Metadata of a living object by `<namespace>/<name>` or `<name>`; undefined when there is none. */
  readonly metadataOf: (resource: string, key: string) => { readonly uid?: string; readonly deletionTimestamp?: string } | undefined;
  readonly secret: (namespace: string, name: string) => Secret | undefined;
}

/** A good token and whom it stands for as long as its objects live. */
export interface Holder {
  readonly user: User;
  readonly audiences: readonly string[];
  /** Why the token is no good now; '' when it is good. */
  readonly problem: (sim: Simulation, world: World, token: string) => string;
}

/** Whom the claims speak of; null when they are not those of an account. `audiences` are the API server's own. */
export function holderOf(given: Readonly<Record<string, unknown>> | null, issuer: string, audiences: readonly string[]): Holder | null {
  const claims = given as Claims | null;
  if (!claims) return null;
  if (claims.iss === LEGACY_ISSUER) return legacyHolder(claims, audiences);
  const own = claims['kubernetes.io'];
  if (claims.iss !== issuer || !own?.namespace || !own.serviceaccount?.name) return null;
  const { namespace } = own;
  const { name, uid = '' } = own.serviceaccount as { name: string; uid?: string };
  const ties = tiesOf(own);
  return {
    user: accountUser(namespace, name, uid, extraOf(claims)),
    audiences: typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []),
    problem: (sim, world) => boundProblem(claims, ties, sim, world),
  };
}

export function accountUser(namespace: string, name: string, uid: string, extra: User['extra']): User {
  return Object.freeze({
    name: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: Object.freeze(['system:serviceaccounts', `system:serviceaccounts:${namespace}`, AUTHENTICATED]),
    extra,
  });
}

function extraOf({ jti, 'kubernetes.io': own }: Claims): User['extra'] {
  const extra: Record<string, readonly string[]> = {};
  if (jti) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
  if (own?.node?.name) {
    extra[`${NODE_INFO}name`] = [own.node.name];
    if (own.node.uid) extra[`${NODE_INFO}uid`] = [own.node.uid];
  }
  if (own?.pod?.name) {
    extra[`${POD_INFO}name`] = [own.pod.name];
    extra[`${POD_INFO}uid`] = [own.pod.uid ?? ''];
  }
  return Object.freeze(extra);
}

/** An object that the token lives by. */
interface Tie {
  readonly resource: string;
  readonly key: string;
  readonly uid: string | undefined;
  /** What its uid is called when it does not match. */
  readonly what: string;
  readonly claim: string;
}

function tiesOf(own: NonNullable<Claims['kubernetes.io']>): readonly Tie[] {
  const { namespace, serviceaccount, secret, pod, node } = own;
  const ties: Tie[] = [];
  const tie = (resource: string, ref: Ref | undefined, where: string, what: string, claim: string): void => {
    if (ref?.name) ties.push({ resource, key: where === '' ? ref.name : `${where}/${ref.name}`, uid: ref.uid, what, claim });
  };
  const where = namespace as string;
  tie('serviceaccounts', serviceaccount, where, 'service account', 'claim');
  tie('secrets', secret, where, 'secret', 'service account secret ref claim');
  tie('pods', pod, where, 'pod', 'service account pod ref claim');
  // The node of a Pod is told, not bound: that of a token without a Pod is.
  if (!pod) tie('nodes', node, '', 'node', 'service account node ref claim');
  return ties;
}

function boundProblem({ exp, nbf }: Claims, ties: readonly Tie[], sim: Simulation, world: World): string {
  const now = (sim.epoch + sim.now) / SECOND;
  if (exp !== undefined && now > exp) return 'service account token has expired';
  if (nbf !== undefined && now + LEEWAY < nbf) return 'service account token is not valid yet';
  for (const { resource, key, uid, what, claim } of ties) {
    const found = world.metadataOf(resource, key);
    if (!found || (found.deletionTimestamp !== undefined && isGone(found, sim))) return INVALIDATED;
    if (found.uid !== uid) return `${what} UID (${found.uid}) does not match ${claim} (${uid})`;
  }
  return '';
}

/** Deleted for longer than a minute: finalizers do not keep tokens alive. */
function isGone({ deletionTimestamp }: { readonly deletionTimestamp?: string }, sim: Simulation): boolean {
  const deleted = deletionTimestamp === undefined ? undefined : parseTime(deletionTimestamp);
  return deleted !== undefined && sim.epoch + sim.now > deleted + LEEWAY * SECOND;
}

function legacyHolder(claims: Claims, audiences: readonly string[]): Holder | null {
  const namespace = claims['kubernetes.io/serviceaccount/namespace'];
  const name = claims['kubernetes.io/serviceaccount/service-account.name'];
  const secretName = claims['kubernetes.io/serviceaccount/secret.name'];
  const uid = claims['kubernetes.io/serviceaccount/service-account.uid'];
  if (!namespace || !name || !secretName || !uid) return null;
  return {
    user: accountUser(namespace, name, uid, Object.freeze({})),
    audiences,
    problem(sim, world, token) {
      const secret = world.secret(namespace, secretName);
      if (!secret || isGone(secret.metadata as { deletionTimestamp?: string }, sim) || !sameToken(secret, token))
        return INVALIDATED;
      const account = world.metadataOf('serviceaccounts', `${namespace}/${name}`);
      if (!account || isGone(account, sim)) return INVALIDATED;
      return account.uid === uid ? '' : `service account UID (${account.uid}) does not match claim (${uid})`;
    },
  };
}

function sameToken(secret: Secret, token: string): boolean {
  return legacyTokenOf(secret) === token;
}

/** The token in a Secret of type kubernetes.io/service-account-token. */
export function legacyTokenOf(secret: Secret): string {
  return fromBase64(secret.data?.['token'] ?? '') ?? '';
}
