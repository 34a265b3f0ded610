// flannel's backends host-gw (routes by way of the other nodes, no envelope) and udp (flanneld itself wraps packets in UDP 8285;
// the backend of the first pictures of flannel, slow because every packet goes to user space and back).

import { addAddress, addTun } from '../../network/device.ts';
import { contains, networkOf, parseCidr, parseIp } from '../../network/ip.ts';
import { addRoute, deleteRoute } from '../../network/route.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import { type Backend, baseOf, type BackendOptions, isDirect, type MakeBackend } from './backend.ts';
import type { Lease } from './lease.ts';

/** How often missing routes are put back. */
const ROUTE_CHECK: Micros = 10 * SECOND;

function hostGateway({ os, netns, external, log }: BackendOptions): Backend {
  const { place } = os;
  const routes = new Map<string, string>();
  return {
    mtu: external.mtu,
    mac: '',
    own() {
      os.go('route-check', function* () {
        for (;;) {
          yield* os.sleep(ROUTE_CHECK);
          for (const [subnet, via] of routes) {
            const { int, prefix } = parseCidr(subnet);
            if (netns.routes.some((r) => r.destination.int === int && r.destination.prefix === prefix)) continue;
            addRoute(netns, { destination: subnet, via, device: external }, place);
            log('I', 'route_network.go:254', `Route recovered ${subnet} : ${via}`);
          }
        }
      });
    },
    add({ subnet, publicIp }) {
      if (!isDirect(external, publicIp)) {
        log('E', 'route_network.go:168', `Error adding route to ${subnet} via ${publicIp} dev index 2: network is unreachable`);
        return;
      }
      log('I', 'route_network.go:93', `Subnet added: ${subnet} via ${publicIp}`);
      routes.set(subnet, publicIp);
      addRoute(netns, { destination: subnet, via: publicIp, device: external }, place);
    },
    remove(lease) {
      log('I', 'route_network.go:113', `Subnet removed: ${lease.subnet}`);
      routes.delete(lease.subnet);
      deleteRoute(netns, lease.subnet, place);
    },
  };
}

const TUN = 'flannel0';
const PORT = 8285;

function userSpace({ os, netns, external, network, config, log }: BackendOptions): Backend {
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
      log('I', 'udp_network_amd64.go:193', `Subnet added: ${lease.subnet}`);
      leases.set(lease.subnet, lease);
      netns.changed();
    },
    remove(lease) {
      log('I', 'udp_network_amd64.go:198', `Subnet removed: ${lease.subnet}`);
      leases.delete(lease.subnet);
      netns.changed();
    },
  };
}

export const otherBackends: Readonly<Record<string, MakeBackend>> = { 'host-gw': hostGateway, udp: userSpace };
