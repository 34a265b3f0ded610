// From the steps of a walk to hops as a person counts them: one for each namespace, bare or in an envelope, with the rows met there.

import { formatConntrack } from '../cluster/network/conntrack.ts';
import { Netns } from '../cluster/network/netns.ts';
import type { Hop, Packet } from '../cluster/network/packet.ts';
import type { WalkTrace } from '../cluster/network/walk.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import type { PacketHop, PacketRow, PacketWay } from './packet-types.ts';

/** Whose namespace that is: `namespace/name` of a Pod, '' of a machine. */
export type PodOf = (machine: string, netns: string) => string;

const POD_PLACE = /^machine\/([^/]+)\/pod\/([^/]+\/[^/]+)\//;

/** `namespace/name` of the Pod at a place of the trace, '' for any other. */
export const podAt = (place: string): string => POD_PLACE.exec(`${place}/`)?.[2] ?? '';

/** Looks the Pods up by their processes. */
export function podFinder(machines: Iterable<Machine>): PodOf {
  const pods = new Map<string, string>();
  for (const machine of machines) {
    for (const { netns, place } of machine.processes.values()) {
      const pod = podAt(place);
      if (pod !== '' && netns !== machine.hostNetns) pods.set(`${machine.name} ${netns.name}`, pod);
    }
  }
  return (machine, netns) => pods.get(`${machine} ${netns}`) ?? '';
}

/** The namespace of `pod/NAMESPACE/NAME` or `machine/NAME`; undefined when there is none. */
export function netnsOfSender(machines: ReadonlyMap<string, Machine>, from: string): Netns | undefined {
  const [kind, first = '', name = ''] = from.split('/');
  if (kind === 'machine') {
    const netns = machines.get(first)?.hostNetns;
    return netns instanceof Netns ? netns : undefined;
  }
  for (const machine of machines.values()) {
    for (const { netns, place } of machine.processes.values()) {
      if (netns instanceof Netns && place.startsWith(`${machine.place}/pod/${first}/${name}/`)) return netns;
    }
  }
  return undefined;
}

const sameHeaders = (a: Packet, b: Packet): boolean => a.src === b.src && a.dst === b.dst && a.sport === b.sport && a.dport === b.dport;

/** The packet is an envelope itself, not what is in it. */
const isEnvelope = ({ src, dst, outer }: Packet): boolean => outer !== undefined && outer.src === src && outer.dst === dst;

const COMMENTS = /--comment (?:"((?:[^"\\]|\\.)*)"|(\S+))/g;
const VERDICT = /(?:-j (?:ACCEPT|DROP|REJECT)|^-P )\b|\b(?:accept|drop|reject)\b/;
/** A rule of a policy that marks the packet as allowed: the verdict comes later, for all of them. */
const ALLOWS = /Policy \S+\/\S+ (?:in|e)gress".* -j MARK/;

function rowOf(hop: Hop): PacketRow {
  const { action, table = '', rule = '', before, after, choice = null, reason = null, asked = '' } = hop;
  // Calico's first comment is a hash of the rule.
  const comments = [...rule.matchAll(COMMENTS)].map((m) => m[1] ?? m[2] ?? '').filter((text) => !text.startsWith('cali:'));
  // On a wire the neighbour's entry decides; a veth pair has only one other end.
  const ofTable = table === '' && action === 'transmit' && rule.includes(' lladdr ') ? 'neighbour' : action === 'encapsulate' && table === '' ? (rule.startsWith('flanneld') ? 'flanneld' : 'fdb') : action === 'bridge' ? 'bridge' : table;
  const leads = action === 'nat' ? sameHeaders(before, after) && choice === null : action === 'filter' ? !VERDICT.test(rule) && !ALLOWS.test(rule) : action === 'send';
  return { action, table: ofTable, rule, comment: comments.join(' '), decisive: !leads, before, after, choice, reason, asked, interface: hop.interface ?? '' };
}

const PEER = /^peer [^/]+\/(.+)$/;
const PORT = /^port (.+)$/;

/** The steps of one direction as hops. */
export function hopsOf(steps: readonly Hop[], podOf: PodOf): readonly PacketHop[] {
  const groups: Hop[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    const before = last?.at(-1);
    // A packet that only crosses a bridge between two machines' namespaces enters the host in the middle of things.
    const same = before !== undefined && before.machine === step.machine && before.netns === step.netns && isEnvelope(before.after) === isEnvelope(step.after) && step.action !== 'decapsulate';
    if (same) last?.push(step);
    else groups.push([step]);
  }
  let inner: Packet | null = null;
  let arrivedBy = '';
  return groups.map((group): PacketHop => {
    const first = group[0] as Hop;
    const last = group.at(-1) as Hop;
    const enveloped = isEnvelope(first.after);
    const encapsulation = group.find((h) => h.action === 'encapsulate');
    const bridged = group.findLast((h) => h.action === 'bridge');
    const leaves = group.findLast((h) => h.action === 'encapsulate' || h.action === 'transmit' || h.action === 'bridge');
    const hop: PacketHop = {
      machine: first.machine,
      netns: first.netns,
      pod: podOf(first.machine, first.netns),
      in: first.action === 'decapsulate' ? (first.interface ?? '') : (first.in ?? group.find((h) => h.in !== undefined)?.in ?? ''),
      inPort: arrivedBy,
      out: last.action === 'deliver' ? '' : (leaves?.interface ?? last.out ?? ''),
      outPort: PORT.exec(bridged?.rule ?? '')?.[1] ?? '',
      before: first.before,
      after: last.after,
      inner: enveloped ? inner : null,
      // Where a rule refuses, the row of the loss says so already.
      rows: group.filter((h, i) => !(h.rule !== undefined && h.action !== 'drop' && group[i + 1]?.action === 'drop' && group[i + 1]?.rule === h.rule)).map(rowOf),
      lost: last.action === 'drop',
    };
    if (encapsulation !== undefined) inner = encapsulation.before;
    arrivedBy = PEER.exec(last.rule ?? '')?.[1] ?? '';
    return hop;
  });
}

/** One direction: of a walk, or of the steps that a record holds. */
export function wayOf(packet: Packet, walked: Pick<WalkTrace, 'hops' | 'delivered' | 'reason' | 'latency'> & Partial<Pick<WalkTrace, 'tracked'>>, podOf: PodOf, now: number): PacketWay {
  const hops = hopsOf(walked.hops, podOf);
  const lost = hops.findIndex((hop) => hop.lost);
  return {
    packet,
    hops,
    delivered: walked.delivered,
    reason: walked.reason ?? null,
    latency: walked.latency,
    failure: lost < 0 ? null : { hop: lost, row: (hops[lost]?.rows.length ?? 1) - 1 },
    tracked: (walked.tracked ?? []).map(({ netns, entry }) => ({ machine: netns.machine.name, row: formatConntrack({ list: () => [entry] }, now).trim() })),
  };
}
