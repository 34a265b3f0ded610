// Clients outside the page as inputs of the session: each request, what its client writes and its going away is an entry of the log, so
// that a replay answers them again, to nobody.

import type { Cluster } from '../cluster/bootstrap/cluster.ts';
import { Gateway, type OutsideExchange, type OutsideFrame, type OutsideListener, type OutsideRequest } from './gateway.ts';

export type OutsideAction =
  | { readonly type: 'http'; readonly id: number; readonly request: OutsideRequest }
  | { readonly type: 'http-frame'; readonly id: number; readonly frame: OutsideFrame }
  | { readonly type: 'http-end'; readonly id: number; readonly how: 'finish' | 'abort' };

const NOBODY: OutsideListener = {
  response: () => undefined,
  chunk: () => undefined,
  frame: () => undefined,
  end: () => undefined,
  error: () => undefined,
};

/** The clients of one replica. */
export class Outside {
  readonly #gateway: Gateway;
  readonly #open = new Map<number, { readonly exchange: OutsideExchange; readonly on: OutsideListener }>();
  #last = 0;

  constructor(cluster: Cluster) {
    this.#gateway = new Gateway(cluster);
  }

  /** Requests without an answer so far. */
  get waiting(): number {
    return this.#gateway.waiting;
  }

  get nextId(): number {
    return this.#last + 1;
  }

  perform(action: OutsideAction, on: OutsideListener = NOBODY): void {
    const { id } = action;
    if (action.type === 'http') {
      this.#last = Math.max(this.#last, id);
      const over = (tell: () => void) => (): void => {
        this.#open.delete(id);
        tell();
      };
      const exchange = this.#gateway.request(action.request, {
        response: (...head) => on.response(...head),
        chunk: (text, taken) => on.chunk(text, taken),
        frame: (frame) => on.frame(frame),
        end: over(() => on.end()),
        error: (message) => over(() => on.error(message))(),
      });
      this.#open.set(id, { exchange, on });
      return;
    }
    const exchange = this.#open.get(id)?.exchange;
    if (action.type === 'http-frame') exchange?.send(action.frame);
    else if (action.how === 'finish') exchange?.finish();
    else {
      exchange?.abort();
      this.#open.delete(id);
    }
  }

  /** The replica is given up: everybody who still listens is told. */
  close(why: string): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { on } of open) on.error(why);
  }
}

/** The command line that a request stands for, where its client says so: the title of its flow. Null for one that only reads. */
export function commandOfRequest({ method, url, headers, upgrade }: OutsideRequest): readonly string[] | null {
  if (upgrade !== true && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS')) return null;
  const command = headers['kubectl-command'];
  return command === undefined ? [method, url.split('?')[0] as string] : command.split(' ').slice(1);
}
