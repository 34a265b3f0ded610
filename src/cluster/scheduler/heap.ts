// A binary heap whose entries can be found and taken out by key (upstream backend/heap).

export class KeyedHeap<T> {
  readonly #key: (item: T) => string;
  readonly #less: (a: T, b: T) => boolean;
  readonly #items: T[] = [];
  readonly #index = new Map<string, number>();

  constructor(key: (item: T) => string, less: (a: T, b: T) => boolean) {
    this.#key = key;
    this.#less = less;
  }

  get size(): number {
    return this.#items.length;
  }

  get(key: string): T | undefined {
    const at = this.#index.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  values(): readonly T[] {
    return this.#items;
  }

  /** Adds the item, or puts it in place of the one with its key. */
  put(item: T): void {
    const at = this.#index.get(this.#key(item));
    if (at === undefined) {
      this.#items.push(item);
      this.#up(this.#items.length - 1, item);
    } else {
      this.#items[at] = item;
      this.#up(at, item);
      this.#down(this.#index.get(this.#key(item)) as number, item);
    }
  }

  pop(): T | undefined {
    const top = this.#items[0];
    return top === undefined ? undefined : this.take(this.#key(top));
  }

  take(key: string): T | undefined {
    const at = this.#index.get(key);
    if (at === undefined) return undefined;
    const item = this.#items[at] as T;
    this.#index.delete(key);
    const last = this.#items.pop() as T;
    if (at < this.#items.length) {
      this.#items[at] = last;
      this.#index.set(this.#key(last), at);
      this.#up(at, last);
      this.#down(this.#index.get(this.#key(last)) as number, last);
    }
    return item;
  }

  #up(from: number, item: T): void {
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#items[parentAt] as T;
      if (!this.#less(item, parent)) break;
      this.#place(at, parent);
      at = parentAt;
    }
    this.#place(at, item);
  }

  #down(from: number, item: T): void {
    let at = from;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= this.#items.length) break;
      if (childAt + 1 < this.#items.length && this.#less(this.#items[childAt + 1] as T, this.#items[childAt] as T)) childAt++;
      const child = this.#items[childAt] as T;
      if (!this.#less(child, item)) break;
      this.#place(at, child);
      at = childAt;
    }
    this.#place(at, item);
  }

  #place(at: number, item: T): void {
    this.#items[at] = item;
    this.#index.set(this.#key(item), at);
  }
}
