// How flannel gets packets to other nodes (pkg/backend): what it makes on its own node, and for each other node.

import type { Os } from '../../machine/process.ts';
import { addAddress, addVxlan, type Interface } from '../../network/device.ts';
import { contains, parseIp } from '../../network/ip.ts';
import type { Netns } from '../../network/netns.ts';
import { addFdbEntry, addNeighbour, addRoute, deleteFdbEntry, deleteNeighbour, deleteRoute } from '../../network/route.ts';
import { MILLISECOND, type Micros } from '../../sim/time.ts';
import type { Lease } from './lease.ts';
import type { Log } from './log.ts';

export interface BackendOptions {
  readonly os: Os;
  readonly netns: Netns;
  readonly external: Interface;
  /** Of all Pods: 10.244.0.0/16. */
  readonly network: string;
  readonly config: BackendConfig;
  /** The hardware address that the Node remembers. */
  readonly storedMac: string | undefined;
  readonly log: Log;
}

export interface BackendConfig {
  readonly Type?: string;
  readonly VNI?: number;
  readonly Port?: number;
  readonly DirectRouting?: boolean;
  readonly MTU?: number;
}

export interface Backend {
  readonly mtu: number;
  /** Of the vxlan device; '' without one. */
  readonly mac: string;
  /** The node's own range is known. */
  own(subnet: string): void;
  add(lease: Lease): void;
  /** A node's lease has gone. */
  remove(lease: Lease): void;
}

/** How long a new device takes. */
const RECREATE: Micros = 5 * MILLISECOND;

export const baseOf = (subnet: string): string => subnet.slice(0, subnet.indexOf('/'));

/** On the same link as the other node. */
export const isDirect = (external: Interface, address: string): boolean => external.addresses.some((a) => contains(a, parseIp(address)));

/** vxlan: a device flannel.VNI; for each node a neighbour, a forwarding entry and a route, or with DirectRouting just a route. */
export function vxlanBackend({ os, netns, external, config, storedMac, log }: BackendOptions): Backend {
  const { place, process } = os;
  const vni = config.VNI ?? 1;
  const name = `flannel.${vni}`;
  // One that is left from before is kept; a new one takes the address that the Node remembers.
  const make = (mac: string | undefined): Interface =>
    addVxlan(netns, name, { vni, device: external, ...(config.Port ? { port: config.Port } : {}), ...(config.MTU ? { mtu: config.MTU - 50 } : {}), ...(mac === undefined ? {} : { mac }) }, place);
  let device = netns.interfaces.get(name) ?? make(storedMac);
  // Deleted by somebody it is made anew; what led through it comes back with the next lease alone.
  const watch = (subnet: string): void => {
    if (device.vxlan === null) return;
    device.vxlan.onDeleted = () => {
      if (!process.alive) return;
      log('I', 'vxlan_network.go:143', `Interface ${name} deleted`);
      log('I', 'vxlan_network.go:102', 'vxlan device missing, attempting to recreate...');
      os.go('recreate', function* () {
        yield* os.sleep(RECREATE);
        device = make(device.mac);
        addAddress(device, `${baseOf(subnet)}/32`, place);
        watch(subnet);
        log('I', 'vxlan_network.go:233', `VXLAN device ${name} recreated successfully`);
      });
    };
  };
  const direct = (lease: Lease): boolean => config.DirectRouting === true && isDirect(external, lease.publicIp);
  return {
    mtu: device.mtu,
    mac: device.mac,
    own(subnet) {
      addAddress(device, `${baseOf(subnet)}/32`, place);
      watch(subnet);
    },
    add(lease) {
      if (direct(lease)) {
        addRoute(netns, { destination: lease.subnet, via: lease.publicIp, device: external }, place);
        return;
      }
      const gateway = baseOf(lease.subnet);
      addNeighbour(netns, { address: gateway, mac: lease.vtepMac, device }, place);
      addFdbEntry(device, { mac: lease.vtepMac, destination: lease.publicIp }, place);
      addRoute(netns, { destination: lease.subnet, via: gateway, device, onlink: true }, place);
    },
    remove(lease) {
      if (!direct(lease)) {
        deleteNeighbour(netns, device, baseOf(lease.subnet), place);
        deleteFdbEntry(device, lease.vtepMac, place);
      }
      deleteRoute(netns, lease.subnet, place);
    },
  };
}

export type MakeBackend = (options: BackendOptions) => Backend;

let others: Readonly<Record<string, MakeBackend>> = {};

/** Given by the host: the backends that a new cluster does not start with. */
export function provideBackends(backends: Readonly<Record<string, MakeBackend>>): void {
  others = backends;
}

/** Throws in flannel's words when there is none of that type. */
export function backendOf(type: string): MakeBackend {
  const make = type === 'vxlan' ? vxlanBackend : others[type];
  if (make === undefined) throw new Error(`Error fetching backend: unknown backend type: ${type}`);
  return make;
}
