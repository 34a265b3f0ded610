// Who manages which fields: the entries of metadata.managedFields. An entry is known by manager, operation, version and
// subresource (apimachinery/pkg/util/managedfields/internal: managedfields.go, capmanagers.go).

import type { ManagedFieldsEntry } from '../generated/types.ts';
import { type FieldSet, isFieldSet, LEAF, union } from './field-set.ts';

export type Entries = readonly ManagedFieldsEntry[];
export type Operation = 'Apply' | 'Update';

/** Who writes now. */
export interface Writer {
  readonly manager: string;
  /** In which version of the kind it is written. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** As metav1.Time; asked for only where something is written. */
  readonly time: () => string;
}

/** More managers that do not apply are put together as one. */
const MAX_UPDATERS = 10;
const ANCIENT = 'ancient-changes';

export const NO_ENTRIES: Entries = Object.freeze([]);

export const setOf = (entry: ManagedFieldsEntry): FieldSet => (entry.fieldsV1 as FieldSet | undefined) ?? LEAF;

export function entryOf(
  { manager, apiVersion, subresource }: Pick<Writer, 'manager' | 'apiVersion' | 'subresource'>,
  operation: Operation,
  set: FieldSet,
  time: string | undefined,
): ManagedFieldsEntry {
  const name = manager === '' ? 'unknown' : manager;
  const entry =
    time === undefined
      ? { manager: name, operation, apiVersion, fieldsType: 'FieldsV1', fieldsV1: set }
      : { manager: name, operation, apiVersion, time, fieldsType: 'FieldsV1', fieldsV1: set };
  return Object.freeze(subresource === '' ? entry : { ...entry, subresource });
}

/** The entry with other fields, and another time when one is given. */
export function withSet(entry: ManagedFieldsEntry, set: FieldSet, time?: string): ManagedFieldsEntry {
  const { manager = '', apiVersion = '', subresource = '', operation } = entry;
  return entryOf({ manager, apiVersion, subresource }, operation as Operation, set, time ?? entry.time);
}

/** Whether the entry is that of the writer for such operations; appliers are known whatever the version. */
export function isOf(entry: ManagedFieldsEntry, writer: Pick<Writer, 'manager' | 'apiVersion' | 'subresource'>, operation: Operation): boolean {
  return (
    entry.operation === operation &&
    entry.manager === (writer.manager === '' ? 'unknown' : writer.manager) &&
    (entry.subresource ?? '') === writer.subresource &&
    (operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  );
}

/** In the order in which they are stored; frozen. */
export function inOrder(entries: ManagedFieldsEntry[]): Entries {
  for (let i = 1; i < entries.length; i++) {
    if (compareEntries(entries[i - 1] as ManagedFieldsEntry, entries[i] as ManagedFieldsEntry) <= 0) continue;
    entries.sort(compareEntries);
    break;
  }
  return Object.freeze(entries);
}

function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  if (a.operation !== b.operation) return compareText(a.operation, b.operation);
  if (a.time !== b.time) return compareText(a.time, b.time);
  return compareText(a.manager, b.manager) || compareText(a.apiVersion, b.apiVersion) || compareText(a.subresource, b.subresource);
}

function compareText(a: string = '', b: string = ''): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The oldest updaters put together until at most ten are left. */
export function capped(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  let left = 0;
  for (const entry of entries) if (entry.operation !== 'Apply') left++;
  if (left <= MAX_UPDATERS) return entries;
  const updaters = entries.filter((e) => e.operation !== 'Apply').sort(compareEntries);
  const kept = new Set(entries);
  const firsts = new Map<string, ManagedFieldsEntry>();
  const buckets = new Map<string, ManagedFieldsEntry>();
  const isBucket = (e: ManagedFieldsEntry): boolean => e.manager === ANCIENT && e.subresource === undefined;
  for (const entry of updaters) if (isBucket(entry)) buckets.set(entry.apiVersion ?? '', entry);
  for (const entry of updaters) {
    if (left <= MAX_UPDATERS) break;
    const version = entry.apiVersion ?? '';
    const first = firsts.get(version);
    if (!first) {
      firsts.set(version, entry);
      continue;
    }
    const bucket = buckets.get(version) ?? first;
    if (bucket === entry) continue;
    const writer = { manager: ANCIENT, apiVersion: version, subresource: '' };
    const merged = entryOf(writer, 'Update', union(setOf(bucket), setOf(entry)), entry.time);
    kept.delete(bucket);
    kept.delete(entry);
    kept.add(merged);
    buckets.set(version, merged);
    left--;
  }
  return [...kept];
}

/** Whether a client asks for all of it to be forgotten: `[]` or `[{}]`. */
export function isReset(entries: Entries): boolean {
  if (entries.length === 0) return true;
  return entries.length === 1 && Object.values(entries[0] as object).every((value) => value === undefined || value === '');
}

/** Whether entries that a client has sent can be used. */
export function areValid(entries: Entries): boolean {
  return entries.every(
    (e) =>
      (e.operation === 'Apply' || e.operation === 'Update') &&
      (e.apiVersion ?? '') !== '' &&
      e.fieldsType === 'FieldsV1' &&
      (e.fieldsV1 === undefined || isFieldSet(e.fieldsV1)),
  );
}
