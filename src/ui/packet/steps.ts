// An answer as steps to walk through, each with the places on the map that it passes.

import type { DnsStep, PacketAnswer, PacketHop, PacketWay } from '../../session/protocol.ts';

export type PacketStep =
  | { readonly kind: 'dns'; readonly index: number; readonly dns: DnsStep; readonly places: readonly string[] }
  | { readonly kind: 'request' | 'reply'; readonly index: number; readonly of: number; readonly way: PacketWay; readonly hop: PacketHop; readonly places: readonly string[] };

const DECIDES_IN_RULES = new Set(['nat', 'filter', 'conntrack']);

/** Where on the map a hop is: the Pod, or the interfaces and tables of the machine that it passes, in order. `origin` is who sends it from a machine. */
export function placesOf(hop: PacketHop, origin = ''): readonly string[] {
  const machine = `machine/${hop.machine}`;
  if (hop.pod !== '') return [`${machine}/pod/${hop.pod}`];
  const self = origin !== '' ? origin : hop.machine === 'operator' ? `${machine}/kubectl` : machine;
  const places: string[] = [];
  const device = (name: string): void => {
    const place = `${machine}/${name}`;
    if (name !== '' && name !== 'lo' && places.at(-1) !== place) places.push(place);
  };
  const enveloped = hop.inner !== null;
  // An envelope is made, and opened, by the device that the packet itself goes through.
  if (hop.in !== '') device(hop.in);
  else if (!enveloped) places.push(self);
  if (hop.rows.some((r) => r.decisive && DECIDES_IN_RULES.has(r.action))) device('tables');
  if (hop.out !== '') device(hop.out);
  else if (!enveloped && !hop.lost && places.at(-1) !== self) places.push(self);
  return places.length === 0 ? [self] : places;
}

function wayPlaces(way: PacketWay, origin: string): readonly string[] {
  return way.hops.flatMap((hop, i) => placesOf(hop, i === 0 ? origin : ''));
}

/** Who sends, as a place of the map: a Pod that shares its machine's network stands for itself. */
const originOf = (answer: PacketAnswer): string => {
  const from = answer.question?.from ?? '';
  const machine = answer.request?.hops[0]?.machine ?? '';
  return from.startsWith('pod/') && machine !== '' ? `machine/${machine}/${from}` : '';
};

export function stepsOf(answer: PacketAnswer): readonly PacketStep[] {
  const steps: PacketStep[] = [];
  const origin = originOf(answer);
  for (const [index, dns] of (answer.dns?.steps ?? []).entries()) steps.push({ kind: 'dns', index, dns, places: dns.way === null ? [] : wayPlaces(dns.way, dns.by === '' ? origin : '') });
  for (const kind of ['request', 'reply'] as const) {
    const way = answer[kind];
    for (const [index, hop] of (way?.hops ?? []).entries()) {
      if (way !== null) steps.push({ kind, index, of: way.hops.length, way, hop, places: placesOf(hop, kind === 'request' && index === 0 ? origin : '') });
    }
  }
  return steps;
}

/** The step at which it fails: of a question to a name server, or a hop; -1 when nothing fails. */
export function failingStep(steps: readonly PacketStep[]): number {
  const hop = steps.findIndex((s) => s.kind !== 'dns' && s.hop.lost);
  return hop >= 0 ? hop : steps.findIndex((s) => s.kind === 'dns' && s.dns.way?.delivered === false);
}

/** Whether the steps belong to one stretch of the map's path: name questions one by one, each direction as a whole. */
export const sameStretch = (a: PacketStep, b: PacketStep): boolean => a.kind === b.kind && (a.kind !== 'dns' || a.index === b.index);
