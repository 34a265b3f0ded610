// Objects on their way through kustomizations, and the walks over their fields.

import { isJsonObject } from '../../cluster/api/patch/merge.ts';
import type { LiveObject } from '../rest.ts';

/** An object with the name that files know it by. */
export interface Item {
  readonly object: LiveObject;
  readonly original: { readonly name: string; readonly kind: string };
  /** Its name gets a hash of its contents. */
  readonly hash: boolean;
}

type Fields = Record<string, unknown>;

/** The value with some parts replaced: `change` sees every object in it, deepest first, with the key it stands under. */
export function rewrite(value: unknown, change: (object: Fields, key: string) => Fields, key = ''): unknown {
  if (Array.isArray(value)) return value.map((element) => rewrite(element, change, key));
  if (!isJsonObject(value)) return value;
  const out: Fields = {};
  for (const [name, inner] of Object.entries(value)) out[name] = rewrite(inner, change, name);
  return change(out, key);
}

/** Sets fields in the map at a path; `force` makes what is missing, else only maps that are there change. */
export function addTo(value: unknown, path: readonly string[], entries: Readonly<Record<string, string>>, force: boolean): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return { ...(value as Fields | undefined), ...entries };
  if (first === '*') return Array.isArray(value) ? value.map((element) => addTo(element, rest, entries, force)) : value;
  if (!isJsonObject(value)) return value;
  const inner = value[first];
  if ((inner === undefined || inner === null) && !force) return value;
  return { ...value, [first]: addTo(inner ?? {}, rest, entries, force) };
}

const FIRST = ['Namespace', 'ResourceQuota', 'StorageClass', 'CustomResourceDefinition', 'ServiceAccount', 'PodSecurityPolicy', 'Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'ConfigMap', 'Secret', 'Endpoints', 'Service', 'LimitRange', 'PriorityClass', 'PersistentVolume', 'PersistentVolumeClaim', 'Deployment', 'StatefulSet', 'CronJob', 'PodDisruptionBudget'];
const LAST = ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

const rank = (kind: string): number => (LAST.includes(kind) ? 1000 + LAST.indexOf(kind) : FIRST.includes(kind) ? FIRST.indexOf(kind) : 500);

/** kustomize's legacy order: what others need comes first. */
export function legacyOrder(items: readonly Item[]): Item[] {
  const key = ({ object }: Item): string => `${object.kind ?? ''} ${object.apiVersion ?? ''} ${object.metadata?.namespace ?? ''} ${object.metadata?.name ?? ''}`;
  return [...items].sort((a, b) => rank(a.object.kind ?? '') - rank(b.object.kind ?? '') || (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}
