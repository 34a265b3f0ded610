// ServiceAccount tokens for Pods (kubelet/token TokenManager): asked for by TokenRequest, kept, renewed at 80 % of their life.

import { ApiError } from '../api/status.ts';
import type { Pod } from '../api/generated/types.ts';
import type { Op, Timer } from '../sim/simulation.ts';
import { type Context, podUid } from './context.ts';
import { tokenRefresh } from './volumes.ts';

interface Token {
  readonly text: string;
  readonly timer: Timer;
}

export class TokenManager {
  readonly #context: Context;
  /** By Pod UID, then audience. */
  readonly #tokens = new Map<string, Map<string, Token>>();
  readonly #onExpiring: (uid: string) => void;

  constructor(context: Context, onExpiring: (uid: string) => void) {
    this.#context = context;
    this.#onExpiring = onExpiring;
  }

  /** A token for the Pod's ServiceAccount, bound to the Pod. Throws ApiError. */
  *get(pod: Pod, audience: string, seconds: number): Op<string> {
    const { client, os } = this.#context;
    const uid = podUid(pod);
    const known = this.#tokens.get(uid)?.get(audience);
    if (known) return known.text;
    if (!client) return '';
    const { name, namespace = '' } = pod.metadata;
    const account = pod.spec?.serviceAccountName ?? 'default';
    const answer = (yield* client.createSubresource('serviceaccounts', namespace, account, 'token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds: seconds,
        boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name, uid },
      },
    })) as { readonly status?: { readonly token?: string } };
    const text = answer.status?.token;
    if (text === undefined) throw new ApiError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'no token in the response', code: 500 });
    const cause = os.sim.cause;
    os.sim.cause = null;
    const timer = os.sim.after(tokenRefresh(seconds), () => {
      if (!os.process.alive) return;
      this.#tokens.get(uid)?.delete(audience);
      this.#onExpiring(uid);
    });
    os.sim.cause = cause;
    let ofPod = this.#tokens.get(uid);
    if (!ofPod) this.#tokens.set(uid, (ofPod = new Map()));
    ofPod.set(audience, { text, timer });
    return text;
  }

  forget(uid: string): void {
    for (const { timer } of this.#tokens.get(uid)?.values() ?? []) this.#context.os.sim.cancel(timer);
    this.#tokens.delete(uid);
  }
}
