// Where each resource lies in etcd. The names are upstream's, with their history in them (minions, services/specs).

import type { ResourceKind } from '../../api/kinds.ts';

const ROOT = '/registry/';

const PREFIXES: Readonly<Record<string, string>> = {
  nodes: 'minions',
  services: 'services/specs',
  endpoints: 'services/endpoints',
  replicationcontrollers: 'controllers',
  'ingresses.networking.k8s.io': 'ingress',
  'apiservices.apiregistration.k8s.io': 'apiregistration.k8s.io/apiservices',
  'customresourcedefinitions.apiextensions.k8s.io': 'apiextensions.k8s.io/customresourcedefinitions',
};

/** Two groups, one storage: an event is the same thing in both. */
const SHARED: Readonly<Record<string, string>> = { 'events.events.k8s.io': 'events' };

/** The key of the resource whose storage this one uses: itself, or the older group's. */
export const storageResource = (kind: ResourceKind): string => SHARED[kind.key] ?? kind.key;

/** `/registry/pods/`: below it lie `<namespace>/<name>` or `<name>`. */
export function prefixOf(kind: ResourceKind): string {
  if (kind.custom !== null) return `${ROOT}${kind.group}/${kind.plural}/`;
  return `${ROOT}${PREFIXES[kind.key] ?? kind.plural}/`;
}

/** The part of an etcd key after its resource's prefix. */
export const relativeKey = (kind: ResourceKind, namespace: string, name: string): string =>
  kind.namespaced ? `${namespace}/${name}` : name;
