// What the server serves, learnt over HTTP (client-go/discovery with aggregated discovery): built-in kinds are those known
// here, others (custom resources, aggregated APIs) are made from what the server says.

import { type ResourceKind, resourceAt, type Subresource } from '../api/kinds.ts';
import type { Op } from '../sim/simulation.ts';
import type { Client } from './client.ts';

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface GroupVersionKind {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
}

interface DiscoveredResource {
  readonly resource: string;
  readonly responseKind?: GroupVersionKind | null;
  readonly scope?: string;
  readonly singularResource?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly {
    readonly subresource: string;
    readonly responseKind?: GroupVersionKind | null;
    readonly verbs?: readonly string[];
  }[];
}

interface GroupList {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly DiscoveredResource[];
      readonly freshness?: string;
    }[];
  }[];
}

/** One client's view of what is served; asks anew each time, and makes something new only of a new answer. */
export class Discovery {
  readonly #client: Client;
  #core: GroupList['items'];
  #groups: GroupList['items'];
  #kinds: readonly ResourceKind[] = [];

  constructor(client: Client) {
    this.#client = client;
  }

  /** All resources in all versions. Throws as the client does. */
  *kinds(): Op<readonly ResourceKind[]> {
    const headers = { accept: ACCEPT };
    const core = ((yield* this.#client.raw({ method: 'GET', path: '/api', headers, verb: 'get' })).body as GroupList).items;
    const groups = ((yield* this.#client.raw({ method: 'GET', path: '/apis', headers, verb: 'get' })).body as GroupList).items;
    // The server gives the same lists as long as nothing has changed.
    if (core && core === this.#core && groups === this.#groups) return this.#kinds;
    const known = new Map(this.#kinds.map((kind) => [`${kind.apiVersion}/${kind.plural}`, kind]));
    this.#kinds = [...kindsIn(core, known), ...kindsIn(groups, known)];
    this.#core = core;
    this.#groups = groups;
    return this.#kinds;
  }

  /** Each resource once: in the first version that the server names. */
  *preferred(): Op<readonly ResourceKind[]> {
    const seen = new Set<string>();
    return (yield* this.kinds()).filter((kind) => !seen.has(kind.key) && seen.add(kind.key));
  }
}

function kindsIn(list: GroupList['items'], known: ReadonlyMap<string, ResourceKind>): ResourceKind[] {
  const out: ResourceKind[] = [];
  for (const { metadata, versions = [] } of list ?? []) {
    const group = metadata?.name ?? '';
    for (const { version, resources = [], freshness } of versions) {
      if (freshness === 'Stale') continue;
      const apiVersion = group === '' ? version : `${group}/${version}`;
      for (const resource of resources)
        out.push(resourceAt(apiVersion, resource.resource) ?? kindOf(group, version, apiVersion, resource, known));
    }
  }
  return out;
}

function kindOf(
  group: string,
  version: string,
  apiVersion: string,
  r: DiscoveredResource,
  known: ReadonlyMap<string, ResourceKind>,
): ResourceKind {
  const before = known.get(`${apiVersion}/${r.resource}`);
  const namespaced = r.scope === 'Namespaced';
  const kind = r.responseKind?.kind ?? '';
  if (before && before.kind === kind && before.namespaced === namespaced && before.verbs.join() === (r.verbs ?? []).join()) return before;
  return {
    group,
    version,
    apiVersion,
    kind,
    plural: r.resource,
    singular: r.singularResource ?? '',
    shortNames: r.shortNames ?? [],
    categories: r.categories ?? [],
    namespaced,
    verbs: r.verbs ?? [],
    subresources: (r.subresources ?? []).map((s): Subresource => subresourceOf(s, apiVersion)),
    schema: '',
    key: group === '' ? r.resource : `${r.resource}.${group}`,
    custom: null,
  };
}

function subresourceOf(s: NonNullable<DiscoveredResource['subresources']>[number], own: string): Subresource {
  const { group = '', version = '', kind = '' } = s.responseKind ?? {};
  const apiVersion = version === '' ? own : group === '' ? version : `${group}/${version}`;
  return { name: s.subresource, kind, apiVersion, verbs: s.verbs ?? [] };
}
