// What a person does to the wires: a machine's cable, or the way between two machines, gets delay, loss, a rate, a narrow frame or a port
// that nothing passes to. Loaded after the boot.

import type { Machine } from '../machine/machine.ts';
import type { Place } from '../sim/trace.ts';
import type { Interface } from './device.ts';
import { Fabric } from './fabric.ts';
import type { Netns } from './netns.ts';
import { type Impairment, Queue } from './shaper.ts';
import { linkOf, pairKey, setLink } from './switch.ts';

const isNothing = (i: Impairment): boolean => Object.values(i).every((value) => value === undefined || value === 0 || value === false || (Array.isArray(value) && value.length === 0));

function queueOf(machine: Machine, impairment: Impairment, stream: string): Queue {
  const { sim } = machine;
  return new Queue(impairment, sim.random(stream), () => sim.now);
}

/** On a machine's cable, both ways; null takes all of it away. */
export function impairLink(machine: Machine, impairment: Impairment | null, by?: Place): void {
  setLink(machine, { shaper: impairment === null || isNothing(impairment) ? null : queueOf(machine, impairment, `link/${machine.name}`) }, by);
}

/** Between two machines, both ways. */
export function impairBetween(a: Machine, b: Machine, impairment: Impairment | null, by?: Place): void {
  const { network } = linkOf(a);
  const key = pairKey(a.name, b.name);
  const old = network.pairs?.get(key);
  const gone = impairment === null || isNothing(impairment);
  if (gone && old === undefined) return;
  const pairs = (network.pairs ??= new Map());
  const shaper = gone ? null : queueOf(a, impairment, `link/${key}`);
  if (shaper === null) pairs.delete(key);
  else pairs.set(key, { first: a.name, shaper });
  if (pairs.size === 0) network.pairs = null;
  for (const machine of [a, b]) (machine.hostNetns as Netns).changed();
  a.sim.trace.emit(a.sim.cause, {
    kind: 'network',
    verb: 'link-set',
    from: by ?? a.place,
    to: b.place,
    start: a.sim.now,
    change: { key: `between/${key.replace(' ', '/')}`, before: old === undefined ? null : { fault: old.shaper.text }, after: shaper === null ? null : { fault: shaper.text } },
  });
  Fabric.of(a.sim).disturbed();
}

/** The queueing discipline of an interface (`tc qdisc … root`). */
export function impairOutput(device: Interface, impairment: Impairment | null): void {
  const { netns } = device;
  device.shaper = impairment === null ? null : queueOf(netns.machine, impairment, `qdisc/${netns.machine.name}/${netns.name}/${device.name}`);
  netns.changed();
  device.peer?.netns.changed();
}
