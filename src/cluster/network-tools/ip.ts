// ip(8): links, addresses, routes and neighbours of a namespace, shown and changed.

import type { Os, Program } from '../machine/process.ts';
import { neighboursOf } from '../network/arp.ts';
import { addAddress, addDummy, deleteInterface, type Interface, removeAddress, setUp } from '../network/device.ts';
import { networkOf, parseCidr, parseIp } from '../network/ip.ts';
import type { Netns } from '../network/netns.ts';
import { addNeighbour, addRoute, deleteNeighbour, deleteRoute } from '../network/route.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { ipNetns, namedNetns } from './ip-netns.ts';
import { localTable, matching, routesInOrder, routeTo, showAddresses, showAddresses6, showLink, routes6, showNeighbour, type ShowOptions, showRoute } from './ip-show.ts';

class IpError extends Error {
  readonly code: number;

  constructor(message: string, code = 255) {
    super(message);
    this.code = code;
  }
}

interface Call {
  readonly os: Os;
  readonly netns: Netns;
  readonly args: readonly string[];
  readonly options: ShowOptions & { readonly onlyIpv4: boolean; readonly onlyIpv6: boolean };
}

/** `ip [-4] [-br] [-d] [-n NETNS] OBJECT COMMAND`. */
export const ipProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  let netns = netnsOf(os);
  const options = { brief: false, details: false, onlyIpv4: false, onlyIpv6: false };
  while (args[0]?.startsWith('-')) {
    const flag = (args.shift() as string).replace(/^--/, '-');
    if ('-brief'.startsWith(flag) && flag.length > 2) options.brief = true;
    else if ('-details'.startsWith(flag) && flag.length > 1) options.details = true;
    else if (flag === '-4') options.onlyIpv4 = true;
    else if (flag === '-6') options.onlyIpv6 = true;
    else if (flag === '-n' || flag === '-netns') {
      const name = args.shift() ?? '';
      const found = namedNetns(os).get(name);
      if (found === undefined) {
        os.logError(`Cannot open network namespace "${name}": No such file or directory`);
        return 255;
      }
      netns = found;
    } else if (flag === '-V' || flag === '-Version') {
      os.log('ip utility, iproute2-6.1.0, libbpf 1.3.0');
      return 0;
    }
  }
  const [object = '', ...rest] = args;
  if (object.length > 3 && 'netns'.startsWith(object)) return yield* ipNetns(os, rest);
  const run = OBJECTS.find(([name]) => object !== '' && name.startsWith(object))?.[1];
  if (run === undefined) {
    os.logError(object === '' ? USAGE : `Object "${object}" is unknown, try "ip help".`);
    return object === '' ? 255 : 1;
  }
  try {
    const text = run({ os, netns, args: rest, options });
    if (text !== '') os.write(text);
    return 0;
  } catch (error) {
    if (error instanceof IpError) {
      os.logError(error.message);
      return error.code;
    }
    if (!(error instanceof Error) || !/^(Error: Nexthop|RTNETLINK|invalid CIDR)/.test(error.message)) throw error;
    os.logError(error.message.startsWith('invalid CIDR') ? `Error: any valid prefix is expected rather than "${error.message.split(': ')[1]}".` : error.message);
    return error.message.startsWith('invalid CIDR') ? 1 : 2;
  }
};

const USAGE = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
where  OBJECT := { address | link | neighbour | netns | route }
       OPTIONS := { -V[ersion] | -d[etails] | -4 | -6 | -n[etns] name | -br[ief] }`;

const isShow = (word: string): boolean => word === '' || ['show', 'list', 'lst'].some((verb) => verb.startsWith(word));
const verbOf = (word: string, verbs: readonly string[]): string | undefined => verbs.find((verb) => verb.startsWith(word));

function deviceOf(netns: Netns, name: string | undefined): Interface {
  const device = netns.interfaces.get(name ?? '');
  if (device === undefined) throw new IpError(`Device "${name ?? ''}" does not exist.`, 1);
  return device;
}

/** The value after a word. */
function after(args: readonly string[], ...words: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => words.includes(arg));
  return at < 0 ? undefined : args[at + 1];
}

/** The interfaces that `show [dev] NAME [up] [type KIND] [master NAME]` asks for. */
function chosen({ netns, args }: Call): Interface[] {
  const words = args.slice(args.length > 0 && isShow(args[0] as string) ? 1 : 0);
  let all = [...netns.interfaces.values()];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === 'up') all = all.filter((device) => device.up);
    else if (word === 'type') {
      const kind = words[++i];
      all = all.filter((device) => device.kind === kind);
    } else if (word === 'master') {
      const master = deviceOf(netns, words[++i]);
      all = all.filter((device) => device.master === master);
    } else {
      const device = deviceOf(netns, word === 'dev' ? words[++i] : word);
      all = all.filter((other) => other === device);
    }
  }
  return all;
}

function address(call: Call): string {
  const { os, netns, args, options } = call;
  const [verb = '', ...rest] = args;
  if (isShow(verb) || netns.interfaces.has(verb) || verb === 'dev' || verb === 'up') {
    return options.onlyIpv6 ? chosen(call).map((i) => showAddresses6(i, options)).join('') : chosen(call).map((i) => showAddresses(i, options, options.onlyIpv4)).join('');
  }
  const device = deviceOf(netns, after(rest, 'dev'));
  const cidr = rest[0] ?? '';
  switch (verbOf(verb, ['add', 'change', 'replace', 'delete'])) {
    case 'add':
    case 'change':
    case 'replace':
      if (device.hasAddress(parseCidr(cidr).address)) throw new IpError('RTNETLINK answers: File exists', 2);
      addAddress(device, cidr, os.place);
      return '';
    case 'delete':
      if (!device.hasAddress(parseCidr(cidr).address)) throw new IpError('RTNETLINK answers: Cannot assign requested address', 2);
      removeAddress(device, parseCidr(cidr).address, os.place);
      return '';
    default:
      throw new IpError(`Command "${verb}" is unknown, try "ip address help".`);
  }
}

/** What the driver allows; a vxlan device asks that its envelope fits the one below. */
const largestMtu = (device: Interface): number => (device.vxlan !== null ? device.vxlan.device.mtu - 50 : device.kind === 'ethernet' ? 9_000 : 65_535);

function link(call: Call): string {
  const { os, netns, args, options } = call;
  const [verb = '', ...rest] = args;
  if (isShow(verb) || netns.interfaces.has(verb) || verb === 'dev' || verb === 'up') return chosen(call).map((i) => showLink(i, options)).join('');
  switch (verbOf(verb, ['set', 'delete', 'add'])) {
    case 'set': {
      const device = deviceOf(netns, rest[0] === 'dev' ? rest[1] : rest[0]);
      if (rest.includes('up')) setUp(device, true, os.place);
      if (rest.includes('down')) setUp(device, false, os.place);
      const mtu = after(rest, 'mtu');
      if (mtu !== undefined) {
        if (!(Number(mtu) >= 68)) throw new IpError('Error: mtu less than device minimum.', 2);
        if (Number(mtu) > largestMtu(device)) throw new IpError('Error: mtu greater than device maximum.', 2);
        device.mtu = Number(mtu);
        device.shown = null;
        netns.changed();
      }
      return '';
    }
    case 'delete':
      deleteInterface(deviceOf(netns, rest[0] === 'dev' ? rest[1] : rest[0]), os.place);
      netns.fabric.disturbed();
      return '';
    case 'add':
      if (after(rest, 'type') !== 'dummy') throw new IpError('RTNETLINK answers: Operation not supported', 2);
      setUp(addDummy(netns, (rest[0] === 'dev' || rest[0] === 'name' ? rest[1] : rest[0]) ?? '', os.place), false, os.place);
      return '';
    default:
      throw new IpError(`Command "${verb}" is unknown, try "ip link help".`);
  }
}

function route(call: Call): string {
  const { os, netns, args, options } = call;
  const [verb = '', ...rest] = args;
  if (options.onlyIpv6) return isShow(verb) ? routes6(netns, after(rest, 'dev')) : '';
  if (verb === 'get') {
    const target = rest.find((word) => parseIp(word) >= 0);
    if (target === undefined) throw new IpError(`Error: any valid prefix is expected rather than "${rest[0] ?? ''}".`, 1);
    const found = routeTo(netns, target);
    if (found === null) throw new IpError('RTNETLINK answers: Network is unreachable', 2);
    return found;
  }
  if (isShow(verb) || verb === 'dev' || verb === 'table' || verb === 'proto') {
    const words = isShow(verb) ? rest : args;
    const table = after(words, 'table');
    if (table === 'local') return localTable(netns);
    if (table !== undefined && table !== 'main' && table !== 'all') return '';
    const device = after(words, 'dev');
    const protocol = after(words, 'proto', 'protocol');
    const match = after(words, 'match');
    const exact = words.find((word, i) => (parseIp(word.split('/')[0] ?? '') >= 0 || word === 'default') && words[i - 1] !== 'match' && words[i - 1] !== 'via');
    const routes = match === undefined ? routesInOrder(netns) : matching(netns, match);
    return routes
      .filter((r) => (device === undefined || r.device.name === device) && (protocol === undefined || r.protocol === protocol) && (exact === undefined || isExactly(r, exact)))
      .map((r) => (device === undefined ? showRoute(r, options.details) : showRoute(r, options.details).replace(` dev ${device}`, '')))
      .join('');
  }
  const destination = rest[0] ?? '';
  if (verb.length > 1 && 'flush'.startsWith(verb) && destination === 'cache') {
    netns.pathMtu = null;
    return '';
  }
  switch (verbOf(verb, ['add', 'replace', 'change', 'delete'])) {
    case 'add':
    case 'replace':
    case 'change': {
      const via = after(rest, 'via');
      const name = after(rest, 'dev');
      const device = name === undefined ? netns.route(via ?? '')?.device : deviceOf(netns, name);
      if (device === undefined) throw new IpError('Error: Nexthop has invalid gateway.', 2);
      if (verb.startsWith('a') && netns.routes.some((r) => isExactly(r, destination))) throw new IpError('RTNETLINK answers: File exists', 2);
      const source = after(rest, 'src');
      addRoute(netns, { destination, device, onlink: rest.includes('onlink'), ...(via === undefined ? {} : { via }), ...(source === undefined ? {} : { source }) }, os.place);
      return '';
    }
    case 'delete':
      if (!deleteRoute(netns, destination, os.place)) throw new IpError('RTNETLINK answers: No such process', 2);
      return '';
    default:
      throw new IpError(`Command "${verb}" is unknown, try "ip route help".`);
  }
}

function isExactly(r: { readonly destination: { readonly int: number; readonly prefix: number } }, text: string): boolean {
  const wanted = networkOf(parseCidr(text === 'default' ? '0.0.0.0/0' : text));
  return r.destination.int === wanted.int && r.destination.prefix === wanted.prefix;
}

function neighbour({ os, netns, args }: Call): string {
  const [verb = '', ...rest] = args;
  if (isShow(verb) || verb === 'dev') {
    const words = isShow(verb) ? rest : args;
    const device = after(words, 'dev');
    if (device !== undefined) deviceOf(netns, device);
    const to = words.find((word) => parseIp(word) >= 0);
    const state = after(words, 'nud')?.toUpperCase();
    return neighboursOf(netns)
      .filter((n) => (device === undefined || n.device.name === device) && (to === undefined || n.address === to) && (state === undefined || n.state === state))
      .map((n) => showNeighbour(n, device === undefined))
      .join('');
  }
  if (verb.length > 1 && 'flush'.startsWith(verb)) {
    const only = after(rest, 'dev');
    const to = rest.find((word) => parseIp(word) >= 0);
    for (const i of netns.interfaces.values()) {
      if (only !== undefined && i.name !== only) continue;
      if (to === undefined) i.learned = null;
      else i.learned?.delete(to);
    }
    return '';
  }
  const device = deviceOf(netns, after(rest, 'dev'));
  const to = rest[0] ?? '';
  switch (verbOf(verb, ['add', 'replace', 'change', 'delete'])) {
    case 'add':
    case 'replace':
    case 'change':
      addNeighbour(netns, { address: to, mac: after(rest, 'lladdr') ?? '', device }, os.place);
      return '';
    case 'delete':
      if (!deleteNeighbour(netns, device, to, os.place)) throw new IpError('RTNETLINK answers: No such file or directory', 2);
      return '';
    default:
      throw new IpError(`Command "${verb}" is unknown, try "ip neighbour help".`);
  }
}

const OBJECTS: readonly (readonly [string, (call: Call) => string])[] = [
  ['address', address], ['route', route], ['link', link], ['neighbour', neighbour], ['neighbor', neighbour],
];
