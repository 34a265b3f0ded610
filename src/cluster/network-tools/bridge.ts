// bridge(8): forwarding databases and ports.

import type { Os, Program } from '../machine/process.ts';
import type { Interface } from '../network/device.ts';
import { indexOf, linkFlags } from '../network/iproute.ts';
import { addFdbEntry, deleteFdbEntry } from '../network/route.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { fullName } from './ip-show.ts';

/** `bridge [-d] fdb show|append|del …`, `bridge link`. */
export const bridgeProgram: Program = function* (os: Os): Op<number> {
  const [object = 'link', verb = 'show', ...rest] = os.argv.slice(1).filter((arg) => !arg.startsWith('-'));
  const { interfaces } = netnsOf(os);
  const value = (word: string): string | undefined => (rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined);
  const words = verb === 'show' || verb === 'list' ? rest : [verb, ...rest];
  const named = words[words.findIndex((word) => word === 'dev' || word === 'br') + 1];
  const asked = words.includes('dev') || words.includes('br') ? named : undefined;
  if (asked !== undefined && !interfaces.has(asked)) {
    os.logError(`Cannot find ${words.includes('br') ? 'bridge' : 'device'} "${asked}"`);
    return 255;
  }
  if ('link'.startsWith(object)) {
    for (const i of interfaces.values()) {
      if (i.master === null || (asked !== undefined && i.name !== asked)) continue;
      os.log(`${indexOf(i)}: ${fullName(i)}: <${linkFlags(i)}> mtu ${i.mtu} master ${i.master.name} state ${i.up ? 'forwarding' : 'disabled'} priority 32 cost 2 `);
    }
    return 0;
  }
  if (object !== 'fdb') {
    os.logError(`Object "${object}" is unknown, try "bridge help".`);
    return 255;
  }
  if (verb === 'del' || verb === 'delete' || verb === 'append' || verb === 'replace' || verb === 'add') return change(os, verb, rest[0] ?? '', interfaces.get(value('dev') ?? ''), value('dst'));
  for (const i of interfaces.values()) {
    if (words.includes('br')) {
      if (i.master?.name === asked || i.name === asked) for (const line of entriesOf(i, false)) os.log(line);
    } else if (asked === undefined || i.name === asked) for (const line of entriesOf(i, asked !== undefined)) os.log(line);
  }
  return 0;
};

/** The entries of a device: remote ends of a tunnel, what a port has learned, and its own addresses. */
function entriesOf(i: Interface, without: boolean): string[] {
  const dev = without ? '' : `dev ${i.name} `;
  if (i.vxlan !== null) return [...i.vxlan.fdb.values()].map((e) => `${e.mac} ${dev}dst ${e.destination} self permanent`);
  if (i.kind === 'lo' || i.kind === 'tun') return [];
  const multicast = `33:33:00:00:00:01 ${dev}self permanent`;
  if (i.master === null) return [multicast, `01:00:5e:00:00:01 ${dev}self permanent`];
  const learned = i.peer !== null && i.peer.addresses.length > 0 ? [`${i.peer.mac} ${dev}master ${i.master.name} `] : [];
  return [...learned, `${i.mac} ${dev}master ${i.master.name} permanent`, multicast];
}

function change(os: Os, verb: string, mac: string, device: Interface | undefined, destination: string | undefined): number {
  if (device?.vxlan == null) {
    os.logError(device === undefined ? 'Device is a required argument.' : 'RTNETLINK answers: Operation not supported');
    return 255;
  }
  if (verb.startsWith('del')) {
    if (deleteFdbEntry(device, mac, os.place)) return 0;
    os.logError('RTNETLINK answers: No such file or directory');
    return 255;
  }
  addFdbEntry(device, { mac, destination: destination ?? '' }, os.place);
  return 0;
}
