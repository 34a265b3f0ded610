// node.status.volumesAttached, which tells the kubelet that it may mount (attachdetach/statusupdater).

import type { Node } from '../api/generated/types.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Informer } from '../client/informer.ts';
import type { Op } from '../sim/simulation.ts';

export class AttachedVolumes {
  readonly #client: Client;
  readonly #nodes: Informer<Node>;
  /** Unique names of volumes by node. */
  readonly #attached = new Map<string, Set<string>>();

  constructor(client: Client, nodes: Informer<Node>) {
    this.#client = client;
    this.#nodes = nodes;
    nodes.addHandler({ delete: (node) => this.#attached.delete(node.metadata.name) });
  }

  *add(node: string, volume: string): Op<void> {
    const names = this.#of(node);
    if (names.has(volume)) return;
    names.add(volume);
    yield* this.#write(node, names);
  }

  *remove(node: string, volume: string): Op<void> {
    const names = this.#of(node);
    if (names.delete(volume)) yield* this.#write(node, names);
  }

  #of(node: string): Set<string> {
    let names = this.#attached.get(node);
    if (!names) {
      names = new Set((this.#nodes.get('', node)?.status?.volumesAttached ?? []).map((volume) => volume.name));
      this.#attached.set(node, names);
    }
    return names;
  }

  *#write(node: string, names: ReadonlySet<string>): Op<void> {
    if (!this.#nodes.get('', node)) return;
    const volumesAttached = names.size === 0 ? null : [...names].map((name) => ({ name, devicePath: '' }));
    try {
      yield* this.#client.patch('nodes', '', node, { status: { volumesAttached } }, 'merge', 'status');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
