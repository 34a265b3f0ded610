// Network interfaces and the commands that make and change them (ip link, ip address): veth pairs, bridges, VXLAN devices,
// and Ethernet ports on a Switch. Each change is a trace record.

import type { Machine } from '../machine/machine.ts';
import { hash32 } from '../sim/random.ts';
import type { Micros } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import { Fabric, macAddress } from './fabric.ts';
import { type Cidr, formatCidr, networkOf, parseCidr } from './ip.ts';
import { type Neighbour, Netns, type Route } from './netns.ts';
import type { Rough, Shaper } from './rough.ts';
import { insertRoute, routeChange } from './route.ts';
import type { Link } from './switch.ts';

/** A tun device hands its packets to a process; a dummy one only has addresses. */
export type InterfaceKind = 'lo' | 'ethernet' | 'veth' | 'bridge' | 'vxlan' | 'tun' | 'dummy';

export interface FdbEntry {
  readonly mac: string;
  /** The remote VTEP's address. */
  readonly destination: string;
}

/** What makes a VXLAN device (VTEP). */
export interface Vxlan {
  readonly vni: number;
  readonly port: number;
  /** The underlay device; its first address is the envelope's source. */
  readonly device: Interface;
  readonly fdb: Map<string, FdbEntry>;
  /** For the walk: the ways to other VTEPs, by address. */
  readonly underlay: Map<string, UnderlayPath>;
  /** Who is told when the device is deleted (RTM_DELLINK). */
  onDeleted?: () => void;
}

/** What a process behind a tun device makes of packets: it wraps them in UDP to another host's process (flannel's udp backend). */
export interface Tun {
  /** The port of the process, on every host. */
  readonly port: number;
  readonly device: Interface;
  /** The host that has the packet's destination, as the process knows it; undefined: it drops the packet. */
  readonly hostOf: (address: string) => string | undefined;
  /** Whether the process is alive. */
  readonly isServed: () => boolean;
}

/** A remembered way of envelopes to another VTEP. */
export interface UnderlayPath {
  readonly source: string;
  readonly remote: Interface;
  readonly latency: Micros;
  readonly mtu: number;
  readonly rough: Rough | null;
  readonly visited: readonly Netns[];
  readonly stamps: readonly number[];
}

/** Who answered for an address, or null; when that was found out, and since when it is doubted: the first use of a stale entry. */
export interface Learned {
  target: Interface | null;
  found: Micros;
  doubted: Micros;
}

/** base_reachable_time_ms 30000, times a half to one and a half: each device draws its own. */
const SHORTEST_REACHABLE: Micros = 15_000_000;
export const reachableTime = (device: Interface): Micros => SHORTEST_REACHABLE + (hash32(`${device.netns.machine.name} ${device.netns.name} ${device.name}`) % 31) * 1_000_000;
/** delay_first_probe_time: who doubts an entry waits so long for a sign of life, then asks. */
export const FIRST_PROBE: Micros = 5_000_000;

/** An entry that may be stale is used: a probe is answered five seconds later. */
function confirm(device: Interface, entry: Learned, now: Micros): void {
  if (entry.doubted > 0 && now >= entry.doubted + FIRST_PROBE) {
    entry.found = entry.doubted + FIRST_PROBE;
    entry.doubted = 0;
  }
  if (entry.doubted === 0 && now - entry.found > reachableTime(device)) entry.doubted = now;
}

export class Interface {
  readonly name: string;
  readonly netns: Netns;
  readonly kind: InterfaceKind;
  addresses: readonly Cidr[] = [];
  mtu: number;
  up = true;
  /** net.ipv4.conf.<name>.proxy_arp: it answers for addresses that its host has routes to. */
  proxyArp = false;
  /** The bridge that it is a port of. */
  master: Interface | null = null;
  /** The other end of a veth pair. */
  peer: Interface | null = null;
  /** The cable of an Ethernet port. */
  link: Link | null = null;
  vxlan: Vxlan | null = null;
  tun: Tun | null = null;
  /** Entries of the ARP table that somebody made, by address. */
  neighbours: Map<string, Neighbour> | null = null;
  /** What ARP found out for packets that were really sent, by address. */
  learned: Map<string, Learned> | null = null;
  /** A bridge's ports. */
  readonly ports: Set<Interface> | null;
  /** A bridge's segment: who has which address (what ARP and the forwarding database would find out). */
  readonly segment: Map<string, Interface> | null;
  /** What the map was told last. */
  shown: InterfaceView | null = null;
  /** Its queueing discipline, when somebody chose one. */
  shaper: Shaper | null = null;
  #mac: string | null;
  readonly #number: number;

  /** Use createNetns, createVethPair, addBridge, addVxlan. */
  constructor(netns: Netns, name: string, kind: InterfaceKind, mtu: number, mac: string | null = null) {
    this.netns = netns;
    this.name = name;
    this.kind = kind;
    this.mtu = mtu;
    this.#mac = kind === 'lo' ? '00:00:00:00:00:00' : mac;
    this.#number = kind === 'lo' ? 0 : netns.fabric.nextMac();
    this.ports = kind === 'bridge' ? new Set() : null;
    this.segment = kind === 'bridge' ? new Map() : null;
  }

  get mac(): string {
    return (this.#mac ??= macAddress(this.netns.machine.sim.seed, this.#number));
  }

  /** The first address, which it sends from; null when it has none. */
  get primary(): string | null {
    return this.addresses[0]?.address ?? null;
  }

  /** ARP asked for an address; `target` answered. */
  learn(address: string, target: Interface | null): void {
    const { now } = this.netns.machine.sim;
    const known = this.learned?.get(address);
    if (known === undefined) (this.learned ??= new Map()).set(address, { target, found: now, doubted: 0 });
    else if (known.target !== target) {
      known.target = target;
      known.found = now;
      known.doubted = 0;
    } else if (now - known.found > SHORTEST_REACHABLE && target !== null) confirm(this, known, now);
  }

  hasAddress(address: string): boolean {
    return this.addresses.some((a) => a.address === address);
  }
}

/** What the map shows of an interface. */
export interface InterfaceView {
  readonly kind: InterfaceKind;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly addresses: readonly string[];
  readonly master: string | null;
  /** `<netns>/<name>` of the other end. */
  readonly peer: string | null;
}

/** What it looks like now; what it looked like at the last look is reused where nothing changed. */
function view(i: Interface): InterfaceView {
  return (i.shown ??= {
    kind: i.kind,
    mac: i.mac,
    mtu: i.mtu,
    up: i.up,
    addresses: i.addresses.map(formatCidr),
    master: i.master?.name ?? null,
    peer: i.peer === null ? null : `${i.peer.netns.name}/${i.peer.name}`,
  });
}

function emit(i: Interface, verb: string, before: InterfaceView | null, after: InterfaceView | null, by: Place | undefined): void {
  const { machine, name } = i.netns;
  const { sim } = machine;
  sim.trace.emit(sim.cause, {
    kind: 'network',
    verb,
    from: by ?? machine.place,
    to: machine.place,
    start: sim.now,
    change: { key: `interface/${machine.name}/${name}/${i.name}`, before, after },
  });
}

const LOOPBACK = parseCidr('127.0.0.1/8');

/** `ip netns add`: a namespace with a loopback interface that is up. Its making is not a record of its own: its interfaces are. */
export function createNetns(machine: Machine, name: string): Netns {
  const netns = new Netns(machine, Fabric.of(machine.sim), name);
  const lo = new Interface(netns, 'lo', 'lo', 65_536);
  lo.addresses = [LOOPBACK];
  netns.interfaces.set('lo', lo);
  netns.setLocal(LOOPBACK.address, lo);
  return netns;
}

/** `ip netns del`: its interfaces go, and with them the other ends of veth pairs. */
export function deleteNetns(netns: Netns, by?: Place): void {
  if (netns.deleted) return;
  for (const i of [...netns.interfaces.values()]) if (i.kind !== 'lo') deleteInterface(i, by);
  netns.deleted = true;
  netns.wipe();
}

export interface VethEnd {
  readonly netns: Netns;
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
}

function register(i: Interface): void {
  if (i.netns.interfaces.has(i.name)) throw new Error(`RTNETLINK answers: File exists`);
  i.netns.interfaces.set(i.name, i);
}

/** `ip link add … type veth peer …`, both ends up. Throws when a name is taken. */
export function createVethPair(a: VethEnd, b: VethEnd, by?: Place): [Interface, Interface] {
  const first = new Interface(a.netns, a.name, 'veth', a.mtu ?? 1500, a.mac ?? null);
  const second = new Interface(b.netns, b.name, 'veth', b.mtu ?? 1500, b.mac ?? null);
  register(first);
  register(second);
  first.peer = second;
  second.peer = first;
  emit(first, 'link-add', null, view(first), by);
  emit(second, 'link-add', null, view(second), by);
  return [first, second];
}

/** `ip link add … type bridge`, up. */
export function addBridge(netns: Netns, name: string, options: { readonly address?: string; readonly mtu?: number; readonly mac?: string } = {}, by?: Place): Interface {
  const bridge = new Interface(netns, name, 'bridge', options.mtu ?? 1500, options.mac ?? null);
  register(bridge);
  emit(bridge, 'link-add', null, view(bridge), by);
  if (options.address !== undefined) addAddress(bridge, options.address, by);
  return bridge;
}

export interface VxlanOptions {
  readonly vni: number;
  readonly device: Interface;
  /** Default 8472, Linux' and flannel's. */
  readonly port?: number;
  readonly mac?: string;
  /** Default: the device's less 50. */
  readonly mtu?: number;
}

/** `ip link add … type vxlan id … dev … dstport … nolearning`, up. */
export function addVxlan(netns: Netns, name: string, options: VxlanOptions, by?: Place): Interface {
  const device = new Interface(netns, name, 'vxlan', options.mtu ?? options.device.mtu - 50, options.mac ?? null);
  device.vxlan = { vni: options.vni, port: options.port ?? 8472, device: options.device, fdb: new Map(), underlay: new Map() };
  register(device);
  emit(device, 'link-add', null, view(device), by);
  return device;
}

/** `ip tuntap add … mode tun`, up: what a process opens. */
export function addTun(netns: Netns, name: string, tun: Tun, mtu: number, by?: Place): Interface {
  const device = new Interface(netns, name, 'tun', mtu, null);
  device.tun = tun;
  register(device);
  emit(device, 'link-add', null, view(device), by);
  return device;
}

/** `ip link add … type dummy`. */
export function addDummy(netns: Netns, name: string, by?: Place): Interface {
  const device = new Interface(netns, name, 'dummy', 1500, null);
  register(device);
  emit(device, 'link-add', null, view(device), by);
  return device;
}

/** For switch.ts: an Ethernet port. */
export function addEthernet(netns: Netns, name: string, link: Link, by?: Place): Interface {
  const device = new Interface(netns, name, 'ethernet', 1500);
  device.link = link;
  register(device);
  emit(device, 'link-add', null, view(device), by);
  return device;
}

/** `ip link del`: with a veth, its other end goes too. */
export function deleteInterface(i: Interface, by?: Place): void {
  if (i.netns.interfaces.get(i.name) !== i) return;
  const before = view(i);
  for (const address of i.addresses) forgetAddress(i, address.address);
  if (i.master !== null) leave(i);
  for (const port of i.ports ?? []) leave(port);
  i.netns.interfaces.delete(i.name);
  i.up = false;
  const doomed = i.netns.routes.filter((r) => r.device === i);
  if (doomed.length > 0) i.netns.routes = i.netns.routes.filter((r) => r.device !== i);
  i.neighbours = null;
  i.learned = null;
  // A bare port carries nobody's path but its peer's.
  if (i.addresses.length > 0 || doomed.length > 0 || i.kind !== 'veth') i.netns.changed();
  for (const route of doomed) routeChange(route, 'route-del', by);
  emit(i, 'link-del', before, null, by);
  i.vxlan?.onDeleted?.();
  const { peer } = i;
  i.peer = null;
  if (peer !== null) deleteInterface(peer, by);
}

/** `ip addr add`; a prefix shorter than /32 brings its connected route. No effect when it is there. */
export function addAddress(i: Interface, cidr: string, by?: Place): void {
  const address = parseCidr(cidr);
  if (i.hasAddress(address.address)) return;
  const before = view(i);
  i.shown = null;
  i.addresses = i.addresses.length === 0 ? [address] : [...i.addresses, address];
  i.netns.setLocal(address.address, i);
  i.peer?.master?.segment?.set(address.address, i);
  i.link?.network.addresses.set(address.address, i);
  emit(i, 'address-add', before, view(i), by);
  if (address.prefix < 32 && i.kind !== 'lo') {
    const route: Route = {
      destination: networkOf(address), via: null, device: i, onlink: false, source: address.address, metric: 0, protocol: 'kernel',
    };
    insertRoute(i.netns, route);
    routeChange(route, 'route-add', by);
  }
  i.netns.changed();
}

/** `ip addr del`, with its connected route. */
export function removeAddress(i: Interface, address: string, by?: Place): void {
  const old = i.addresses.find((a) => a.address === address);
  if (old === undefined) return;
  const before = view(i);
  i.shown = null;
  forgetAddress(i, address);
  i.addresses = i.addresses.filter((a) => a !== old);
  const doomed = i.netns.routes.filter((r) => r.device === i && r.protocol === 'kernel' && r.source === address);
  i.netns.routes = i.netns.routes.filter((r) => !doomed.includes(r));
  i.netns.changed();
  emit(i, 'address-del', before, view(i), by);
  for (const route of doomed) routeChange(route, 'route-del', by);
  i.netns.fabric.disturbed();
}

function forgetAddress(i: Interface, address: string): void {
  if (i.netns.localAddresses().get(address) === i) i.netns.setLocal(address, null);
  const segment = i.peer?.master?.segment;
  if (segment?.get(address) === i) segment.delete(address);
  const network = i.link?.network.addresses;
  if (network?.get(address) === i) network.delete(address);
}

/** `ip link set … master bridge` (null: nomaster). */
export function setMaster(port: Interface, bridge: Interface | null, by?: Place): void {
  if (port.master === bridge) return;
  const before = view(port);
  port.shown = null;
  if (port.master !== null) {
    leave(port);
    port.peer?.netns.changed();
  }
  if (bridge !== null) {
    port.master = bridge;
    bridge.ports?.add(port);
    for (const a of port.peer?.addresses ?? []) bridge.segment?.set(a.address, port.peer as Interface);
  }
  emit(port, 'link-set', before, view(port), by);
}

function leave(port: Interface): void {
  const bridge = port.master;
  port.shown = null;
  port.master = null;
  bridge?.ports?.delete(port);
  for (const a of port.peer?.addresses ?? []) if (bridge?.segment?.get(a.address) === port.peer) bridge.segment.delete(a.address);
}

/** `ip link set … up` or `down`. */
export function setUp(i: Interface, up: boolean, by?: Place): void {
  if (i.up === up) return;
  const before = view(i);
  i.shown = null;
  i.up = up;
  i.netns.changed();
  i.peer?.netns.changed();
  emit(i, 'link-set', before, view(i), by);
  if (!up) i.netns.fabric.disturbed();
}

/** One direction through a veth; two make the 50 µs between Pods of a node. */
export const VETH_LATENCY: Micros = 25;
export const LOOPBACK_LATENCY: Micros = 30;
export const VXLAN_LATENCY: Micros = 30;
/** Out of the kernel to a process and back, with a copy each way. */
export const TUN_LATENCY: Micros = 150;
