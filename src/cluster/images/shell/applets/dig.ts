// dig of BIND 9.20: asks one server one question and shows the whole message.

import type { DnsRecord, DnsReply, DnsType } from '../../../network/dns.ts';
import { dnsSize } from '../../../network/dns-size.ts';
import { resolverConfig } from '../../../network/resolver.ts';
import { SECOND } from '../../../sim/time.ts';
import type { Applet } from '../applet.ts';
import { type Asked, askServers, dataText, DNS_TYPES, dottedName, reverseName, searched, serverAddress } from './bind.ts';

const VERSION = '9.20.15';
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface Options {
  readonly server: string | undefined;
  readonly name: string;
  readonly type: DnsType;
  readonly flags: ReadonlyMap<string, string>;
  readonly port: number;
}

function optionsOf(args: readonly string[]): Options {
  const flags = new Map<string, string>();
  let server: string | undefined;
  let name: string | undefined;
  let type: DnsType | undefined;
  let port = 53;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg.startsWith('@')) server = arg.slice(1);
    else if (arg.startsWith('+')) {
      const [flag = '', value = ''] = arg.slice(1).split('=');
      if (flag === 'noall') for (const part of ['comments', 'cmd', 'question', 'answer', 'authority', 'additional', 'stats']) flags.set(part, 'no');
      else if (flag.startsWith('no')) flags.set(flag.slice(2), 'no');
      else flags.set(flag, value);
    } else if (arg === '-x') {
      name = reverseName(args[++i] ?? '') ?? args[i] ?? '';
      type = 'PTR';
    } else if (arg === '-t') type = (args[++i] ?? 'A').toUpperCase() as DnsType;
    else if (arg === '-q') name = args[++i];
    else if (arg === '-p') port = Number(args[++i]);
    else if (arg === '-c' || arg === '-b' || arg === '-k' || arg === '-y') i++;
    else if (arg.startsWith('-')) continue;
    else if (DNS_TYPES.has(arg.toUpperCase())) type = arg.toUpperCase() as DnsType;
    else if (arg.toUpperCase() !== 'IN') name = arg;
  }
  return { server, name: name ?? '', type: type ?? (name === undefined ? 'NS' : 'A'), flags, port };
}

export const dig: Applet = function* (c) {
  const { server, name, type, flags, port } = optionsOf(c.args);
  const config = resolverConfig(c.os);
  const address = server === undefined ? undefined : yield* serverAddress(c, server);
  if (server !== undefined && address === undefined) {
    yield* c.stdout.write(`dig: couldn't get address for '${server}': not found\n`);
    return 10;
  }
  const on = (flag: string): boolean => flags.has(flag) && flags.get(flag) !== 'no';
  const shown = (part: string): boolean => flags.get(part) !== 'no' && !on('short');
  const how = {
    servers: address === undefined ? config.servers : [address], port,
    tries: Number(flags.get('tries') ?? (flags.has('retry') ? Number(flags.get('retry')) + 1 : 3)), timeout: Number(flags.get('time') ?? flags.get('timeout') ?? 5) * SECOND,
    overTcp: on('tcp') || on('vc'), recursion: flags.get('rec') !== 'no' && flags.get('recurse') !== 'no', edns: flags.get('edns') !== 'no', quiet: !shown('comments'),
  };
  const ndots = flags.get('ndots');
  const plain = name.endsWith('.') && name !== '.' ? name.slice(0, -1) : name === '.' ? '' : name;
  const names = on('search') ? searched(name, ndots === undefined ? config : { ...config, ndots: Number(ndots) }) : [plain];
  const banner = `\n; <<>> DiG ${VERSION} <<>> ${c.args.join(' ')}\n${server === undefined ? '' : '; (1 server found)\n'};; global options: +cmd\n`;
  for (const [i, candidate] of names.entries()) {
    const asked = yield* askServers(c, candidate, type, how);
    if (asked === undefined) {
      yield* c.stdout.write(`${shown('cmd') ? banner : ''};; no servers could be reached\n`);
      return 9;
    }
    const empty = asked.reply.code !== 'NOERROR' || asked.reply.answers.length === 0;
    if (empty && i < names.length - 1) continue;
    if (on('short')) yield* c.stdout.write(asked.reply.answers.map((r) => `${dataText(r)}\n`).join(''));
    else yield* c.stdout.write((shown('cmd') ? banner : '') + message(asked, port, shown, c.os.sim.epoch + c.os.sim.now));
    return 0;
  }
  return 0;
};

function message({ reply, server, took, overTcp }: Asked, port: number, shown: (part: string) => boolean, now: number): string {
  const { question, edns } = reply;
  const extra = edns === undefined ? 0 : 1;
  let out = '';
  if (shown('comments')) {
    const recursion = reply.recursion !== false;
    const flags = ['qr', ...(reply.authoritative ? ['aa'] : []), ...(reply.truncated ? ['tc'] : []), ...(recursion ? ['rd'] : []), ...(reply.recursive ? ['ra'] : [])];
    if (/(^|\.)local$/i.test(question.name)) out += ';; Got answer:\n;; WARNING: .local is reserved for Multicast DNS\n;; You are currently testing what happens when an mDNS query is leaked to DNS\n';
    else out += ';; Got answer:\n';
    out += `;; ->>HEADER<<- opcode: QUERY, status: ${reply.code}, id: ${reply.id}\n;; flags: ${flags.join(' ')}; QUERY: 1, ANSWER: ${reply.answers.length}, AUTHORITY: ${reply.authority.length}, ADDITIONAL: ${reply.additional.length + extra}\n`;
    if (recursion && !reply.recursive) out += ';; WARNING: recursion requested but not available\n';
    out += '\n';
    if (edns !== undefined) out += `;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: ${edns.size}\n${edns.cookie === undefined ? '' : `; COOKIE: ${edns.cookie} (echoed)\n`}`;
  }
  if (shown('question')) out += `${shown('comments') ? ';; QUESTION SECTION:\n' : ''};${columns([[0, dottedName(question.name)], [32, 'IN'], [40, question.type]])}\n\n`;
  out += sections(reply, shown);
  if (shown('stats')) out += `;; Query time: ${Math.round(took / 1000)} msec\n;; SERVER: ${server}#${port}(${server}) (${overTcp ? 'TCP' : 'UDP'})\n;; WHEN: ${whenText(now)}\n;; MSG SIZE  rcvd: ${dnsSize(reply)}\n\n`;
  return out;
}

function sections(reply: DnsReply, shown: (part: string) => boolean): string {
  const parts: readonly (readonly [string, readonly DnsRecord[]])[] = [['answer', reply.answers], ['authority', reply.authority], ['additional', reply.additional]];
  return parts.map(([part, records]) => (records.length === 0 || !shown(part) ? '' : `${shown('comments') ? `;; ${part.toUpperCase()} SECTION:\n` : ''}${records.map(row).join('')}${shown('comments') ? '\n' : ''}`)).join('');
}

const row = (r: DnsRecord): string => `${columns([[0, dottedName(r.name)], [24, String(r.ttl)], [32, 'IN'], [40, r.type], [48, dataText(r)]])}\n`;

/** Texts at columns, by tabs of eight; a text that is too long moves the next by a space. */
function columns(cells: readonly (readonly [number, string])[]): string {
  let out = '';
  let at = 0;
  for (const [column, text] of cells) {
    if (out !== '') {
      const to = Math.max(column, at + 1);
      const tabs = Math.floor(to / 8) - Math.floor(at / 8);
      out += '\t'.repeat(tabs) + ' '.repeat(to - (tabs > 0 ? Math.floor(to / 8) * 8 : at));
      at = to;
    }
    out += text;
    at += text.length;
  }
  return out;
}

/** As `date` prints it. */
function whenText(micros: number): string {
  const days = Math.floor(micros / (86_400 * SECOND));
  const seconds = Math.floor(micros / SECOND) % 86_400;
  // Civil date of a day number (proleptic Gregorian).
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${DAYS[(days + 4) % 7]} ${MONTHS[month - 1]} ${two(doy - Math.floor((153 * mp + 2) / 5) + 1)} ${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} UTC ${year}`;
}
