// What a person does to the wires as inputs of the session: a machine's cable, or the way between two machines, is cut, mended, slowed, made
// to lose packets, limited to a rate or to small packets, or closed to a port.

import type { Cluster } from '../cluster/bootstrap/cluster.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import { impairBetween, impairLink } from '../cluster/network/impair.ts';
import type { Impairment } from '../cluster/network/shaper.ts';
import { setLink } from '../cluster/network/switch.ts';

/** The whole state that the wire shall be in. */
export interface WireAction extends Impairment {
  readonly type: 'wire';
  readonly machine: string;
  /** The other machine; absent: everything on the machine's cable. */
  readonly to?: string;
  readonly cut?: boolean;
}

const SCALE: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000, kbit: 1e3, mbit: 1e6, gbit: 1e9, '%': 0.01 };

/** `worker-1 [worker-2] cut | mend | delay=100ms jitter=10ms loss=10% rate=1mbit mtu=1400 drop=udp/8472`: for stories. */
export function wireOf(text: string): WireAction {
  const words = text.split(' ');
  const options = new Map(words.filter((word) => word.includes('=')).map((word) => word.split('=', 2) as [string, string]));
  const [machine = '', to] = words.filter((word) => !word.includes('=') && word !== 'cut' && word !== 'mend');
  const number = (name: string): Record<string, number> => {
    const [, value, unit = ''] = /^([\d.]+)([a-z%]*)$/.exec(options.get(name) ?? '') ?? [];
    return value === undefined ? {} : { [name]: Number(value) * (SCALE[unit] ?? 1) };
  };
  const [protocol, port] = options.get('drop')?.split('/') ?? [];
  const blocked = port === undefined ? {} : { blocked: [{ protocol: protocol as 'tcp' | 'udp', port: Number(port) }] };
  const wrong = Object.assign({}, ...['delay', 'jitter', 'loss', 'rate', 'mtu'].map(number)) as Impairment;
  return { type: 'wire', machine, ...(to === undefined ? {} : { to }), ...(words.includes('cut') ? { cut: true } : {}), ...blocked, ...wrong };
}

function machineOf(cluster: Cluster, name: string): Machine {
  const machine = cluster.machines.get(name);
  if (machine === undefined) throw new Error(`no machine ${name}`);
  return machine;
}

/** Does it, under an input record of its own. */
export function performWire(cluster: Cluster, action: WireAction): void {
  const { sim, operator } = cluster;
  const machine = machineOf(cluster, action.machine);
  const { type: _type, machine: _machine, to, cut = false, ...impairment } = action;
  const outer = sim.cause;
  sim.cause = sim.trace.emit(null, { kind: 'input', verb: 'wire', from: operator.place, to: machine.place, start: sim.now, detail: action });
  if (to === undefined) {
    setLink(machine, { up: !cut }, operator.place);
    impairLink(machine, impairment, operator.place);
  } else {
    impairBetween(machine, machineOf(cluster, to), cut ? { ...impairment, cut } : impairment, operator.place);
  }
  sim.cause = outer;
}
