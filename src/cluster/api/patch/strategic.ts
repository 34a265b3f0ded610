// Strategic merge patch (apimachinery/pkg/util/strategicpatch): lists merge by key, directives delete, replace and order.

import { type Definition, definition, type FieldSchema, type TypeSchema } from '../schema.ts';
import { badRequest } from '../status.ts';
import { isJsonObject, type JsonObject, MAX_PATCH_DEPTH } from './merge.ts';
import { enforceOrder, type Key, keyOfElement } from './order.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const ORDER = '$setElementOrder/';
const DELETE_SCALARS = '$deleteFromPrimitiveList/';
/** Lists up to this length are searched without an index. */
const FEW = 16;

/** The target with the patch merged in by the rules of the definition of that name (`Pod`, …). Throws ApiError 400. */
export function applyStrategicPatch(schema: string, target: object, patch: unknown): JsonObject {
  if (!isJsonObject(patch)) throw badRequest('the patch must be an object');
  return mergeObject(target as JsonObject, patch, definition(schema), 0);
}

const objectOf = (type: TypeSchema | undefined): Definition | undefined => (type?.form === 'object' ? type.definition : undefined);

export function mergeObject(target: JsonObject, patch: JsonObject, def: Definition | undefined, depth: number): JsonObject {
  if (depth > MAX_PATCH_DEPTH) throw badRequest('the patch is nested too deeply');
  const directive = patch[DIRECTIVE];
  if (directive === 'replace') return withoutDirectives(patch, depth) as JsonObject;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest(`Unknown patch type found: ${JSON.stringify(directive)}`);
  const out = new Draft(retained(target, patch));
  let ordered: string[] | null = null;
  for (const key in patch) {
    if (!key.startsWith(ORDER)) continue;
    const name = key.slice(ORDER.length);
    (ordered ??= []).push(name);
    setOrder(out, patch, name, patch[key], def?.fields.get(name), depth);
  }
  for (const key in patch) {
    if (isInstruction(key)) {
      if (key.startsWith(DELETE_SCALARS)) deleteScalars(out, key.slice(DELETE_SCALARS.length), patch[key]);
    } else if (ordered === null || !ordered.includes(key)) mergeField(out, key, patch[key], def?.fields.get(key), depth);
  }
  const merged = out.done();
  // The object itself is always a new one, as a patch always makes a new one; its parts are kept where they stay the same.
  return depth === 0 && merged === target ? { ...target } : merged;
}

/** Whether a key of a patch is no field but says how to merge. */
const isInstruction = (key: string): boolean =>
  key[0] === '$' && (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ORDER) || key.startsWith(DELETE_SCALARS));

/** An object on its way from its old to its new state. */
class Draft {
  readonly #from: JsonObject;
  #object: Record<string, unknown>;
  #holes = false;

  constructor(from: JsonObject) {
    this.#from = from;
    this.#object = from as Record<string, unknown>;
  }

  get(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  set(key: string, value: unknown): void {
    if (value === this.get(key)) return;
    this.#own();
    put(this.#object, key, value);
  }

  delete(key: string): void {
    if (!Object.hasOwn(this.#object, key)) return;
    this.#own();
    put(this.#object, key, undefined);
    this.#holes = true;
  }

  #own(): void {
    if (this.#object === this.#from) this.#object = { ...this.#from };
  }

  done(): JsonObject {
    return this.#holes ? Object.fromEntries(Object.entries(this.#object).filter(([, value]) => value !== undefined)) : this.#object;
  }
}

/** Plain assignment, also under the one name that means something else. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** $retainKeys: only the named keys of the target survive. */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keep = patch[RETAIN_KEYS];
  if (keep === undefined) return target;
  if (!Array.isArray(keep)) throw badRequest('invalid patch format of retainKeys');
  for (const key of Object.keys(patch)) {
    if (!isInstruction(key) && patch[key] !== null && !keep.includes(key)) {
      throw badRequest('retainKeys list must contains all fields present in the patch');
    }
  }
  return Object.fromEntries(Object.entries(target).filter(([key]) => keep.includes(key)));
}

function mergeField(out: Draft, key: string, value: unknown, field: FieldSchema | undefined, depth: number): void {
  if (value === null) {
    out.delete(key);
    return;
  }
  out.set(key, mergeValue(out.get(key), value, field, depth));
}

function mergeValue(before: unknown, value: unknown, field: FieldSchema | undefined, depth: number): unknown {
  if (isJsonObject(value) && isJsonObject(before) && !isWhole(field)) return mergeObject(before, value, objectOf(elementOrSelf(field?.type)), depth + 1);
  if (Array.isArray(value) && Array.isArray(before) && field?.patch.merge) return mergeList(before, value, field, depth);
  return withoutDirectives(value, depth);
}

/** A field that says so, or that holds any object, is replaced as a whole. */
const isWhole = (field: FieldSchema | undefined): boolean =>
  field !== undefined && (field.patch.replace || (field.type.form === 'scalar' && field.type.scalar === 'x'));

/** A map's values merge by the definition of its element, where there is one; a map of scalars has none. */
function elementOrSelf(type: TypeSchema | undefined): TypeSchema | undefined {
  return type?.form === 'object' ? type : undefined;
}

function mergeList(before: readonly unknown[], patch: readonly unknown[], field: FieldSchema, depth: number): readonly unknown[] {
  const { key } = field.patch;
  if (key === null) {
    const merged = [...new Set([...before, ...patch])];
    return enforceOrder(merged, patch, before, null);
  }
  const def = field.type.form === 'list' ? objectOf(field.type.element) : undefined;
  const { kept, additions } = specialElements(before, patch, key);
  const merged: unknown[] = [...kept];
  const places = merged.length + additions.length > FEW ? new Map(merged.map((element, i) => [keyOfElement(element, key), i])) : null;
  for (const element of additions) {
    const id = requireKey(element, key);
    const place = places ? (places.get(id) ?? -1) : lastWith(merged, key, id);
    const old = merged[place];
    if (isJsonObject(old)) merged[place] = mergeObject(old, element, def, depth + 1);
    else {
      places?.set(id, merged.length);
      merged.push(withoutDirectives(element, depth));
    }
  }
  return enforceOrder(merged, additions, before, key);
}

/** Where the last element with that key stands, or -1. */
function lastWith(list: readonly unknown[], key: string, id: Key): number {
  for (let i = list.length - 1; i >= 0; i--) if (keyOfElement(list[i], key) === id) return i;
  return -1;
}

function requireKey(element: unknown, key: string): Key {
  const value = keyOfElement(element, key);
  if (value === undefined) throw badRequest(`map: ${JSON.stringify(element)} does not contain declared merge key: ${key}`);
  return value;
}

/** Elements that are instructions: `$patch: delete` removes a live element, `$patch: replace` drops all live ones. */
function specialElements(
  before: readonly unknown[],
  patch: readonly unknown[],
  key: string,
): { kept: readonly unknown[]; additions: readonly JsonObject[] } {
  let kept = before;
  const additions: JsonObject[] = [];
  for (const element of patch) {
    if (!isJsonObject(element)) throw badRequest('the patch mixes scalars and objects in one list');
    const directive = element[DIRECTIVE];
    if (directive === undefined) additions.push(element);
    else if (directive === 'replace') kept = [];
    else if (directive === 'delete') {
      const gone = requireKey(element, key);
      kept = kept.filter((live) => keyOfElement(live, key) !== gone);
    } else throw badRequest(`Unknown patch type found: ${JSON.stringify(directive)}`);
  }
  return { kept, additions };
}

function setOrder(out: Draft, patch: JsonObject, name: string, order: unknown, field: FieldSchema | undefined, depth: number): void {
  if (!Array.isArray(order)) throw badRequest('invalid patch format of setElementOrder list');
  const before = out.get(name);
  const given = patch[name];
  if (given === null) {
    out.delete(name);
    return;
  }
  if (!Array.isArray(before) && !Array.isArray(given)) return;
  const live = Array.isArray(before) ? before : [];
  const merged = Array.isArray(given) && field ? (mergeValue(before, given, field, depth) as readonly unknown[]) : live;
  const key = field?.patch.key ?? null;
  out.set(name, enforceOrder(merged, order, key !== null && Array.isArray(given) ? afterDeletions(live, given, key) : live, key));
}

/** The live order as upstream has it once the patch has deleted elements: new ones have moved up into their places. */
function afterDeletions(live: readonly unknown[], patch: readonly unknown[], key: string): readonly unknown[] {
  const gone = new Set<Key | undefined>();
  for (const element of patch) if (isJsonObject(element) && element[DIRECTIVE] === 'delete') gone.add(keyOfElement(element, key));
  if (gone.size === 0) return live;
  const there = new Set(live.map((element) => keyOfElement(element, key)));
  const kept = live.filter((element) => !gone.has(keyOfElement(element, key)));
  const added = patch.filter((element) => !there.has(keyOfElement(element, key)));
  return [...kept, ...added].slice(0, live.length);
}

function deleteScalars(out: Draft, name: string, gone: unknown): void {
  const before = out.get(name);
  if (!Array.isArray(gone)) throw badRequest('invalid patch format of primitive list');
  if (Array.isArray(before))
    out.set(
      name,
      before.filter((item) => !gone.includes(item)),
    );
}

/** The value as it stands in an object: nulls and instructions taken out; the value itself where it holds none. */
function withoutDirectives(value: unknown, depth: number): unknown {
  if (depth > MAX_PATCH_DEPTH) throw badRequest('the patch is nested too deeply');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    let same = true;
    const list: unknown[] = [];
    for (const item of value as readonly unknown[]) {
      const kept = isJsonObject(item) && typeof item[DIRECTIVE] === 'string' ? undefined : withoutDirectives(item, depth + 1);
      if (kept !== item) same = false;
      if (kept !== undefined) list.push(kept);
    }
    return same ? value : list;
  }
  const object = value as JsonObject;
  let same = true;
  const out: Record<string, unknown> = {};
  for (const key in object) {
    const inner = object[key];
    if (inner === null || isInstruction(key)) {
      same = false;
      continue;
    }
    const kept = withoutDirectives(inner, depth + 1);
    if (kept !== inner) same = false;
    put(out, key, kept);
  }
  return same ? value : out;
}
