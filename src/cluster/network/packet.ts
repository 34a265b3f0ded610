// What travels: an IP packet's headers, and the transcript of its walk through tables.

import type { Process } from '../machine/process.ts';
import type { Micros } from '../sim/time.ts';
import type { Netns } from './netns.ts';
import type { Rough } from './rough.ts';

export type Protocol = 'tcp' | 'udp' | 'icmp';

export interface Packet {
  readonly src: string;
  readonly dst: string;
  readonly protocol: Protocol;
  /** Source port; of an ICMP echo request the identifier. */
  readonly sport: number;
  /** Destination port; of an ICMP echo reply the identifier. */
  readonly dport: number;
  /** The firewall mark, while inside one namespace. */
  readonly mark?: number;
  /** The VXLAN envelope, while on the way between two hosts. */
  readonly outer?: Outer;
  /** Bytes with the IP header; absent: so few that they fit anywhere. */
  readonly size?: number;
  /** Don't fragment. */
  readonly df?: boolean;
  /** Time to live; absent: 64. */
  readonly ttl?: number;
}

/** An envelope of UDP around a packet. */
export interface Outer {
  readonly src: string;
  readonly dst: string;
  readonly port: number;
  /** Of a VXLAN envelope: its network, and the Ethernet destination of the inner frame. */
  readonly vni?: number;
  readonly mac?: string;
}

export type HopAction =
  | 'send'
  | 'nat'
  | 'filter'
  | 'conntrack'
  | 'route'
  | 'neighbour'
  | 'bridge'
  | 'shape'
  | 'transmit'
  | 'encapsulate'
  | 'decapsulate'
  | 'deliver'
  | 'drop';

/** One step of a walk. */
export interface Hop {
  readonly machine: string;
  readonly netns: string;
  readonly interface?: string;
  readonly action: HopAction;
  /** For nat and filter: `nat/PREROUTING`; for route: the route's destination. */
  readonly table?: string;
  /** The rule (in iptables-save form), route or entry that decided. */
  readonly rule?: string;
  /** The interface that it came in by, and the one that it leaves by; as far as they are known at this step. */
  readonly in?: string;
  readonly out?: string;
  /** Of a packet that is lost here: why, and what the table was asked for and does not have. */
  readonly reason?: WalkFailure;
  readonly asked?: string;
  /** Of a rule that takes one backend of several. */
  readonly choice?: Choice;
  /** Of the route by which a host forwards it: the host's address where the packet came in. */
  readonly forwarder?: string;
  readonly before: Packet;
  readonly after: Packet;
}

/** Who else could have got the packet. */
export interface Choice {
  /** The match, expression or scheduler that chooses: `statistic`, `numgen`, `recent` (affinity), `rr` … */
  readonly by: string;
  /** Backends as `address:port`, each with how likely it is for a new connection. */
  readonly among: readonly { readonly backend: string; readonly probability: number }[];
  /** The one taken: its position. */
  readonly taken: number;
}

/**
 * Why a packet did not arrive. The sender hears of the first group (an error or an ICMP answer), of the second it hears nothing.
 */
export type WalkFailure =
  | 'network-unreachable' // no route
  | 'host-unreachable' // nobody answers ARP
  | 'rejected' // REJECT --reject-with icmp-port-unreachable (the default)
  | 'reset' // REJECT --reject-with tcp-reset
  | 'prohibited' // REJECT --reject-with icmp-admin-prohibited
  | 'ttl-exceeded'
  | 'message-too-long' // larger than the way out of its own host, and not to be fragmented
  | 'fragmentation-needed' // larger than the way out of a host on the way
  // silent from here
  | 'too-large' // larger than a cable or a port takes: nobody says so
  | 'dropped' // a DROP rule or policy
  | 'no-fdb' // VXLAN: no forwarding entry for the MAC
  | 'no-vtep' // VXLAN: nobody takes the envelope
  | 'not-for-us' // frame or packet for somebody else, forwarding off
  | 'martian' // source address is the receiver's own
  | 'link-down'
  | 'no-outer-route'; // VXLAN: the envelope cannot be sent

const SILENT: ReadonlySet<WalkFailure> = new Set<WalkFailure>([
  'dropped', 'too-large', 'no-fdb', 'no-vtep', 'not-for-us', 'martian', 'link-down', 'no-outer-route',
]);

/** True when the sender learns nothing of the failure. */
export const isSilent = (failure: WalkFailure): boolean => SILENT.has(failure);

export interface WalkResult {
  readonly delivered: boolean;
  /** Where it arrived. */
  readonly netns?: Netns | undefined;
  /** Who listens there on the destination port; undefined when nobody does. */
  readonly process?: Process | undefined;
  /** Empty unless the walk was asked to record. */
  readonly hops: readonly Hop[];
  /** As it arrived, or as it was when it was lost. */
  readonly packet: Packet;
  readonly reason?: WalkFailure | undefined;
  /** One-way travel time. */
  readonly latency: Micros;
  /** How many hosts forwarded it; not told where the way was known. */
  readonly forwards?: number;
  /** Where it was lost. */
  readonly at?: Netns | undefined;
  /** The largest packet that passes everywhere where it passed. */
  readonly mtu: number;
  /** The MTU of the first device. */
  readonly firstMtu: number;
  /** What it met beside latency. */
  readonly rough?: Rough | undefined;
}
