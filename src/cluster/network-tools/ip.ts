// ip, bridge, ss, iptables-save and nsenter on a machine (iproute2, iptables, util-linux): what its namespaces are like.

import type { Os, Process, Program } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import type { Interface } from '../network/device.ts';
import { formatCidr } from '../network/ip.ts';
import { formatAddresses, formatFdb, formatLinks, formatListeners, formatNeighbours, formatRoutes } from '../network/iproute.ts';
import type { TableName } from '../network/netfilter.ts';
import { Netns } from '../network/netns.ts';
import { netnsOf } from '../network/socket.ts';

const print = (os: Os, text: string): void => {
  if (text !== '') os.write(text.endsWith('\n') ? text : `${text}\n`);
};

/** `ip [-n NETNS] addr|route|link|neigh|netns …`: showing only. */
export const ipProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  let netns = netnsOf(os);
  let brief = false;
  while (args[0]?.startsWith('-')) {
    const flag = args.shift();
    if (flag === '-br' || flag === '-brief') brief = true;
    if (flag !== '-n' && flag !== '-netns') continue;
    const name = args.shift() ?? '';
    const found = named(os).get(name);
    if (found === undefined) {
      os.logError(`Cannot open network namespace "${name}": No such file or directory`);
      return 1;
    }
    netns = found;
  }
  const [object = '', ...rest] = args;
  if (object !== '' && 'netns'.startsWith(object) && object.length > 3) return yield* ipNetns(os, rest);
  const show = SHOWS.find(([name, least]) => name.startsWith(object) && object.length >= least)?.[2];
  if (show === undefined) {
    os.logError(object === '' ? 'Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }' : `Object "${object}" is unknown, try "ip help".`);
    return object === '' ? 255 : 1;
  }
  const device = rest.filter((word) => !['show', 'list', 'ls', 's', 'l', 'dev', 'table', 'main'].includes(word))[0];
  if (brief && (show === formatAddresses || show === formatLinks)) {
    for (const i of netns.interfaces.values()) if (device === undefined || i.name === device) os.log(inBrief(i, show === formatLinks));
    return 0;
  }
  if (device !== undefined && show !== formatRoutes && show !== formatNeighbours) {
    if (!netns.interfaces.has(device)) {
      os.logError(`Device "${device}" does not exist.`);
      return 1;
    }
    print(os, blocks(show(netns)).filter((block) => new RegExp(`^\\d+: ${device.replaceAll('.', '\\.')}[@:]`).test(block)).join(''));
    return 0;
  }
  const text = show(netns);
  print(os, device === undefined ? text : text.split('\n').filter((line) => line.includes(device)).join('\n'));
  return 0;
};

const SHOWS: readonly (readonly [string, number, (netns: Netns) => string])[] = [
  ['address', 1, formatAddresses], ['route', 1, formatRoutes], ['link', 1, formatLinks], ['neighbour', 1, formatNeighbours], ['neighbor', 1, formatNeighbours],
];

/** A line of `ip -br addr` or `ip -br link`. */
function inBrief(i: Interface, link: boolean): string {
  const state = i.kind === 'lo' || i.kind === 'vxlan' ? 'UNKNOWN' : i.up ? 'UP' : 'DOWN';
  const name = i.kind === 'veth' ? `${i.name}@if2` : i.name;
  return `${name.padEnd(16)} ${state.padEnd(14)} ${link ? i.mac : i.addresses.map(formatCidr).join(' ')} `;
}

/** The parts of `ip addr`, one an interface. */
const blocks = (text: string): string[] => text.split(/^(?=\d+: )/m);

/** The named namespaces of the machine: those that a runtime has put into /var/run/netns. */
function named(os: Os): ReadonlyMap<string, Netns> {
  const found = new Map<string, Netns>();
  for (const { netns } of os.machine.processes.values()) if (netns instanceof Netns && netns !== os.machine.hostNetns) found.set(netns.name, netns);
  return found;
}

function* ipNetns(os: Os, [verb = 'list', name = '', ...command]: readonly string[]): Op<number> {
  const all = named(os);
  if (verb === 'list' || verb === 'ls' || verb === 'show') {
    for (const known of all.keys()) os.log(known);
    return 0;
  }
  if (verb !== 'exec') {
    os.logError(`Command "${verb}" is unknown, try "ip netns help".`);
    return 1;
  }
  const netns = all.get(name);
  if (netns === undefined) {
    os.logError(`Cannot open network namespace "${name}": No such file or directory`);
    return 1;
  }
  return yield* inside(os, netns, command);
}

/** `nsenter -t PID -n COMMAND`: the command in the network namespace of a process. */
export const nsenterProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  let target: Process | undefined;
  while (args[0]?.startsWith('-')) {
    const flag = args.shift() as string;
    if (flag === '--') break;
    const pid = /^(?:--target=|-t)(\d+)$/.exec(flag)?.[1] ?? (flag === '-t' || flag === '--target' ? args.shift() : undefined);
    if (pid === undefined) continue;
    target = os.machine.processes.get(Number(pid));
    if (target === undefined) {
      os.logError(`nsenter: cannot open /proc/${pid}/ns/net: No such file or directory`);
      return 1;
    }
  }
  if (target === undefined) {
    os.logError('nsenter: no target PID specified');
    return 1;
  }
  return yield* inside(os, target.netns, args.length > 0 ? args : ['bash']);
};

let shell: Program | null = null;

/** Who runs a command line of this machine: given by the host with its shell. */
export function provideShellFor(program: Program): void {
  shell = program;
}

function* inside(os: Os, netns: Process['netns'], argv: readonly string[]): Op<number> {
  if (shell === null) {
    os.logError(`exec of "${argv[0] ?? ''}" failed: No such file or directory`);
    return 1;
  }
  const { tty, stdin } = os;
  const child = os.spawn(shell, { argv, netns, ...(stdin === null ? {} : { stdin }), ...(tty === null ? {} : { tty }) });
  return (yield* child.wait()).code;
}

/** `bridge fdb show [dev DEV | br BRIDGE]`. */
export const bridgeProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const device = args[args.findIndex((arg) => arg === 'dev' || arg === 'br') + 1];
  for (const i of netnsOf(os).interfaces.values()) {
    if (i.kind !== 'bridge' && i.kind !== 'vxlan') continue;
    if (args.some((arg) => arg === 'dev' || arg === 'br') ? i.name === device : true) print(os, formatFdb(i));
  }
  return 0;
};

/** `ss -lntup`. */
export const ssProgram: Program = function* (os: Os): Op<number> {
  os.log(`${'Netid'.padEnd(6)}${'State'.padEnd(7)}${'Local Address:Port'.padEnd(23)}Process`);
  print(os, formatListeners(netnsOf(os)));
  return 0;
};
