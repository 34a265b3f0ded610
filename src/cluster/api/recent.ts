// A small memory of objects by identity: the few that were seen last. It stands where a WeakMap would do the same job for
// more objects than are ever asked for again; putting a fresh object into a WeakMap costs more than most answers.

const SIZE = 16;

/** Remembers a value for each of the last 16 objects. */
export class Recent<V> {
  readonly #keys: (object | null)[] = new Array<object | null>(SIZE).fill(null);
  readonly #values: (V | undefined)[] = new Array<V | undefined>(SIZE).fill(undefined);
  #next = 0;

  /** What was remembered for this very object; undefined when that is forgotten. */
  get(key: object): V | undefined {
    const at = this.#keys.indexOf(key);
    return at < 0 ? undefined : this.#values[at];
  }

  set(key: object, value: V): void {
    this.#keys[this.#next] = key;
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % SIZE;
  }
}
