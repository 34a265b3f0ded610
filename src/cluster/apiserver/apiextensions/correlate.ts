// Which item of the old list an item of the new one stands for (apiserver/pkg/cel/common CorrelatedObject): by its keys in
// lists of type map; items of other lists stand for nothing.

import { jsonEqual } from '../../api/meta.ts';
import { isPlain, type Schema } from './schema.ts';

export type Correlate = (item: unknown) => unknown;

const NOTHING: Correlate = () => undefined;

export function listCorrelation(schema: Schema, old: unknown): Correlate {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return NOTHING;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return (item) =>
    isPlain(item) ? old.find((other) => isPlain(other) && keys.every((key) => jsonEqual(other[key], item[key]))) : undefined;
}
