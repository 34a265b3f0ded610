// --use-service-account-credentials (k8s.io/controller-manager/pkg/clientbuilder): each controller acts as a ServiceAccount of
// its own in kube-system, with a token that is asked for and renewed in time, and so with its own rights and no more.

import type { ServiceAccount } from '../api/generated/types.ts';
import { isAlreadyExists, isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import { type Micros, parseTime, SECOND } from '../sim/time.ts';

const NAMESPACE = 'kube-system';
const LIFETIME_SECONDS = 3600;
/** A token is renewed when so much of its life has passed. */
const RENEW_AT = 0.8;

interface Held {
  readonly token: string;
  readonly renew: Micros;
}

export class ServiceAccountCredentials {
  readonly #sim: Simulation;
  readonly #client: Client;
  readonly #held = new Map<string, Held>();
  readonly #asking = new Map<string, Deferred<string>>();

  /** `client` has the manager's own identity, which may make accounts and tokens. */
  constructor(client: Client) {
    this.#sim = client.os.sim;
    this.#client = client;
  }

  /** The token of that account; made with the account when there is none. Throws ApiError, SocketError. */
  *token(account: string): Op<string> {
    const held = this.#held.get(account);
    if (held && this.#sim.now < held.renew) return held.token;
    const asking = this.#asking.get(account);
    if (asking) return yield* asking.wait();
    const answer = new Deferred<string>(this.#sim);
    this.#asking.set(account, answer);
    try {
      const fresh = yield* this.#ask(account);
      this.#held.set(account, fresh);
      answer.resolve(fresh.token);
      return fresh.token;
    } catch (error) {
      answer.reject(error);
      throw error;
    } finally {
      this.#asking.delete(account);
    }
  }

  *#ask(account: string): Op<Held> {
    yield* this.#ensure(account);
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: LIFETIME_SECONDS } };
    const answer = (yield* this.#client.createSubresource('serviceaccounts', NAMESPACE, account, 'token', request)) as {
      readonly status: { readonly token: string; readonly expirationTimestamp: string };
    };
    const now = this.#sim.epoch + this.#sim.now;
    const life = (parseTime(answer.status.expirationTimestamp) ?? now + LIFETIME_SECONDS * SECOND) - now;
    return { token: answer.status.token, renew: this.#sim.now + life * RENEW_AT };
  }

  *#ensure(account: string): Op<ServiceAccount | undefined> {
    try {
      return yield* this.#client.get('serviceaccounts', NAMESPACE, account);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    try {
      return yield* this.#client.create('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: NAMESPACE } });
    } catch (error) {
      if (isAlreadyExists(error)) return undefined;
      throw error;
    }
  }
}
