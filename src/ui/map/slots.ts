// Which slot of its machine a Pod stands in. A Pod keeps its slot for life; freed slots are reused lowest first; the
// Pods that every such machine has (static control plane, network, proxy) have places of their own.

/** Name prefixes with a place of their own, in slot order. */
const CONTROL_PLANE = ['etcd-', 'kube-apiserver-', 'kube-controller-manager-', 'kube-scheduler-', 'kube-flannel-', 'kube-proxy-'];
const WORKER = ['kube-flannel-', 'kube-proxy-'];
/** It stands where another network's Pod would. */
const INSTEAD: Readonly<Record<string, string>> = { 'calico-node-': 'kube-flannel-' };

/** True for a machine whose first four slots belong to the static control plane. */
export const isControlPlane = (machine: string): boolean => machine.startsWith('control-plane');

export class SlotBook {
  readonly #machines = new Map<string, (string | undefined)[]>();
  readonly #slots = new Map<string, number>();

  /** Gives the Pod a slot and returns it. Adding it twice changes nothing. */
  add(machine: string, id: string, name: string): number {
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    let taken = this.#machines.get(machine);
    if (!taken) this.#machines.set(machine, (taken = []));
    const owned = isControlPlane(machine) ? CONTROL_PLANE : WORKER;
    const like = Object.entries(INSTEAD).find(([prefix]) => name.startsWith(prefix))?.[1] ?? name;
    const own = owned.findIndex((prefix) => like.startsWith(prefix));
    let slot = own >= 0 && taken[own] === undefined ? own : owned.length;
    while (taken[slot] !== undefined) slot++;
    taken[slot] = id;
    this.#slots.set(id, slot);
    return slot;
  }

  remove(machine: string, id: string): void {
    const slot = this.#slots.get(id);
    const taken = this.#machines.get(machine);
    if (slot === undefined || taken?.[slot] !== id) return;
    taken[slot] = undefined;
    while (taken.length > 0 && taken.at(-1) === undefined) taken.pop();
    this.#slots.delete(id);
  }

  slotOf(id: string): number | undefined {
    return this.#slots.get(id);
  }

  /** How many slots the machine needs: its highest taken slot plus one. */
  used(machine: string): number {
    return this.#machines.get(machine)?.length ?? 0;
  }

  at(machine: string, slot: number): string | undefined {
    return this.#machines.get(machine)?.[slot];
  }
}
