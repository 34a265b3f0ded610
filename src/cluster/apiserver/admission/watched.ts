// What plug-ins look up on every request, kept up to date by the watch of etcd: the objects of a resource by namespace, and
// a count of changes, so that what was compiled from them is made anew only when one of them changed.

import type { VersionedObject } from '../../etcd/objects.ts';
import type { Cacher } from '../storage/cacher.ts';
import type { WatchCache } from '../storage/watch-cache.ts';

const NOTHING: readonly VersionedObject[] = Object.freeze([]);

/** All objects of one resource. */
export class Watched {
  readonly #byNamespace = new Map<string, readonly VersionedObject[]>();
  /** Goes up with each change. */
  version = 0;

  constructor(cacher: Cacher) {
    cacher.objects.walk('', null, (object) => this.#add(object));
  }

  /** In the order of their names. '' for resources without namespace. */
  in(namespace: string): readonly VersionedObject[] {
    return this.#byNamespace.size === 0 ? NOTHING : (this.#byNamespace.get(namespace) ?? NOTHING);
  }

  changed(before: VersionedObject | null, after: VersionedObject | null): void {
    this.version++;
    const { namespace = '', name } = ((after ?? before) as VersionedObject).metadata;
    const others = this.in(namespace).filter((object) => object.metadata.name !== name);
    if (!after && others.length === 0) this.#byNamespace.delete(namespace);
    else this.#byNamespace.set(namespace, others);
    if (after) this.#add(after);
  }

  /** How many namespaces have some. */
  get size(): number {
    return this.#byNamespace.size;
  }

  #add(object: VersionedObject): void {
    const { namespace = '' } = object.metadata;
    const all = [...this.in(namespace), object];
    if (all.length > 1) all.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    this.#byNamespace.set(namespace, all);
  }
}

/** Resources that some plug-in watches. */
const RESOURCES = {
  limitRanges: 'limitranges',
  quotas: 'resourcequotas',
  mutatingWebhooks: 'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  validatingWebhooks: 'validatingwebhookconfigurations.admissionregistration.k8s.io',
  mutatingPolicies: 'mutatingadmissionpolicies.admissionregistration.k8s.io',
  mutatingBindings: 'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  validatingPolicies: 'validatingadmissionpolicies.admissionregistration.k8s.io',
  validatingBindings: 'validatingadmissionpolicybindings.admissionregistration.k8s.io',
} as const;

export type WatchedName = keyof typeof RESOURCES;
export type WatchedResources = Readonly<Record<WatchedName, Watched>>;

/** Begins to watch. */
export function watchResources(cache: WatchCache): WatchedResources {
  const byCacher = new Map<Cacher, Watched>();
  const out = {} as Record<WatchedName, Watched>;
  for (const name in RESOURCES) {
    const cacher = cache.ofKey(RESOURCES[name as WatchedName]);
    const watched = new Watched(cacher);
    byCacher.set(cacher, watched);
    out[name as WatchedName] = watched;
  }
  cache.listeners.push((cacher, before, after) => {
    byCacher.get(cacher)?.changed(before as VersionedObject | null, after as VersionedObject | null);
  });
  return out;
}
