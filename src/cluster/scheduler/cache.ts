// The scheduler's picture of the cluster (upstream backend/cache): nodes with their Pods, including Pods that were assumed
// to run where they were just sent. The picture IS the snapshot: a scheduling decision is one step of virtual time, so
// nothing changes under it, and nothing has to be copied.

import type { Node } from '../api/generated/types.ts';
import type { Snapshot } from './framework/types.ts';
import { hasAffinity, type ImageState, NodeInfo } from './nodeinfo.ts';
import { type PodInfo, assumedOn } from './podinfo.ts';

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';

export class Cache implements Snapshot {
  readonly byName = new Map<string, NodeInfo>();
  readonly withAffinity = new Set<NodeInfo>();
  readonly withRequiredAntiAffinity = new Set<NodeInfo>();
  /** Pod uid → the node it is counted on. */
  readonly #podNode = new Map<string, NodeInfo>();
  readonly #assumed = new Set<string>();
  readonly #images = new Map<string, ImageState>();
  #order: readonly NodeInfo[] | null = null;
  /** Nodes whose object is gone or not yet seen; they do not take part. */
  readonly #unknown = new Map<string, NodeInfo>();

  /** Known nodes, taken in turn from each zone (upstream node_tree). */
  get nodes(): readonly NodeInfo[] {
    return (this.#order ??= inZoneTurns([...this.byName.values()]));
  }

  setNode(node: Node): void {
    const name = node.metadata.name ?? '';
    let info = this.byName.get(name);
    if (info === undefined) {
      info = this.#unknown.get(name) ?? new NodeInfo(name);
      this.#unknown.delete(name);
      this.byName.set(name, info);
      this.#order = null;
    } else if (zoneOf(info.labels) !== zoneOf(node.metadata.labels ?? {})) this.#order = null;
    const imagesChanged = info.node?.status?.images !== node.status?.images;
    info.setNode(node);
    this.#noteAffinity(info);
    if (imagesChanged) this.#setImages(info, node);
  }

  removeNode(name: string): void {
    const info = this.byName.get(name);
    if (info === undefined) return;
    this.#forgetImages(info);
    info.setNode(null);
    this.#noteAffinity(info);
    this.byName.delete(name);
    this.#order = null;
    if (info.pods.size > 0) this.#unknown.set(name, info);
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  /** Counts the Pod on `node` until it is confirmed (by a watch event) or forgotten (because binding failed). */
  assume(pod: PodInfo, node: string): PodInfo {
    const assumed = assumedOn(pod, node);
    this.#assumed.add(pod.uid);
    this.#put(assumed, node);
    return assumed;
  }

  forget(uid: string): void {
    if (!this.#assumed.delete(uid)) return;
    this.#take(uid);
  }

  /** A Pod that the API says runs on a node: new, confirmed, or changed. */
  setPod(pod: PodInfo): void {
    this.#assumed.delete(pod.uid);
    const node = pod.pod.spec.nodeName ?? '';
    const at = this.#podNode.get(pod.uid);
    const former = at?.pods.get(pod.uid);
    if (former?.pod === pod.pod) return;
    if (at?.name === node && former && countsTheSame(former, pod)) at.replacePod(pod);
    else this.#put(pod, node);
  }

  /** What is known of a Pod that runs or is assumed to run. */
  podInfo(uid: string): PodInfo | undefined {
    return this.#podNode.get(uid)?.pods.get(uid);
  }

  removePod(uid: string): void {
    this.#assumed.delete(uid);
    this.#take(uid);
  }

  #put(pod: PodInfo, node: string): void {
    this.#take(pod.uid);
    let info = this.byName.get(node) ?? this.#unknown.get(node);
    if (info === undefined) this.#unknown.set(node, (info = new NodeInfo(node)));
    info.addPod(pod);
    this.#podNode.set(pod.uid, info);
    this.#noteAffinity(info);
  }

  #take(uid: string): void {
    const info = this.#podNode.get(uid);
    if (info === undefined) return;
    this.#podNode.delete(uid);
    info.removePod(uid);
    this.#noteAffinity(info);
    if (info.node === null && info.pods.size === 0) this.#unknown.delete(info.name);
  }

  #noteAffinity(info: NodeInfo): void {
    const known = info.node !== null;
    if (known && info.podsWithAffinity.size > 0) this.withAffinity.add(info);
    else this.withAffinity.delete(info);
    if (known && info.podsWithRequiredAntiAffinity.size > 0) this.withRequiredAntiAffinity.add(info);
    else this.withRequiredAntiAffinity.delete(info);
  }

  #setImages(info: NodeInfo, node: Node): void {
    this.#forgetImages(info);
    const images = new Map<string, ImageState>();
    for (const image of node.status?.images ?? []) {
      for (const name of image.names ?? []) {
        let state = this.#images.get(name);
        if (state === undefined) this.#images.set(name, (state = { sizeBytes: image.sizeBytes ?? 0, nodes: new Set() }));
        state.nodes.add(info.name);
        images.set(name, state);
      }
    }
    info.images = images;
  }

  #forgetImages(info: NodeInfo): void {
    for (const [name, state] of info.images) {
      state.nodes.delete(info.name);
      if (state.nodes.size === 0) this.#images.delete(name);
    }
    info.images = new Map();
  }
}

/** One can stand for the other in a node's sums: they share what was worked out, and are found by the same selectors. */
function countsTheSame(a: PodInfo, b: PodInfo): boolean {
  return (
    a.requests === b.requests &&
    a.hostPorts === b.hostPorts &&
    a.labels === b.labels &&
    a.pod.metadata.deletionTimestamp === b.pod.metadata.deletionTimestamp &&
    !hasAffinity(b)
  );
}

const zoneOf = (labels: Readonly<Record<string, string>>): string => `${labels[REGION] ?? ''}:${labels[ZONE] ?? ''}`;

function inZoneTurns(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = zoneOf(node.labels);
    const list = zones.get(zone);
    if (list) list.push(node);
    else zones.set(zone, [node]);
  }
  if (zones.size < 2) return nodes;
  const turns: NodeInfo[] = [];
  for (let i = 0; turns.length < nodes.length; i++) {
    for (const list of zones.values()) if (i < list.length) turns.push(list[i] as NodeInfo);
  }
  return turns;
}
