// The rows of the view, derived from changes as they are applied and reversed. Counts that a machine's row needs are
// kept as the changes pass, so nothing is ever scanned.

import type { Event as CoreEvent, Node, Pod } from '../cluster/api/generated/types.ts';
import type { Micros } from '../cluster/sim/time.ts';
import type { MachineRow, Row } from './protocol.ts';
import { eventRow, interfaceRow, machineRow, objectRow, podRow, processRow, type ApiObject, type MachineFacts } from './rows.ts';

interface MachineState {
  facts: MachineFacts;
  link: { readonly up: boolean; readonly fault?: string };
  routes: number;
  neighbours: number;
  fdb: number;
  rules: Map<string, number>;
  images: Map<string, true>;
}

/** Resources that never become rows: their churn is not worth drawing. */
const HIDDEN = new Set(['leases.coordination.k8s.io', 'events.events.k8s.io']);

/** As it is when nobody has done anything to it. */
const CABLE = { up: true } as const;

export class Scene {
  readonly #value: (key: string) => unknown;
  readonly #epoch: Micros;
  readonly #machines = new Map<string, MachineState>();
  readonly #dirty = new Set<string>();

  /** `value` looks up a change key at the view. */
  constructor(machines: readonly MachineFacts[], epoch: Micros, value: (key: string) => unknown) {
    this.#value = value;
    this.#epoch = epoch;
    for (const facts of machines) {
      this.#machines.set(facts.name, { facts, link: CABLE, routes: 0, neighbours: 0, fdb: 0, rules: new Map(), images: new Map() });
      this.#dirty.add(`machine/${facts.name}`);
    }
  }

  /** Takes note of one change (see sim/trace.ts for the keys). */
  change(key: string, before: unknown, after: unknown): void {
    if (key.startsWith('object/')) {
      const resource = key.slice(7, key.indexOf('/', 7));
      if (resource === 'nodes') this.#dirty.add(`machine/${key.slice(key.lastIndexOf('/') + 1)}`);
      if (!HIDDEN.has(resource)) this.#dirty.add(key);
      return;
    }
    if (key.startsWith('process/') || key.startsWith('interface/')) {
      this.#dirty.add(key);
      return;
    }
    const [kind, second = '', ...rest] = key.split('/');
    const machine = this.#machines.get(second);
    const delta = (after === null ? 0 : 1) - (before === null ? 0 : 1);
    if (!machine) return;
    switch (kind) {
      case 'machine':
        machine.facts = { ...machine.facts, ...(after as Partial<MachineFacts> | null) };
        break;
      case 'link':
        machine.link = (after as MachineState['link'] | null) ?? CABLE;
        break;
      case 'route':
        machine.routes += delta;
        break;
      case 'neighbour':
        machine.neighbours += delta;
        break;
      case 'fdb':
        machine.fdb += delta;
        break;
      case 'rules':
        machine.rules.set(rest.join('/'), (after as { count?: number } | null)?.count ?? 0);
        break;
      case 'image':
        if (after === null) machine.images.delete(rest.join('/'));
        else machine.images.set(rest.join('/'), true);
        break;
      default:
        return;
    }
    this.#dirty.add(`machine/${second}`);
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** What became different since the last call. */
  takeDirty(): { upserts: Row[]; deletes: string[] } {
    const upserts: Row[] = [];
    const deletes: string[] = [];
    for (const id of this.#dirty) {
      const row = this.row(id);
      if (row) upserts.push(row);
      else deletes.push(id);
    }
    this.#dirty.clear();
    return { upserts, deletes };
  }

  /** Says that every row is to be sent again; `keys` are all keys that have a value. */
  markAll(keys: Iterable<string>): void {
    for (const name of this.#machines.keys()) this.#dirty.add(`machine/${name}`);
    for (const key of keys) {
      const [kind, resource = ''] = key.split('/', 2);
      if ((kind === 'object' && !HIDDEN.has(resource)) || kind === 'process' || kind === 'interface') this.#dirty.add(key);
    }
  }

  row(id: string): Row | undefined {
    const [kind, second = '', third = '', ...rest] = id.split('/');
    if (kind === 'machine') return this.#machineRow(second);
    const value = this.#value(id);
    if (value === undefined || value === null) return undefined;
    if (kind === 'process') return processRow(id, second, value as { pid: number; comm: string; place: string });
    if (kind === 'interface') return interfaceRow(id, second, third, rest.join('/'), value as { kind: string; addresses: readonly string[]; up: boolean });
    if (second === 'pods') return podRow(id, value as Pod, this.#epoch);
    if (second === 'events') return eventRow(id, value as CoreEvent, this.#epoch);
    return objectRow(id, second, value as ApiObject, this.#epoch);
  }

  machineNames(): readonly string[] {
    return [...this.#machines.keys()];
  }

  #machineRow(name: string): MachineRow | undefined {
    const state = this.#machines.get(name);
    if (!state) return undefined;
    let rules = 0;
    for (const count of state.rules.values()) rules += count;
    return machineRow(
      state.facts,
      state.link,
      (this.#value(`object/nodes//${name}`) ?? undefined) as Node | undefined,
      { rules, routes: state.routes, neighbours: state.neighbours, fdb: state.fdb },
      [...state.images.keys()],
    );
  }
}
