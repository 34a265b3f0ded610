// What a create, an update or a patch makes of metadata.managedFields: the writer gets the fields that it changed, all
// others lose them (structured-merge-diff merge/update.go, Update, inside apimachinery's managedfields package).

import type { ManagedFieldsEntry } from '../generated/types.ts';
import { type ApiObject, jsonEqual } from '../meta.ts';
import { Recent } from '../recent.ts';
import { type Comparison, compare } from './compare.ts';
import { difference, type FieldSet, isLeaf, LEAF, makeSet, meets, union } from './field-set.ts';
import { areValid, capped, type Entries, entryOf, inOrder, isOf, isReset, NO_ENTRIES, setOf, withSet, type Writer } from './managers.ts';
import type { Root } from './root.ts';
import type { Field, Shape } from './shape.ts';

const NO_METADATA: ApiObject['metadata'] = Object.freeze({ name: '' });

/** The new object as a client has sent it, with the entries that creating it makes. */
export function trackCreate(root: Root, object: ApiObject, writer: Writer, view: ApiObject = object): ApiObject {
  const given = object.metadata.managedFields;
  if (given !== undefined && given.length > 0 && areValid(given)) return trackUpdate(root, null, object, writer);
  const set = setOfNew(root.tracked, view);
  return withEntries(object, isLeaf(set) ? undefined : firstEntries(set, writer));
}

let lastFirst: { readonly set: FieldSet; readonly writer: Writer; readonly time: string; readonly entries: Entries } | null = null;

/** Objects that one client makes at one time share their entries. */
function firstEntries(set: FieldSet, writer: Writer): Entries {
  const time = writer.time();
  const { manager, apiVersion, subresource } = writer;
  if (lastFirst !== null && lastFirst.set === set && lastFirst.time === time) {
    const last = lastFirst.writer;
    if (last.manager === manager && last.apiVersion === apiVersion && last.subresource === subresource) return lastFirst.entries;
  }
  const entries = Object.freeze([entryOf(writer, 'Update', set, time)]);
  lastFirst = { set, writer: { manager, apiVersion, subresource, time: writer.time }, time, entries };
  return entries;
}

const specs = new Recent<{ readonly shape: Shape; readonly set: FieldSet }>();

/** As comparing with an empty object; objects made from one template share their spec, and what is known of it. */
function setOfNew(tracked: Shape, object: ApiObject): FieldSet {
  const field = tracked.form === 'map' ? tracked.fields.get('spec') : undefined;
  const { spec } = object as ApiObject & { readonly spec?: object };
  if (tracked.form !== 'map' || !field?.byValue || typeof spec !== 'object' || spec === null || !Object.isFrozen(spec)) {
    return compare(tracked, null, object).changed;
  }
  const known = specs.get(spec);
  let own: FieldSet;
  if (known?.shape === field.shape) own = known.set;
  else {
    own = compare(field.shape, null, spec).changed;
    specs.set(spec, { shape: field.shape, set: own });
  }
  const rest = compare(withoutSpec(tracked, field), null, object).changed;
  return isLeaf(own) ? rest : union(rest, makeSet([field.element], [own]));
}

const specless = new WeakMap<Shape, Shape>();

function withoutSpec(tracked: Shape & { readonly form: 'map' }, spec: Field): Shape {
  let known = specless.get(tracked);
  if (!known) {
    const fields = new Map(tracked.fields);
    fields.set('spec', { ...spec, shape: { form: 'nothing' } });
    known = { form: 'map', fields, rest: tracked.rest };
    specless.set(tracked, known);
  }
  return known;
}

const NO_OTHER_VERSION = (): null => null;

/**
 * The object that shall replace `live` (null: is to be created by an update), with its entries.
 * `between` compares the two in another version that an entry speaks of; null when the kind has no such version. `views`
 * are the two in the version of the request where that is not the stored one.
 */
export function trackUpdate(
  root: Root,
  live: ApiObject | null,
  next: ApiObject,
  writer: Writer,
  between: (apiVersion: string) => Comparison | null = NO_OTHER_VERSION,
  views: { readonly live: ApiObject; readonly next: ApiObject } | null = null,
): ApiObject {
  const had = (live ?? { metadata: NO_METADATA }).metadata.managedFields;
  const entries = entriesToStartFrom(had, next.metadata.managedFields, writer.subresource !== '');
  // What is not kept track of begins to be with the first apply.
  if (entries.length === 0 && live !== null) return withEntries(next, undefined);
  const own = compare(root.tracked, views?.live ?? live, views?.next ?? next);
  const after = updated(entries, own, writer, between);
  return withEntries(next, after.length === 0 ? undefined : after);
}

/** Those of the object, or those that the client has put in their place. */
function entriesToStartFrom(had: Entries | undefined, given: Entries | undefined, subresource: boolean): Entries {
  const own = had ?? NO_ENTRIES;
  if (subresource || given === undefined || given === had) return own;
  if (isReset(given)) return NO_ENTRIES;
  if (!areValid(given)) return own;
  return jsonEqual(given, own) ? own : given;
}

/** The entries after a change by the writer; the same ones when nothing is different. */
export function updated(
  entries: Entries,
  own: Comparison,
  writer: Writer,
  between: (apiVersion: string) => Comparison | null,
): Entries {
  if (isLeaf(own.changed) && isLeaf(own.removed)) return entries;
  const out: ManagedFieldsEntry[] = [];
  let same = true;
  let found = false;
  for (const entry of entries) {
    const there = entry.apiVersion === writer.apiVersion ? own : (between(entry.apiVersion ?? '') ?? own);
    const set = setOf(entry);
    let next: ManagedFieldsEntry | null = entry;
    if (!found && isOf(entry, writer, 'Update')) {
      found = true;
      const left = difference(set, own.removed);
      if (!isLeaf(own.changed)) next = withSet(entry, union(left, own.changed), writer.time());
      else if (left !== set) next = isLeaf(left) ? null : withSet(entry, left);
    } else {
      const left = lost(set, there);
      if (left !== set) next = isLeaf(left) ? null : withSet(entry, left);
    }
    if (next !== entry) same = false;
    if (next !== null) out.push(next);
  }
  if (!found && !isLeaf(own.changed)) {
    same = false;
    out.push(entryOf(writer, 'Update', own.changed, writer.time()));
  }
  return same ? entries : inOrder(capped(out));
}

/** What is left of a manager's fields when somebody else has made that change. */
export function lost(set: FieldSet, { changed, removed }: Comparison): FieldSet {
  let left = set;
  if (changed !== LEAF && meets(left, changed)) left = difference(left, changed);
  if (removed !== LEAF) left = difference(left, removed);
  return left;
}

/** The object with these entries; the object itself when it has them. */
export function withEntries(object: ApiObject, entries: Entries | undefined): ApiObject {
  if (object.metadata.managedFields === entries) return object;
  if (entries !== undefined) return { ...object, metadata: { ...object.metadata, managedFields: entries } };
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** The times of the entries as they were, when nothing else of the object is different: such a write writes nothing. */
export function withOldTimes(object: ApiObject, old: ApiObject): ApiObject {
  const now = object.metadata.managedFields;
  const then = old.metadata.managedFields;
  if (now === then || now === undefined || then === undefined || now.length !== then.length) return object;
  if (!sameApartFromEntries(object, old)) return object;
  for (let i = 0; i < now.length; i++) {
    const [a, b] = [now[i] as ManagedFieldsEntry, then[i] as ManagedFieldsEntry];
    if (a === b) continue;
    if (a.manager !== b.manager || a.operation !== b.operation || a.apiVersion !== b.apiVersion) return object;
    if (a.subresource !== b.subresource || !jsonEqual(a.fieldsV1, b.fieldsV1)) return object;
  }
  return withEntries(object, then);
}

type Plain = Readonly<Record<string, unknown>>;

function sameApartFromEntries(a: ApiObject, b: ApiObject): boolean {
  const [now, then] = [a as unknown as Plain, b as unknown as Plain];
  for (const key in now) if (key !== 'metadata' && !jsonEqual(now[key], then[key])) return false;
  for (const key in then) if (then[key] !== undefined && now[key] === undefined) return false;
  const [mine, theirs] = [a.metadata as unknown as Plain, b.metadata as unknown as Plain];
  const isOther = (key: string): boolean => key !== 'managedFields' && key !== 'resourceVersion';
  for (const key in mine) if (isOther(key) && !jsonEqual(mine[key], theirs[key])) return false;
  for (const key in theirs) if (isOther(key) && theirs[key] !== undefined && mine[key] === undefined) return false;
  return true;
}
