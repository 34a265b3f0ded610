// Sentences about hops, in the words of a language.

import type { Packet, PacketAnswer, PacketHop, PacketRow, PacketWay } from '../../session/protocol.ts';
import type { Loss, Words } from './en.ts';
import type { PacketStep } from './steps.ts';

/** `10.96.0.10:53`; ICMP has no ports. */
export const sourceText = (p: Packet): string => (p.protocol === 'icmp' ? p.src : `${p.src}:${p.sport}`);
export const destinationText = (p: Packet): string => (p.protocol === 'icmp' ? p.dst : `${p.dst}:${p.dport}`);

/** Who a hop is at: a Pod by its name, a machine by its own. */
export const placeText = (w: Words, hop: PacketHop): string => (hop.pod === '' ? hop.machine : w.pod(hop.pod.split('/')[1] ?? hop.pod));

export const viaPort = (device: string, port: string): string => (port === '' || port === device ? device : `${device} (${port})`);

/** Of a rule: what it does. */
export function shortRule({ action, rule, comment }: PacketRow): string {
  const target = action === 'nat' || action === 'filter' ? /\s-[jg] (.*)$/.exec(rule)?.[1] : undefined;
  return target === undefined ? rule : comment === '' ? target : `${target} · ${comment}`;
}

export function lossOf(hop: PacketHop, row: PacketRow, w: Words): Loss {
  return { place: placeText(w, hop), machine: hop.machine, interface: row.interface, table: row.table, asked: row.asked, comment: row.comment, to: hop.after.dst, port: hop.after.dport };
}

/** One plain sentence on why it was lost. */
export function lossText(w: Words, hop: PacketHop): string {
  const row = hop.rows.at(-1);
  if (row?.reason == null) return '';
  const known = w.loss as Readonly<Record<string, (l: Loss) => string>>;
  return (known[row.reason] ?? w.loss.other)(lossOf(hop, row, w));
}

/** The failing hop of an answer, in whichever direction. */
export function failureOf(answer: PacketAnswer): { readonly way: PacketWay; readonly hop: PacketHop } | null {
  for (const way of [answer.request, answer.reply]) {
    const hop = way?.failure == null ? undefined : way.hops[way.failure.hop];
    if (way !== null && hop !== undefined) return { way, hop };
  }
  for (const { way } of answer.dns?.addresses.length === 0 ? answer.dns.steps : []) {
    const hop = way?.failure == null ? undefined : way.hops[way.failure.hop];
    if (way !== null && hop !== undefined) return { way, hop };
  }
  return null;
}

/** What happens at a hop. */
export function hopText(w: Words, hop: PacketHop): string {
  const place = placeText(w, hop);
  const parts: string[] = [];
  const enveloped = hop.inner !== null;
  const decisive = hop.rows.filter((row) => row.decisive);
  const only = decisive.length === 1 && decisive[0]?.action === 'deliver';
  if (hop.in !== '' && !only) parts.push((enveloped ? w.hop.comesEnveloped : w.hop.comes)(place, viaPort(hop.in, hop.inPort)));
  else if (hop.in === '') parts.push((enveloped ? w.hop.sendsEnvelope : w.hop.sends)(place, destinationText(hop.before)));
  for (const row of decisive) {
    const { action, before, after } = row;
    if (action === 'nat') {
      if (destinationText(before) !== destinationText(after)) parts.push(w.hop.destination(destinationText(after)));
      if (sourceText(before) !== sourceText(after)) parts.push(w.hop.source(sourceText(after)));
    } else if (action === 'conntrack') parts.push(w.hop.remembered(sourceText(after), destinationText(after)));
    else if (action === 'route') parts.push(w.hop.route(row.rule.split(' ', 1)[0] ?? '', row.interface));
    else if (action === 'encapsulate') parts.push(w.hop.wraps(row.interface, after.outer?.dst ?? ''));
    else if (action === 'decapsulate') parts.push(w.hop.unwraps(row.interface));
    else if (action === 'bridge') parts.push(w.hop.port(row.interface, row.rule.replace(/^port /, '')));
    else if (action === 'shape') parts.push(w.hop.shaped(row.interface, row.rule));
    else if (action === 'transmit') parts.push(w.hop.leaves(row.interface));
    else if (action === 'deliver') parts.push(enveloped ? w.hop.opened(place) : w.hop.received(place, only ? hop.in : ''));
  }
  const told = `${parts.join(w.join)}${w.stop}`;
  return hop.lost ? `${told}${w.space}${lossText(w, hop)}` : told;
}

/** Who asks, in words. */
export function senderText(w: Words, answer: PacketAnswer): string {
  const from = answer.question?.from ?? '';
  const name = from.split('/').at(-1) ?? '';
  return from.startsWith('pod/') ? w.pod(name) : name;
}

/** What happens in a step. */
export function stepText(w: Words, step: PacketStep, sender: string): string {
  if (step.kind !== 'dns') return hopText(w, step.hop);
  const { dns } = step;
  const lost = dns.way?.failure == null ? undefined : dns.way.hops[dns.way.failure.hop];
  const who = dns.by === '' ? sender : (dns.by.split('/').at(-1) ?? dns.by);
  return `${who} ${w.dnsStep(dns.name, dns.type, dns.server)}: ${lost === undefined ? w.dnsAnswer(dns.code, dns.answers.length) : lossText(w, lost)}`;
}

/** What becomes of it, in one sentence. */
export function outcomeText(w: Words, answer: PacketAnswer): string {
  if (answer.problem !== null) return w.problem[answer.problem];
  const arrived = answer.request?.delivered === true ? destinationText(answer.request.hops.at(-1)?.after ?? answer.request.packet) : '';
  if (answer.outcome === 'refused' && arrived === '') return w.refusedOnTheWay;
  return w.outcome[answer.outcome](arrived, answer.receiver);
}
