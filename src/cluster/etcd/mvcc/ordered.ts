// An ordered map from string keys to values: a B-tree whose leaves hold the entries, like the google/btree that etcd
// keeps its key index in. Insert, delete and seek are O(log n); a range walk is O(entries). Order is by UTF-16 unit.

const MAX = 64;

/** An entry, shared by the tree and the index: a new value under an old key leaves the tree alone. */
interface Entry<V> {
  readonly key: string;
  value: V;
}

interface Leaf<V> {
  readonly leaf: true;
  keys: string[];
  entries: Entry<V>[];
}

interface Branch<V> {
  readonly leaf: false;
  /** keys[i] ≤ every key in children[i]; keys[0] is not consulted. */
  keys: string[];
  children: Node<V>[];
}

type Node<V> = Leaf<V> | Branch<V>;

/** The first position whose key is ≥ `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which child of a branch holds `key`. */
function childFor(keys: readonly string[], key: string): number {
  let low = 1;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) <= key) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class OrderedMap<V> {
  #root: Node<V> = { leaf: true, keys: [], entries: [] };
  /** Point look-ups need no descent. */
  readonly #byKey = new Map<string, Entry<V>>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): V | undefined {
    return this.#byKey.get(key)?.value;
  }

  /** Adds or replaces. */
  set(key: string, value: V): void {
    const known = this.#byKey.get(key);
    if (known) {
      known.value = value;
      return;
    }
    const entry = { key, value };
    this.#byKey.set(key, entry);
    const split = this.#insert(this.#root, entry);
    if (!split) return;
    this.#root = { leaf: false, keys: ['', split.keys[0] as string], children: [this.#root, split] };
  }

  delete(key: string): boolean {
    if (!this.#byKey.delete(key)) return false;
    this.#remove(this.#root, key);
    while (!this.#root.leaf && this.#root.children.length === 1) this.#root = this.#root.children[0] as Node<V>;
    if (!this.#root.leaf && this.#root.children.length === 0) this.#root = { leaf: true, keys: [], entries: [] };
    return true;
  }

  /** Calls `visit` for start ≤ key < end in order (`end` null: to the last), until it returns false. */
  walk(start: string, end: string | null, visit: (value: V, key: string) => boolean | void): void {
    this.#walk(this.#root, start, end, visit);
  }

  #walk(node: Node<V>, start: string, end: string | null, visit: (value: V, key: string) => boolean | void): boolean {
    if (node.leaf) {
      for (let i = lowerBound(node.keys, start); i < node.keys.length; i++) {
        const key = node.keys[i] as string;
        if (end !== null && key >= end) return false;
        if (visit((node.entries[i] as Entry<V>).value, key) === false) return false;
      }
      return true;
    }
    for (let i = childFor(node.keys, start); i < node.children.length; i++) {
      if (!this.#walk(node.children[i] as Node<V>, start, end, visit)) return false;
    }
    return true;
  }

  /** Returns the new right sibling when the node had to be split. */
  #insert(node: Node<V>, entry: Entry<V>): Node<V> | null {
    if (node.leaf) {
      const at = lowerBound(node.keys, entry.key);
      node.keys.splice(at, 0, entry.key);
      node.entries.splice(at, 0, entry);
      if (node.keys.length <= MAX) return null;
      return { leaf: true, keys: node.keys.splice(MAX / 2), entries: node.entries.splice(MAX / 2) };
    }
    const at = childFor(node.keys, entry.key);
    const split = this.#insert(node.children[at] as Node<V>, entry);
    if (!split) return null;
    node.keys.splice(at + 1, 0, split.keys[0] as string);
    node.children.splice(at + 1, 0, split);
    if (node.children.length <= MAX) return null;
    return { leaf: false, keys: node.keys.splice(MAX / 2), children: node.children.splice(MAX / 2) };
  }

  /** Empty nodes are dropped; thin ones stay, since deleted keys are soon replaced by like ones. */
  #remove(node: Node<V>, key: string): void {
    if (node.leaf) {
      const at = lowerBound(node.keys, key);
      node.keys.splice(at, 1);
      node.entries.splice(at, 1);
      return;
    }
    const at = childFor(node.keys, key);
    const child = node.children[at] as Node<V>;
    this.#remove(child, key);
    if ((child.leaf ? child.keys.length : child.children.length) > 0) return;
    node.keys.splice(at, 1);
    node.children.splice(at, 1);
  }
}

/** The smallest key that is greater than every key with this prefix: etcd's GetPrefixRangeEnd. */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}
