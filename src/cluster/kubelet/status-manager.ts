// status.Manager: keeps the status that each Pod should show and writes it to the API, one Pod after another;
// deletes Pods (grace 0) once nothing of them is left on the node.

import { jsonEqual } from '../api/meta.ts';
import { ApiError } from '../api/status.ts';
import type { Pod, PodCondition, PodStatus } from '../api/generated/types.ts';
import { isProgrammingError } from '../client/errors.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND } from '../sim/time.ts';
import type { Cause } from '../sim/trace.ts';
import { type Context, isStaticPod, podSubject, podUid, step } from './context.ts';

interface Entry {
  /** As the Pod worker sees it: the static Pod, not its mirror. */
  pod: Pod;
  status: PodStatus;
  version: number;
  written: number;
  /** Everything of it is gone from the node. */
  finished: boolean;
  cause: Cause | null;
}

/** Conditions that the kubelet owns; others are kept as somebody else wrote them. */
const OWN = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled', 'PodResizePending', 'PodResizeInProgress', 'AllContainersRestarting']);
const RETRY = 10 * SECOND;

export class StatusManager {
  readonly #context: Context;
  readonly #entries = new Map<string, Entry>();
  readonly #dirty = new Set<string>();
  readonly #wake: Channel<null>;
  /** The mirror of a static Pod, if the API has it. */
  readonly #mirrorOf: (pod: Pod) => Pod | undefined;

  constructor(context: Context, mirrorOf: (pod: Pod) => Pod | undefined) {
    this.#context = context;
    this.#mirrorOf = mirrorOf;
    this.#wake = new Channel(context.os.sim);
  }

  /** The status last set; undefined when the kubelet has not looked at the Pod yet. */
  get(uid: string): PodStatus | undefined {
    return this.#entries.get(uid)?.status;
  }

  /** Takes over a new status: times of unchanged conditions stay, startTime stays. True when something changed. */
  set(pod: Pod, status: PodStatus): boolean {
    const uid = podUid(pod);
    const entry = this.#entries.get(uid);
    const old = entry?.status ?? pod.status ?? {};
    const now = this.#context.os.sim.time();
    const merged: PodStatus = {
      ...status,
      conditions: settleTimes(status.conditions ?? [], old.conditions ?? [], now),
      startTime: old.startTime ?? status.startTime ?? now,
    };
    if (entry) {
      entry.pod = pod;
      if (jsonEqual(entry.status, merged)) return false;
      entry.status = merged;
      entry.version++;
    } else this.#entries.set(uid, { pod, status: merged, version: 1, written: 0, finished: false, cause: null });
    this.#mark(uid);
    return true;
  }

  /** The Pod has nothing left on this node: the API object may go. */
  terminate(pod: Pod): void {
    const entry = this.#entries.get(podUid(pod));
    if (!entry) return;
    entry.pod = pod;
    entry.finished = true;
    const terminated = { terminated: { reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated', exitCode: 137 } };
    const end = (list: PodStatus['containerStatuses']): PodStatus['containerStatuses'] =>
      list?.map((s) => (s.state?.terminated || (s.state?.waiting && !s.containerID && !s.lastState?.terminated) ? s : { ...s, state: terminated }));
    const { status } = entry;
    const inits = end(status.initContainerStatuses);
    const mains = end(status.containerStatuses);
    entry.status = { ...status, ...(inits ? { initContainerStatuses: inits } : {}), ...(mains ? { containerStatuses: mains } : {}) };
    entry.version++;
    this.#mark(podUid(pod));
  }

  /** The API Pod (or mirror) is there or changed: what was not written may be written now. */
  resync(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    entry.written = 0;
    this.#mark(uid);
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
    this.#dirty.delete(uid);
  }

  /** The writing loop; one thread of the kubelet. */
  *run(): Op<void> {
    const { sim } = this.#context.os;
    for (;;) {
      if ((yield* this.#wake.receive()) === undefined) return;
      // What is marked meanwhile comes up in the same round.
      for (const uid of this.#dirty) {
        this.#dirty.delete(uid);
        const entry = this.#entries.get(uid);
        if (!entry) continue;
        sim.cause = entry.cause;
        yield* this.#write(uid, entry);
      }
    }
  }

  #mark(uid: string): void {
    const entry = this.#entries.get(uid);
    const { sim } = this.#context.os;
    if (entry) entry.cause = sim.cause;
    if (this.#context.client === null) return;
    const idle = this.#dirty.size === 0;
    this.#dirty.add(uid);
    if (idle && this.#wake.length === 0) this.#wake.send(null);
  }

  *#write(uid: string, entry: Entry): Op<void> {
    const { client, os } = this.#context;
    if (!client) return;
    const { version } = entry;
    const isStatic = isStaticPod(entry.pod);
    const target = isStatic ? this.#mirrorOf(entry.pod) : entry.pod;
    if (!target || (entry.written === version && !entry.finished)) return;
    const { namespace = '', name } = target.metadata;
    try {
      const current = yield* client.get('pods', namespace, name);
      if (podUid(current) !== podUid(target)) {
        this.forget(uid);
        return;
      }
      const old = current.status ?? {};
      const merged = mergeStatus(old, entry.status);
      const patch = statusPatch(old, merged);
      if (patch) {
        step(os, 'updateStatus', podSubject(entry.pod), { phase: merged.phase, conditions: merged.conditions });
        yield* client.patch('pods', namespace, name, { metadata: { uid: podUid(target) }, status: patch }, 'strategic', 'status');
      }
      entry.written = Math.max(entry.written, version);
      if (entry.finished && current.metadata?.deletionTimestamp !== undefined) {
        yield* client.delete('pods', namespace, name, { gracePeriodSeconds: 0, preconditions: { uid: podUid(target) } });
      }
      if (entry.finished && current.metadata?.deletionTimestamp !== undefined) this.forget(uid);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      if (error instanceof ApiError && error.status.reason === 'NotFound') {
        if (!isStatic) this.forget(uid);
        return;
      }
      os.logError(`"Failed to update status for pod" err="${error instanceof Error ? error.message : String(error)}" pod="${namespace}/${name}"`);
      os.sim.after(RETRY, () => this.#mark(uid));
    }
  }
}

function settleTimes(fresh: readonly PodCondition[], old: readonly PodCondition[], now: string): readonly PodCondition[] {
  return fresh.map((condition) => {
    const before = old.find((c) => c.type === condition.type);
    const time = before !== undefined && before.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastTransitionTime: time ?? now };
  });
}

/** The new status with the conditions that others own kept from the old. */
function mergeStatus(old: PodStatus, fresh: PodStatus): PodStatus {
  const conditions = fresh.conditions ?? [];
  const others = (old.conditions ?? []).filter((c) => !OWN.has(c.type) && !conditions.some((f) => f.type === c.type));
  return others.length === 0 ? fresh : { ...fresh, conditions: [...conditions, ...others] };
}

/** Strategic merge patch from `old` to `fresh`; undefined when they are the same. Conditions merge by type. */
export function statusPatch(old: PodStatus, fresh: PodStatus): Readonly<Record<string, unknown>> | undefined {
  const patch: Record<string, unknown> = {};
  let changes = 0;
  for (const key in fresh) {
    const value = fresh[key as keyof PodStatus];
    const before = old[key as keyof PodStatus];
    if (jsonEqual(before, value)) continue;
    if (key === 'podIPs' || key === 'hostIPs') {
      // These merge by address: one that is gone must be named.
      const gone = ((before ?? []) as readonly { ip?: string }[]).filter((b) => !(value as readonly { ip?: string }[]).some((v) => v.ip === b.ip));
      changes++;
      patch[key] = [...gone.map(({ ip }) => ({ ip, $patch: 'delete' })), ...(value as readonly unknown[])];
      continue;
    }
    if (key !== 'conditions') {
      changes++;
      patch[key] = value;
      continue;
    }
    const olds = (before ?? []) as readonly PodCondition[];
    const news = value as readonly PodCondition[];
    const changed = news.filter((c) => !jsonEqual(olds.find((o) => o.type === c.type), c));
    const gone = olds.filter((o) => !news.some((n) => n.type === o.type));
    if (changed.length === 0 && gone.length === 0) continue;
    changes++;
    patch['$setElementOrder/conditions'] = news.map((c) => ({ type: c.type }));
    patch['conditions'] = [...gone.map(({ type }) => ({ type, $patch: 'delete' })), ...changed.map((c) => withCleared(olds.find((o) => o.type === c.type), c))];
  }
  return changes === 0 ? undefined : patch;
}

/** The condition, with those of its fields that are gone as null. */
function withCleared(old: PodCondition | undefined, fresh: PodCondition): Readonly<Record<string, unknown>> {
  let gone: Record<string, null> | null = null;
  for (const key in old) if (!(key in fresh) && key !== 'lastProbeTime') (gone ??= {})[key] = null;
  return gone === null ? { ...fresh } : { ...gone, ...fresh };
}
