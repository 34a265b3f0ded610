// Prefixes, suffixes and hashes of names, and the fields that refer to them (kustomize's nameReference configuration).

import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '../../cluster/api/base64.ts';
import { isJsonObject } from '../../cluster/api/patch/merge.ts';
import { goJson } from '../print/json.ts';
import type { LiveObject } from '../rest.ts';
import { type Item, rewrite } from './resource.ts';

const UNPREFIXED = new Set(['Namespace', 'CustomResourceDefinition', 'APIService']);

/** Ten letters of a hash that make no words: vowels and look-alikes are others. */
const LETTERS: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

/** The name is no part of it: kustomize hashes before it names. */
export function contentHash(object: LiveObject): string {
  const { kind = '', data, binaryData, stringData, type } = object as LiveObject & { data?: unknown; binaryData?: unknown; stringData?: unknown; type?: string };
  const value =
    kind === 'Secret'
      ? { kind, type: type ?? '', name: '', data: data ?? '', ...(stringData ? { stringData } : {}) }
      : { kind, name: '', data: data ?? '', ...(binaryData ? { binaryData } : {}) };
  return nameSuffix(value);
}

/** Ten letters for the end of a name, of a hash of the value's JSON. */
export function nameSuffix(value: unknown): string {
  const digest = sha256(Uint8Array.from(utf8(goJson(value))));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [...hex.slice(0, 10)].map((c) => LETTERS[c] ?? c).join('');
}

/** Where an object of a field's key names another: the field, and the kind. */
const REFERENCES: readonly (readonly [key: string, field: string, kind: string])[] = [
  ['configMap', 'name', 'ConfigMap'],
  ['configMapRef', 'name', 'ConfigMap'],
  ['configMapKeyRef', 'name', 'ConfigMap'],
  ['secret', 'secretName', 'Secret'],
  ['secret', 'name', 'Secret'],
  ['secretRef', 'name', 'Secret'],
  ['secretKeyRef', 'name', 'Secret'],
  ['imagePullSecrets', 'name', 'Secret'],
  ['tls', 'secretName', 'Secret'],
  ['persistentVolumeClaim', 'claimName', 'PersistentVolumeClaim'],
  ['service', 'name', 'Service'],
  ['spec', 'serviceName', 'Service'],
  ['spec', 'serviceAccountName', 'ServiceAccount'],
  ['spec', 'priorityClassName', 'PriorityClass'],
  ['spec', 'storageClassName', 'StorageClass'],
  ['spec', 'ingressClassName', 'IngressClass'],
];

/** New names, and everything that refers to them. */
export function rename(items: readonly Item[], naming: (item: Item) => string): Item[] {
  const names = new Map<string, string>();
  const renamed = items.map((item) => {
    const old = item.object.metadata?.name ?? '';
    const name = UNPREFIXED.has(item.object.kind ?? '') ? old : naming(item);
    if (name !== old) names.set(`${item.object.kind} ${old}`, name);
    return { ...item, object: { ...item.object, metadata: { ...item.object.metadata, name } } };
  });
  if (names.size === 0) return renamed;
  return renamed.map((item) => ({ ...item, object: refer(item.object, names) }));
}

function refer(object: LiveObject, names: ReadonlyMap<string, string>): LiveObject {
  const { metadata } = object;
  const changed = rewrite(object, (fields, key) => {
    let out = fields;
    const set = (field: string, kind: string): void => {
      const name = names.get(`${kind} ${String(fields[field])}`);
      if (typeof fields[field] === 'string' && name !== undefined) out = { ...out, [field]: name };
    };
    for (const [at, field, kind] of REFERENCES) if (at === key) set(field, kind);
    if ((key === 'scaleTargetRef' || key === 'roleRef' || key === 'subjects') && typeof fields['kind'] === 'string') set('name', fields['kind']);
    return out;
  }) as LiveObject;
  return isJsonObject(changed) && metadata ? { ...changed, metadata } : changed;
}
