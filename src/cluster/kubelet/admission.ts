// May this Pod run here? (kubelet/lifecycle/predicate.go): the kubelet's own check of resources, host ports and node affinity.

import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../api/generated/types.ts';
import { baseUnits, podRequests } from './resources.ts';

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

const MEMORY = 'memory';
export const NODE_CAPACITY = "Node didn't have enough capacity";

/** Keeps the sums of what is admitted, so that a check costs the same for any number of Pods. */
export class Admission {
  readonly #admitted = new Map<string, Pod>();
  #cpu = 0;
  #memory = 0;
  #storage = 0;
  readonly #ports = new Map<string, string>();

  /** Undefined when the Pod is (or already was) admitted. */
  admit(uid: string, pod: Pod, node: Node | undefined, allocatable: Readonly<Record<string, string>>): Rejection | undefined {
    if (this.#admitted.has(uid)) return undefined;
    const rejection = this.#resources(pod, allocatable) ?? this.#hostPorts(uid, pod) ?? affinity(pod, node);
    if (rejection) return rejection;
    const { cpu, memory, ephemeralStorage } = podRequests(pod);
    this.#admitted.set(uid, pod);
    this.#cpu += cpu;
    this.#memory += memory;
    this.#storage += ephemeralStorage;
    for (const port of hostPorts(pod)) this.#ports.set(port, uid);
    return undefined;
  }

  /** The Pod with the resources that it was admitted with, or resized to. */
  admitted(uid: string): Pod | undefined {
    return this.#admitted.get(uid);
  }

  /** Gives an admitted Pod what its new version asks for, if that is there. */
  resize(uid: string, pod: Pod, allocatable: Readonly<Record<string, string>>): Rejection | undefined {
    const before = this.#admitted.get(uid);
    if (before === undefined) return undefined;
    const [old, now] = [podRequests(before), podRequests(pod)];
    this.#cpu -= old.cpu;
    this.#memory -= old.memory;
    this.#admitted.delete(uid);
    const rejection = this.#resources(pod, allocatable);
    const held = rejection === undefined ? now : old;
    this.#cpu += held.cpu;
    this.#memory += held.memory;
    this.#admitted.set(uid, rejection === undefined ? pod : before);
    return rejection;
  }

  /** The Pod has ended: what it held is free. */
  release(uid: string): void {
    const pod = this.#admitted.get(uid);
    if (!pod) return;
    const { cpu, memory, ephemeralStorage } = podRequests(pod);
    this.#admitted.delete(uid);
    this.#cpu -= cpu;
    this.#memory -= memory;
    this.#storage -= ephemeralStorage;
    for (const port of hostPorts(pod)) if (this.#ports.get(port) === uid) this.#ports.delete(port);
  }

  #resources(pod: Pod, allocatable: Readonly<Record<string, string>>): Rejection | undefined {
    const { cpu, memory, ephemeralStorage } = podRequests(pod);
    const lacking = (resource: string, requested: number, used: number, capacity: number): Rejection => ({
      reason: `OutOf${resource}`,
      message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
    });
    const pods = baseUnits(allocatable['pods'] ?? '110');
    if (this.#admitted.size + 1 > pods) return lacking('pods', 1, this.#admitted.size, pods);
    const milli = (x: number): number => Math.round(x * 1000);
    const cpuHere = baseUnits(allocatable['cpu'] ?? '0');
    if (cpu > 0 && milli(this.#cpu + cpu) > milli(cpuHere)) return lacking('cpu', milli(cpu), milli(this.#cpu), milli(cpuHere));
    const memoryHere = baseUnits(allocatable[MEMORY] ?? '0');
    if (memory > 0 && this.#memory + memory > memoryHere) return lacking(MEMORY, memory, this.#memory, memoryHere);
    const storageHere = baseUnits(allocatable['ephemeral-storage'] ?? '0');
    if (ephemeralStorage > 0 && this.#storage + ephemeralStorage > storageHere) return lacking('ephemeral-storage', ephemeralStorage, this.#storage, storageHere);
    return undefined;
  }

  #hostPorts(uid: string, pod: Pod): Rejection | undefined {
    for (const port of hostPorts(pod)) {
      const owner = this.#ports.get(port);
      if (owner === undefined || owner === uid) continue;
      return { reason: 'NodePorts', message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" };
    }
    return undefined;
  }
}

function hostPorts(pod: Pod): readonly string[] {
  const keys: string[] = [];
  for (const c of pod.spec?.containers ?? []) {
    for (const p of c.ports ?? []) if (p.hostPort) keys.push(`${p.protocol ?? 'TCP'}/${p.hostIP ?? '0.0.0.0'}/${p.hostPort}`);
  }
  return keys;
}

function affinity(pod: Pod, node: Node | undefined): Rejection | undefined {
  const labels = node?.metadata.labels;
  if (!labels) return undefined;
  const fits =
    Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    matchesTerms(pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms, labels, node.metadata.name);
  if (fits) return undefined;
  return { reason: 'NodeAffinity', message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector" };
}

function matchesTerms(terms: readonly NodeSelectorTerm[] | undefined, labels: Readonly<Record<string, string>>, name: string): boolean {
  if (!terms) return true;
  return terms.some((term) => {
    const expressions = term.matchExpressions ?? [];
    const fields = term.matchFields ?? [];
    if (expressions.length + fields.length === 0) return false;
    return expressions.every((e) => matches(e, labels[e.key])) && fields.every((e) => e.key === 'metadata.name' && matches(e, name));
  });
}

function matches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value);
    case 'NotIn': return value === undefined || !values.includes(value);
    case 'Exists': return value !== undefined;
    case 'DoesNotExist': return value === undefined;
    case 'Gt': return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt': return value !== undefined && Number(value) < Number(values[0]);
    default: return false;
  }
}
