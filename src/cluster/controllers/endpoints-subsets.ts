// The subsets of one Endpoints object: addresses grouped by the ports that their Pods offer, ready and not, sorted; kept up
// to date Pod by Pod.

import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from '../api/generated/types.ts';
import { isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { isPodReady } from './pods.ts';
import { addressOf, hostnameFor, isBehind, isHeadless, targetPort } from './service-pods.ts';

const MAX_ADDRESSES = 1000;

type List = 'ready' | 'notReady';

interface Part {
  readonly ports: readonly EndpointPort[];
  /** Sorted; they are only given away as copies. */
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

interface Placed {
  readonly part: Part;
  readonly id: string;
  readonly list: List;
  readonly address: EndpointAddress;
}

interface Built {
  readonly subsets: EndpointSubset[];
  readonly truncated: boolean;
}

export class SubsetBuilder {
  readonly service: Service;
  readonly #parts = new Map<string, Part>();
  readonly #placed = new Map<string, Placed>();
  /** Until something changes. */
  #built: Built | null = null;

  constructor(service: Service) {
    this.service = service;
  }

  add(pod: Pod): void {
    const placed = this.#place(pod);
    if (placed) this.#insert(keyOf(pod), placed);
  }

  /** Takes up the present state of one Pod; undefined: gone. */
  refresh(key: string, pod: Pod | undefined): void {
    const before = this.#placed.get(key);
    const after = pod && this.#place(pod);
    if (before && after && before.part === after.part && before.list === after.list && jsonEqual(before.address, after.address)) return;
    if (before) this.#remove(key, before);
    // The part may have gone with its last address.
    if (after) this.#insert(key, this.#parts.has(after.id) ? after : (this.#place(pod as Pod) as Placed));
  }

  /** At most 1,000 addresses, ready ones first. The same value again until something has changed. */
  build(): Built {
    return (this.#built ??= this.#write());
  }

  #write(): Built {
    const subsets: EndpointSubset[] = [];
    let room = MAX_ADDRESSES;
    for (const { ports, ready, notReady } of this.#parts.values()) {
      const addresses = ready.slice(0, room);
      room -= addresses.length;
      const notReadyAddresses = notReady.slice(0, room);
      room -= notReadyAddresses.length;
      subsets.push({
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
        ...(ports.length === 0 ? {} : { ports }),
      });
    }
    return { subsets, truncated: this.#placed.size > MAX_ADDRESSES };
  }

  /** Where the Pod belongs; undefined when it is no endpoint. */
  #place(pod: Pod): Placed | undefined {
    const { service } = this;
    const publish = service.spec.publishNotReadyAddresses ?? false;
    if (!isBehind(pod, service) || (isDeleting(pod) && !publish)) return undefined;
    const address = addressFor(pod, service);
    const ports = portsOf(service, pod);
    if (!address || (ports.length === 0 && !isHeadless(service))) return undefined;
    const id = ports.map((port) => `${port.name ?? ''} ${port.port} ${port.protocol ?? ''}`).join(',');
    let part = this.#parts.get(id);
    if (!part) this.#parts.set(id, (part = { ports, ready: [], notReady: [] }));
    return { part, id, list: publish || isPodReady(pod) ? 'ready' : 'notReady', address };
  }

  #insert(key: string, placed: Placed): void {
    const items = placed.part[placed.list];
    items.splice(positionOf(items, placed.address), 0, placed.address);
    this.#placed.set(key, placed);
    this.#built = null;
  }

  #remove(key: string, { part, id, list, address }: Placed): void {
    const items = part[list];
    const at = items.indexOf(address, positionOf(items, address));
    if (at >= 0) items.splice(at, 1);
    this.#placed.delete(key);
    if (part.ready.length + part.notReady.length === 0) this.#parts.delete(id);
    this.#built = null;
  }
}

/** Where the address belongs in the sorted list. */
function positionOf(addresses: readonly EndpointAddress[], address: EndpointAddress): number {
  let low = 0;
  let high = addresses.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((addresses[middle] as EndpointAddress).ip < address.ip) low = middle + 1;
    else high = middle;
  }
  return low;
}

function addressFor(pod: Pod, service: Service): EndpointAddress | undefined {
  const ip = addressOf(pod, service.spec.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4');
  if (ip === undefined) return undefined;
  const hostname = hostnameFor(pod, service);
  const { name, namespace = '', uid = '' } = pod.metadata;
  return Object.freeze({
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: Object.freeze({ kind: 'Pod', namespace, name, uid }),
  });
}

function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    ports.push({
      ...(port.name === undefined ? {} : { name: port.name }),
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    });
  }
  return ports;
}
