// Which resources the server has: aggregated discovery over HTTP, kept for six hours in files below ~/.kube/cache/discovery
// (client-go discovery/cached/disk). A name that is not found makes kubectl ask the server again, once.

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Rest } from '../rest.ts';

export interface Mapping {
  readonly group: string;
  readonly version: string;
  /** The plural. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly { readonly name: string; readonly kind: string; readonly group: string; readonly version: string; readonly verbs: readonly string[] }[];
  /** `apps/v1`, `v1`. */
  readonly apiVersion: string;
}

export interface GroupVersions {
  readonly group: string;
  /** The first is preferred. */
  readonly versions: readonly { readonly version: string; readonly fresh: boolean; readonly resources: readonly Mapping[] }[];
}

const ACCEPT = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';
const TTL = 6 * 3600e6;

interface Listed {
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly { readonly version: string; readonly freshness?: string; readonly resources?: readonly ListedResource[] }[];
  }[];
}

interface ListedResource {
  readonly resource: string;
  readonly responseKind?: { readonly group?: string; readonly version?: string; readonly kind?: string };
  readonly scope?: string;
  readonly singularResource?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string; readonly responseKind?: ListedResource['responseKind']; readonly verbs?: readonly string[] }[];
}

function mappingOf(group: string, version: string, r: ListedResource): Mapping {
  return {
    group,
    version,
    resource: r.resource,
    singular: r.singularResource || (r.responseKind?.kind ?? '').toLowerCase(),
    kind: r.responseKind?.kind ?? '',
    namespaced: r.scope === 'Namespaced',
    shortNames: r.shortNames ?? [],
    categories: r.categories ?? [],
    verbs: r.verbs ?? [],
    subresources: (r.subresources ?? []).map((s) => ({ name: s.subresource, kind: s.responseKind?.kind ?? '', group: s.responseKind?.group ?? '', version: s.responseKind?.version ?? '', verbs: s.verbs ?? [] })),
    apiVersion: group === '' ? version : `${group}/${version}`,
  };
}

const parsed = (body: unknown): GroupVersions[] =>
  ((body as Listed).items ?? []).map((item) => {
    const group = item.metadata?.name ?? '';
    const versions = (item.versions ?? []).map((v) => ({ version: v.version, fresh: v.freshness !== 'Stale', resources: (v.resources ?? []).map((r) => mappingOf(group, v.version, r)) }));
    return { group, versions };
  });

/** What stands in the cache file: the value, and its text for those who look. */
interface Cached {
  readonly groups: readonly GroupVersions[];
  text(): string;
}

export class Discovery {
  readonly #rest: Rest;
  readonly #file: string;
  #groups: readonly GroupVersions[] | null = null;
  /** Whether what we have was asked of the server by this command. */
  #fresh = false;

  constructor(rest: Rest, cacheDir: string) {
    this.#rest = rest;
    this.#file = `${cacheDir}/discovery/${rest.server.replace(/^https?:\/\//, '').replace(/[^\w.-]/g, '_')}/aggregated.json`;
  }

  /** All groups, the core first. */
  *groups(): Op<readonly GroupVersions[]> {
    return this.#groups ?? this.#fromFile() ?? (yield* this.refresh());
  }

  /** Asks the server; the file is written anew. */
  *refresh(): Op<readonly GroupVersions[]> {
    const found: GroupVersions[] = [];
    for (const path of ['/api', '/apis']) found.push(...parsed((yield* this.#rest.raw('GET', path, { accept: ACCEPT })).body));
    this.#groups = found;
    this.#fresh = true;
    const cached: Cached = { groups: found, text: () => JSON.stringify(found) };
    this.#rest.os.files.attach(this.#file, cached);
    return found;
  }

  /** Asks the server unless this command has done so; true when there may be news. */
  *invalidate(): Op<boolean> {
    if (this.#fresh) return false;
    yield* this.refresh();
    return true;
  }

  #fromFile(): readonly GroupVersions[] | null {
    const { files, sim } = this.#rest.os;
    const cached = files.attached(this.#file) as Cached | undefined;
    if (cached === undefined || sim.now - files.stat(this.#file).modified > TTL) return null;
    this.#groups = cached.groups;
    return cached.groups;
  }
}
