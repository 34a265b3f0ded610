// Who is asking: client certificate, bearer token of a ServiceAccount or of a joining node, or system:anonymous.
// Models the union authenticator of pkg/kubeapiserver/authenticator.

import { readCertificate, verifyCertificate } from '../../api/pki.ts';
import { unauthorized } from '../../api/status.ts';
import { verifyToken } from '../../api/token.ts';
import type { Simulation } from '../../sim/simulation.ts';
import { parseTime } from '../../sim/time.ts';
import { type Holder, holderOf, type World } from '../authentication/service-account.ts';
import type { RequestContext, User } from '../request.ts';
import { bootstrapUser, parseBootstrapToken } from './bootstrap-token.ts';

const AUTHENTICATED = 'system:authenticated';
const NO_EXTRA = Object.freeze({});
const INVALID = 'invalid bearer token';
const REMEMBERED_TOKENS = 4_096;
const REMEMBERED_CERTIFICATES = 16_384;

export const ANONYMOUS: User = Object.freeze({ name: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: NO_EXTRA });

/** What the authenticator must know of the world. */
export interface Authentication extends World {
  /** CA text of --client-ca-file. */
  readonly clientCa: string;
  /** Key of --service-account-key-file. */
  readonly serviceAccountKey: string;
  readonly issuer: string;
  /** --api-audiences. */
  readonly audiences: readonly string[];
  /** --enable-bootstrap-token-auth. */
  readonly bootstrapTokens: boolean;
  /** --anonymous-auth. */
  readonly anonymous: boolean;
}

interface Person {
  readonly user: User;
  /** Microseconds since 1970. */
  readonly until: number;
}

/** The answer to a token: whom it stands for and for which of the audiences asked, or why it is no good. */
export type TokenAnswer = { readonly user: User; readonly audiences: readonly string[] } | { readonly problem: string };

export class Authenticator {
  readonly #sim: Simulation;
  readonly #with: Authentication;
  readonly #certificates = new Map<string, Person | null>();
  readonly #tokens = new Map<string, Holder | null>();

  constructor(sim: Simulation, options: Authentication) {
    this.#sim = sim;
    this.#with = options;
  }

  /** The user. @throws ApiError 401 for credentials that are no good, and for none when anonymous requests are off */
  authenticate(context: RequestContext): User {
    const { certificate } = context.peer;
    const byCertificate = certificate === null ? null : this.#byCertificate(certificate);
    if (byCertificate) return byCertificate;
    const token = bearerOf(context.http.headers['authorization']);
    if (token === '') {
      if (certificate !== null || !this.#with.anonymous) throw unauthorized();
      return ANONYMOUS;
    }
    const answer = this.byToken(token, this.#with.audiences);
    if ('problem' in answer) throw unauthorized();
    return answer.user;
  }

  /** The ServiceAccount or joining node behind a token. */
  byToken(token: string, audiences: readonly string[]): TokenAnswer {
    const bootstrap = this.#with.bootstrapTokens ? parseBootstrapToken(token) : null;
    if (bootstrap) {
      const secret = this.#with.secret('kube-system', bootstrap.secretName);
      const user = secret ? bootstrapUser(bootstrap.id, bootstrap.secret, secret, this.#sim.epoch + this.#sim.now) : null;
      return user ? { user, audiences } : { problem: INVALID };
    }
    let holder = this.#tokens.get(token);
    if (holder === undefined) {
      holder = holderOf(verifyToken(this.#with.serviceAccountKey, token), this.#with.issuer, this.#with.audiences);
      if (this.#tokens.size >= REMEMBERED_TOKENS) this.#tokens.clear();
      this.#tokens.set(token, holder);
    }
    if (!holder) return { problem: INVALID };
    const shared = audiences === holder.audiences ? audiences : audiences.filter((audience) => (holder as Holder).audiences.includes(audience));
    if (shared.length === 0) {
      const list = (texts: readonly string[]): string => JSON.stringify(texts).replaceAll(',', ' ');
      return { problem: `[${INVALID}, token audiences ${list(holder.audiences)} is invalid for the target audiences ${list(audiences)}]` };
    }
    const problem = holder.problem(this.#sim, this.#with, token);
    return problem === '' ? { user: holder.user, audiences: shared } : { problem: `[${INVALID}, ${problem}]` };
  }

  #byCertificate(text: string): User | null {
    let person = this.#certificates.get(text);
    if (person === undefined) {
      person = this.#person(text);
      if (this.#certificates.size >= REMEMBERED_CERTIFICATES) this.#certificates.clear();
      this.#certificates.set(text, person);
    }
    return person && this.#sim.epoch + this.#sim.now < person.until ? person.user : null;
  }

  #person(text: string): Person | null {
    const subject = verifyCertificate(text, this.#with.clientCa);
    if (!subject) return null;
    const user: User = Object.freeze({
      name: subject.user,
      uid: '',
      groups: Object.freeze([...subject.groups, AUTHENTICATED]),
      extra: NO_EXTRA,
    });
    return { user, until: parseTime(readCertificate(text)?.notAfter ?? '') ?? Number.POSITIVE_INFINITY };
  }
}

function bearerOf(authorization: string | undefined): string {
  if (authorization === undefined) return '';
  const text = authorization.trim();
  const space = text.indexOf(' ');
  return space > 0 && text.slice(0, space).toLowerCase() === 'bearer' ? text.slice(space + 1).trim() : '';
}
