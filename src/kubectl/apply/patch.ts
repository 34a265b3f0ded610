// The three-way strategic merge patch of `kubectl apply` (strategicpatch.CreateThreeWayMergePatch): what was applied last,
// what is applied now and what is live give the smallest patch. Deletes only what was applied before and is gone now.

import { jsonEqual } from '../../cluster/api/meta.ts';
import { type Definition, definition, type FieldSchema, isDefined, type TypeSchema } from '../../cluster/api/schema.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

const definitionOf = (type: TypeSchema | undefined): Definition | undefined =>
  type?.form === 'object' ? type.definition : undefined;

const keyed = (field: FieldSchema | undefined): string | null => (field?.patch.merge ? field.patch.key : null);

/** An object that is replaced, not merged. */
const isWhole = (field: FieldSchema | undefined): boolean =>
  field !== undefined && (field.patch.replace || (field.type.form === 'scalar' && field.type.scalar === 'x'));

/** By key; several with one key (ports of two protocols) stay in their order, and the first pairs with the first. */
function keysIn(list: readonly unknown[], key: string): Map<unknown, Json[]> {
  const found = new Map<unknown, Json[]>();
  for (const element of list.filter(isObject)) {
    const known = found.get(element[key]);
    if (known) known.push(element);
    else found.set(element[key], [element]);
  }
  return found;
}

/** The patch to send, or null when nothing would change. `schema` is the kind's definition. */
export function threeWayPatch(original: Json | null, modified: Json, current: Json, schema: string): Json | null {
  const def = isDefined(schema) ? definition(schema) : undefined;
  const patch = diffObject(original ?? {}, modified, current, def);
  return Object.keys(patch).length === 0 ? null : patch;
}

export function diffObject(original: Json, modified: Json, current: Json, def: Definition | undefined): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(original)) {
    if (!Object.hasOwn(modified, key)) patch[key] = null;
  }
  for (const key of Object.keys(modified)) {
    const wanted = modified[key];
    const live = current[key];
    const field = def?.fields.get(key);
    if (wanted === null) {
      if (live !== null) patch[key] = null;
    } else if (isObject(wanted) && isObject(live) && !isWhole(field)) {
      const before = original[key];
      const element = field?.type.form === 'map' ? field.type.element : field?.type;
      const inner = diffObject(isObject(before) ? before : {}, wanted, live, definitionOf(element));
      if (field?.patch.retainKeys) retainKeys(inner, wanted, live);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (Array.isArray(wanted) && Array.isArray(live) && field?.patch.merge) {
      const before = original[key];
      diffList(patch, key, Array.isArray(before) ? before : [], wanted, live, field);
    } else if (!jsonEqual(wanted, live)) patch[key] = wanted;
  }
  return patch;
}

/** Only these fields shall stay: said when something changes, and when there is live what nobody wants. */
function retainKeys(inner: Record<string, unknown>, wanted: Json, live: Json): void {
  const keys = Object.keys(wanted).filter((key) => wanted[key] !== null);
  if (keys.length === 0 || (Object.keys(inner).length === 0 && Object.keys(live).every((key) => Object.hasOwn(wanted, key)))) return;
  inner['$retainKeys'] = keys.toSorted();
}

function diffList(patch: Record<string, unknown>, name: string, original: readonly unknown[], wanted: readonly unknown[], live: readonly unknown[], field: FieldSchema): void {
  const key = keyed(field);
  if (key === null) {
    const added = wanted.filter((v) => !live.includes(v));
    const removed = [...new Set(original)].filter((v) => !wanted.includes(v));
    if (added.length > 0) patch[name] = added;
    if (removed.length > 0) patch[`$deleteFromPrimitiveList/${name}`] = removed;
    if (removed.length > 0 || !jsonEqual(live, wanted)) patch[`$setElementOrder/${name}`] = wanted;
    return;
  }
  const def = field.type.form === 'list' ? definitionOf(field.type.element) : undefined;
  const [before, now] = [keysIn(original, key), keysIn(live, key)];
  const items: unknown[] = [];
  const turns = new Map<unknown, number>();
  for (const element of wanted) {
    if (!isObject(element)) continue;
    const id = element[key];
    const turn = turns.get(id) ?? 0;
    turns.set(id, turn + 1);
    const present = now.get(id)?.[turn];
    if (!present) items.push(element);
    else {
      const inner = diffObject(before.get(id)?.[turn] ?? {}, element, present, def);
      if (field.patch.retainKeys) retainKeys(inner, element, present);
      if (Object.keys(inner).length > 0) items.push({ ...inner, [key]: id });
    }
  }
  const kept = keysIn(wanted, key);
  for (const id of before.keys()) if (!kept.has(id)) items.push({ $patch: 'delete', [key]: id });
  const order = wanted.filter(isObject).map((element) => ({ [key]: element[key] }));
  const liveOrder = live.filter(isObject).map((element) => ({ [key]: element[key] }));
  if (items.length === 0 && jsonEqual(order, liveOrder)) return;
  if (items.length > 0) patch[name] = items;
  if (order.length > 0) patch[`$setElementOrder/${name}`] = order;
}
