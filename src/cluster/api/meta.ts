// What all objects share: names and keys, labels, owners, conditions.

import type { ObjectMeta, OwnerReference } from './generated/types.ts';

/** Any API object. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

const EMPTY: Readonly<Record<string, string>> = Object.freeze({});

export const nameOf = (o: ApiObject): string => o.metadata.name;
/** '' when the object is cluster-scoped. */
export const namespaceOf = (o: ApiObject): string => o.metadata.namespace ?? '';
export const uidOf = (o: ApiObject): string => o.metadata.uid ?? '';
export const labelsOf = (o: {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
}): Readonly<Record<string, string>> => o.metadata?.labels ?? EMPTY;
export const annotationsOf = (o: {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
}): Readonly<Record<string, string>> => o.metadata?.annotations ?? EMPTY;

/** `namespace/name`, or the name alone for cluster-scoped objects: client-go's MetaNamespaceKey. */
export function keyOf(o: ApiObject): string {
  const { namespace, name } = o.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The two halves of keyOf. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The owner that manages the object, if one does. */
export function controllerOf(o: {
  readonly metadata: { readonly ownerReferences?: readonly OwnerReference[] };
}): OwnerReference | undefined {
  return o.metadata.ownerReferences?.find((r) => r.controller === true);
}

/** Whether `owner` manages the object. */
export const isControlledBy = (o: ApiObject, owner: ApiObject): boolean => controllerOf(o)?.uid === owner.metadata.uid;

/** The reference that a controller puts on what it makes. */
export const controllerReference = (owner: ApiObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: uidOf(owner),
  controller: true,
  blockOwnerDeletion: true,
});

/** Whether a deletion has begun. */
export const isDeleting = (o: ApiObject): boolean => o.metadata.deletionTimestamp !== undefined;

/** The condition of that type. */
export const conditionOf = <C extends { readonly type: string }>(conditions: readonly C[] | undefined, type: string): C | undefined =>
  conditions?.find((c) => c.type === type);

/** Freezes plain JSON all the way down and returns it. Stops at what is frozen already: that is frozen all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value)) for (const item of value) deepFreeze(item);
  else {
    for (const key in value) {
      const part = (value as Record<string, unknown>)[key];
      if (typeof part === 'object' && part !== null) deepFreeze(part);
    }
  }
  return value;
}

/** Whether two JSON values are the same, field by field; undefined parts count as absent, parts that are shared are not compared. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!jsonEqual(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key in left) if (!jsonEqual(left[key], right[key])) return false;
  for (const key in right) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}

/** Go's notion of a semantic equality: absent, null, empty list and empty map are one. */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a)) return isEmpty(b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => semanticEqual(item, b[i]));
  if (Array.isArray(b)) return false;
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return (
    Object.keys(x).every((key) => semanticEqual(x[key], y[key])) && Object.keys(y).every((key) => Object.hasOwn(x, key) || isEmpty(y[key]))
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value !== 'object') return false;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}
