// A Pod's wire to its node as Calico lays it (cni-plugin/pkg/dataplane/linux): a veth pair, the Pod's only route leads to 169.254.1.1,
// for which the node's end answers (proxy ARP), and the node has a route to the one address.

import { addAddress, createVethPair, type Interface } from '../../../network/device.ts';
import type { Netns } from '../../../network/netns.ts';
import { addRoute } from '../../../network/route.ts';
import type { Place } from '../../../sim/trace.ts';

const GATEWAY = '169.254.1.1';
export const HOST_MAC = 'ee:ee:ee:ee:ee:ee';

export interface PodWire {
  readonly host: Netns;
  readonly netns: Netns;
  readonly ifName: string;
  readonly hostName: string;
  /** Without a prefix length. */
  readonly address: string;
  readonly mtu: number;
}

/** Lays it; gives the Pod's end and the node's. */
export function layWire({ host, netns, ifName, hostName, address, mtu }: PodWire, by: Place): [inside: Interface, outside: Interface] {
  const [inside, outside] = createVethPair({ netns, name: ifName, mtu }, { netns: host, name: hostName, mtu, mac: HOST_MAC }, by);
  outside.proxyArp = true;
  addRoute(netns, { destination: `${GATEWAY}/32`, device: inside }, by);
  addRoute(netns, { destination: 'default', via: GATEWAY, device: inside }, by);
  addAddress(inside, `${address}/32`, by);
  addRoute(host, { destination: `${address}/32`, device: outside }, by);
  return [inside, outside];
}
