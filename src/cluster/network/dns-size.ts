// How many bytes a DNS message has on the wire (RFC 1035 4.1): what tcpdump and dig print, what decides about truncation.

import type { DnsQuery, DnsRecord, DnsReply } from './dns.ts';

/** Length octets, labels, the root. */
const nameSize = (name: string): number => (name === '' || name === '.' ? 1 : name.length + (name.endsWith('.') ? 1 : 2));

/** Bytes of a name, with pointers to what `seen` holds when there is such a table. */
function written(name: string, seen: Set<string> | null): number {
  if (seen === null) return nameSize(name);
  let rest = name.endsWith('.') ? name.slice(0, -1) : name;
  let size = 0;
  while (rest !== '') {
    if (seen.has(rest)) return size + 2;
    seen.add(rest);
    const dot = rest.indexOf('.');
    size += (dot < 0 ? rest.length : dot) + 1;
    rest = dot < 0 ? '' : rest.slice(dot + 1);
  }
  return size + 1;
}

function dataSize({ type, data }: DnsRecord, seen: Set<string> | null): number {
  const words = data.split(' ');
  switch (type) {
    case 'A':
      return 4;
    case 'AAAA':
      return 16;
    case 'SRV':
      return 6 + nameSize(words[3] ?? '');
    case 'MX':
      return 2 + written(words[1] ?? '', seen);
    case 'SOA':
      return written(words[0] ?? '', seen) + written(words[1] ?? '', seen) + 20;
    case 'TXT':
      return data.replaceAll('"', '').length + 1;
    default:
      return written(data, seen);
  }
}

/** Bytes of a query or a reply, above UDP. */
export function dnsSize(message: DnsQuery | DnsReply): number {
  const reply = message as Partial<DnsReply>;
  const seen = reply.compressed ? new Set<string>() : null;
  let size = 12 + written(message.question.name, seen) + 4;
  for (const section of [reply.answers, reply.authority, reply.additional]) {
    for (const record of section ?? []) size += written(record.name, seen) + 10 + dataSize(record, seen);
  }
  const { edns } = message;
  return edns === undefined ? size : size + 11 + (edns.cookie === undefined ? 0 : 4 + edns.cookie.length / 2);
}
