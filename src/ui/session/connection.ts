// The wire to the worker: commands by Comlink, rows over a port of their own. Says when the worker died or no longer
// answers; it never restarts one by itself.

import { type Remote, transfer, wrap } from 'comlink';
import type { Batch, Clock, SessionApi, SessionLog, Topology } from '../../session/protocol.ts';
import { spawnWorker, takeFirst } from './first-worker.ts';

export type CrashReason = 'error' | 'silent';

export interface Endpoint {
  readonly api: Remote<SessionApi>;
  close(): void;
}

export type OpenEndpoint = (onError: () => void) => Endpoint;

/** The real cluster: one worker. */
export const workerEndpoint: OpenEndpoint = (onError) => {
  const { worker, failed } = takeFirst() ?? spawnWorker();
  if (failed) queueMicrotask(onError);
  worker.addEventListener('error', onError);
  worker.addEventListener('messageerror', onError);
  return { api: wrap<SessionApi>(worker), close: () => worker.terminate() };
};

/** A command that takes longer than this means that the worker hangs: milliseconds. */
const PATIENCE = 30_000;

export class Connection {
  readonly #endpoint: Endpoint;
  readonly #onBatch: (batch: Batch) => void;
  readonly #onCrash: (reason: CrashReason) => void;
  #port: MessagePort | null = null;
  #queue: Batch[] = [];
  #frame = 0;
  #closed = false;

  constructor(open: OpenEndpoint, onBatch: (batch: Batch) => void, onCrash: (reason: CrashReason) => void) {
    this.#onBatch = onBatch;
    this.#onCrash = onCrash;
    this.#endpoint = open(() => this.#crash('error'));
  }

  /** Starts a session; a log is replayed, a topology or null is a new cluster. */
  async open(from: SessionLog | Topology | null): Promise<Clock> {
    const { port1, port2 } = new MessageChannel();
    this.#port?.close();
    this.#port = port1;
    this.#queue = [];
    port1.onmessage = (message: MessageEvent<Batch>) => {
      this.#queue.push(message.data);
      this.#schedule();
    };
    const clock = await this.call((api) => api.open(from, transfer(port2, [port2])));
    // Only the project's own server (npm start) has a door for clients outside, and says so in the page's head.
    const door = document.querySelector<HTMLMetaElement>('meta[name="orrery-bridge"]')?.content;
    if (door) void this.call((api) => api.connectBridge(new URL(door, location.href).href.replace(/^http/, 'ws')));
    return clock;
  }

  /** Runs one command. When no answer comes the connection counts as crashed and the promise never settles. */
  async call<T>(command: (api: Remote<SessionApi>) => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#crash('silent'), PATIENCE);
    try {
      return await command(this.#endpoint.api);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#port?.close();
    this.#endpoint.close();
  }

  #schedule(): void {
    if (this.#frame !== 0 || this.#closed) return;
    // A hidden tab gets no frames; it must still acknowledge, or the worker would wait for ever.
    if (document.hidden) setTimeout(() => this.#drain(), 200);
    else this.#frame = requestAnimationFrame(() => this.#drain());
  }

  #drain(): void {
    this.#frame = 0;
    if (this.#closed) return;
    for (const batch of this.#queue.splice(0)) {
      this.#onBatch(batch);
      this.#port?.postMessage({ ack: batch.seq });
    }
  }

  #crash(reason: CrashReason): void {
    if (this.#closed) return;
    this.close();
    this.#onCrash(reason);
  }
}
