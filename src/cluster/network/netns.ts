// A network namespace: interfaces, addresses, routes, neighbours, netfilter, connection tracking, sockets' ports.
// The tables are plain data that packets walk over; device.ts and route.ts change them.

import type { Machine } from '../machine/machine.ts';
import type { NamespaceRef, Process } from '../machine/process.ts';
import type { Random } from '../sim/random.ts';
import type { Micros } from '../sim/time.ts';
import { Conntrack } from './conntrack.ts';
import type { Fabric } from './fabric.ts';
import { contains, type Cidr, parseIp } from './ip.ts';
import { Netfilter, type TableName } from './netfilter.ts';
import type { Interface } from './device.ts';
import type { Packet } from './packet.ts';
import type { PlainPath } from './passage.ts';

export interface Route {
  readonly destination: Cidr;
  /** Next hop; null when the destination is on the link. */
  readonly via: string | null;
  readonly device: Interface;
  /** The next hop is taken to be on the link even when no address says so. */
  readonly onlink: boolean;
  /** Preferred source address. */
  readonly source: string | null;
  readonly metric: number;
  readonly protocol: 'kernel' | 'boot' | 'static' | 'bird' | '80';
  /** `blackhole`: packets to there go nowhere, without a word; its device is lo. */
  readonly type?: 'blackhole';
}

export interface Neighbour {
  readonly address: string;
  readonly device: Interface;
  readonly mac: string;
  /** 'FAILED' has no hardware address. */
  readonly state: 'PERMANENT' | 'REACHABLE' | 'STALE' | 'DELAY' | 'FAILED';
}

/** Takes packets for a port. */
export interface TcpListener {
  /** Address it is bound to; '0.0.0.0' is any. */
  readonly address: string;
  readonly process: Process;
}

const MAX_MEMO = 8_192;

export class Netns implements NamespaceRef {
  readonly name: string;
  readonly machine: Machine;
  readonly fabric: Fabric;
  readonly interfaces = new Map<string, Interface>();
  /** Longest prefix first, then lowest metric. */
  routes: readonly Route[] = [];
  /** net.ipv4.ip_forward. */
  ipForward = false;
  /** net.bridge.bridge-nf-call-iptables (br_netfilter). */
  bridgeCallsIptables = false;
  /** Grows when a path that was good may have become another or bad. */
  revision = 0;
  deleted = false;
  #rules: Netfilter | null = null;
  #conntrack: Conntrack | null = null;
  readonly #local = new Map<string, Interface>();
  #routeMemo: Map<string, Route | null> | null = null;
  /** What ICMP told of narrow ways to some destinations. */
  pathMtu: Map<string, { readonly mtu: number; readonly until: Micros }> | null = null;
  /** For the walk: ways of new connections, by address and port. */
  plainPaths: Map<number, PlainPath> | null = null;
  #random: Random | null = null;
  #nextPort = 0;
  #ports: PortTables | null = null;

  /** Use createNetns. */
  constructor(machine: Machine, fabric: Fabric, name: string) {
    this.machine = machine;
    this.fabric = fabric;
    this.name = name;
  }

  get rules(): Netfilter {
    return (this.#rules ??= new Netfilter());
  }

  /** The rules, if anybody ever wrote some. */
  get rulesIfAny(): Netfilter | null {
    return this.#rules;
  }

  get conntrack(): Conntrack {
    return (this.#conntrack ??= new Conntrack());
  }

  /** Sockets by port. */
  get ports(): PortTables {
    return (this.#ports ??= { tcp: new Map(), udp: new Map(), connected: new Set() });
  }

  get portsIfAny(): PortTables | null {
    return this.#ports;
  }

  /** Draws 0 ≤ x < 1 from this namespace's own stream (netfilter's statistic match, random ports). */
  choose(): number {
    this.#random ??= this.machine.sim.random(`netns/${this.machine.name}/${this.name}`);
    return this.#random.float();
  }

  /** The interface that has the address; 127.0.0.0/8 belongs to lo as a whole. */
  localInterface(address: string): Interface | undefined {
    const found = this.#local.get(address);
    return found ?? (address.startsWith('127.') ? this.interfaces.get('lo') : undefined);
  }

  isLocal(address: string): boolean {
    return this.localInterface(address) !== undefined;
  }

  /** The interfaces' addresses. */
  localAddresses(): ReadonlyMap<string, Interface> {
    return this.#local;
  }

  /** The route for a destination that is not local; null when there is none. */
  route(dst: string): Route | null {
    const memo = (this.#routeMemo ??= new Map());
    let route = memo.get(dst);
    if (route === undefined) {
      const int = parseIp(dst);
      route = this.routes.find((r) => r.device.up && contains(r.destination, int)) ?? null;
      if (memo.size > MAX_MEMO) memo.clear();
      memo.set(dst, route);
    }
    return route;
  }

  /** For device.ts: an address appears or goes. */
  setLocal(address: string, device: Interface | null): void {
    if (device === null) this.#local.delete(address);
    else this.#local.set(address, device);
  }

  /** Tables that decide paths have changed: cached paths must be walked anew. */
  changed(): void {
    this.revision++;
    this.#routeMemo = null;
    this.plainPaths = null;
  }

  /** For netfilter.ts. New translations only concern new connections; filters concern all. */
  rulesChanged(table: TableName): void {
    if (table !== 'nat') this.revision++;
  }

  /** An unused port of the ephemeral range (net.ipv4.ip_local_port_range 32768–60999). */
  ephemeralPort(protocol: 'tcp' | 'udp'): number {
    const { tcp, udp, connected } = this.ports;
    if (this.#nextPort === 0) this.#nextPort = 32_768 + Math.floor(this.choose() * 28_232);
    for (let tries = 0; tries < 28_232; tries++) {
      const port = this.#nextPort;
      this.#nextPort = port === 60_999 ? 32_768 : port + 1;
      if (protocol === 'tcp' ? !connected.has(port) && !tcp.has(port) : !udp.has(port)) return port;
    }
    throw new Error('cannot assign requested address');
  }

  /** For sockets: who takes a TCP packet on this address and port. */
  tcpListener(address: string, port: number): TcpListener | undefined {
    const bound = this.#ports?.tcp.get(port);
    return bound?.find((l) => l.address === address) ?? bound?.find((l) => l.address === '0.0.0.0');
  }

  /** For the walk: who takes a UDP packet. */
  udpListener(address: string, port: number): UdpReceiver | undefined {
    const bound = this.#ports?.udp.get(port);
    return bound?.find((l) => l.address === address) ?? bound?.find((l) => l.address === '0.0.0.0');
  }

  /** Forgets everything but lo: for a machine that lost power, and for deleteNetns. */
  wipe(): void {
    // Whoever adds up the two revisions must see a number that only grows.
    this.revision += this.#rules?.revision ?? 0;
    this.#rules = null;
    this.#conntrack = null;
    this.#ports = null;
    this.pathMtu = null;
    this.changed();
  }
}

export interface UdpReceiver {
  readonly address: string;
  readonly process: Process;
  /** A datagram has come in. */
  deliver(packet: Packet, payload: unknown): void;
}

export interface PortTables {
  readonly tcp: Map<number, TcpListener[]>;
  readonly udp: Map<number, UdpReceiver[]>;
  /** Local ports of open connections. */
  readonly connected: Set<number>;
}
