// A node with what runs on it added up (upstream framework.NodeInfo). Updated one Pod at a time as Pods come and go.

import type { Node, Taint } from '../api/generated/types.ts';
import type { Labels } from './matcher.ts';
import type { HostPort, PodInfo } from './podinfo.ts';
import { type Resources, resourcesOf } from './resources.ts';

/** How large an image is and on how many nodes it lies. */
export interface ImageState {
  readonly sizeBytes: number;
  readonly nodes: Set<string>;
}

/** Pods on a node that a selector finds, kept up to date once asked for; see `NodeInfo.countMatching`. */
interface Counter {
  readonly counts: (pod: PodInfo) => boolean;
  count: number;
}

const NO_LABELS: Labels = Object.freeze({});
const NO_TAINTS: readonly Taint[] = Object.freeze([]);
const NO_RESOURCES = resourcesOf(undefined);
/** So many counters at most on one node: the least recently made go. */
const MAX_COUNTERS = 64;

export class NodeInfo {
  readonly name: string;
  /** null while Pods are known to run on a node that is not. */
  node: Node | null = null;
  labels: Labels = NO_LABELS;
  taints: readonly Taint[] = NO_TAINTS;
  allocatable: Resources = NO_RESOURCES;
  // What every decision asks of every node stands here: following references through thousands of nodes is what costs.
  allowedPods = 0;
  podCount = 0;
  unschedulable = false;
  allMilliCpu = 0;
  allMemory = 0;
  allEphemeralStorage = 0;
  images = new Map<string, ImageState>();

  readonly pods = new Map<string, PodInfo>();
  readonly podsWithAffinity = new Set<PodInfo>();
  readonly podsWithRequiredAntiAffinity = new Set<PodInfo>();
  milliCpu = 0;
  memory = 0;
  ephemeralStorage = 0;
  readonly scalars = new Map<string, number>();
  nonZeroMilliCpu = 0;
  nonZeroMemory = 0;
  /** protocol/port → addresses in use. */
  readonly #ports = new Map<string, string[]>();
  readonly #counters = new Map<string, Counter>();

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node | null): void {
    this.node = node;
    this.labels = node?.metadata?.labels ?? NO_LABELS;
    this.taints = node?.spec?.taints ?? NO_TAINTS;
    this.allocatable = resourcesOf(node?.status?.allocatable);
    this.allowedPods = this.allocatable.pods;
    this.unschedulable = node?.spec.unschedulable === true;
    this.allMilliCpu = this.allocatable.milliCpu;
    this.allMemory = this.allocatable.memory;
    this.allEphemeralStorage = this.allocatable.ephemeralStorage;
  }

  addPod(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    this.podCount = this.pods.size;
    this.#account(pod, 1);
    for (const p of pod.hostPorts) this.#occupy(p);
    if (hasAffinity(pod)) this.podsWithAffinity.add(pod);
    if (pod.requiredAntiAffinity.length > 0) this.podsWithRequiredAntiAffinity.add(pod);
  }

  /** For a Pod without affinity that adds to the sums what its former state did. */
  replacePod(pod: PodInfo): void {
    this.pods.delete(pod.uid);
    this.pods.set(pod.uid, pod);
  }

  removePod(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.pods.delete(uid);
    this.podCount = this.pods.size;
    this.#account(pod, -1);
    for (const p of pod.hostPorts) this.#vacate(p);
    this.podsWithAffinity.delete(pod);
    this.podsWithRequiredAntiAffinity.delete(pod);
  }

  /** Would a host port clash with one in use? An unspecified address clashes with every address. */
  portInUse(wanted: HostPort): boolean {
    const addresses = this.#ports.get(`${wanted.protocol}/${wanted.port}`);
    if (addresses === undefined || addresses.length === 0) return false;
    return wanted.ip === '0.0.0.0' || addresses.some((a) => a === '0.0.0.0' || a === wanted.ip);
  }

  /** How many Pods here satisfy `counts`. Equal `key`s must mean equal predicates. */
  countMatching(key: string, counts: (pod: PodInfo) => boolean): number {
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = { counts, count: 0 };
      for (const pod of this.pods.values()) if (counts(pod)) counter.count++;
      if (this.#counters.size >= MAX_COUNTERS) for (const [oldest] of this.#counters) {
        this.#counters.delete(oldest);
        break;
      }
      this.#counters.set(key, counter);
    }
    return counter.count;
  }

  /** A private copy on which Pods can be removed and added to see what would be. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.setNode(this.node);
    copy.images = this.images;
    for (const pod of this.pods.values()) copy.addPod(pod);
    return copy;
  }

  #account(pod: PodInfo, sign: 1 | -1): void {
    const { requests, nonZero } = pod;
    this.milliCpu += sign * requests.milliCpu;
    this.memory += sign * requests.memory;
    this.ephemeralStorage += sign * requests.ephemeralStorage;
    for (const [name, amount] of requests.scalars) this.scalars.set(name, (this.scalars.get(name) ?? 0) + sign * amount);
    this.nonZeroMilliCpu += sign * nonZero.milliCpu;
    this.nonZeroMemory += sign * nonZero.memory;
    for (const counter of this.#counters.values()) if (counter.counts(pod)) counter.count += sign;
  }

  #occupy(p: HostPort): void {
    const key = `${p.protocol}/${p.port}`;
    const addresses = this.#ports.get(key);
    if (addresses) addresses.push(p.ip);
    else this.#ports.set(key, [p.ip]);
  }

  #vacate(p: HostPort): void {
    const addresses = this.#ports.get(`${p.protocol}/${p.port}`);
    const at = addresses?.indexOf(p.ip) ?? -1;
    if (at >= 0) addresses?.splice(at, 1);
  }
}

export const hasAffinity = (pod: PodInfo): boolean =>
  pod.requiredAffinity.length > 0 ||
  pod.requiredAntiAffinity.length > 0 ||
  pod.preferredAffinity.length > 0 ||
  pod.preferredAntiAffinity.length > 0;
