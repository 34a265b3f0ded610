// More commands about sockets: telnet, netstat and ss, ip and ifconfig as far as a container sees itself.

import { formatAddresses, formatLinks, formatNeighbours, formatRoutes } from '../../../network/iproute.ts';
import { lookupHost } from '../../../network/resolver.ts';
import { dial, netnsOf, SocketError } from '../../../network/socket.ts';
import { type Applet, AppletError } from '../applet.ts';
import { socketReason } from './net.ts';

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

export const LOOKUP_APPLETS: Readonly<Record<string, Applet>> = { telnet, netstat, ss: netstat, ip, ifconfig };
