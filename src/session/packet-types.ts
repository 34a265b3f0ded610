// What "ask the packet" says: the hops of one packet, there and back, with the rows of the tables that decided. Plain data for the page.

import type { Choice, HopAction, Packet, WalkFailure } from '../cluster/network/packet.ts';
import type { Micros } from '../cluster/sim/time.ts';

export type { Choice as PacketChoice, HopAction, Packet, WalkFailure };

export interface PacketQuestion {
  /** `pod/NAMESPACE/NAME` or `machine/NAME`; `machine/operator` stands outside the cluster. */
  readonly from: string;
  /** As a person writes it: a name or an address, with or without a port, a URL, or `pod/…`, `service/…`, `machine/…`. */
  readonly to: string;
  /** Null: as `to` says, else TCP. */
  readonly protocol: 'tcp' | 'udp' | 'icmp' | null;
  /** Null: as `to` says, else the usual one. */
  readonly port: number | null;
  /** Bytes with the IP header, not to be fragmented; absent: few. */
  readonly size?: number;
  /** The backend to take where a Service has several: `address:port`. */
  readonly backend?: string;
}

/** One row of a table that a packet met. */
export interface PacketRow {
  readonly action: HopAction;
  /** `nat/KUBE-SERVICES`, `main`, `neighbour`, `fdb`, `conntrack`, `ipvs` …; '' where no table is involved. */
  readonly table: string;
  /** The rule, route or entry as its command prints it; '' when there is none. */
  readonly rule: string;
  /** What the rule says of itself. */
  readonly comment: string;
  /** False for the rules that only led on to the one that decided. */
  readonly decisive: boolean;
  readonly before: Packet;
  readonly after: Packet;
  readonly choice: Choice | null;
  /** Of the row where it was lost. */
  readonly reason: WalkFailure | null;
  /** What the table was asked for and does not have. */
  readonly asked: string;
  readonly interface: string;
}

/** The packet in one place: a network namespace, once bare and once for each envelope around it. */
export interface PacketHop {
  readonly machine: string;
  readonly netns: string;
  /** `namespace/name` of the Pod whose namespace that is, '' for a machine's own. */
  readonly pod: string;
  /** Interfaces; '' where it begins or ends. A port of a bridge stands beside the bridge. */
  readonly in: string;
  readonly inPort: string;
  readonly out: string;
  readonly outPort: string;
  readonly before: Packet;
  readonly after: Packet;
  /** Of an envelope: what is in it. */
  readonly inner: Packet | null;
  readonly rows: readonly PacketRow[];
  readonly lost: boolean;
}

/** One direction. */
export interface PacketWay {
  readonly packet: Packet;
  readonly hops: readonly PacketHop[];
  readonly delivered: boolean;
  readonly reason: WalkFailure | null;
  /** One-way travel time. */
  readonly latency: Micros;
  /** The first hop that fails, and its row. */
  readonly failure: { readonly hop: number; readonly row: number } | null;
  /** What connection tracking would remember of it, as conntrack(8) prints it. */
  readonly tracked: readonly { readonly machine: string; readonly row: string }[];
}

/** One question to a name server. */
export interface DnsStep {
  readonly name: string;
  readonly type: string;
  readonly server: string;
  /** NOERROR, NXDOMAIN …; TIMEOUT when nothing came back. */
  readonly code: string;
  readonly answers: readonly string[];
  /** After so long. */
  readonly at: Micros;
  readonly took: Micros;
  /** Who asks when it is not the sender: the name server itself, of another one. */
  readonly by: string;
  readonly way: PacketWay | null;
}

export interface DnsLookup {
  readonly host: string;
  /** Where the answer is from: /etc/hosts, or name servers. */
  readonly source: 'hosts' | 'dns';
  /** The lines of resolv.conf that matter. */
  readonly resolv: readonly string[];
  readonly steps: readonly DnsStep[];
  readonly addresses: readonly string[];
}

/**
 * answered: something came back that the sender takes for an answer. accepted: UDP that somebody takes; whether he answers is his affair.
 * refused: the other side, or a rule, says no. told: the sender hears that there is no way. silent: nothing comes back. answer-lost: it
 * arrives, but no answer comes through. mismatch: an answer comes from an address that was not asked. nameless: the name leads nowhere.
 */
export type PacketOutcome = 'answered' | 'accepted' | 'refused' | 'told' | 'silent' | 'answer-lost' | 'mismatch' | 'nameless';

/** Why nothing could be asked. */
export type PacketProblem = 'no-sender' | 'no-target' | 'not-ipv4' | 'no-address' | 'off';

export interface PacketAnswer {
  /** Null: a packet that really flowed. */
  readonly question: PacketQuestion | null;
  /** The record of one that flowed; 0 for a question. */
  readonly record: number;
  readonly at: Micros;
  readonly problem: PacketProblem | null;
  readonly outcome: PacketOutcome;
  readonly dns: DnsLookup | null;
  readonly request: PacketWay | null;
  readonly reply: PacketWay | null;
  /** Who takes it there, '' when nobody does. */
  readonly receiver: string;
  /** Command lines that would have done the same. */
  readonly commands: readonly string[];
}

/** Somebody who may send, or something that may be asked for. */
export interface PacketEnd {
  /** What goes into the question. */
  readonly value: string;
  readonly kind: 'pod' | 'machine' | 'outside' | 'service' | 'name';
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  /** The first one is taken when none is given. */
  readonly ports: readonly { readonly port: number; readonly protocol: 'tcp' | 'udp' }[];
}

export interface PacketEnds {
  readonly from: readonly PacketEnd[];
  readonly to: readonly PacketEnd[];
}

/** A packet of a flow that was written down hop by hop. */
export interface TracedPacket {
  readonly record: number;
  readonly at: Micros;
  readonly verb: string;
  readonly packet: Packet;
  readonly from: string;
  readonly to: string;
  readonly reason: WalkFailure | null;
}
