// The scheduling framework's vocabulary (upstream pkg/scheduler/framework, KEP-624): what a plugin may say and where.
// A plugin is a plain object that implements the extension points it cares about; those that decide are pure functions
// of the Pod, the node and what the plugin itself worked out earlier in the same cycle.

import type { Pod } from '../../api/generated/types.ts';
import type { Op } from '../../sim/simulation.ts';
import type { ClusterEvent, ClusterEventKind } from '../events.ts';
import type { NodeInfo } from '../nodeinfo.ts';
import type { PodInfo } from '../podinfo.ts';
import type { QueuedPod } from '../queue.ts';

export type Code =
  | 'Unschedulable' // no, but evicting Pods might help
  | 'UnschedulableAndUnresolvable' // no, and evicting Pods would not help
  | 'Wait' // Permit: not yet
  | 'Skip' // this plugin has nothing to say about this Pod
  | 'Error';

/** What an extension point answers; null is Success. */
export interface Status {
  readonly code: Code;
  readonly reasons: readonly string[];
  /** Who said it; filled in by the framework. */
  readonly plugin?: string;
}

export const SKIP: Status = { code: 'Skip', reasons: [] };
export const unschedulable = (...reasons: readonly string[]): Status => ({ code: 'Unschedulable', reasons });
export const unresolvable = (...reasons: readonly string[]): Status => ({ code: 'UnschedulableAndUnresolvable', reasons });
export const isRejected = (status: Status): boolean =>
  status.code === 'Unschedulable' || status.code === 'UnschedulableAndUnresolvable';

export const MAX_NODE_SCORE = 100;

/** The nodes as they stood when the cycle began. */
export interface Snapshot {
  /** In the order in which they are tried: round-robin over zones. */
  readonly nodes: readonly NodeInfo[];
  readonly byName: ReadonlyMap<string, NodeInfo>;
  /** Nodes with at least one Pod that has inter-Pod (anti-)affinity. */
  readonly withAffinity: ReadonlySet<NodeInfo>;
  readonly withRequiredAntiAffinity: ReadonlySet<NodeInfo>;
}

export interface PreFilterResult {
  readonly status: Status | null;
  /** Handed to `filter`, `addPod` and `removePod` of the same plugin. */
  readonly state?: unknown;
  /** The only nodes worth trying; absent = all. */
  readonly nodes?: ReadonlySet<string>;
}

export interface PreScoreResult {
  readonly status: Status | null;
  /** Handed to `score` and `normalizeScore` of the same plugin. */
  readonly state?: unknown;
}

export interface PostFilterResult {
  /** null: room is being made on `nominatedNode`. */
  readonly status: Status | null;
  /** The node to nominate; '' clears a nomination; absent leaves it. */
  readonly nominatedNode?: string;
  /** The Pods to evict from it, the least important last. */
  readonly victims?: readonly PodInfo[];
}

/** Whether an event may make a Pod schedulable that this plugin rejected. */
export interface EventHint {
  readonly event: ClusterEventKind;
  /** True: try the Pod again. Absent: always. */
  readonly worthTrying?: (pod: PodInfo, before: unknown, after: unknown) => boolean;
}

/** One cycle's node-by-node verdicts of Filter. */
export type NodeVerdicts = ReadonlyMap<string, Status>;

/** Where plugins are asked, as a profile's configuration names the places. */
export type ExtensionPoint =
  | 'preEnqueue'
  | 'queueSort'
  | 'preFilter'
  | 'filter'
  | 'postFilter'
  | 'preScore'
  | 'score'
  | 'reserve'
  | 'permit'
  | 'preBind'
  | 'bind'
  | 'postBind';

export interface Plugin {
  readonly name: string;
  /** Which events may undo this plugin's rejection; absent = any event. */
  readonly events?: readonly EventHint[];
  /** Called once when the scheduler starts: events beyond those of Pods, nodes and namespaces go to `move`. */
  follow?(move: (event: ClusterEvent) => void): void;

  /** May the Pod enter the active queue? */
  preEnqueue?(pod: PodInfo): Status | null;
  /** QueueSort: is `a` to be scheduled before `b`? */
  less?(a: QueuedPod, b: QueuedPod): boolean;
  preFilter?(pod: PodInfo, snapshot: Snapshot): PreFilterResult;
  filter?(state: unknown, pod: PodInfo, node: NodeInfo): Status | null;
  /** PreFilterExtensions: `state` as if `other` ran on `node` as well, or no longer. Returns a new state. */
  addPod?(state: unknown, pod: PodInfo, other: PodInfo, node: NodeInfo): unknown;
  removePod?(state: unknown, pod: PodInfo, other: PodInfo, node: NodeInfo): unknown;
  /** Called when no node passed: make room, or say why not. An 'Error' ends the asking. */
  postFilter?(attempt: FailedAttempt): PostFilterResult;
  preScore?(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot): PreScoreResult;
  score?(state: unknown, pod: PodInfo, node: NodeInfo): number;
  /** Brings this plugin's scores into 0 … MAX_NODE_SCORE, in place. */
  normalizeScore?(state: unknown, pod: PodInfo, scores: number[], nodes: readonly NodeInfo[]): void;
  reserve?(pod: Pod, node: string): Status | null;
  unreserve?(pod: Pod, node: string): void;
  permit?(pod: Pod, node: string): { readonly status: Status | null; readonly timeout?: number };
  /** PreBindPreFlight: has preBind anything to do? Absent: yes. */
  willPreBind?(pod: Pod, node: string): boolean;
  preBind?(pod: Pod, node: string): Op<Status | null>;
  /** 'Skip' leaves the binding to the next plugin. */
  bind?(pod: Pod, node: string): Op<Status | null>;
  postBind?(pod: Pod, node: string): void;
}

/** What PostFilter plugins get. */
export interface FailedAttempt {
  readonly pod: PodInfo;
  readonly snapshot: Snapshot;
  readonly verdicts: NodeVerdicts;
  /** The verdict of nodes that Filter did not see because PreFilter excluded them; null when there are none. */
  readonly absent: Status | null;
  /** The plugins whose PreFilter was asked in this cycle: an earlier one may have ended it. */
  readonly asked: ReadonlySet<string>;
  /** A private copy of `node` on which to try what would be. */
  whatIf(node: NodeInfo): WhatIf;
}

/** A node as it would be with some Pods gone; the cycle's PreFilter states follow. */
export interface WhatIf {
  remove(pod: PodInfo): void;
  add(pod: PodInfo): void;
  /** Filter's verdict as things stand. */
  verdict(): Status | null;
}

/** A plugin's score scaled so that the highest becomes MAX_NODE_SCORE; `reverse` turns it around (upstream DefaultNormalizeScore). */
export function defaultNormalize(scores: number[], reverse: boolean): void {
  let max = 0;
  for (const score of scores) if (score > max) max = score;
  if (max === 0) {
    if (reverse) scores.fill(MAX_NODE_SCORE);
    return;
  }
  for (let i = 0; i < scores.length; i++) {
    const scaled = Math.trunc((MAX_NODE_SCORE * (scores[i] as number)) / max);
    scores[i] = reverse ? MAX_NODE_SCORE - scaled : scaled;
  }
}
