// ipset: named sets of addresses, networks and ports that iptables rules ask. A set is replaced as a whole when it changes.

import type { Place } from '../sim/trace.ts';
import { maskOf, parseCidr } from './ip.ts';
import type { Ipset } from './netfilter.ts';
import type { Netns } from './netns.ts';

/** The networks of a hash:net set by prefix length. */
type Networks = readonly { readonly mask: number; readonly bases: ReadonlySet<number> }[];

const indexes = new WeakMap<Ipset, Networks>();

function networksOf(set: Ipset): Networks {
  let networks = indexes.get(set);
  if (networks === undefined) {
    const byPrefix = new Map<number, Set<number>>();
    for (const element of set.elements) {
      const { int, prefix } = parseCidr(element);
      let bases = byPrefix.get(prefix);
      if (bases === undefined) byPrefix.set(prefix, (bases = new Set()));
      bases.add(int & maskOf(prefix));
    }
    networks = [...byPrefix].map(([prefix, bases]) => ({ mask: maskOf(prefix), bases }));
    indexes.set(set, networks);
  }
  return networks;
}

/** Whether a set of the type hash:net has a network with the address. */
export function netSetHas(set: Ipset, address: number): boolean {
  for (const { mask, bases } of networksOf(set)) if (bases.has(address & mask)) return true;
  return false;
}

/** `ipset restore` of one set; null destroys it. Nothing happens when it has these elements already. */
export function replaceIpset(netns: Netns, name: string, set: Ipset | null, by?: Place): boolean {
  const { rules, machine } = netns;
  const old = rules.ipsets.get(name);
  if (set === null ? old === undefined : old !== undefined && old.type === set.type && sameElements(old, set)) return false;
  if (set === null) rules.ipsets.delete(name);
  else rules.ipsets.set(name, set);
  rules.revision++;
  const { sim } = machine;
  sim.trace.emit(sim.cause, {
    kind: 'network',
    verb: 'rules-ipset',
    from: by ?? machine.place,
    to: machine.place,
    start: sim.now,
    detail: { netns: netns.name, set: name, elements: set === null ? null : set.elements.size },
  });
  netns.rulesChanged('filter');
  return true;
}

function sameElements(a: Ipset, b: Ipset): boolean {
  if (a.elements.size !== b.elements.size) return false;
  for (const element of a.elements) if (!b.elements.has(element)) return false;
  return true;
}
