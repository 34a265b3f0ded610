// The questions that a name costs before the first packet can leave: asked in a copy of the cluster that is thrown away, so that
// caches, counters and clocks of the cluster that the person looks at stay as they are.

import type { Process, Program } from '../cluster/machine/process.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import type { DnsQuery, DnsRecord, DnsReply } from '../cluster/network/dns.ts';
import { parseIp } from '../cluster/network/ip.ts';
import { Netns } from '../cluster/network/netns.ts';
import type { Hop, Packet, WalkFailure } from '../cluster/network/packet.ts';
import { lookupHost } from '../cluster/network/resolver.ts';
import { type Micros, SECOND } from '../cluster/sim/time.ts';
import type { TraceRecord } from '../cluster/sim/trace.ts';
import type { DnsLookup, DnsStep } from './packet-types.ts';
import { podFinder, type PodOf, wayOf } from './packet-way.ts';
import type { Replica } from './replica.ts';

const PATIENCE = 60 * SECOND;

/** Whose files tell the sender how names are found: a container's, or the machine's. */
export function senderProcess(machines: ReadonlyMap<string, Machine>, from: string): Process | undefined {
  const [kind, first = '', name = ''] = from.split('/');
  if (kind === 'machine') return machines.get(first)?.processes.get(1);
  for (const machine of machines.values()) {
    for (const process of machine.processes.values()) if (process.place.startsWith(`${machine.place}/pod/${first}/${name}/container/`)) return process;
  }
  return undefined;
}

const linesOf = (process: Process, path: string): readonly string[] =>
  process.files.exists(path) ? process.files.read(path).split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '') : [];

/** What /etc/hosts says. */
export function fromHosts(process: Process, host: string): readonly string[] {
  return linesOf(process, '/etc/hosts').flatMap((line) => {
    const [address = '', ...names] = line.split(/\s+/);
    return parseIp(address) >= 0 && names.includes(host) ? [address] : [];
  });
}

export const resolvConf = (process: Process): readonly string[] => linesOf(process, '/etc/resolv.conf');

/** Looks a name up in `copy`, from the sender; undefined when the sender does not run there. */
export function lookUp(copy: Replica, from: string, host: string): DnsLookup | undefined {
  const { cluster } = copy;
  const { sim, machines } = cluster;
  const sender = senderProcess(machines, from);
  if (sender === undefined || !(sender.netns instanceof Netns)) return undefined;
  const podOf = podFinder(machines.values());
  let addresses: readonly string[] = [];
  const program: Program = function* (os) {
    addresses = (yield* lookupHost(os, host)) ?? [];
  };
  const { machine, netns, files, place } = sender;
  const began = sim.now;
  const outer = sim.cause;
  const record = sim.trace.emit(null, { kind: 'input', verb: 'command', from: place, start: began, detail: { argv: ['getent', 'hosts', host], stdin: null } });
  sim.cause = record;
  const process = machine.spawn(program, { argv: ['getent', 'hosts', host], netns, files, place });
  sim.cause = outer;
  const deadline = began + PATIENCE;
  while (process.alive && sim.step(deadline)) {
    // until it has its addresses, or gives up
  }
  const steps = stepsOf(sim.trace.records, record.id, place, podOf, began, sim.now);
  return { host, source: steps.length === 0 && addresses.length > 0 ? 'hosts' : 'dns', resolv: resolvConf(sender), steps, addresses };
}

interface PacketDetail {
  readonly packet: Packet;
  readonly hops: readonly Hop[];
  readonly reason: WalkFailure | null;
}

const isQuery = (detail: unknown): detail is DnsQuery => typeof detail === 'object' && detail !== null && 'question' in detail && !('code' in detail);
const isReply = (detail: unknown): detail is DnsReply => typeof detail === 'object' && detail !== null && 'question' in detail && 'code' in detail;

const answerText = (r: DnsRecord): string => `${r.name} ${r.ttl} ${r.type} ${r.data}`;

/** The questions below an input, in order. */
function stepsOf(records: readonly TraceRecord[], flow: number, place: string, podOf: PodOf, began: Micros, ended: Micros): DnsStep[] {
  const own = records.filter((r) => r.flow === flow);
  const used = new Set<number>();
  const steps: DnsStep[] = [];
  for (const [i, query] of own.entries()) {
    if (query.kind !== 'dns' || query.verb !== 'query' || !isQuery(query.detail)) continue;
    const { id, question } = query.detail;
    const answers = (r: TraceRecord): boolean =>
      r.id > query.id && !used.has(r.id) && r.kind === 'dns' && r.verb === 'reply' && r.to === query.from && isReply(r.detail) && r.detail.id === id && r.detail.question.type === question.type;
    const reply = own.find(answers);
    if (reply !== undefined) used.add(reply.id);
    const told = reply === undefined ? null : (reply.detail as DnsReply);
    // The packet stands just before its message.
    const sent = own.slice(Math.max(0, i - 3), i).findLast((r) => r.kind === 'packet' && r.from === query.from && (r.detail as PacketDetail | null)?.hops !== undefined);
    const detail = sent === undefined ? null : (sent.detail as PacketDetail);
    const next = own.find((r) => r.kind === 'dns' && r.verb === 'query' && r.from === query.from && r.start > query.start);
    const latency = sent === undefined ? 0 : sent.end - sent.start;
    steps.push({
      name: question.name,
      type: question.type,
      server: detail?.packet.dst ?? '',
      code: told?.code ?? 'TIMEOUT',
      answers: told?.answers.map(answerText) ?? [],
      at: query.start - began,
      took: (reply?.end ?? next?.start ?? ended) - query.start,
      by: query.from === place ? '' : query.from,
      way: detail === null ? null : wayOf(detail.packet, { hops: detail.hops, delivered: detail.reason === null, reason: detail.reason ?? undefined, latency }, podOf, began),
    });
  }
  return steps;
}
