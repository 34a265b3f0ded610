// tcpdump(8): prints the packets that pass the interfaces of a namespace, envelopes with what is in them.

import type { Os, Program } from '../machine/process.ts';
import type { DnsQuery, DnsRecord, DnsReply } from '../network/dns.ts';
import { dnsSize as wireSize } from '../network/dns-size.ts';
import type { Interface } from '../network/device.ts';
import type { IcmpError } from '../network/icmp.ts';
import type { Packet } from '../network/packet.ts';
import { netnsOf } from '../network/socket.ts';
import { type Content, type Passing, sizeOf, type Tap } from '../network/tap.ts';
import { Channel, TIMED_OUT } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { FilterError, type PacketFilter, parseFilter } from './tcpdump-filter.ts';

const VALUED = new Set(['-i', '--interface', '-c', '-s', '-w', '-r', '-W', '-C', '-G', '-z', '-Z', '-B']);

interface Options {
  readonly device: string;
  readonly count: number;
  readonly quiet: boolean;
  readonly noTime: boolean;
  readonly numbers: boolean;
  readonly expression: readonly string[];
}

function optionsOf(args: readonly string[]): Options {
  const value = (...names: readonly string[]): string | undefined => {
    for (const [i, arg] of args.entries()) {
      if (names.includes(arg)) return args[i + 1];
      const name = names.find((n) => n.length === 2 && arg.startsWith(n));
      if (name !== undefined) return arg.slice(2);
    }
    return undefined;
  };
  // Letters may stand together: -nni any.
  const letters = args.filter((arg) => /^-[a-zA-Z#]+$/.test(arg)).join('');
  const joined = args.findIndex((arg) => /^-[a-zA-Z]+i$/.test(arg));
  const device = value('-i', '--interface') ?? (joined < 0 ? undefined : args[joined + 1]);
  const skip = (i: number): boolean => VALUED.has(args[i - 1] ?? '') || i - 1 === joined;
  return {
    device: device ?? '',
    count: Number(value('-c') ?? Infinity),
    quiet: letters.includes('q'),
    noTime: /(^|-)[a-su-z]*t/.test(letters) && !letters.includes('tt'),
    numbers: letters.includes('n'),
    expression: args.filter((arg, i) => !arg.startsWith('-') && !(i > 0 && skip(i))),
  };
}

/** `tcpdump [-i any|INTERFACE] [-n] [-c COUNT] [-q] [-t] [EXPRESSION]`. */
export const tcpdumpProgram: Program = function* (os: Os): Op<number> {
  const netns = netnsOf(os);
  const options = optionsOf(os.argv.slice(1));
  const any = options.device === 'any';
  const device = any ? undefined : (netns.interfaces.get(options.device) ?? (options.device === '' ? [...netns.interfaces.values()].find((i) => i.kind !== 'lo' && i.up) : undefined));
  if (!any && device === undefined) {
    os.logError(`tcpdump: ${options.device}: No such device exists\n(No such device exists)`);
    return 1;
  }
  let filter: PacketFilter;
  try {
    filter = parseFilter(options.expression);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    os.logError(`tcpdump: ${error.message}`);
    return 1;
  }
  if (any) os.logError('tcpdump: data link type LINUX_SLL2');
  os.logError('tcpdump: verbose output suppressed, use -v[v]... for full protocol decode');
  os.logError(`listening on ${any ? 'any' : (device as Interface).name}, link-type ${any ? 'LINUX_SLL2 (Linux cooked v2)' : (device as Interface).kind === 'tun' ? 'RAW (Raw IP)' : 'EN10MB (Ethernet)'}, snapshot length 262144 bytes`);
  const lines = new Channel<string>(os.sim);
  const tap: Tap = {
    see(passing, content) {
      if (passing.device.netns !== netns || (device === undefined ? passing.promiscuous === true : passing.device !== device) || !filter(passing.packet)) return;
      lines.send(lineOf(os, passing, content, options, any));
    },
  };
  const { fabric } = netns;
  (fabric.taps ??= new Set()).add(tap);
  const stop = os.signals();
  os.go('stop', function* () {
    yield* stop.receive();
    lines.close();
  });
  let captured = 0;
  try {
    while (captured < options.count) {
      const line = yield* lines.receiveWithin(3_600_000_000);
      if (line === TIMED_OUT) continue;
      if (line === undefined) break;
      captured++;
      os.log(line);
    }
  } finally {
    fabric.taps?.delete(tap);
    if (fabric.taps?.size === 0) fabric.taps = null;
  }
  os.logError(`${captured} packet${captured === 1 ? '' : 's'} captured\n${captured + lines.length} packet${captured + lines.length === 1 ? '' : 's'} received by filter\n0 packets dropped by kernel`);
  return 0;
};

function lineOf(os: Os, { device, direction, packet, inner, vni = 1 }: Passing, content: Content, options: Options, any: boolean): string {
  const time = options.noTime ? '' : `${os.sim.microTime().slice(11, 26)} `;
  const where = any ? `${device.name.padEnd(5)} ${direction.padEnd(3)} ` : '';
  if (inner === undefined) return `${time}${where}IP ${headers(packet)}: ${contentOf(packet, content, options)}`;
  const envelope = packet.dport === 8472 || packet.sport === 8472 ? `OTV, flags [I] (0x08), overlay 0, instance ${vni}` : packet.dport === 4789 ? `VXLAN, flags [I] (0x08), vni ${vni}` : null;
  if (envelope === null) return `${time}${where}IP ${headers(packet)}: UDP, length ${lengthOf(inner, content) + 20}`;
  return `${time}${where}IP ${headers(packet)}: ${envelope}\nIP ${headers(inner)}: ${contentOf(inner, content, options)}`;
}

const headers = (p: Packet): string => (p.protocol === 'icmp' ? `${p.src} > ${p.dst}` : `${p.src}.${p.sport} > ${p.dst}.${p.dport}`);

/** Bytes above the IP header. */
function lengthOf(packet: Packet, { length, payload }: Content): number {
  if (packet.protocol === 'icmp') return length;
  return packet.protocol === 'udp' ? 8 + (dnsSize(payload) ?? sizeOf(payload)) : 32 + length;
}

function contentOf(packet: Packet, content: Content, { quiet }: Options): string {
  if (content.kind === 'icmp-error') return `ICMP ${errorText(content.payload as IcmpError)}, length ${content.length}`;
  if (packet.protocol === 'icmp') return `ICMP ${content.kind === 'echo-reply' ? 'echo reply' : 'echo request'}, id ${packet.sport === 0 ? packet.dport : packet.sport}, seq ${content.sequence ?? 1}, length ${content.length}`;
  if (packet.protocol === 'udp') {
    const dns = packet.sport === 53 || packet.dport === 53 ? dnsText(content.payload) : null;
    return quiet || dns === null ? `UDP, length ${dnsSize(content.payload) ?? sizeOf(content.payload)}` : dns;
  }
  if (quiet) return `tcp ${content.length}`;
  const { flags = '.', sequence, acknowledged, length } = content;
  const seq = sequence === undefined ? '' : `, seq ${sequence}${length > 0 ? `:${sequence + length}` : ''}`;
  const ack = acknowledged === undefined ? '' : `, ack ${acknowledged}`;
  const syn = flags.startsWith('S') ? ', win 64860, options [mss 1410,sackOK,nop,wscale 7]' : flags.startsWith('R') ? ', win 0' : ', win 507';
  const http = length > 0 && (packet.sport === 80 || packet.dport === 80 || packet.sport === 8080 || packet.dport === 8080) ? httpText(content.payload) : '';
  const dns = length > 0 && (packet.sport === 53 || packet.dport === 53) ? ` ${dnsText(content.payload) ?? ''}` : '';
  return `Flags [${flags}]${seq}${ack}${syn}, length ${length}${http}${dns}`;
}

function errorText({ about, reason, mtu }: IcmpError): string {
  switch (reason) {
    case 'ttl-exceeded':
      return 'time exceeded in-transit';
    case 'fragmentation-needed':
      return `${about.dst} unreachable - need to frag (mtu ${mtu})`;
    case 'network-unreachable':
      return `net ${about.dst} unreachable`;
    case 'host-unreachable':
      return `host ${about.dst} unreachable`;
    case 'prohibited':
      return `host ${about.dst} unreachable - admin prohibited filter`;
    default:
      return `${about.dst} ${about.protocol} port ${about.dport} unreachable`;
  }
}

function httpText(payload: unknown): string {
  const { request, response } = (payload ?? {}) as { request?: { method?: string; path?: string }; response?: { status?: number } };
  if (request !== undefined) return `: HTTP: ${request.method ?? 'GET'} ${request.path ?? '/'} HTTP/1.1`;
  return response === undefined ? '' : `: HTTP: HTTP/1.1 ${response.status ?? 200} ${response.status === 200 || response.status === undefined ? 'OK' : ''}`.trimEnd();
}

const dnsSize = (payload: unknown): number | null => ((payload as Partial<DnsQuery> | null)?.question === undefined ? null : wireSize(payload as DnsQuery));

function dnsText(payload: unknown): string | null {
  const { question } = (payload ?? {}) as Partial<DnsQuery>;
  const size = dnsSize(payload);
  if (question === undefined || size === null) return null;
  const { id, code, answers, authority, additional, authoritative, recursive, truncated, recursion, edns } = payload as DnsReply;
  if (code === undefined) return `${id}${recursion === false ? '' : '+'}${edns === undefined ? '' : ' [1au]'} ${question.type}? ${question.name}. (${size})`;
  const status = code === 'NOERROR' ? '' : ` ${{ NXDOMAIN: 'NXDomain', SERVFAIL: 'ServFail', REFUSED: 'Refused', FORMERR: 'FormErr', NOTIMP: 'NotImp' }[code]}`;
  const records = answers.map(recordText).join(', ');
  return `${id}${status}${authoritative ? '*' : ''}${recursive ? '' : '-'}${truncated ? '|' : ''} ${answers.length}/${authority.length}/${additional.length + (edns === undefined ? 0 : 1)}${records === '' ? '' : ` ${records}`} (${size})`;
}

function recordText({ type, data }: DnsRecord): string {
  const [priority, weight, port, target] = data.split(' ');
  return type === 'SRV' ? `SRV ${target}.:${port} ${priority} ${weight}` : `${type} ${data}${/[a-z]$/i.test(data) ? '.' : ''}`;
}
