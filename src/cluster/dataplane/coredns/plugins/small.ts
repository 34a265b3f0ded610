// Small plug-ins of CoreDNS: whoami, any, and those that change nothing that is to be seen here.

import type { DnsRecord } from '../../../network/dns.ts';
import { isIPv6 } from '../kubernetes.ts';
import { fqdn, once, replyTo, type Setup } from '../plugin.ts';

/** Who asks, and from which port. */
export const whoami: Setup = () =>
  function* ({ query, client, protocol }) {
    const { name } = query.question;
    const additional: readonly DnsRecord[] = [
      { name, type: isIPv6(client.address) ? 'AAAA' : 'A', ttl: 0, data: client.address },
      { name: `_${protocol}.${name}`, type: 'SRV', ttl: 0, data: `0 0 ${client.port} ${fqdn('.')}` },
    ];
    return { reply: replyTo(query, 'NOERROR', [], [], additional), plugin: 'whoami' };
  };

/** Questions of the type ANY get the shortest answer (RFC 8482). */
export const any: Setup = (block) => {
  once(block);
  return function* (request, next) {
    const { query } = request;
    if (query.question.type !== 'ANY') return yield* next(request);
    return { reply: replyTo(query, 'NOERROR', [{ name: query.question.name, type: 'HINFO', ttl: 8482, data: '"ANY obsoleted" "See RFC 8482"' }]), plugin: 'any' };
  };
};

/** Answers without the sections that nobody must have. */
export const minimal: Setup = (block) => {
  once(block);
  return function* (request, next) {
    const result = yield* next(request);
    const { reply } = result;
    return reply.code === 'NOERROR' && reply.answers.length > 0 ? { ...result, reply: { ...reply, authority: [], additional: [] } } : result;
  };
};
