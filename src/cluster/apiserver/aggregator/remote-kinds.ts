// The kinds of an aggregated API, as its own discovery document tells them; this server only passes requests on.

import type { ResourceKind, Subresource } from '../../api/kinds.ts';

interface Resource {
  readonly name: string;
  readonly singularName?: string;
  readonly namespaced?: boolean;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export function kindsOfRemote(apiVersion: string, document: unknown): ResourceKind[] {
  const { resources = [] } = (typeof document === 'object' && document !== null ? document : {}) as {
    readonly resources?: readonly Resource[];
  };
  const slash = apiVersion.indexOf('/');
  const group = apiVersion.slice(0, slash);
  return resources
    .filter((r) => !r.name.includes('/'))
    .map((r) => ({
      group,
      version: apiVersion.slice(slash + 1),
      apiVersion,
      kind: r.kind,
      plural: r.name,
      singular: r.singularName ?? '',
      shortNames: r.shortNames ?? [],
      categories: r.categories ?? [],
      namespaced: r.namespaced === true,
      verbs: r.verbs ?? [],
      subresources: resources.filter((s) => s.name.startsWith(`${r.name}/`)).map((s) => subresource(s, r.name, apiVersion)),
      schema: '',
      key: `${r.name}.${group}`,
      custom: null,
    }));
}

function subresource(s: Resource, plural: string, own: string): Subresource {
  const apiVersion = s.version ? (s.group ? `${s.group}/${s.version}` : s.version) : own;
  return { name: s.name.slice(plural.length + 1), kind: s.kind, apiVersion, verbs: s.verbs ?? [] };
}
