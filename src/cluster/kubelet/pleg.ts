// The Pod lifecycle event generator (pkg/kubelet/pleg): how the kubelet hears what became of containers. The generic one lists
// them once a second, and those of a Pod at once when a sync has done something to it (PLEGOnDemandRelist, on by default in
// 1.36); with EventedPLEG the runtime's events are enough. A listing that finds nothing new shows nothing, so none is made
// before the runtime has told that something is new.

import { ContainerLog } from '../runtime/container-log.ts';
import { type ContainerEvent, type ContainerStatus, CriError } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import type { Cause } from '../sim/trace.ts';
import { terminationLogPath } from './container-config.ts';
import type { Context } from './context.ts';

const RELIST_PERIOD: Micros = SECOND;

export interface PlegParts {
  /** The Pod's worker is at work on it. */
  readonly busy: (uid: string) => boolean;
  /** Something of the Pod changed: look again. */
  readonly sync: (uid: string) => void;
  /** One of its containers has started. */
  readonly started: (uid: string) => void;
}

export class Pleg {
  readonly #context: Context;
  readonly #parts: PlegParts;
  readonly #begun: Micros;
  /** What the next listing will find. */
  #unseen: { readonly event: ContainerEvent; readonly cause: Cause | null }[] = [];

  constructor(context: Context, parts: PlegParts) {
    this.#context = context;
    this.#parts = parts;
    this.#begun = context.os.sim.now;
  }

  /** Keeps the cache of the Pods' containers up to date; one thread of the kubelet. */
  *run(): Op<void> {
    const { os, runtime } = this.#context;
    for (;;) {
      os.sim.cause = null;
      try {
        const channel = yield* runtime.containerEvents();
        yield* this.#relist();
        for (let event = yield* channel.receive(); event; event = yield* channel.receive()) this.#hear(event);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
      os.sim.cause = null;
      yield* os.sleep(SECOND);
    }
  }

  *#relist(): Op<void> {
    const { cache, runtime } = this.#context;
    const sandboxes = yield* runtime.listPodSandbox();
    const containers = yield* runtime.listContainers();
    for (const sandbox of sandboxes) {
      cache.update({ sandbox, containers: containers.filter((c) => c.sandboxId === sandbox.id).map((c) => this.#withMessage(c, sandbox.uid)) });
      this.#parts.sync(sandbox.uid);
    }
  }

  #hear(event: ContainerEvent): void {
    const { config, os } = this.#context;
    const { uid } = event.sandbox;
    if (config.eventedPleg || this.#parts.busy(uid)) {
      this.#see((seen) => seen.sandbox.uid === uid);
      this.#take(event);
      return;
    }
    if (this.#unseen.length === 0) {
      const into = (os.sim.now - this.#begun) % RELIST_PERIOD;
      os.go('relist', () => this.#nextRelist(RELIST_PERIOD - into));
    }
    this.#unseen.push({ event, cause: os.sim.cause });
  }

  *#nextRelist(wait: Micros): Op<void> {
    yield* this.#context.os.sim.sleep(wait);
    this.#see(() => true);
  }

  /** Finds what had not been seen yet. */
  #see(which: (event: ContainerEvent) => boolean): void {
    if (this.#unseen.length === 0) return;
    const { sim } = this.#context.os;
    const { cause } = sim;
    const unseen = this.#unseen;
    this.#unseen = unseen.filter(({ event }) => !which(event));
    for (const item of unseen) {
      if (!which(item.event)) continue;
      sim.cause = item.cause;
      this.#take(item.event);
    }
    sim.cause = cause;
  }

  #take(event: ContainerEvent): void {
    const { cache } = this.#context;
    const { uid } = event.sandbox;
    if (event.type === 'DELETED' && event.containerId === event.sandbox.id) {
      cache.forgetSandbox(uid, event.containerId);
      return;
    }
    cache.update({ sandbox: event.sandbox, containers: event.containers.map((c) => this.#withMessage(c, uid)) });
    if (event.type === 'CREATED' || event.type === 'DELETED') return;
    if (event.type === 'STARTED') this.#parts.started(uid);
    this.#parts.sync(uid);
  }

  /** An ended container's last words, from its termination message file or the end of its log. */
  #withMessage(status: ContainerStatus, uid: string): ContainerStatus {
    if (status.state !== 'EXITED' || status.message !== '') return status;
    const { files } = this.#context.os.machine;
    const path = terminationLogPath(uid, status.name, status.attempt);
    const text = files.exists(path) ? files.read(path).slice(0, 4096) : '';
    if (text !== '') return { ...status, message: text };
    const fallback = status.annotations['io.kubernetes.container.terminationMessagePolicy'] === 'FallbackToLogsOnError';
    const log = fallback && status.exitCode !== 0 && files.exists(status.logPath) ? files.attached(status.logPath) : undefined;
    if (!(log instanceof ContainerLog)) return status;
    return { ...status, message: log.lines.slice(-80).map((l) => l.line).join('\n').slice(-2048) };
  }
}
