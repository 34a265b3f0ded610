// The endpoints that one Service should have, grouped by the ports that its Pods offer them on; kept up to date Pod by Pod.

import type { Node, Pod, Service } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import { type EndpointGroup, endpointFor, type Family, portsFor } from './endpointslice-plan.ts';
import { isBehind } from './service-pods.ts';

export class WantedEndpoints {
  readonly service: Service;
  readonly families: readonly Family[];
  readonly groups = new Map<string, EndpointGroup>();
  /** Pods that cannot be endpoints yet, as their node is not known. */
  readonly waiting = new Set<string>();
  readonly #nodeOf: (pod: Pod) => Node | undefined;
  readonly #placed = new Map<string, { readonly uid: string; readonly groups: readonly string[] }>();

  constructor(service: Service, nodeOf: (pod: Pod) => Node | undefined) {
    this.service = service;
    this.families = (service.spec.ipFamilies ?? ['IPv4']) as readonly Family[];
    this.#nodeOf = nodeOf;
  }

  add(pod: Pod): void {
    if (!isBehind(pod, this.service)) return;
    const key = keyOf(pod);
    const node = this.#nodeOf(pod);
    if (!node && !this.service.spec.publishNotReadyAddresses) {
      this.waiting.add(key);
      return;
    }
    const uid = pod.metadata.uid ?? '';
    const { id, ports } = portsFor(this.service, pod);
    const groups: string[] = [];
    for (const family of this.families) {
      const endpoint = endpointFor(pod, this.service, node, family);
      if (!endpoint) continue;
      const groupId = `${family} ${id}`;
      let group = this.groups.get(groupId);
      if (!group) this.groups.set(groupId, (group = { family, ports, endpoints: new Map() }));
      group.endpoints.set(uid, endpoint);
      groups.push(groupId);
    }
    if (groups.length > 0) this.#placed.set(key, { uid, groups });
  }

  /** Takes up the present state of one Pod (undefined: gone); adds the UIDs whose endpoints may have changed. */
  refresh(key: string, pod: Pod | undefined, changed: Set<string>): void {
    const placed = this.#placed.get(key);
    if (placed) {
      changed.add(placed.uid);
      for (const id of placed.groups) {
        const group = this.groups.get(id);
        group?.endpoints.delete(placed.uid);
        if (group?.endpoints.size === 0) this.groups.delete(id);
      }
      this.#placed.delete(key);
    }
    this.waiting.delete(key);
    if (pod) {
      this.add(pod);
      changed.add(pod.metadata.uid ?? '');
    }
  }
}
