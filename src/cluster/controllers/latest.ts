// An informer's objects with one's own writes on top until the informer has caught up (the volume controller's storeObjectUpdate).

import { type ApiObject, keyOf } from '../api/meta.ts';
import type { Informer } from '../client/informer.ts';

const revisionOf = (object: ApiObject): number => Number(object.metadata.resourceVersion ?? '0');

export class Latest<T extends ApiObject> {
  readonly #informer: Informer<T>;
  readonly #written = new Map<string, T>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
    informer.addHandler({
      update: (_, object) => this.#seen(object),
      delete: (object) => this.#written.delete(keyOf(object)),
    });
  }

  #seen(object: T): void {
    if (this.#written.size === 0) return;
    const written = this.#written.get(keyOf(object));
    if (written !== undefined && revisionOf(written) <= revisionOf(object)) this.#written.delete(keyOf(object));
  }

  get(key: string): T | undefined {
    const known = this.#informer.getByKey(key);
    return known === undefined ? undefined : (this.#written.get(key) ?? known);
  }

  list(): readonly T[] {
    const known = this.#informer.list();
    return this.#written.size === 0 ? known : known.map((object) => this.#written.get(keyOf(object)) ?? object);
  }

  /** What a write answered. */
  put(object: T): T {
    const known = this.#informer.getByKey(keyOf(object));
    if (known === undefined || revisionOf(known) < revisionOf(object)) this.#written.set(keyOf(object), object);
    return object;
  }
}
