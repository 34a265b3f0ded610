// Asks the packet: what would happen now to one that goes from here to there. The walk is the real one over the real tables, but
// nothing is sent: no entry is left in connection tracking, nobody learns an address, no time passes and nothing is logged.

import type { Pod, Service } from '../cluster/api/generated/types.ts';
import type { Cluster } from '../cluster/bootstrap/cluster.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import { parseIp } from '../cluster/network/ip.ts';
import type { Netns } from '../cluster/network/netns.ts';
import { type Hop, isSilent, type Packet, type WalkFailure } from '../cluster/network/packet.ts';
import { sourceAddress, walk, type WalkTrace } from '../cluster/network/walk.ts';
import type { TraceRecord } from '../cluster/sim/trace.ts';
import { fromHosts, resolvConf, senderProcess } from './packet-dns.ts';
import { commandsFor, type ObjectAt, readTarget, type Target } from './packet-target.ts';
import type { DnsLookup, PacketAnswer, PacketEnd, PacketEnds, PacketOutcome, PacketProblem, PacketQuestion, PacketWay, TracedPacket } from './packet-types.ts';
import { netnsOfSender, podAt, podFinder, type PodOf, wayOf } from './packet-way.ts';

export interface AskContext {
  readonly cluster: Cluster;
  readonly objectAt: ObjectAt;
  /** Asks the sender's name servers, in a copy of the cluster. */
  readonly lookUp: (from: string, host: string) => DnsLookup | null;
}

/** Connections of the page's questions come from here, far from where the kernel begins. */
const SOURCE_PORT = 60_999;

/** An answer to a question about a packet that nobody sends. */
export function askPacket({ cluster, objectAt, lookUp }: AskContext, question: PacketQuestion): PacketAnswer {
  const { machines, sim, topology } = cluster;
  const blank: PacketAnswer = { question, record: 0, at: sim.now, problem: null, outcome: 'nameless', dns: null, request: null, reply: null, receiver: '', commands: [] };
  const failed = (problem: PacketProblem): PacketAnswer => ({ ...blank, problem });
  const target = readTarget(question, objectAt, (name) => topology.addresses.get(name));
  if (target === null) return failed('no-target');
  const from = netnsOfSender(machines, question.from);
  if (from === undefined) return failed('no-sender');
  if (!from.machine.powered) return failed('off');
  const pod = question.from.startsWith('pod/') ? (objectAt(`object/pods/${question.from.slice(4)}`) as Pod | undefined) : undefined;
  const commands = commandsFor(question, target, pod?.spec?.containers[0]?.image ?? '');
  const isAddress = parseIp(target.host) >= 0;
  if (!isAddress && /^[0-9a-f]*:[0-9a-f:.]*$/i.test(target.host)) return failed('not-ipv4');
  const dns = isAddress ? null : lookedUp(machines, question.from, target.host, lookUp);
  const address = isAddress ? target.host : dns?.addresses[0];
  if (address === undefined) return { ...blank, dns, commands };
  const podOf = podFinder(machines.values());
  return { ...blank, commands, dns, ...walkBoth(from, address, target, podOf, question) };
}

/** The name is in /etc/hosts, or a copy of the cluster asks its name servers. */
function lookedUp(machines: ReadonlyMap<string, Machine>, from: string, host: string, lookUp: AskContext['lookUp']): DnsLookup | null {
  const sender = senderProcess(machines, from);
  if (sender === undefined) return null;
  const addresses = fromHosts(sender, host);
  if (addresses.length > 0) return { host, source: 'hosts', resolv: resolvConf(sender), steps: [], addresses };
  return lookUp(from, host);
}

function walkBoth(from: Netns, address: string, target: Target, podOf: PodOf, { backend, size }: PacketQuestion): Pick<PacketAnswer, 'outcome' | 'request' | 'reply' | 'receiver'> {
  const { now } = from.machine.sim;
  const { protocol } = target;
  const source = sourceAddress(from, address);
  const packet: Packet = { src: source ?? '0.0.0.0', dst: address, protocol, sport: freePort(from), dport: target.port, ...(size === undefined ? {} : { size, df: true }) };
  const forth = walk(from, packet, { record: true, asked: backend === undefined ? {} : { backend } });
  const request = wayOf(packet, forth, podOf, now);
  if (!forth.delivered) return { request, reply: null, receiver: '', outcome: outcomeOfFailure(forth.reason) };
  const there = forth.netns as Netns;
  const at = forth.packet;
  const answer: Packet = { src: at.dst, dst: at.src, protocol, sport: at.dport, dport: at.sport };
  const back = walk(there, answer, { record: true, asked: { tracked: forth.tracked } });
  const reply = wayOf(answer, back, podOf, now);
  const taken = protocol === 'icmp' || forth.process !== undefined;
  return { request, reply, receiver: forth.process?.comm ?? '', outcome: outcomeOf(packet, from, taken, back) };
}

function outcomeOf(packet: Packet, from: Netns, taken: boolean, back: WalkTrace): PacketOutcome {
  if (!back.delivered) return packet.protocol === 'udp' && taken ? 'accepted' : 'answer-lost';
  const home = back.packet;
  if (back.netns !== from || home.dst !== packet.src || home.dport !== packet.sport) return 'answer-lost';
  if (home.src !== packet.dst || home.sport !== packet.dport) return 'mismatch';
  if (!taken) return 'refused';
  return packet.protocol === 'udp' ? 'accepted' : 'answered';
}

function outcomeOfFailure(reason: WalkFailure | undefined): PacketOutcome {
  if (reason === 'rejected' || reason === 'reset') return 'refused';
  return reason === undefined || isSilent(reason) ? 'silent' : 'told';
}

/** A source port that no connection of the namespace has. */
function freePort({ portsIfAny }: Netns): number {
  let port = SOURCE_PORT;
  while (portsIfAny?.connected.has(port) === true || portsIfAny?.udp.has(port) === true) port--;
  return port;
}

// ── packets that really flowed ───────────────────────────────────────────────────────────────────────────────────

interface Walked {
  readonly packet: Packet;
  readonly hops: readonly Hop[];
  readonly reason: WalkFailure | null;
}

/** What a record of a packet holds, if it was written down hop by hop. */
function walkedIn(record: TraceRecord | undefined): Walked | null {
  const detail = record?.kind === 'packet' ? (record.detail as Partial<Walked> | null) : null;
  return detail?.packet === undefined || detail.hops === undefined || detail.hops.length === 0 ? null : (detail as Walked);
}

/** The packet that opened the way for a message: the last one before it between the same two places. */
export function carrierOf(message: TraceRecord, earlier: readonly (TraceRecord | undefined)[]): TraceRecord | null {
  return earlier.findLast((r) => walkedIn(r) !== null && ((r?.from === message.from && r.to === message.to) || (r?.from === message.to && r.to === message.from && r.verb !== 'answer'))) ?? null;
}

const PACKETS_LISTED = 300;

/** The packets among some records, in order. */
export function tracedPackets(records: Iterable<TraceRecord | undefined>): readonly TracedPacket[] {
  const list: TracedPacket[] = [];
  for (const record of records) {
    const walked = walkedIn(record);
    if (record === undefined || walked === null) continue;
    list.push({ record: record.id, at: record.start, verb: record.verb, packet: walked.packet, from: record.from, to: record.to, reason: walked.reason });
    if (list.length >= PACKETS_LISTED) break;
  }
  return list;
}

/** The same answer for a packet that flowed; `later` are the records after it in its flow. Null when it was not written down. */
export function tracedPacket(machines: ReadonlyMap<string, Machine>, record: TraceRecord, later: Iterable<TraceRecord | undefined>): PacketAnswer | null {
  const walked = walkedIn(record);
  if (walked === null) return null;
  const way = (r: TraceRecord, w: Walked): PacketWay =>
    wayOf(w.packet, { hops: w.hops, delivered: w.reason === null, reason: w.reason ?? undefined, latency: r.end - r.start }, podsOf(machines, r, w), r.start);
  const request = way(record, walked);
  const arrived = walked.hops.at(-1)?.after;
  let reply: PacketWay | null = null;
  for (const next of later) {
    const answer = walkedIn(next);
    if (next === undefined || answer === null || arrived === undefined) continue;
    const { packet } = answer;
    if (packet.src !== arrived.dst || packet.dst !== arrived.src || packet.sport !== arrived.dport || packet.dport !== arrived.sport) continue;
    reply = way(next, answer);
    break;
  }
  const outcome = walked.reason !== null ? outcomeOfFailure(walked.reason) : reply === null ? 'accepted' : reply.delivered ? 'answered' : 'answer-lost';
  return { question: null, record: record.id, at: record.start, problem: null, outcome, dns: null, request, reply, receiver: '', commands: [] };
}

/** Pods that run now, and those at the two ends of the record, which may be gone. */
function podsOf(machines: ReadonlyMap<string, Machine>, record: TraceRecord, { hops, reason }: Walked): PodOf {
  const now = podFinder(machines.values());
  const [first, last] = [hops[0], hops.at(-1)];
  return (machine, netns) => {
    if (netns === 'host') return '';
    const known = now(machine, netns);
    if (known !== '') return known;
    if (first?.machine === machine && first.netns === netns) return podAt(record.from);
    return reason === null && last?.machine === machine && last.netns === netns ? podAt(record.to) : '';
  };
}

// ── who may be chosen ────────────────────────────────────────────────────────────────────────────────────────────

/** Senders and targets at the view, by kind and name. */
export function packetEnds({ cluster }: Pick<AskContext, 'cluster'>, entries: Iterable<readonly [string, unknown]>): PacketEnds {
  const { operator, addresses } = cluster.topology;
  const machines = [...cluster.machines.values()].map((m): PacketEnd => ({
    value: `machine/${m.name}`,
    kind: m === operator ? 'outside' : 'machine',
    name: m.name,
    namespace: '',
    address: addresses.get(m.name) ?? '',
    ports: [],
  }));
  const pods: PacketEnd[] = [];
  const services: PacketEnd[] = [];
  const names: PacketEnd[] = [];
  for (const [key, value] of entries) {
    if (key.startsWith('object/pods/')) {
      const { metadata, spec, status } = value as Pod;
      const namespace = metadata?.namespace ?? '';
      const name = metadata?.name ?? '';
      if (!status?.podIP || status.phase === 'Succeeded' || status.phase === 'Failed') continue;
      const ports = (spec?.containers ?? []).flatMap((c) => (c.ports ?? []).map((p) => ({ port: p.containerPort, protocol: p.protocol === 'UDP' ? ('udp' as const) : ('tcp' as const) })));
      pods.push({ value: `pod/${namespace}/${name}`, kind: 'pod', name, namespace, address: status.podIP, ports });
    } else if (key.startsWith('object/services/')) {
      const { metadata, spec } = value as Service;
      const namespace = metadata?.namespace ?? '';
      const name = metadata?.name ?? '';
      const ports = (spec?.ports ?? []).map((p) => ({ port: p.port, protocol: p.protocol === 'UDP' ? ('udp' as const) : ('tcp' as const) }));
      services.push({ value: `service/${namespace}/${name}`, kind: 'service', name, namespace, address: spec?.clusterIP ?? '', ports });
      const scheme = ports[0]?.port === 80 ? 'http://' : '';
      const port = ports[0] === undefined || ports[0].port === 80 ? '' : `:${ports[0].port}`;
      names.push({ value: `${scheme}${name}.${namespace}${port}`, kind: 'name', name, namespace, address: spec?.clusterIP ?? '', ports });
    }
  }
  const sorted = (list: PacketEnd[]): PacketEnd[] => list.toSorted((a, b) => systemLast(a) - systemLast(b) || (a.value < b.value ? -1 : 1));
  const inside = sorted(pods);
  return { from: [...inside, ...machines.toReversed()], to: [...sorted(names), ...sorted(services), ...inside, ...machines] };
}

const systemLast = ({ namespace }: PacketEnd): number => (namespace.startsWith('kube-') ? 1 : 0);
