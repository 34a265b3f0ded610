// What structured-merge-diff does with typed values: checks what is applied, merges it into what is there, lists the fields
// that it names, and takes fields out (typed/validate.go, merge.go, tofieldset.go, remove.go).

import { elementOf, elementsOf, isMap, resolve } from './compare.ts';
import { type FieldSet, isLeaf, isMember, LEAF, makeSet, SELF } from './field-set.ts';
import { fieldElement, showElement } from './path-element.ts';
import type { Scalar, Shape } from './shape.ts';

type Plain = Readonly<Record<string, unknown>>;
type ListShape = Shape & { readonly form: 'keyed' | 'set' };

/** What is wrong with a value, one line for each; empty when it fits the shape. */
export function misfits(shape: Shape, value: unknown): readonly string[] {
  const out: string[] = [];
  check(shape, value, '', out);
  return out;
}

function check(given: Shape, value: unknown, path: string, out: string[]): void {
  const say = (what: string): void => void out.push(path === '' ? what : `${path}: ${what}`);
  if (value === null || value === undefined || given.form === 'deduced' || given.form === 'nothing') return;
  switch (given.form) {
    case 'map':
      return isMap(value) ? checkMap(given, value, path, out) : say(`expected map, got ${show(value)}`);
    case 'set':
    case 'keyed':
      return Array.isArray(value) ? checkItems(given, value, path, out) : say(`expected list, got ${show(value)}`);
    case 'leaf': {
      const { content } = given;
      if (content === null) return;
      if (content.kind === 'map') return check(content.shape, value, path, out);
      if (content.kind === 'list') {
        if (!Array.isArray(value)) return say(`expected list, got ${show(value)}`);
        value.forEach((item, i) => check(content.element, item, `${path}[${i}]`, out));
        return;
      }
      const wrong = content.scalar === 'any' ? '' : wrongScalar(content.scalar, value);
      if (wrong !== '') say(wrong);
    }
  }
}

function checkMap(shape: Shape & { readonly form: 'map' }, value: Plain, path: string, out: string[]): void {
  for (const name of Object.keys(value)) {
    const below = shape.fields.get(name)?.shape ?? shape.rest;
    if (below === null) {
      out.push(`${path}.${name}: field not declared in schema`);
      return;
    }
    check(below, value[name], `${path}.${name}`, out);
  }
}

function checkItems(shape: ListShape, list: readonly unknown[], path: string, out: string[]): void {
  const say = (what: string): void => void out.push(path === '' ? what : `${path}: ${what}`);
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    const wrong = wrongItem(shape, item);
    if (wrong !== '') return say(`element ${i}: ${wrong}`);
    const element = elementOf(shape, item);
    if (seen.has(element)) say(`duplicate entries for key ${showElement(element)}`);
    seen.add(element);
    if (shape.form === 'keyed') check(shape.element, item, path + showElement(element), out);
    else if (wrongScalar(shape.scalar, item) !== '') out.push(`${path}${showElement(element)}: ${wrongScalar(shape.scalar, item)}`);
  }
}

function wrongItem(shape: ListShape, item: unknown): string {
  if (shape.form === 'set') {
    if (item === null) return "associative list without keys has an element that's an explicit null";
    if (Array.isArray(item)) return 'not supported: associative list with lists as elements';
    return isMap(item) ? "associative list without keys has an element that's a map type" : '';
  }
  if (item === null) return 'associative list with keys may not have a null element';
  if (!isMap(item)) return 'associative list with keys may not have non-map elements';
  if (shape.keys.some((key, i) => item[key] !== undefined || shape.defaults[i] !== undefined)) return '';
  const keys = shape.keys.map((key) => JSON.stringify(key)).join(' ');
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

function wrongScalar(scalar: Scalar, value: unknown): string {
  if (value === null) return '';
  switch (scalar) {
    case 'numeric':
      return typeof value === 'number' ? '' : `expected numeric (int or float), got ${goType(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? '' : `expected boolean, got ${show(value)}`;
    case 'string':
      return typeof value === 'string' ? '' : `expected string, got &value.valueUnstructured{Value:${show(value)}}`;
    case 'untyped':
      return typeof value === 'object' ? `expected any scalar, got ${show(value)}` : '';
  }
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'map[string]interface {}';
}

const show = (value: unknown): string => `&{${typeof value === 'string' ? value : JSON.stringify(value)}}`;

/** What is there with what is applied put over it. */
export function merge(given: Shape, left: unknown, right: unknown): unknown {
  if (right === undefined) return left;
  if (left === undefined && given.form !== 'keyed') return right;
  const shape = resolve(given, right);
  if (shape.form === 'map' && (isMap(left) || left === undefined) && (isMap(right) || right === null)) {
    return mergeMaps(shape, (left ?? {}) as Plain, right ?? {});
  }
  if ((shape.form === 'keyed' || shape.form === 'set') && (Array.isArray(left) || left === undefined) && (Array.isArray(right) || right === null)) {
    return mergeLists(shape, (left ?? []) as readonly unknown[], (right ?? []) as readonly unknown[]);
  }
  return right;
}

function mergeMaps(shape: Shape & { readonly form: 'map' }, left: Plain, right: Plain): Plain {
  let out: Record<string, unknown> | null = null;
  for (const name of Object.keys(right)) {
    const below = shape.fields.get(name)?.shape ?? shape.rest;
    const own = Object.hasOwn(left, name) ? left[name] : undefined;
    const both = below === null ? right[name] : merge(below, own, right[name]);
    if (both === own) continue;
    out ??= { ...left };
    Object.defineProperty(out, name, { value: both, enumerable: true, configurable: true, writable: true });
  }
  return out ?? left;
}

/** The order of what is applied, with what only is there where it was. */
function mergeLists(shape: ListShape, left: readonly unknown[], right: readonly unknown[]): readonly unknown[] {
  if (right.length === 0) return left;
  const ours = left.map((item) => elementOf(shape, item));
  const theirs = right.map((item) => elementOf(shape, item));
  const known = elementsOf(shape, left);
  const wanted = new Set(theirs);
  const shared = theirs.filter((element) => known.has(element));
  const merged = new Set<string>();
  const out: unknown[] = [];
  const take = (at: number): void => {
    const element = theirs[at] as string;
    const items = known.get(element);
    merged.add(element);
    out.push(shape.form === 'set' || items === undefined || items.length > 1 ? right[at] : merge(shape.element, items[0], right[at]));
  };
  let next = 0;
  for (let l = 0, r = 0; l < ours.length || r < theirs.length; ) {
    const own = ours[l];
    if (own !== undefined && r < theirs.length) {
      if (own === theirs[r]) {
        take(r);
        l++;
        r++;
        next++;
        continue;
      }
      if (wanted.has(own) && next < shared.length && shared[next] !== own) {
        l++;
        continue;
      }
    }
    if (own !== undefined) {
      if (!wanted.has(own)) {
        out.push(left[l]);
        l++;
        continue;
      }
      if (merged.has(own)) l++;
    }
    if (r < theirs.length) {
      const element = theirs[r] as string;
      take(r);
      r++;
      if (shared[next] === element) next++;
    }
  }
  return out;
}

/** The fields that a value names: leaves, items and keys of maps. */
export function fieldsIn(given: Shape, value: unknown): FieldSet {
  const shape = resolve(given, value);
  const keys: string[] = [];
  const values: FieldSet[] = [];
  if (shape.form === 'map' && isMap(value)) {
    for (const name of Object.keys(value)) {
      const field = shape.fields.get(name);
      const below = field?.shape ?? shape.rest;
      const part = value[name];
      if (below === null || below.form === 'nothing' || part === undefined) continue;
      const set = fieldsIn(below, part);
      const isEnd = isEndPoint(below, part);
      if (!isEnd && isLeaf(set)) continue;
      keys.push(fieldElement(name));
      values.push(isLeaf(set) || (field !== undefined && !isEnd) ? set : withSelf(set));
    }
  } else if ((shape.form === 'keyed' || shape.form === 'set') && Array.isArray(value)) {
    for (const [element, items] of elementsOf(shape, value)) {
      keys.push(element);
      values.push(shape.form === 'set' || items.length > 1 ? LEAF : withSelf(fieldsIn(shape.element, items[0])));
    }
  }
  return keys.length === 0 ? LEAF : makeSet(keys, values);
}

/** Whether the path to the value itself counts. */
function isEndPoint(given: Shape, value: unknown): boolean {
  const shape = resolve(given, value);
  if (value === null || shape.form === 'leaf') return true;
  if (isMap(value)) return Object.keys(value).length === 0;
  return !Array.isArray(value);
}

export function withSelf(set: FieldSet): FieldSet {
  if (isLeaf(set) || set[SELF] !== undefined) return set;
  return makeSet([SELF, ...Object.keys(set)], [LEAF, ...Object.values(set)]);
}

/** The set with every named field above a member as a member, too; maps and lists' items excepted. */
export function withNamedFields(given: Shape | null, set: FieldSet): FieldSet {
  if (isLeaf(set)) return set;
  const keys: string[] = [];
  const values: FieldSet[] = [];
  for (const element of Object.keys(set)) {
    const node = set[element] as FieldSet;
    const field = given?.form === 'map' && element.startsWith('f:') ? given.fields.get(element.slice(2)) : undefined;
    const below = field?.shape ?? (given?.form === 'map' ? given.rest : given?.form === 'keyed' ? given.element : given?.form === 'deduced' ? given : null);
    const inner = withNamedFields(below, node);
    keys.push(element);
    values.push(field === undefined ? inner : withSelf(inner));
  }
  return makeSet(keys, values);
}

/** The value without the fields of the set; undefined when nothing is left of a map or list. */
export function removeFields(given: Shape, value: unknown, set: FieldSet): unknown {
  const shape = resolve(given, value);
  if (shape.form === 'map' && isMap(value)) {
    const out: Record<string, unknown> = {};
    let left = false;
    for (const name of Object.keys(value)) {
      const field = shape.fields.get(name);
      const node = set[field?.element ?? fieldElement(name)];
      const part = node === undefined ? value[name] : isMember(node) ? undefined : removeFields(field?.shape ?? shape.rest ?? given, value[name], node);
      if (part === undefined) continue;
      Object.defineProperty(out, name, { value: part, enumerable: true, configurable: true, writable: true });
      left = true;
    }
    return left ? out : undefined;
  }
  if ((shape.form === 'keyed' || shape.form === 'set') && Array.isArray(value)) {
    const out: unknown[] = [];
    for (const item of value) {
      const node = set[elementOf(shape, item)];
      if (node === undefined) out.push(item);
      else if (!isMember(node)) out.push(shape.form === 'set' ? item : removeFields(shape.element, item, node));
    }
    return out.length === 0 ? undefined : out;
  }
  return shape.form === 'leaf' && shape.content?.kind !== 'list' && shape.content?.kind !== 'map' ? value : undefined;
}
