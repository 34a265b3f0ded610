// dnsmasq on the operator's machine: the resolver that the nodes' /etc/resolv.conf names. It stands for the internet's names.

import type { Program } from '../machine/process.ts';
import { type DnsQuery, type DnsRecord, type DnsReply, serveDns } from '../network/dns.ts';
import { hash32 } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND } from '../sim/time.ts';

const TTL = 300;
const LOOK_UP = 12 * MILLISECOND;
/** Top-level domains that exist outside; a sample. */
const TOP_LEVEL = new Set(('com org net edu gov mil int info biz name pro dev app cloud page site online tech xyz shop blog wiki news live world zone run example ' +
  'ai ar at au be br ca cc ch cl cn co cz de dk es eu fi fr gr hk hu id ie il in io is it jp kr lt lu lv me mx my nl no nz ph pl pt ro ru se sg sh si sk th tr tv tw ua uk us vn za').split(' '));

export const outsideDnsProgram: Program = function* (os) {
  const stop = os.signals();
  serveDns(os, 53, function* (query: DnsQuery): Op<DnsReply> {
    yield* os.sleep(LOOK_UP);
    return answer(query);
  });
  yield* stop.receive();
};

/** What the zone of a name that has no answer says of itself. */
const startOfAuthority = (zone: string): DnsRecord =>
  zone === ''
    ? { name: '', type: 'SOA', ttl: 86_400, data: 'a.root-servers.net. nstld.verisign-grs.com. 2026112100 1800 900 604800 86400' }
    : { name: zone, type: 'SOA', ttl: TTL, data: `ns1.${zone}. hostmaster.${zone}. 2026112100 7200 3600 1209600 ${TTL}` };

/** Any name below a real-looking top-level domain has an address, from the range for documentation (RFC 5737). */
function answer(query: DnsQuery): DnsReply {
  const { name, type } = query.question;
  const reply: DnsReply = { ...query, code: 'NOERROR', authoritative: false, recursive: true, compressed: true, answers: [], authority: [], additional: [] };
  if (name === '') return type === 'NS' ? { ...reply, answers: [{ name, type, ttl: 86_400, data: 'a.root-servers.net' }] } : reply;
  const labels = name.split('.');
  const top = labels[labels.length - 1] as string;
  if (labels.length < 2 || !TOP_LEVEL.has(top)) return { ...reply, code: 'NXDOMAIN', authority: [startOfAuthority('')] };
  if (type === 'A') return { ...reply, answers: [{ name, type, ttl: TTL, data: `203.0.113.${(hash32(name) % 254) + 1}` }] };
  return { ...reply, authority: [startOfAuthority(labels.slice(-2).join('.'))] };
}
