// The node network: one Ethernet segment (192.168.66.0/24 by default) that the machines' eth0 are plugged into. A cable can be
// cut and mended; a machine without power answers nothing.

import type { Machine } from '../machine/machine.ts';
import type { Simulation } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import type { Place } from '../sim/trace.ts';
import { addAddress, addEthernet, createNetns, deleteInterface, type Interface } from './device.ts';
import { Fabric } from './fabric.ts';
import { Netns } from './netns.ts';
import type { Shaper } from './rough.ts';
import { addRoute } from './route.ts';

/** One cable between a machine and the switch. */
export interface Link {
  readonly network: Switch;
  readonly machine: Machine;
  up: boolean;
  /** One way, machine to machine, when both cables are alike; otherwise the mean of the two counts. */
  latency: Micros;
  /** What is wrong with it. */
  shaper: Shaper | null;
}

/** What is wrong between two machines: packets from `first` go way 0. */
interface Pair {
  readonly first: string;
  readonly shaper: Shaper;
}

/** Makes what lies behind the default gateway. */
type MakeGateway = (sim: Simulation, network: Switch, address: string) => void;
let makeGateway: MakeGateway | null = null;

/** To be called by the host once: it is loaded after the boot. */
export function provideGateway(make: MakeGateway): void {
  makeGateway = make;
}

export class Switch {
  /** The default gateway's address with its prefix, until somebody asks for it. */
  gateway: string | null = null;
  readonly name: string;
  readonly links: Link[] = [];
  /** Who answers ARP for an address. */
  readonly addresses = new Map<string, Interface>();
  /** What lies between two machines and not on the cable of either; null while there is nothing. */
  pairs: Map<string, Pair> | null = null;

  constructor(name = 'nodes') {
    this.name = name;
  }

  /** Nobody has the address: unless it is the gateway's, which is made then. */
  ask(address: string, sim: Simulation): Interface | undefined {
    const { gateway } = this;
    if (gateway === null || makeGateway === null || !gateway.startsWith(`${address}/`)) return undefined;
    this.gateway = null;
    makeGateway(sim, this, gateway);
    return this.addresses.get(address);
  }

  between(from: string, to: string): { readonly shaper: Shaper; readonly way: 0 | 1 } | null {
    const pair = this.pairs?.get(pairKey(from, to));
    return pair === undefined ? null : { shaper: pair.shaper, way: pair.first === from ? 0 : 1 };
  }
}

/** Two machines, whichever comes first. */
export const pairKey = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

export interface HostNetworkOptions {
  /** `192.168.66.21/24`. */
  readonly address: string;
  /** Default gateway; none by default. */
  readonly gateway?: string;
  /** One-way latency, default 200 µs. */
  readonly latency?: Micros;
}

/**
 * Gives a machine its host namespace with lo and eth0 on the switch; IP forwarding and br_netfilter are on, as kubeadm asks for.
 * When power goes, everything but lo and eth0's configuration is lost.
 */
export function plugIn(machine: Machine, network: Switch, options: HostNetworkOptions): Netns {
  const netns = createNetns(machine, 'host');
  machine.hostNetns = netns;
  const link: Link = { network, machine, up: true, latency: options.latency ?? 200, shaper: null };
  network.links.push(link);
  const configure = (): void => {
    netns.ipForward = true;
    netns.bridgeCallsIptables = true;
    const eth0 = addEthernet(netns, 'eth0', link);
    addAddress(eth0, options.address);
    if (options.gateway !== undefined) addRoute(netns, { destination: 'default', via: options.gateway, device: eth0 });
  };
  machine.onBoot(configure);
  machine.onPowerOff(() => {
    for (const i of [...netns.interfaces.values()]) if (i.kind !== 'lo') deleteInterface(i);
    netns.wipe();
    netns.fabric.disturbed();
  });
  emitLink(link, null);
  return netns;
}

/** The cable of a machine. Throws when it has none. */
export function linkOf(machine: Machine): Link {
  const eth0 = machine.hostNetns instanceof Netns ? machine.hostNetns.interfaces.get('eth0') : undefined;
  if (eth0?.link == null) throw new Error(`${machine.name} is not connected`);
  return eth0.link;
}

interface LinkView {
  readonly up: boolean;
  readonly latency: Micros;
  /** What is wrong with it, as tc(8) would say it. */
  readonly fault?: string;
}

const view = (link: Link): LinkView => ({ up: link.up, latency: link.latency, ...(link.shaper === null ? {} : { fault: link.shaper.text }) });

/** Cuts (`up: false`) or mends a machine's cable, changes its latency or what is wrong with it. */
export function setLink(machine: Machine, change: { readonly up?: boolean; readonly latency?: Micros; readonly shaper?: Shaper | null }, by?: Place): void {
  const link = linkOf(machine);
  const before = view(link);
  const old = link.shaper;
  link.up = change.up ?? link.up;
  link.latency = change.latency ?? link.latency;
  if (change.shaper !== undefined) link.shaper = change.shaper;
  if (before.up === link.up && before.latency === link.latency && old === link.shaper) return;
  (machine.hostNetns as Netns).changed();
  emitLink(link, before, by);
  if (before.up !== link.up) Fabric.of(machine.sim).disturbed();
}

function emitLink(link: Link, before: LinkView | null, by?: Place): void {
  const { machine } = link;
  const { sim } = machine;
  const verb = before === null ? 'link-plug' : before.up !== link.up ? (link.up ? 'link-mend' : 'link-cut') : 'link-set';
  sim.trace.emit(sim.cause, {
    kind: 'network',
    verb,
    from: by ?? machine.place,
    to: machine.place,
    start: sim.now,
    change: { key: `link/${machine.name}`, before, after: view(link) },
  });
}
