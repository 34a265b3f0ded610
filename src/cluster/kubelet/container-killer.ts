// How containers end (kuberuntime killContainer, killPodWithSyncResult): preStop hook, stop signal, grace period; sidecars after the others.

import type { Pod } from '../api/generated/types.ts';
import { CriError } from '../runtime/cri.ts';
import { Deferred } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { type ContainerToKill, isSidecar } from './actions.ts';
import { type Context, podSubject, podUid } from './context.ts';
import { runHook } from './hooks.ts';

const MIN_GRACE: Micros = 2 * SECOND;

export class ContainerKiller {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Stops all containers, sidecars last, then the sandboxes. `grace` in seconds overrides the Pod's own. */
  *killPod(pod: Pod, grace: number | undefined, tearDown = true): Op<void> {
    const { cache, runtime, os } = this.#context;
    const uid = podUid(pod);
    const running = cache.get(uid).containers.filter((c) => c.state === 'RUNNING');
    const specs = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const toKill = running.flatMap((status): ContainerToKill[] => {
      const container = specs.find((c) => c.name === status.name) ?? { name: status.name };
      return [{ id: status.id, name: status.name, container, message: '', reason: '' }];
    });
    if (specs.some(isSidecar)) yield* this.#killInTurn(pod, toKill, grace);
    else yield* this.killAll(pod, toKill, grace);
    for (const sandbox of cache.get(uid).sandboxes) {
      if (!tearDown && sandbox.state !== 'READY' && sandbox.hostNetwork) continue;
      try {
        yield* runtime.stopPodSandbox(sandbox.id, podSubject(pod));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        os.logError(`"StopPodSandbox from runtime service failed" err="${error.text}" podSandboxID="${sandbox.id}"`);
      }
    }
  }

  /** All preStop hooks run at once; then a sidecar waits until the main containers and the sidecars after it have ended. */
  *#killInTurn(pod: Pod, toKill: readonly ContainerToKill[], grace: number | undefined): Op<void> {
    const { os } = this.#context;
    const order = pod.spec?.initContainers ?? [];
    const ended = new Map(toKill.map((kill) => [kill, new Deferred<void>(os.sim)]));
    const rank = (kill: ContainerToKill): number => (isSidecar(kill.container) ? order.indexOf(kill.container) : order.length);
    const tasks = toKill.map((kill) => {
      const before = [...ended].flatMap(([other, end]) => (rank(other) > rank(kill) ? [end] : []));
      return os.go(`kill ${kill.name}`, () => this.killContainer(pod, kill, grace, before));
    });
    // The main containers come first, then the sidecars from the last to the first.
    const inOrder = toKill.map((kill, i) => ({ kill, i })).sort((a, b) => rank(b.kill) - rank(a.kill));
    for (const { kill, i } of inOrder) {
      yield* (tasks[i] as (typeof tasks)[number]).join();
      ended.get(kill)?.resolve(undefined);
    }
  }

  /** Stops what still runs within `grace` seconds, beside the killing that is under way. */
  *hurry(uid: string, grace: number): Op<void> {
    const { cache, runtime } = this.#context;
    for (const status of cache.get(uid).containers.filter((c) => c.state === 'RUNNING')) {
      try {
        yield* runtime.stopContainer(status.id, Math.max(grace * SECOND, MIN_GRACE));
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
      }
    }
  }

  /** Kills several containers at once and waits for all. */
  *killAll(pod: Pod, list: readonly ContainerToKill[], grace: number | undefined): Op<void> {
    if (list.length === 1) {
      yield* this.killContainer(pod, list[0] as ContainerToKill, grace);
      return;
    }
    const tasks = list.map((kill) => this.#context.os.go(`kill ${kill.name}`, () => this.killContainer(pod, kill, grace)));
    for (const task of tasks) yield* task.join();
  }

  /** `turn`: what must have ended before the stop signal, as far as the grace period allows. */
  *killContainer(pod: Pod, kill: ContainerToKill, override: number | undefined, turn: readonly Deferred<void>[] = []): Op<void> {
    const { events, os, runtime } = this.#context;
    const { container, id, name } = kill;
    const ofProbe = kill.reason === 'LivenessProbe' ? container.livenessProbe : kill.reason === 'StartupProbe' ? container.startupProbe : undefined;
    const seconds = override ?? ofProbe?.terminationGracePeriodSeconds ?? graceOf(pod);
    events.container(pod, container, 'Normal', 'Killing', kill.message === '' ? `Stopping container ${name}` : kill.message);
    let grace = seconds * SECOND;
    const hook = container.lifecycle?.preStop;
    if (hook && seconds > 0) {
      const begun = os.sim.now;
      const task = os.go(`preStop ${name}`, () => runHook(this.#context, pod, container, id, hook));
      os.sim.after(grace, () => task.kill());
      const problem = yield* task.join();
      if (typeof problem === 'string') events.container(pod, container, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      grace -= os.sim.now - begun;
    }
    for (const end of turn) {
      if (grace <= 0) break;
      const begun = os.sim.now;
      yield* end.waitWithin(grace);
      grace -= os.sim.now - begun;
    }
    grace = Math.max(grace, MIN_GRACE);
    try {
      yield* runtime.stopContainer(id, grace, podSubject(pod));
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      os.logError(`"StopContainer from runtime service failed" err="${error.text}" containerID="${id}"`);
    }
  }
}

function graceOf(pod: Pod): number {
  return pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
}
