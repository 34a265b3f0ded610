// What a node's silence and its conditions mean (pkg/controller/nodelifecycle). Pure.

import type { Node, NodeCondition, Taint } from '../api/generated/types.ts';
import { conditionOf } from '../api/meta.ts';
import { NOT_READY, UNREACHABLE } from './taints.ts';

const WATCHED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** Condition and status → taint. */
const TAINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Ready: { False: NOT_READY, Unknown: UNREACHABLE },
  MemoryPressure: { True: 'node.kubernetes.io/memory-pressure' },
  DiskPressure: { True: 'node.kubernetes.io/disk-pressure' },
  NetworkUnavailable: { True: 'node.kubernetes.io/network-unavailable' },
  PIDPressure: { True: 'node.kubernetes.io/pid-pressure' },
};
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';
const KEYS = new Set([...Object.values(TAINTS).flatMap((byStatus) => Object.values(byStatus)), UNSCHEDULABLE]);

/** The conditions of a node that has been silent for too long; the same array when they say so already. */
export function unknownConditions(node: Node, now: string): readonly NodeCondition[] | undefined {
  let conditions = node.status.conditions;
  for (const type of WATCHED) {
    const present = conditionOf(conditions, type);
    if (present?.status === 'Unknown') continue;
    const next: NodeCondition = present
      ? { ...present, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: now }
      : {
          type,
          status: 'Unknown',
          reason: 'NodeStatusNeverUpdated',
          message: 'Kubelet never posted node status.',
          lastHeartbeatTime: node.metadata.creationTimestamp ?? now,
          lastTransitionTime: now,
        };
    conditions = present ? (conditions ?? []).map((condition) => (condition === present ? next : condition)) : [...(conditions ?? []), next];
  }
  return conditions;
}

/** The NoSchedule taints that the node's state asks for, and those of their kind that it has. */
export function noScheduleTaints(node: Node): { readonly wanted: readonly Taint[]; readonly present: readonly Taint[] } {
  const wanted: Taint[] = [];
  for (const { type, status } of node.status.conditions ?? []) {
    const key = TAINTS[type]?.[status];
    if (key !== undefined) wanted.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec.unschedulable) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  const present = (node.spec.taints ?? []).filter((taint) => taint.effect === 'NoSchedule' && KEYS.has(taint.key));
  return { wanted, present };
}

/** `True`, `False`, `Unknown`; undefined before the kubelet has said anything. */
export type ReadyStatus = string | undefined;

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

const UNHEALTHY_SHARE = 0.55;
const LARGE_CLUSTER = 50;
const EVICTION_RATE = 0.1;
const REDUCED_RATE = 0.01;

export function zoneOf(node: Node): string {
  const labels = node.metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

/** More than two nodes and 55 % not ready: perhaps it is not the nodes. */
export function zoneState(nodes: readonly ReadyStatus[]): ZoneState {
  const notReady = nodes.filter((status) => status !== 'True').length;
  if (notReady === nodes.length && notReady > 0) return 'FullDisruption';
  return notReady > 2 && notReady / nodes.length >= UNHEALTHY_SHARE ? 'PartialDisruption' : 'Normal';
}

/** Nodes a second that may be tainted NoExecute in a zone of that state and size; all zones down: none at all. */
export function evictionRate(state: ZoneState, nodes: number, allDown: boolean): number {
  if (state === 'PartialDisruption') return nodes > LARGE_CLUSTER ? REDUCED_RATE : 0;
  return state === 'FullDisruption' && allDown ? 0 : EVICTION_RATE;
}
