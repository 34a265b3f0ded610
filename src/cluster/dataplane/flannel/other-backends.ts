// flannel's backends host-gw (routes by way of the other nodes, no envelope) and udp (flanneld itself wraps packets in UDP 8285;
// the backend of the first pictures of flannel, slow because every packet goes to user space and back).

import { addAddress, addTun } from '../../network/device.ts';
import { contains, networkOf, parseCidr, parseIp } from '../../network/ip.ts';
import { addRoute, deleteRoute } from '../../network/route.ts';
import { type Backend, baseOf, type BackendOptions, isDirect, type MakeBackend } from './backend.ts';
import type { Lease } from './lease.ts';

function hostGateway({ os, netns, external }: BackendOptions): Backend {
  const { place } = os;
  return {
    mtu: external.mtu,
    mac: '',
    own: () => undefined,
    add({ subnet, publicIp }) {
      if (!isDirect(external, publicIp)) {
        os.logError(`Error adding route to ${subnet} via ${publicIp} dev index 2: network is unreachable`);
        return;
      }
      os.logError(`Subnet added: ${subnet} via ${publicIp}`);
      addRoute(netns, { destination: subnet, via: publicIp, device: external }, place);
    },
    remove(lease, after) {
      if (lease.subnet === after?.subnet && lease.publicIp === after.publicIp) return;
      os.logError(`Subnet removed: ${lease.subnet}`);
      deleteRoute(netns, lease.subnet, place);
    },
  };
}

const TUN = 'flannel0';
const PORT = 8285;

function userSpace({ os, netns, external, network, config }: BackendOptions): Backend {
  const { place } = os;
  const leases = new Map<string, Lease>();
  const { process } = os;
  const hostOf = (address: string): string | undefined => {
    const int = parseIp(address);
    for (const [subnet, lease] of leases) if (contains(parseCidr(subnet), int)) return lease.publicIp;
    return undefined;
  };
  const mtu = external.mtu - 28;
  return {
    mtu,
    mac: '',
    own(subnet) {
      // The device lives as long as the process that holds it open.
      const device = addTun(netns, TUN, { port: config.Port ?? PORT, device: external, hostOf, isServed: () => process.status === null }, mtu, place);
      process.onExit(() => netns.changed());
      addAddress(device, `${baseOf(subnet)}/${networkOf(parseCidr(network)).prefix}`, place);
    },
    add(lease) {
      os.logError(`Subnet added: ${lease.subnet}`);
      leases.set(lease.subnet, lease);
      netns.changed();
    },
    remove(lease, after) {
      if (lease.subnet === after?.subnet) return;
      leases.delete(lease.subnet);
      netns.changed();
    },
  };
}

export const otherBackends: Readonly<Record<string, MakeBackend>> = { 'host-gw': hostGateway, udp: userSpace };
