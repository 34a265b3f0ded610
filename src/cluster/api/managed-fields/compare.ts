// Which fields two states of an object differ in (structured-merge-diff typed/compare.go). Parts that are one and the same
// object are not looked at, so the cost is that of the change.

import { jsonEqual } from '../meta.ts';
import { type FieldSet, isShared, LEAF, makeSet, SELF } from './field-set.ts';
import { fieldElement, keyElement, valueElement } from './path-element.ts';
import { ANY, DEDUCED_MAP, type Field, type Shape } from './shape.ts';

export interface Comparison {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

type Plain = Readonly<Record<string, unknown>>;
type MapShape = Shape & { readonly form: 'map' };
type ListShape = Shape & { readonly form: 'keyed' | 'set' };

const NOTHING_THERE: Plain = Object.freeze({});
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

/** What the last call of `diff` found besides what it returned. */
let gone: FieldSet | null = null;

/** The difference between two objects of that shape; `before` null stands for a new, empty object. */
export function compare(shape: Shape, before: object | null, after: object): Comparison {
  const changed = diff(shape, before ?? NOTHING_THERE, after);
  return { changed: changed ?? LEAF, removed: gone ?? LEAF };
}

/** The shape that a value of unknown type has. */
export function resolve(shape: Shape, value: unknown): Shape {
  if (shape.form !== 'deduced') return shape;
  return isMap(value) ? DEDUCED_MAP : ANY;
}

export const isMap = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Changed fields below a node that is there before and after; null when there are none. `gone` is set. */
function diff(given: Shape, before: unknown, after: unknown): FieldSet | null {
  gone = null;
  if (before === after || given.form === 'nothing') return null;
  if (given.form === 'leaf') return jsonEqual(before, after) ? null : LEAF;
  const shape = given.form === 'deduced' && isMap(before) ? resolve(given, after) : resolve(given, before);
  if (shape.form === 'map' && isMap(before) && isMap(after)) return diffMap(shape, before, after);
  if ((shape.form === 'keyed' || shape.form === 'set') && Array.isArray(before) && Array.isArray(after)) {
    return diffList(shape, before, after);
  }
  return jsonEqual(before, after) ? null : LEAF;
}

function diffMap(shape: MapShape, before: Plain, after: Plain): FieldSet | null {
  let keys: string[] | null = null;
  let values: FieldSet[] = [];
  let goneKeys: string[] | null = null;
  let goneValues: FieldSet[] = [];
  for (const name in after) {
    const now = after[name];
    let old = before[name];
    if (now === old) continue;
    const field = shape.fields.get(name);
    const below = field === undefined ? shape.rest : field.shape;
    if (below === null || below.form === 'nothing' || isAbsent(field, now)) continue;
    if (isAbsent(field, old)) {
      if (field?.byValue !== true) {
        if (keys === null) [keys, values] = [[], []];
        keys.push(field === undefined ? fieldElement(name) : field.element);
        values.push(whole(below, now));
        continue;
      }
      old = below.form === 'map' ? NOTHING_THERE : NO_ITEMS;
    }
    const part = diff(below, old, now);
    if (gone !== null) {
      if (goneKeys === null) [goneKeys, goneValues] = [[], []];
      goneKeys.push(field === undefined ? fieldElement(name) : field.element);
      goneValues.push(gone);
    }
    if (part === null) continue;
    if (keys === null) [keys, values] = [[], []];
    keys.push(field === undefined ? fieldElement(name) : field.element);
    values.push(part);
  }
  for (const name in before) {
    const now = after[name];
    if (now !== undefined && (typeof now !== 'object' || now === before[name])) continue;
    const field = shape.fields.get(name);
    if (!isAbsent(field, now) || isAbsent(field, before[name])) continue;
    const below = field === undefined ? shape.rest : field.shape;
    if (below === null || below.form === 'nothing') continue;
    if (goneKeys === null) [goneKeys, goneValues] = [[], []];
    goneKeys.push(field === undefined ? fieldElement(name) : field.element);
    goneValues.push(whole(below, before[name]));
  }
  gone = goneKeys === null ? null : makeSet(goneKeys, goneValues);
  return keys === null ? null : makeSet(keys, values);
}

/** Undefined, or what Go does not write. */
function isAbsent(field: Field | undefined, value: unknown): boolean {
  if (value === undefined) return true;
  if (field?.omitEmpty !== true || typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length === 0;
  for (const _ in value) return false;
  return true;
}

/** All fields of a value that is there on one side only, the value itself included. */
export function whole(given: Shape, value: unknown): FieldSet {
  if (given.form === 'leaf') return LEAF;
  const shape = resolve(given, value);
  if (shape.form === 'map' && isMap(value)) return wholeMap(shape, value);
  if ((shape.form === 'keyed' || shape.form === 'set') && Array.isArray(value) && value.length > 0) {
    const keys = [SELF];
    const values = [LEAF];
    const few = fewElements(shape, value);
    if (few !== null) {
      for (let i = 0; i < few.length; i++) {
        keys.push(few[i] as string);
        values.push(shape.form === 'set' ? LEAF : whole(shape.element, value[i]));
      }
      return makeSet(keys, values);
    }
    for (const [element, items] of elementsOf(shape, value)) {
      keys.push(element);
      values.push(shape.form === 'set' || items.length > 1 ? LEAF : whole(shape.element, items[0]));
    }
    return makeSet(keys, values);
  }
  return LEAF;
}

/** The set of a struct whose fields stood in that order; most objects of a type are written by one client in one way. */
interface Seen {
  readonly names: readonly string[];
  /** What stands below each, null where it is replaced as one. */
  readonly below: readonly (Shape | null)[];
  readonly parts: readonly FieldSet[];
  readonly set: FieldSet;
}

const SEEN = 6;
const seenOf = new WeakMap<Shape, Seen[]>();
let replaced = 0;

function fits(seen: Seen, value: Plain): boolean {
  let at = 0;
  for (const name in value) {
    if (name !== seen.names[at]) return false;
    const below = seen.below[at] as Shape | null;
    if (below === null) {
      if (value[name] === undefined) return false;
    } else if (isAbsentPart(value[name]) || whole(below, value[name]) !== seen.parts[at]) return false;
    at++;
  }
  return at === seen.names.length;
}

function isAbsentPart(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function wholeMap(shape: MapShape, value: Plain): FieldSet {
  if (shape.rest !== null) return wholeFields(shape, value, null);
  let seen = seenOf.get(shape);
  if (seen) for (let i = 0; i < seen.length; i++) if (fits(seen[i] as Seen, value)) return (seen[i] as Seen).set;
  if (!seen) seenOf.set(shape, (seen = []));
  return wholeFields(shape, value, seen);
}

function wholeFields(shape: MapShape, value: Plain, seen: Seen[] | null): FieldSet {
  const keys: string[] = [SELF];
  const values: FieldSet[] = [LEAF];
  const names: string[] = [];
  const below: (Shape | null)[] = [];
  const parts: FieldSet[] = [];
  let usual = seen !== null;
  for (const name in value) {
    const field = shape.fields.get(name);
    const inner = field === undefined ? shape.rest : field.shape;
    if (inner === null || inner.form === 'nothing' || isAbsent(field, value[name])) {
      usual = false;
      continue;
    }
    const part = whole(inner, value[name]);
    keys.push(field === undefined ? fieldElement(name) : field.element);
    values.push(part);
    if (!usual) continue;
    names.push(name);
    below.push(inner.form === 'leaf' && field?.omitEmpty !== true ? null : inner);
    parts.push(part);
    if (field?.omitEmpty === true && inner.form === 'map') usual = isMap(value[name]);
  }
  for (const element of shape.nulls ?? NO_NULLS) {
    if (value[element.slice(2)] !== undefined) continue;
    keys.push(element);
    values.push(LEAF);
  }
  if (keys.length === 1) return LEAF;
  const set = makeSet(keys, values);
  if (usual && seen !== null && isShared(set)) {
    const entry = { names, below, parts, set };
    if (seen.length < SEEN) seen.push(entry);
    else seen[replaced++ % SEEN] = entry;
  }
  return set;
}

const NO_NULLS: readonly string[] = [];

function diffList(shape: ListShape, before: readonly unknown[], after: readonly unknown[]): FieldSet | null {
  gone = null;
  if (before.length === 0 && after.length === 0) return null;
  const old = fewElements(shape, before);
  const now = old === null ? null : fewElements(shape, after);
  return old === null || now === null ? diffManyItems(shape, before, after) : diffItems(shape, before, after, old, now);
}

const FEW = 16;

/** The elements of a short list without duplicates; null for others. */
function fewElements(shape: ListShape, list: readonly unknown[]): readonly string[] | null {
  if (list.length > FEW) return null;
  const found: string[] = [];
  for (let i = 0; i < list.length; i++) {
    const element = elementOf(shape, list[i]);
    for (let j = 0; j < i; j++) if (found[j] === element) return null;
    found.push(element);
  }
  return found;
}

function diffItems(
  shape: ListShape,
  before: readonly unknown[],
  after: readonly unknown[],
  old: readonly string[],
  now: readonly string[],
): FieldSet | null {
  const keys: string[] = [];
  const values: FieldSet[] = [];
  const goneKeys: string[] = [];
  const goneValues: FieldSet[] = [];
  for (let i = 0; i < now.length; i++) {
    const element = now[i] as string;
    const at = old[i] === element ? i : old.indexOf(element);
    if (at < 0) {
      keys.push(element);
      values.push(shape.form === 'set' ? LEAF : whole(shape.element, after[i]));
      continue;
    }
    if (shape.form === 'set' || before[at] === after[i]) continue;
    const part = diff(shape.element, before[at], after[i]);
    if (gone !== null) {
      goneKeys.push(element);
      goneValues.push(gone);
    }
    if (part === null) continue;
    keys.push(element);
    values.push(part);
  }
  for (let i = 0; i < old.length; i++) {
    const element = old[i] as string;
    if (now[i] === element || now.includes(element)) continue;
    goneKeys.push(element);
    goneValues.push(shape.form === 'set' ? LEAF : whole(shape.element, before[i]));
  }
  gone = goneKeys.length === 0 ? null : makeSet(goneKeys, goneValues);
  return keys.length === 0 ? null : makeSet(keys, values);
}

/** Long lists, and such as hold an element twice. */
function diffManyItems(shape: ListShape, before: readonly unknown[], after: readonly unknown[]): FieldSet | null {
  const keys: string[] = [];
  const values: FieldSet[] = [];
  const goneKeys: string[] = [];
  const goneValues: FieldSet[] = [];
  const old = elementsOf(shape, before);
  const now = elementsOf(shape, after);
  for (const [element, items] of now) {
    const were = old.get(element);
    if (were !== undefined && were.length === 1 && items.length === 1) {
      if (shape.form === 'set') continue;
      const part = diff(shape.element, were[0], items[0]);
      if (gone !== null) {
        goneKeys.push(element);
        goneValues.push(gone);
      }
      if (part === null) continue;
      keys.push(element);
      values.push(part);
    } else if (were !== undefined && were.length > 1 && items.length > 1) {
      if (jsonEqual(were, items)) continue;
      keys.push(element);
      values.push(LEAF);
    } else {
      keys.push(element);
      values.push(shape.form === 'set' || items.length > 1 ? LEAF : whole(shape.element, items[0]));
      if (were === undefined) continue;
      goneKeys.push(element);
      goneValues.push(LEAF);
    }
  }
  for (const [element, items] of old) {
    if (now.has(element)) continue;
    goneKeys.push(element);
    goneValues.push(shape.form === 'set' || items.length > 1 ? LEAF : whole(shape.element, items[0]));
  }
  gone = goneKeys.length === 0 ? null : makeSet(goneKeys, goneValues);
  return keys.length === 0 ? null : makeSet(keys, values);
}

/** The items of a list by what identifies them, in their order. */
export function elementsOf(shape: ListShape, list: readonly unknown[]): ReadonlyMap<string, readonly unknown[]> {
  const found = new Map<string, unknown[]>();
  for (const item of list) {
    const element = elementOf(shape, item);
    const items = found.get(element);
    if (items) items.push(item);
    else found.set(element, [item]);
  }
  return found;
}

const oneKey = new Map<string, Map<string, string>>();
const MANY = 1_024;

/** What identifies an item of a list that is merged. */
export function elementOf(shape: ListShape, item: unknown): string {
  if (shape.form === 'set') return valueElement(item);
  const { keys, defaults } = shape;
  const object = isMap(item) ? item : NOTHING_THERE;
  const first = object[keys[0] as string];
  if (keys.length > 1 || typeof first !== 'string')
    return keyElement(
      keys,
      keys.map((key, i) => object[key] ?? defaults[i]),
    );
  const name = keys[0] as string;
  let known = oneKey.get(name);
  if (!known) oneKey.set(name, (known = new Map()));
  let element = known.get(first);
  if (element === undefined) {
    if (known.size >= MANY) known.clear();
    element = keyElement(keys, [first]);
    known.set(first, element);
  }
  return element;
}
