// What the objects of a namespace use of one quota, added up once and then kept by difference.

import type { Pod, ResourceQuota } from '../api/generated/types.ts';
import { type ApiObject, isDeleting, keyOf } from '../api/meta.ts';
import { addLists, isEmpty, mask, NONE, type ResourceList, subtractLists } from '../api/quota/lists.ts';
import { namesFor } from '../api/quota/scopes.ts';
import { countsFor, usageOf } from '../api/quota/usage.ts';
import { parseTime, SECOND } from '../sim/time.ts';

/** A resource whose objects count, and how to come by them. */
export interface Counted {
  readonly key: string;
  list(namespace: string): readonly ApiObject[];
}

export class Tally {
  readonly spec: ResourceQuota['spec'];
  readonly #names: readonly string[];
  readonly #counted: readonly Counted[];
  /** By resource and object. */
  readonly #shares = new Map<string, ResourceList>();
  #total: ResourceList = NONE;

  /** `unixMicros`: now; Pods whose grace is over count no more. */
  constructor(quota: ResourceQuota, resources: readonly Counted[], unixMicros: number) {
    this.spec = quota.spec;
    this.#names = Object.keys(quota.spec.hard ?? NONE);
    this.#counted = resources.filter((resource) => this.#names.some((name) => countsFor(resource, name)));
    for (const resource of this.#counted) {
      for (const object of resource.list(quota.metadata.namespace ?? '')) this.observe(resource.key, object, unixMicros);
    }
  }

  /** Takes the newest state of an object into account; true when that changes the sum. */
  observe(resource: string, object: ApiObject, unixMicros: number): boolean {
    const kind = { key: resource };
    const names = namesFor(kind, this.spec, this.#names, object);
    const share =
      names.length === 0
        ? NONE
        : mask(
            usageOf(kind, object, (pod) => isOver(pod, unixMicros)),
            names,
          );
    return this.#set(`${resource} ${keyOf(object)}`, share);
  }

  forget(resource: string, object: ApiObject): boolean {
    return this.#set(`${resource} ${keyOf(object)}`, NONE);
  }

  /** A value for each name of the quota that anything could count for. */
  get used(): ResourceList {
    const out: Record<string, string> = {};
    for (const name of this.#names) if (this.#counted.some((resource) => countsFor(resource, name))) out[name] = this.#total[name] ?? '0';
    return out;
  }

  #set(key: string, share: ResourceList): boolean {
    const before = this.#shares.get(key) ?? NONE;
    if (same(before, share)) return false;
    this.#total = addLists(subtractLists(this.#total, before), share);
    if (isEmpty(share)) this.#shares.delete(key);
    else this.#shares.set(key, share);
    return true;
  }
}

function same(a: ResourceList, b: ResourceList): boolean {
  for (const name in a) if (a[name] !== b[name]) return false;
  for (const name in b) if (a[name] === undefined) return false;
  return true;
}

function isOver(pod: Pod, unixMicros: number): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (!isDeleting(pod) || deletionGracePeriodSeconds === undefined) return false;
  const deletion = parseTime(deletionTimestamp as unknown as string);
  return deletion !== undefined && unixMicros > deletion + deletionGracePeriodSeconds * SECOND;
}
