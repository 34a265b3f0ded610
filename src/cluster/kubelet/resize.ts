// In-place resize (pkg/kubelet/allocation, KEP-1287): a Pod runs with what was allocated to it; when its spec asks for something else the
// kubelet allocates that if the node has it (Deferred while it has not, Infeasible when it never will), and brings the containers to it.

import type { Container, Pod, PodCondition } from '../api/generated/types.ts';
import { jsonEqual } from '../api/meta.ts';
import type { Op } from '../sim/simulation.ts';
import { type Admission, NODE_CAPACITY } from './admission.ts';
import { type Context, isStaticPod, podUid } from './context.ts';
import type { ContainerToKill } from './actions.ts';
import { findContainer } from './pod-cache.ts';
import { linuxResources, podCgroup, setPodCgroup } from './pod-cgroup.ts';
import { findScope } from '../runtime/container-cgroup.ts';
import { baseUnits, podLimit, podRequests } from './resources.ts';

interface Pending {
  pod: Pod;
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
  readonly since: string;
}

interface Progress {
  /** What its containers had before. */
  readonly from: Pod;
  readonly generation: number;
  readonly since: string;
  error: string;
}

export type Verdict = { readonly fits: true } | { readonly fits: false; readonly reason: 'Deferred' | 'Infeasible'; readonly message: string };

/** Whether the node has what the resized Pod asks for. */
export function resizeVerdict(pod: Pod, admission: Admission, allocatable: Readonly<Record<string, string>>): Verdict {
  const { cpu, memory } = podRequests(pod);
  const milli = (cores: number): number => Math.round(cores * 1000);
  const memoryHere = baseUnits(allocatable['memory'] ?? '0');
  const cpuHere = milli(baseUnits(allocatable['cpu'] ?? '0'));
  if (memory > memoryHere) return infeasible(`memory, requested: ${memory}, capacity: ${memoryHere}`);
  if (milli(cpu) > cpuHere) return infeasible(`cpu, requested: ${milli(cpu)}, capacity: ${cpuHere}`);
  const rejection = admission.resize(podUid(pod), pod, allocatable);
  return rejection === undefined ? { fits: true } : { fits: false, reason: 'Deferred', message: rejection.message };
}

const infeasible = (what: string): Verdict => ({ fits: false, reason: 'Infeasible', message: `${NODE_CAPACITY}: ${what}` });

/** A Pod with the resources of another version of it. */
function withResourcesOf(pod: Pod, other: Pod): Pod {
  const take = (list: readonly Container[], from: readonly Container[] | undefined): readonly Container[] =>
    list.map((container) => {
      const resources = from?.find((c) => c.name === container.name)?.resources;
      return resources === undefined ? container : { ...container, resources };
    });
  const { resources: _own, ...rest } = pod.spec;
  const spec = {
    ...rest,
    ...(other.spec.resources === undefined ? {} : { resources: other.spec.resources }),
    containers: take(pod.spec.containers, other.spec.containers),
    ...(pod.spec.initContainers === undefined ? {} : { initContainers: take(pod.spec.initContainers, other.spec.initContainers) }),
  };
  return { ...pod, spec };
}

/** Whether two versions of a Pod ask for the same. */
export function sameResources(a: Pod, b: Pod): boolean {
  if (a.spec === b.spec) return true;
  const lists = (one: readonly Container[] = [], two: readonly Container[] = []): boolean =>
    one.length === two.length && one.every((c, i) => c.resources === two[i]?.resources || jsonEqual(c.resources, two[i]?.resources));
  return lists(a.spec.containers, b.spec.containers) && lists(a.spec.initContainers, b.spec.initContainers) && jsonEqual(a.spec.resources, b.spec.resources);
}

export class Resizes {
  readonly #context: Context;
  readonly #admission: Admission;
  readonly #allocatable: () => Readonly<Record<string, string>>;
  readonly #pending = new Map<string, Pending>();
  readonly #progress = new Map<string, Progress>();

  constructor(context: Context, admission: Admission, allocatable: () => Readonly<Record<string, string>>) {
    this.#context = context;
    this.#admission = admission;
    this.#allocatable = allocatable;
  }

  /** The Pod as it is to run here: with its new resources once they are allocated, with the old ones until then. */
  settle(pod: Pod): Pod {
    const uid = podUid(pod);
    const allocated = this.#admission.admitted(uid);
    if (allocated === undefined || isStaticPod(pod)) return pod;
    if (sameResources(pod, allocated)) {
      this.#pending.delete(uid);
      return pod;
    }
    const verdict = resizeVerdict(pod, this.#admission, this.#allocatable());
    const { events, os } = this.#context;
    const generation = pod.metadata.generation ?? 0;
    const since = os.sim.time();
    if (verdict.fits) {
      this.#pending.delete(uid);
      const before = this.#progress.get(uid)?.from ?? allocated;
      this.#progress.set(uid, { from: before, generation, since, error: '' });
      events.pod(pod, 'Normal', 'ResizeStarted', `Pod resize started: ${summary(pod, generation)}`);
      return pod;
    }
    const { reason, message } = verdict;
    const known = this.#pending.get(uid);
    if (known === undefined || known.reason !== reason || known.message !== message || known.pod.metadata.generation !== generation) {
      this.#pending.set(uid, { pod, reason, message, since: known?.since ?? since });
      events.pod(pod, 'Warning', `Resize${reason}`, `Pod resize ${reason}: ${summary(pod, generation, message)}`);
    } else known.pod = pod;
    return withResourcesOf(pod, allocated);
  }

  /** Pods whose resize waits, those first that have waited longest; something may have become free. */
  deferred(): readonly Pod[] {
    const waiting = [...this.#pending.values()].filter((p) => p.reason === 'Deferred');
    const priority = (pod: Pod): number => pod.spec.priority ?? 0;
    return waiting.sort((a, b) => priority(b.pod) - priority(a.pod) || (a.since < b.since ? -1 : 1)).map((p) => p.pod);
  }

  /** PodResizePending and PodResizeInProgress, as far as they hold. */
  conditions(uid: string): readonly PodCondition[] {
    if (this.#pending.size === 0 && this.#progress.size === 0) return NONE;
    const [pending, progress] = [this.#pending.get(uid), this.#progress.get(uid)];
    const conditions: PodCondition[] = [];
    if (pending !== undefined) {
      const { reason, message, pod } = pending;
      conditions.push({ type: 'PodResizePending', status: 'True', reason, message, observedGeneration: pod.metadata.generation ?? 0 });
    }
    if (progress !== undefined) {
      const error = progress.error === '' ? {} : { reason: 'Error', message: progress.error };
      conditions.push({ type: 'PodResizeInProgress', status: 'True', ...error, observedGeneration: progress.generation });
    }
    return conditions;
  }

  forget(uid: string): void {
    this.#pending.delete(uid);
    this.#progress.delete(uid);
  }

  /** Containers that must be restarted to get what they were allocated: their policy says so. */
  restarts(pod: Pod): readonly ContainerToKill[] {
    const progress = this.#progress.get(podUid(pod));
    if (progress === undefined) return [];
    const runtime = this.#context.cache.get(podUid(pod));
    return pod.spec.containers.flatMap((container): ContainerToKill[] => {
      const before = progress.from.spec.containers.find((c) => c.name === container.name);
      const status = findContainer(runtime, container.name);
      if (before === undefined || status?.state !== 'RUNNING' || !needsRestart(container, before)) return [];
      return [{ id: status.id, name: container.name, container, message: `Container ${container.name} resize requires restart`, reason: '' }];
    });
  }

  /** Restarted containers have what they should. */
  noteRestarted(pod: Pod, names: readonly string[]): void {
    const uid = podUid(pod);
    const progress = this.#progress.get(uid);
    if (progress === undefined) return;
    const containers = progress.from.spec.containers.map((c) => (names.includes(c.name) ? (pod.spec.containers.find((n) => n.name === c.name) ?? c) : c));
    this.#progress.set(uid, { ...progress, from: { ...progress.from, spec: { ...progress.from.spec, containers } } });
  }

  inProgress(uid: string): boolean {
    return this.#progress.has(uid);
  }

  /** Writes the new limits into the running containers and the Pod's group. The error that stands in the way, if any. */
  *actuate(pod: Pod): Op<string | undefined> {
    const { os, runtime, cache, events } = this.#context;
    const uid = podUid(pod);
    const progress = this.#progress.get(uid);
    if (progress === undefined) return undefined;
    const problem = this.#belowUsage(pod);
    progress.error = problem ?? '';
    if (problem !== undefined) return problem;
    // What grows must first grow above, what shrinks first below.
    const grows = (podLimit(pod, 'memory') ?? Number.POSITIVE_INFINITY) >= (podLimit(progress.from, 'memory') ?? Number.POSITIVE_INFINITY);
    if (grows) setPodCgroup(os.machine, pod);
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const before = [...(progress.from.spec.initContainers ?? []), ...progress.from.spec.containers].find((c) => c.name === container.name);
      const status = findContainer(cache.get(uid), container.name);
      if (status?.state !== 'RUNNING') continue;
      if (jsonEqual(before?.resources, container.resources) && jsonEqual(progress.from.spec.resources, pod.spec.resources)) continue;
      yield* runtime.updateContainerResources(status.id, linuxResources(pod, container));
    }
    if (!grows) setPodCgroup(os.machine, pod);
    this.#progress.delete(uid);
    events.pod(pod, 'Normal', 'ResizeCompleted', `Pod resize completed: ${summary(pod, progress.generation)}`);
    return undefined;
  }

  /** A memory limit must not go below what is used: the kernel would kill. */
  #belowUsage(pod: Pod): string | undefined {
    const { os, cache } = this.#context;
    const { cgroups } = os.machine;
    const path = podCgroup(pod);
    for (const container of pod.spec.containers) {
      const status = findContainer(cache.get(podUid(pod)), container.name);
      const group = status?.state === 'RUNNING' ? findScope(cgroups, path, status.id) : undefined;
      const limit = linuxResources(pod, container).memoryLimit;
      if (group === undefined || limit === 0 || group.memoryBytes <= limit) continue;
      return `attempting to set container ${JSON.stringify(container.name)} memory limit (${limit}) below current usage (${Math.ceil(group.memoryBytes)})`;
    }
    return undefined;
  }
}

const NONE: readonly PodCondition[] = [];

function needsRestart(now: Container, before: Container): boolean {
  return (now.resizePolicy ?? []).some(({ resourceName, restartPolicy }) => {
    if (restartPolicy !== 'RestartContainer') return false;
    return (['requests', 'limits'] as const).some((kind) => now.resources?.[kind]?.[resourceName] !== before.resources?.[kind]?.[resourceName]);
  });
}

const sorted = (list: Readonly<Record<string, string>>): object => Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1)));

/** `{"containers":[{"name":"c","resources":{"limits":{…},"requests":{…}}}],"generation":2}`. */
function summary({ spec }: Pod, generation: number, error = ''): string {
  const of = ({ name, resources }: Container): object => ({
    name,
    resources: { ...(resources?.limits === undefined ? {} : { limits: sorted(resources.limits) }), ...(resources?.requests === undefined ? {} : { requests: sorted(resources.requests) }) },
  });
  return JSON.stringify({
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(of) }),
    containers: spec.containers.map(of),
    generation,
    ...(error === '' ? {} : { error }),
  });
}
