// Felix' VXLAN manager (felix/dataplane/linux/vxlan_mgr.go): for pools with vxlanMode a device vxlan.calico, and for each block of another
// node a route through it; with CrossSubnet only where the other node stands in another network.

import { sha1 } from '@noble/hashes/legacy.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Node } from '../../../api/generated/types.ts';
import { addAddress, addVxlan, deleteInterface, type Interface, removeAddress } from '../../../network/device.ts';
import { contains, formatCidr, parseCidr, parseIp } from '../../../network/ip.ts';
import type { Netns } from '../../../network/netns.ts';
import { addFdbEntry, addNeighbour, addRoute, deleteFdbEntry, deleteNeighbour, deleteRoute } from '../../../network/route.ts';
import type { Place } from '../../../sim/trace.ts';
import { IPV4_ADDRESS, VXLAN_ADDRESS } from '../node/annotations.ts';
import type { IpamBlock, IpPool } from '../resources.ts';

const DEVICE = 'vxlan.calico';
const VNI = 4096;
const PORT = 4789;
const ENVELOPE = 50;
/** What Felix tells the CNI plug-in. */
export const MTU_FILE = '/var/lib/calico/mtu';

/** `66:` and the start of the name's hash, so that nobody needs to be told. */
const macOf = (node: string): string => `66:${(bytesToHex(sha1(utf8ToBytes(node))).slice(0, 10).match(/../g) ?? []).join(':')}`;

export interface VxlanInputs {
  readonly node: string;
  readonly nodes: readonly Node[];
  readonly pools: readonly IpPool[];
  readonly blocks: readonly IpamBlock[];
}

interface Way {
  readonly via: string;
  readonly direct: boolean;
}

const modeOf = (pool: IpPool): string => pool.spec.vxlanMode ?? 'Never';
export const usesVxlan = (pools: readonly IpPool[]): boolean => pools.some((p) => modeOf(p) !== 'Never' && p.spec.disabled !== true);

/** Makes device, neighbours, forwarding entries and routes what they should be. */
export function programVxlan(netns: Netns, inputs: VxlanInputs, by: Place): void {
  const { node, nodes, pools, blocks } = inputs;
  const own = nodes.find((n) => n.metadata.name === node)?.metadata.annotations?.[VXLAN_ADDRESS];
  const external = netns.routes.find((r) => r.destination.prefix === 0)?.device;
  const old = netns.interfaces.get(DEVICE);
  if (!usesVxlan(pools) || own === undefined || external === undefined) {
    if (old !== undefined) {
      deleteInterface(old, by);
      for (const route of netns.routes.filter((r) => r.protocol === '80')) deleteRoute(netns, textOf(route.destination), by);
    }
    return;
  }
  const device = old ?? addVxlan(netns, DEVICE, { vni: VNI, device: external, port: PORT, mtu: external.mtu - ENVELOPE, mac: macOf(node) }, by);
  for (const { address } of device.addresses) if (address !== own) removeAddress(device, address, by);
  addAddress(device, `${own}/32`, by);

  const remote = nodes.flatMap((n) => {
    const [name, tunnel, address] = [n.metadata.name, n.metadata.annotations?.[VXLAN_ADDRESS], n.metadata.annotations?.[IPV4_ADDRESS]?.replace(/\/.*/, '')];
    return name === node || tunnel === undefined || address === undefined ? [] : [{ name, tunnel, address }];
  });
  neighbours(netns, device, remote, by);
  const ways = new Map<string, Way | null>();
  for (const { spec } of blocks) {
    const pool = pools.find((p) => !p.spec.cidr.includes(':') && contains(parseCidr(p.spec.cidr), parseCidr(spec.cidr).int));
    if (pool === undefined || modeOf(pool) === 'Never' || !spec.affinity?.startsWith('host:')) continue;
    const host = spec.affinity.slice('host:'.length);
    const other = remote.find((r) => r.name === host);
    if (host === node) ways.set(spec.cidr, null);
    else if (other !== undefined) {
      const direct = modeOf(pool) === 'CrossSubnet' && external.addresses.some((a) => contains(a, parseIp(other.address)));
      ways.set(spec.cidr, { via: direct ? other.address : other.tunnel, direct });
    }
  }
  routes(netns, device, external, ways, by);
}

function neighbours(netns: Netns, device: Interface, remote: readonly { readonly name: string; readonly tunnel: string; readonly address: string }[], by: Place): void {
  const macs = new Map(remote.map((r) => [macOf(r.name), r]));
  for (const { name, tunnel, address } of remote) {
    const mac = macOf(name);
    if (device.neighbours?.get(tunnel)?.mac !== mac) addNeighbour(netns, { address: tunnel, mac, device }, by);
    if (device.vxlan?.fdb.get(mac)?.destination !== address) addFdbEntry(device, { mac, destination: address }, by);
  }
  for (const n of [...(device.neighbours?.values() ?? [])]) if (macs.get(n.mac)?.tunnel !== n.address) deleteNeighbour(netns, device, n.address, by);
  for (const mac of [...(device.vxlan?.fdb.keys() ?? [])]) if (!macs.has(mac)) deleteFdbEntry(device, mac, by);
}

function routes(netns: Netns, device: Interface, external: Interface, ways: ReadonlyMap<string, Way | null>, by: Place): void {
  for (const route of netns.routes.filter((r) => r.device === device || r.protocol === '80')) if (!ways.has(textOf(route.destination))) deleteRoute(netns, textOf(route.destination), by);
  for (const [cidr, way] of ways) {
    const now = netns.routes.find((r) => textOf(r.destination) === cidr);
    if (way === null) {
      const lo = netns.interfaces.get('lo');
      if (lo !== undefined && now?.protocol !== '80') addRoute(netns, { destination: cidr, device: lo, type: 'blackhole', protocol: '80' }, by);
    } else if (now?.via !== way.via || now.device !== (way.direct ? external : device)) {
      addRoute(netns, way.direct ? { destination: cidr, via: way.via, device: external, protocol: '80' } : { destination: cidr, via: way.via, device, onlink: true }, by);
    }
  }
}

const textOf = formatCidr;
