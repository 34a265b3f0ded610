// What the packet panel says, in English. The other catalogue has the same keys; a missing one is a type error.

import type { PacketOutcome, PacketProblem } from '../../session/protocol.ts';

/** What a sentence about a lost packet may name. */
export interface Loss {
  /** `worker-1`, or `Pod web-x`. */
  readonly place: string;
  readonly machine: string;
  readonly interface: string;
  readonly table: string;
  readonly asked: string;
  readonly comment: string;
  /** Where it was going. */
  readonly to: string;
  readonly port: number;
}

export const en = {
  title: 'Ask the packet',
  intro: 'What would happen now to a packet from here to there? Nothing is sent: the answer comes from the tables as they are.',
  from: 'From',
  to: 'To',
  fromHint: 'a Pod or a machine',
  toHint: 'name, address or URL',
  protocol: 'Protocol',
  asWritten: 'as written',
  port: 'Port',
  portHint: 'usual',
  size: 'Bytes',
  sizeHint: 'With the IP header, and not to be cut in pieces',
  few: 'few',
  ask: 'Ask',
  asking: 'working it out',
  again: 'Ask again',
  stale: 'The cluster has moved on since.',
  fromHere: 'A packet from here',
  toHere: 'A packet to here',
  outside: 'outside the cluster',
  clear: 'Take it off the map',
  show: 'Show it on the map',
  back: 'One hop back',
  next: 'One hop on',
  toFailure: 'Go to the hop that fails',
  position: (k: number, n: number) => `${k} of ${n}`,
  flowed: 'Or one that really flowed',
  flowedNone: 'choose a packet of this flow',
  flowedOf: 'This packet really flowed.',
  backend: 'Backend',
  backendHint: 'Who else could get it, and how likely that is for a new connection',
  by: { statistic: 'chosen at random', numgen: 'chosen at random', recent: 'kept by session affinity', other: (by: string) => `chosen by the scheduler ${by}` },
  command: 'The same in a terminal',
  copy: 'Copy',
  dns: 'The name',
  dnsHosts: (host: string, address: string) => `${host} stands in /etc/hosts: ${address}.`,
  dnsColumns: { question: 'Question', server: 'asked', answer: 'Answer', took: 'took' },
  dnsStep: (name: string, type: string, server: string) => `asks ${server} for ${name} (${type})`,
  dnsAnswer: (code: string, count: number) => (code === 'NOERROR' ? (count === 0 ? 'there is such a name, without that' : 'answered') : code === 'NXDOMAIN' ? 'there is no such name' : code === 'TIMEOUT' ? 'no answer' : code),
  dnsBy: (who: string) => `${who} asks on`,
  request: 'There',
  reply: 'Back',
  columns: { hop: 'Hop', where: 'Where', in: 'in', out: 'out', decided: 'What decided', headers: 'Headers' },
  details: (k: number) => `All rows of hop ${k}`,
  rowColumns: { table: 'Table', row: 'Row', before: 'Headers before', after: 'Headers after' },
  onwards: (count: number) => `${count} rules led on`,
  inside: 'inside',
  unchanged: 'unchanged',
  vni: (vni: number) => `VXLAN ${vni}`,
  tracked: 'What connection tracking would remember',
  pod: (name: string) => `Pod ${name}`,
  tables: { main: 'route', neighbour: 'neighbour', fdb: 'forwarding database', bridge: 'bridge port', conntrack: 'connection tracking', ipvs: 'IPVS', sysctl: 'sysctl', link: 'cable', qdisc: 'cable, queue', flanneld: 'flanneld', veth: 'veth pair', deliver: 'delivered', decapsulate: 'unpacked', send: 'sent', drop: 'lost' },
  outcome: {
    answered: (to: string, who: string) => `It arrives at ${to}${who === '' ? '' : ` (${who})`}, and the answer comes back.`,
    accepted: (to: string, who: string) => `It arrives at ${to}${who === '' ? '' : `, where ${who} takes it`}.`,
    refused: (to: string, _who: string) => `Refused: ${to} is reached, but nobody listens there.`,
    told: () => 'The sender is told at once that there is no way.',
    silent: () => 'It is lost and nobody says so: the sender waits until its patience ends.',
    'answer-lost': (to: string, _who: string) => `It arrives at ${to}, but the answer does not come back.`,
    mismatch: (to: string, _who: string) => `It arrives at ${to}, but the answer comes from another address than was asked, and the sender throws it away.`,
    nameless: () => 'There is nowhere to send it: the name has no address.',
  } as Readonly<Record<PacketOutcome, (to: string, who: string) => string>>,
  /** A rule refused it before it arrived. */
  refusedOnTheWay: 'A rule refuses it on the way; the sender is told.',
  problem: {
    'no-sender': 'There is no such sender: choose a running Pod or a machine.',
    'no-target': 'This is no name, address or URL, and nothing in the cluster is called so.',
    'not-ipv4': 'Only IPv4 carries packets here.',
    'no-address': 'It has no address.',
    off: 'That machine is powered off.',
  } as Readonly<Record<PacketProblem, string>>,
  hop: {
    sends: (who: string, to: string) => `${who} sends it to ${to}`,
    comes: (place: string, by: string) => `${place} takes it in by ${by}`,
    comesEnveloped: (place: string, by: string) => `${place} takes the envelope in by ${by}`,
    shaped: (device: string, rule: string) => `${device} may delay or lose it (${rule})`,
    sendsEnvelope: (who: string, to: string) => `${who} sends the envelope to ${to}`,
    destination: (to: string) => `the destination becomes ${to}`,
    source: (from: string) => `the source becomes ${from}`,
    remembered: (from: string, to: string) => `connection tracking remembers: now ${from} to ${to}`,
    route: (to: string, device: string) => `the route to ${to} leads to ${device}`,
    accepted: (why: string) => `a filter lets it pass (${why})`,
    wraps: (device: string, to: string) => `${device} puts it into an envelope to ${to}`,
    unwraps: (device: string) => `${device} takes it out of its envelope`,
    port: (bridge: string, port: string) => `${bridge} hands it to port ${port}`,
    leaves: (device: string) => `it leaves by ${device}`,
    opened: (place: string) => `the envelope arrives at ${place}`,
    received: (who: string, by: string) => (by === '' ? `${who} receives it` : `${who} receives it by ${by}`),
  },
  loss: {
    'network-unreachable': (l: Loss) => `${l.place} has no route to ${l.asked || l.to}: no row of its routing table fits.`,
    'host-unreachable': (l: Loss) =>
      l.table === 'link' ? `The cable of ${l.machine} is cut.`
      : l.table.startsWith('filter') ? `A rule on ${l.place} says that the host cannot be reached.`
      : `Nobody answers for ${l.asked || l.to}${l.interface === '' ? '' : ` on ${l.interface}`} of ${l.place}: its neighbour table has no entry.`,
    rejected: (l: Loss) =>
      l.table === 'ipvs' ? `The virtual server on ${l.place} has nobody behind it, so the packet is refused.`
      : /no.endpoints/.test(`${l.comment} ${l.table}`) ? `The Service has no endpoints: no ready Pod fits its selector, so a rule on ${l.place} refuses the packet.`
      : `A rule on ${l.place} refuses it and tells the sender.`,
    reset: (l: Loss) => `A rule on ${l.place} breaks the connection off with a reset.`,
    prohibited: (l: Loss) => `A rule on ${l.place} forbids it and tells the sender.`,
    'ttl-exceeded': (l: Loss) => `It goes round in circles until its time to live runs out, on ${l.place}.`,
    'message-too-long': (l: Loss) => `It is larger than ${l.interface || 'the first device'} of ${l.place} takes, and must not be cut in pieces.`,
    'fragmentation-needed': (l: Loss) => `It is larger than the way onwards from ${l.place} takes, and must not be cut in pieces; the sender is told.`,
    'too-large': (l: Loss) => `It is larger than a cable or a port at ${l.place} takes, and nobody says so.`,
    dropped: (l: Loss) =>
      l.table === 'qdisc' ? `The cable or the queue at ${l.interface} of ${l.machine} lets nothing like it through, and nobody says so.` :
      /polic/i.test(`${l.comment} ${l.table}`) ? `A network policy on ${l.place} drops it; the sender hears nothing.` : `A rule on ${l.place} drops it; the sender hears nothing.`,
    'no-fdb': (l: Loss) => `${l.interface || l.place} on ${l.machine} does not know behind which host ${l.asked} is: the forwarding database has no entry.`,
    'no-vtep': (l: Loss) => `The envelope reaches ${l.place}, but there is no device that would open it (${l.asked}).`,
    'not-for-us': (l: Loss) =>
      l.table === 'sysctl' ? `${l.place} does not forward packets: ip_forward is 0.` : l.table === 'bridge' ? `The bridge ${l.interface} does not send a packet back out of the port by which it came.` : `${l.place} gets it, but it is for somebody else.`,
    martian: (l: Loss) => `${l.place} throws it away: it claims to come from ${l.asked}, which is an address of ${l.place} itself.`,
    'link-down': (l: Loss) => `${l.interface === '' ? 'The device' : l.interface} on ${l.machine} is down, or nobody is at its other end.`,
    'no-outer-route': (l: Loss) => `The envelope cannot leave ${l.place}.`,
    other: (l: Loss) => `It is lost on ${l.place}.`,
  },
  join: '; ',
  stop: '.',
  space: ' ',
};

export type Words = typeof en;
