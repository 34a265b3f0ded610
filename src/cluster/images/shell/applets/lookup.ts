// More commands about names and sockets: dig, host, telnet, netstat and ss, ip and ifconfig as far as a container sees itself.

import { dnsQuery } from '../../../network/dns.ts';
import { formatAddresses, formatLinks, formatNeighbours, formatRoutes } from '../../../network/iproute.ts';
import { lookupHost, resolverConfig } from '../../../network/resolver.ts';
import { dial, netnsOf, SocketError } from '../../../network/socket.ts';
import { SECOND } from '../../../sim/time.ts';
import { type Applet, AppletError } from '../applet.ts';
import { socketReason } from './net.ts';

const dig: Applet = function* (c) {
  const config = resolverConfig(c.os);
  const at = c.args.find((arg) => arg.startsWith('@'))?.slice(1);
  const [server] = at === undefined ? config.servers : ((yield* lookupHost(c.os, at)) ?? []);
  if (server === undefined) throw new AppletError(`couldn't get address for '${at ?? ''}': not found`, 10);
  const short = c.args.includes('+short');
  const words = c.args.filter((arg) => !/^[-+@]/.test(arg));
  const type = (words.find((w) => /^(A|AAAA|SRV|PTR|CNAME|TXT)$/i.test(w))?.toUpperCase() ?? 'A') as 'A';
  const given = (words.find((w) => !/^(A|AAAA|SRV|PTR|CNAME|TXT|ANY|NS|MX|IN)$/i.test(w)) ?? '').replace(/\.$/, '');
  const names = c.args.includes('+search') && !given.includes('.') ? config.search.map((domain) => `${given}.${domain}`) : [given];
  const random = c.os.sim.random(`dig/${c.os.place}/${c.os.process.pid}`);
  for (const [i, name] of names.entries()) {
    const id = random.int(65_536);
    const started = c.os.sim.now;
    const reply = yield* dnsQuery(c.os, server, { id, question: { name, type } }, 5 * SECOND);
    if (!reply) {
      yield* c.stdout.write(`;; communications error to ${server}#53: timed out\n;; no servers could be reached\n`);
      return 9;
    }
    if (reply.answers.length === 0 && i < names.length - 1) continue;
    const data = (text: string): string => (/[a-z]$/i.test(text) && !text.endsWith('.') ? `${text}.` : text);
    if (short) yield* c.stdout.write(reply.answers.map((r) => `${data(String(r.data))}\n`).join(''));
    else {
      const rows = reply.answers.map((r) => `${r.name}.\t\t30\tIN\t${r.type}\t${data(String(r.data))}\n`).join('');
      yield* c.stdout.write(
        `\n; <<>> DiG 9.18.39 <<>> ${c.args.join(' ')}\n;; global options: +cmd\n;; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: ${reply.code}, id: ${id}\n;; flags: qr aa rd; QUERY: 1, ANSWER: ${reply.answers.length}, AUTHORITY: 0, ADDITIONAL: 1\n\n;; QUESTION SECTION:\n;${name}.\t\tIN\t${type}\n\n${rows === '' ? '' : `;; ANSWER SECTION:\n${rows}\n`};; Query time: ${Math.round((c.os.sim.now - started) / 1000)} msec\n;; SERVER: ${server}#53(${server}) (UDP)\n\n`,
      );
    }
    return 0;
  }
  return 0;
};

const host: Applet = function* (c) {
  const name = c.args.find((arg) => !arg.startsWith('-')) ?? '';
  const found = (yield* lookupHost(c.os, name)) ?? [];
  if (found.length === 0) {
    yield* c.stdout.write(`Host ${name} not found: 3(NXDOMAIN)\n`);
    return 1;
  }
  yield* c.stdout.write(found.map((address) => `${name} has address ${address}\n`).join(''));
  return 0;
};

const telnet: Applet = function* (c) {
  const [name = '', port = '23'] = c.args.filter((arg) => !arg.startsWith('-'));
  const [address] = (yield* lookupHost(c.os, name)) ?? [];
  if (address === undefined) throw new AppletError(`bad address '${name}'`);
  try {
    const connection = yield* dial(c.os, address, Number(port));
    yield* c.stdout.write(`Connected to ${name}\n`);
    for (let text = yield* c.stdin.read(); text !== undefined; text = yield* c.stdin.read()) connection.send(text);
    connection.close();
    return 0;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw new AppletError(`can't connect to remote host (${address}): ${socketReason(error)}`);
  }
};

/** Listening sockets of the network namespace, which the containers of a Pod share. */
const netstat: Applet = function* (c) {
  const tcp = [...(netnsOf(c.os).portsIfAny?.tcp ?? [])].flatMap(([port, listeners]) => listeners.map((l) => ({ address: l.address, port })));
  tcp.sort((a, b) => a.port - b.port);
  if (c.name === 'ss') {
    yield* c.stdout.write(`State    Recv-Q   Send-Q     Local Address:Port      Peer Address:Port  Process\n${tcp.map(({ address, port }) => `LISTEN   0        4096       ${`${address}:${port}`.padStart(18)}           0.0.0.0:*\n`).join('')}`);
    return 0;
  }
  yield* c.stdout.write(`Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State\n${tcp.map(({ address, port }) => `tcp        0      0 ${`${address}:${port}`.padEnd(23)} 0.0.0.0:*               LISTEN\n`).join('')}`);
  return 0;
};

const ip: Applet = function* (c) {
  const netns = netnsOf(c.os);
  const words = c.args.filter((arg) => !arg.startsWith('-'));
  const what = words[0] ?? '';
  if (/^a(ddr(ess)?)?$/.test(what)) yield* c.stdout.write(formatAddresses(netns));
  else if (/^r(oute)?$/.test(what)) yield* c.stdout.write(formatRoutes(netns));
  else if (/^n(eigh(bou?r)?)?$/.test(what)) yield* c.stdout.write(formatNeighbours(netns));
  else if (/^l(ink)?$/.test(what)) yield* c.stdout.write(formatLinks(netns));
  else throw new AppletError('only address, route, neigh and link can be shown', 1);
  return 0;
};

const ifconfig: Applet = function* (c) {
  yield* c.stdout.write(formatAddresses(netnsOf(c.os)));
  return 0;
};

export const LOOKUP_APPLETS: Readonly<Record<string, Applet>> = { dig, host, telnet, netstat, ss: netstat, ip, ifconfig };
