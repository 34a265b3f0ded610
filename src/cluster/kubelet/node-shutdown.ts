// Graceful node shutdown (kubelet/nodeshutdown): a delay lock at logind; when the machine is to go down the node is not ready, new
// Pods are turned away, and those that are here end, the critical ones last.

import type { Pod, PodCondition } from '../api/generated/types.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import type { Rejection } from './admission.ts';
import { type Context, podUid } from './context.ts';
import type { PodWorkers } from './pod-worker.ts';

const MESSAGE = 'Pod was terminated in response to imminent node shutdown.';
const STATUS = { phase: 'Failed', reason: 'Terminated', message: MESSAGE };
const CONDITION: PodCondition = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: MESSAGE };
/** Priority classes system-cluster-critical and above. */
const CRITICAL = 2_000_000_000;

export class NodeShutdown {
  readonly #context: Context;
  readonly #workers: () => PodWorkers;
  readonly #onChange: () => void;
  #stopping = false;

  constructor(context: Context, workers: () => PodWorkers, onChange: () => void) {
    this.#context = context;
    this.#workers = workers;
    this.#onChange = onChange;
  }

  /** What the node's Ready condition says; '' while the machine stays. */
  get problem(): string {
    return this.#stopping ? 'node is shutting down' : '';
  }

  /** Why no Pod is taken any more. */
  get rejection(): Rejection | undefined {
    return this.#stopping ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' } : undefined;
  }

  /** Takes the lock, when the configuration gives Pods any time. */
  start(): void {
    const { os, config } = this.#context;
    const { shutdownGracePeriod: total, shutdownGracePeriodCriticalPods: critical } = config;
    if (total <= 0 || critical > total) return;
    const { locks } = os.machine.units;
    const lock = {
      who: 'kubelet',
      why: 'Kubelet needs time to handle node shutdown',
      limit: total,
      prepare: (release: () => void): void => void os.go('node shutdown', () => this.#shutDown(total - critical, critical, release)),
    };
    locks.add(lock);
    os.process.onExit(() => locks.delete(lock));
  }

  *#shutDown(regular: Micros, critical: Micros, release: () => void): Op<void> {
    const { events, os } = this.#context;
    this.#stopping = true;
    os.log('"Shutdown manager detected new shutdown event" event="shutdown"');
    events.node('Normal', 'NodeShutdown', 'Shutdown manager detected shutdown event');
    this.#onChange();
    const pods = this.#workers().pods();
    const isCritical = (pod: Pod): boolean => (pod.spec?.priority ?? 0) >= CRITICAL;
    yield* this.#end(pods.filter((pod) => !isCritical(pod)), regular);
    yield* this.#end(pods.filter(isCritical), critical);
    os.log('"Shutdown manager completed processing shutdown event, node will shutdown shortly"');
    release();
  }

  /** Ends these Pods and waits for them, no longer than `limit`. */
  *#end(pods: readonly Pod[], limit: Micros): Op<void> {
    const { sim } = this.#context.os;
    const workers = this.#workers();
    const done = new Deferred<void>(sim);
    let left = 0;
    for (const pod of pods) {
      const own = pod.spec?.terminationGracePeriodSeconds ?? 30;
      const grace = Math.min(own, limit / SECOND);
      const ended = (): void => {
        if (--left === 0) done.resolve(undefined);
      };
      if (workers.kill(podUid(pod), { grace, status: STATUS, condition: CONDITION, ended })) left++;
    }
    if (left > 0) yield* done.waitWithin(limit);
  }
}
