// The neighbour table as ip-neigh(8) shows it, with the states of net/core/neighbour.c: an entry is REACHABLE for about half a minute after it
// was confirmed, then STALE; who uses a stale one waits five seconds for a confirmation (DELAY) and asks then (PROBE).

import type { Micros } from '../sim/time.ts';
import { Connection } from './connection.ts';
import { FIRST_PROBE, type Interface, type Learned, reachableTime } from './device.ts';
import type { Neighbour, Netns } from './netns.ts';

/** Who is at an address, and since when that is known. */
function stateOf(device: Interface, address: string, entry: Learned, heard: Micros, now: Micros): Neighbour['state'] {
  const { target } = entry;
  if (target === null) return 'FAILED';
  const answers = target.up && (target.proxyArp || target.hasAddress(address) || target.link?.network.addresses.get(address) === target);
  if (!answers) return 'STALE';
  const { found, doubted } = entry;
  let confirmed = Math.max(found, heard);
  if (doubted > confirmed) {
    if (now < doubted + FIRST_PROBE) return 'DELAY';
    confirmed = doubted + FIRST_PROBE;
  }
  return now - confirmed <= reachableTime(device) ? 'REACHABLE' : 'STALE';
}

/** When a connection over the neighbour last heard of its peer: TCP confirms its neighbours. */
function lastHeard(netns: Netns, address: string): Micros {
  let last = Number.NEGATIVE_INFINITY;
  for (const c of netns.fabric.connections) {
    if (!(c instanceof Connection)) continue;
    const route = c.netns === netns && !netns.isLocal(c.remote.address) ? netns.route(c.remote.address) : null;
    const over = route === null ? c.local.address : (route.via ?? c.remote.address);
    if (over === address && c.lastHeard > last) last = c.lastHeard;
  }
  return last;
}

/** `ip neigh`, device by device in order of creation. */
export function neighboursOf(netns: Netns): Neighbour[] {
  const out: Neighbour[] = [];
  const { now } = netns.machine.sim;
  for (const device of netns.interfaces.values()) {
    if (device.neighbours !== null) out.push(...device.neighbours.values());
    for (const [address, entry] of device.learned ?? []) {
      out.push({ address, device, mac: entry.target?.mac ?? '', state: stateOf(device, address, entry, lastHeard(netns, address), now) });
    }
  }
  return out;
}
