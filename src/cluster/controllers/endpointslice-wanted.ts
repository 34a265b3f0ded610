// The endpoints that one Service should have, grouped by the ports that its Pods offer them on; kept up to date Pod by Pod.

import type { Endpoint, Node, Pod, Service } from '../api/generated/types.ts';
import { jsonEqual, keyOf } from '../api/meta.ts';
import { type EndpointGroup, endpointFor, type Family, portsFor } from './endpointslice-plan.ts';
import { isBehind } from './service-pods.ts';

interface Placed {
  readonly uid: string;
  readonly ports: EndpointGroup['ports'];
  /** The Pod's endpoint in each group. */
  readonly at: readonly { readonly id: string; readonly family: Family; readonly endpoint: Endpoint }[];
}

export class WantedEndpoints {
  readonly service: Service;
  readonly families: readonly Family[];
  readonly groups = new Map<string, EndpointGroup>();
  /** Pods that cannot be endpoints yet, as their node is not known. */
  readonly waiting = new Set<string>();
  readonly #nodeOf: (pod: Pod) => Node | undefined;
  readonly #placed = new Map<string, Placed>();

  constructor(service: Service, nodeOf: (pod: Pod) => Node | undefined) {
    this.service = service;
    this.families = (service.spec.ipFamilies ?? ['IPv4']) as readonly Family[];
    this.#nodeOf = nodeOf;
  }

  add(pod: Pod): void {
    const now = this.#place(pod);
    if (now) this.#insert(keyOf(pod), now);
  }

  /** Takes up the present state of one Pod (undefined: gone); adds the UIDs whose endpoints have changed. */
  refresh(key: string, pod: Pod | undefined, changed: Set<string>): void {
    const before = this.#placed.get(key);
    this.waiting.delete(key);
    const now = pod && this.#place(pod);
    if (before === undefined && now === undefined) return;
    if (before && now && isSame(before, now)) return;
    if (before) {
      changed.add(before.uid);
      for (const { id } of before.at) {
        const group = this.groups.get(id);
        group?.endpoints.delete(before.uid);
        if (group?.endpoints.size === 0) this.groups.delete(id);
      }
      this.#placed.delete(key);
    }
    if (now) {
      changed.add(now.uid);
      this.#insert(key, now);
    }
  }

  /** Where the Pod belongs now; undefined when it is no endpoint, or must wait for its node. */
  #place(pod: Pod): Placed | undefined {
    if (!isBehind(pod, this.service)) return undefined;
    const node = this.#nodeOf(pod);
    if (!node && !this.service.spec.publishNotReadyAddresses) {
      this.waiting.add(keyOf(pod));
      return undefined;
    }
    const { id, ports } = portsFor(this.service, pod);
    const at: Placed['at'][number][] = [];
    for (const family of this.families) {
      const endpoint = endpointFor(pod, this.service, node, family);
      if (endpoint) at.push({ id: `${family} ${id}`, family, endpoint });
    }
    return at.length === 0 ? undefined : { uid: pod.metadata.uid ?? '', ports, at };
  }

  #insert(key: string, placed: Placed): void {
    for (const { id, family, endpoint } of placed.at) {
      let group = this.groups.get(id);
      if (!group) this.groups.set(id, (group = { family, ports: placed.ports, endpoints: new Map() }));
      group.endpoints.set(placed.uid, endpoint);
    }
    this.#placed.set(key, placed);
  }
}

const isSame = (a: Placed, b: Placed): boolean =>
  a.uid === b.uid && a.at.length === b.at.length && a.at.every((at, i) => at.id === b.at[i]?.id && jsonEqual(at.endpoint, b.at[i]?.endpoint));
