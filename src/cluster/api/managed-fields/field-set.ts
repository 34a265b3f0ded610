// Sets of field paths in the very form in which managedFields hold them (`fieldsV1`): a tree of path elements, `{}` for a
// member, `.` for a member that has members below it (structured-merge-diff fieldpath/set.go). Sets are frozen, in order,
// and equal ones are mostly one object: most objects of a kind have the same fields, so their sets cost nothing.

import { compareElements } from './path-element.ts';

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A member without members below it; as a whole set: nothing. */
export const LEAF: FieldSet = Object.freeze({});
export const SELF = '.';

export function isLeaf(set: FieldSet): boolean {
  if (set === LEAF) return true;
  for (const _ in set) return false;
  return true;
}

/** Whether the path to this node is a member itself. */
export const isMember = (node: FieldSet): boolean => node[SELF] !== undefined || isLeaf(node);

interface Known {
  readonly set: FieldSet;
  readonly keys: readonly string[];
  readonly values: readonly FieldSet[];
}

const SAME_END = 8;
const ENDS = 4_096;
let byLastKey = new Map<string, Known[]>();
/** The sets in that table: what consists of others is unlikely to occur twice. */
let shared = new Set<FieldSet>([LEAF]);
let replaced = 0;

/** The set with these elements, in any order, which it takes over. Not empty. */
export function makeSet(keys: string[], values: FieldSet[]): FieldSet {
  const last = keys[keys.length - 1] as string;
  // Addresses of Pods are unlike each other.
  if (last.startsWith('k:{"ip"')) return uniqueSet(keys, values);
  const candidates = byLastKey.get(last);
  if (candidates) {
    for (let i = 0; i < candidates.length; i++) {
      const known = candidates[i] as Known;
      if (isSame(known, keys, values)) return known.set;
    }
  }
  for (const value of values) if (value !== LEAF && !shared.has(value)) return orderedSet(keys, values);
  return remember(last, candidates, keys, values);
}

/** Whether equal sets are this one object. */
export const isShared = (set: FieldSet): boolean => shared.has(set);

/** A set unlike any other: as a table of its own, as the engine would else remember its form for ever. */
function uniqueSet(keys: readonly string[], values: readonly FieldSet[]): FieldSet {
  const set = Object.setPrototypeOf(Object.create(null), Object.prototype) as Record<string, FieldSet>;
  const order = keys.length > 2 ? [...keys].sort(compareElements) : keys;
  for (const key of order) set[key] = values[keys.indexOf(key)] as FieldSet;
  return Object.freeze(set);
}

/** As makeSet, when there is no such set yet. Sorts the lists in place: there are few elements, mostly in order. */
function orderedSet(keys: string[], values: FieldSet[]): FieldSet {
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    let at = i;
    while (at > 0 && compareElements(keys[at - 1] as string, key) > 0) at--;
    if (at === i) continue;
    const value = values[i] as FieldSet;
    keys.copyWithin(at + 1, at, i);
    values.copyWithin(at + 1, at, i);
    keys[at] = key;
    values[at] = value;
  }
  return plainSet(keys, values);
}

function isSame(known: Known, keys: readonly string[], values: readonly FieldSet[]): boolean {
  if (known.keys.length !== keys.length) return false;
  for (let i = 0; i < keys.length; i++) if (known.keys[i] !== keys[i] || known.values[i] !== values[i]) return false;
  return true;
}

function remember(last: string, candidates: Known[] | undefined, keys: string[], values: FieldSet[]): FieldSet {
  const set = canonical(orderedSet(keys.slice(), values.slice()));
  if (byLastKey.size >= ENDS) {
    byLastKey = new Map();
    shared = new Set([LEAF]);
    return set;
  }
  shared.add(set);
  const known = { set, keys, values };
  if (!candidates) byLastKey.set(last, [known]);
  else if (candidates.length < SAME_END) candidates.push(known);
  else candidates[replaced++ % SAME_END] = known;
  return set;
}

/** The set that is remembered for the same elements in order, so that the order in which they came makes no difference. */
function canonical(set: FieldSet): FieldSet {
  const keys = Object.keys(set);
  const same = byLastKey.get(keys[keys.length - 1] as string)?.find(
    (known) => known.keys.length === keys.length && keys.every((key) => known.set[key] === set[key]),
  );
  return same ? same.set : set;
}

function plainSet(keys: readonly string[], values: readonly FieldSet[]): FieldSet {
  const set: Record<string, FieldSet> = {};
  for (let i = 0; i < keys.length; i++) set[keys[i] as string] = values[i] as FieldSet;
  return Object.freeze(set);
}

/** As makeSet; null for none, and LEAF where only the node itself is a member. */
function nodeOf(keys: string[], values: FieldSet[]): FieldSet | null {
  if (keys.length === 0) return null;
  return keys.length === 1 && keys[0] === SELF ? LEAF : makeSet(keys, values);
}

/** Everything in `a` or `b`; `a` itself when it has all of `b`. Both are whole sets or nodes that are no leaves. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isLeaf(b)) return a;
  if (isLeaf(a)) return b;
  let keys: string[] | null = null;
  let values: FieldSet[] | null = null;
  for (const key in b) {
    const other = b[key] as FieldSet;
    const own = a[key];
    const both = own === undefined ? other : unionNodes(own, other);
    if (both === own) continue;
    if (keys === null || values === null) {
      keys = Object.keys(a);
      values = keys.map((k) => a[k] as FieldSet);
    }
    const at = own === undefined ? -1 : keys.indexOf(key);
    if (at >= 0) values[at] = both;
    else {
      keys.push(key);
      values.push(both);
    }
  }
  return keys === null || values === null ? a : makeSet(keys, values);
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isLeaf(a)) return isLeaf(b) ? a : b[SELF] === undefined ? withSelf(b) : b;
  if (isLeaf(b)) return a[SELF] === undefined ? withSelf(a) : a;
  return union(a, b);
}

function withSelf(node: FieldSet): FieldSet {
  const keys = Object.keys(node);
  return makeSet(
    [SELF, ...keys],
    [LEAF, ...keys.map((k) => node[k] as FieldSet)],
  );
}

/** What is in `a` but not in `b`, path by path; `a` itself when nothing is. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isLeaf(a) || isLeaf(b) ? a : (without(a, b) ?? LEAF);
}

function without(a: FieldSet, b: FieldSet): FieldSet | null {
  let touched = false;
  for (const key in b) if (a[key] !== undefined) touched = true;
  if (!touched) return a;
  const keys: string[] = [];
  const values: FieldSet[] = [];
  let changed = false;
  for (const key in a) {
    const own = a[key] as FieldSet;
    const other = b[key];
    const left = other === undefined ? own : nodeWithout(own, other);
    if (left !== own) changed = true;
    if (left === null) continue;
    keys.push(key);
    values.push(left);
  }
  return changed ? nodeOf(keys, values) : a;
}

function nodeWithout(a: FieldSet, b: FieldSet): FieldSet | null {
  if (isLeaf(a)) return isMember(b) ? null : a;
  if (!isLeaf(b)) return without(a, b);
  return a[SELF] === undefined ? a : without(a, ONLY_SELF);
}

const ONLY_SELF: FieldSet = Object.freeze({ [SELF]: LEAF });

/** What is in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (isLeaf(a) || isLeaf(b)) return LEAF;
  return common(a, b) ?? LEAF;
}

function common(a: FieldSet, b: FieldSet): FieldSet | null {
  const keys: string[] = [];
  const values: FieldSet[] = [];
  for (const key in a) {
    const other = b[key];
    if (other === undefined) continue;
    const own = a[key] as FieldSet;
    const both = isLeaf(own) ? (isMember(other) ? LEAF : null) : isLeaf(other) ? (isMember(own) ? LEAF : null) : common(own, other);
    if (both === null) continue;
    keys.push(key);
    values.push(both);
  }
  return nodeOf(keys, values);
}

/** Whether the two have a path in common. */
export function meets(a: FieldSet, b: FieldSet): boolean {
  for (const key in b) {
    const own = a[key];
    if (own === undefined) continue;
    const other = b[key] as FieldSet;
    if (isLeaf(own) || isLeaf(other) ? isMember(own) && isMember(other) : meets(own, other)) return true;
  }
  return false;
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  for (const key in a) {
    const other = b[key];
    if (other === undefined || !sameSet(a[key] as FieldSet, other)) return false;
  }
  for (const key in b) if (a[key] === undefined) return false;
  return true;
}

/** Calls `visit` for every member, members of a node before those below it. */
export function eachPath(set: FieldSet, visit: (path: readonly string[]) => void): void {
  const path: string[] = [];
  const walk = (node: FieldSet): void => {
    for (const key in node) {
      if (key === SELF || !isMember(node[key] as FieldSet)) continue;
      path.push(key);
      visit(path);
      path.pop();
    }
    for (const key in node) {
      if (key === SELF || isLeaf(node[key] as FieldSet)) continue;
      path.push(key);
      walk(node[key] as FieldSet);
      path.pop();
    }
  };
  walk(set);
}

/** Whether a value that a client has sent can be a set. */
export function isFieldSet(value: unknown): value is FieldSet {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const key in value) {
    if (key !== SELF && !/^[fkvi]:/.test(key)) return false;
    if (!isFieldSet((value as Readonly<Record<string, unknown>>)[key])) return false;
  }
  return true;
}
