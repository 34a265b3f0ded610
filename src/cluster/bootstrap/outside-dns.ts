// dnsmasq on the operator's machine: the resolver that the nodes' /etc/resolv.conf names. It stands for the internet's names.

import type { Program } from '../machine/process.ts';
import { type DnsQuery, type DnsReply, serveDns } from '../network/dns.ts';
import { hash32 } from '../sim/random.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND } from '../sim/time.ts';

const TTL = 300;
const LOOK_UP = 12 * MILLISECOND;
/** Top-level domains that do not exist outside (RFC 6761, RFC 8375 and what clusters use). */
const NOT_OUTSIDE = new Set(['local', 'localhost', 'invalid', 'test', 'internal', 'cluster', 'svc', 'arpa']);

export const outsideDnsProgram: Program = function* (os) {
  const stop = os.signals();
  serveDns(os, 53, function* (query: DnsQuery): Op<DnsReply> {
    yield* os.sleep(LOOK_UP);
    return answer(query);
  });
  yield* stop.receive();
};

/** Any name below a real-looking top-level domain has an address, from the range for documentation (RFC 5737). */
function answer(query: DnsQuery): DnsReply {
  const { name, type } = query.question;
  const labels = name.split('.');
  const exists = labels.length > 1 && !NOT_OUTSIDE.has(labels[labels.length - 1] as string);
  const answers = exists && type === 'A' ? [{ name, type, ttl: TTL, data: `203.0.113.${(hash32(name) % 254) + 1}` }] : [];
  return { ...query, code: exists ? 'NOERROR' : 'NXDOMAIN', authoritative: false, answers, authority: [], additional: [] };
}
