// Server-side apply: what an applier's configuration makes of the object and of who manages what, or with whom it is in
// conflict (structured-merge-diff merge/update.go, Apply; apimachinery's managedfields package around it).

import type { ManagedFieldsEntry, StatusCause } from '../generated/types.ts';
import type { ApiObject } from '../meta.ts';
import { ApiError, badRequest } from '../status.ts';
import { type Comparison, compare } from './compare.ts';
import { difference, eachPath, type FieldSet, intersection, isLeaf, LEAF, union } from './field-set.ts';
import { type Entries, entryOf, inOrder, isOf, NO_ENTRIES, setOf, withSet, type Writer } from './managers.ts';
import { showElement } from './path-element.ts';
import type { Root } from './root.ts';
import type { Shape } from './shape.ts';
import { fieldsIn, merge, misfits, removeFields, withNamedFields } from './typed.ts';
import { lost } from './update.ts';

export interface Applied {
  /** The object as it shall be, not yet decoded. */
  readonly object: ApiObject;
  readonly entries: Entries;
}

export interface Application {
  readonly root: Root;
  /** `apps/v1, Kind=Deployment` for messages. */
  readonly kindText: string;
  /** What is there; null when the object is to be created. */
  readonly live: ApiObject | null;
  readonly config: ApiObject;
  readonly writer: Writer;
  readonly force: boolean;
  /** Compares in another version that an entry speaks of. */
  readonly between: (apiVersion: string) => Comparison | null;
}

const BEFORE_FIRST_APPLY = 'before-first-apply';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** @throws ApiError 409 with the conflicts, 500 when the configuration does not fit the type */
export function apply(application: Application): Applied {
  const { root, config, kindText, live, writer } = application;
  if ((config.metadata as ApiObject['metadata'] | undefined)?.managedFields !== undefined && config.metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  const wrong = misfits(root.whole, config);
  if (wrong.length > 0) {
    const given: { readonly namespace?: string; readonly name?: string } = config.metadata;
    const [namespace, name] = [given.namespace ?? '', given.name ?? ''];
    const text = wrong.length === 1 ? wrong[0] : `errors:\n${wrong.map((line) => `  ${line}`).join('\n')}`;
    throw failure(`failed to create typed patch object (${namespace}/${name}; ${kindText}): ${text}`);
  }
  const entries = firstEntries(application);
  if (writer.manager !== 'kubectl') return applyOver(application, entries, application.force, null);
  const { object, entries: after } = applyOver(application, entries, application.force, allowedByLastApplied(root, live));
  return { object: withLastApplied(object, config), entries: after };
}

/** Existing objects that nobody kept track of belong to somebody unknown. */
function firstEntries({ root, live, writer }: Application): Entries {
  const entries = live?.metadata.managedFields ?? NO_ENTRIES;
  if (entries.length > 0 || live === null) return entries;
  const { changed } = compare(root.tracked, null, live);
  return isLeaf(changed) ? entries : [entryOf({ ...writer, manager: BEFORE_FIRST_APPLY }, 'Update', changed, writer.time())];
}

function applyOver(application: Application, entries: Entries, force: boolean, allowed: FieldSet | null): Applied {
  const { root, live, config, writer, between } = application;
  const before: object = live ?? {};
  const merged = merge(root.whole, before, config) as ApiObject;
  const set = fieldsIn(root.tracked, config);
  const old = entries.find((e) => isOf(e, writer, 'Apply'));
  const others = entries.filter((e) => e !== old);
  const managed = others.reduce((all, e) => union(all, setOf(e)), fieldsIn(root.whole, config));
  const object = old ? prune(root.whole, merged, setOf(old), managed) : merged;
  const own = compare(root.tracked, before, object);
  const inVersion = (e: ManagedFieldsEntry): Comparison =>
    e.apiVersion === writer.apiVersion ? own : (between(e.apiVersion ?? '') ?? own);
  if (!force) checkConflicts(others, (e) => intersection(setOf(e), inVersion(e).changed), allowed);
  const after: ManagedFieldsEntry[] = [];
  for (const entry of others) {
    const left = lost(setOf(entry), inVersion(entry));
    if (left === setOf(entry)) after.push(entry);
    else if (!isLeaf(left)) after.push(withSet(entry, left));
  }
  if (!isLeaf(set)) after.push(entryOf(writer, 'Apply', set, writer.time()));
  return { object, entries: inOrder(after) };
}

/** Takes out what the applier had applied and no longer does, unless somebody else has it, too. */
function prune(shape: Shape, merged: ApiObject, last: FieldSet, managed: FieldSet): ApiObject {
  const lastNamed = withNamedFields(shape, last);
  const all = withNamedFields(shape, fieldsIn(shape, merged));
  const rest = (set: FieldSet): ApiObject => (isLeaf(set) ? merged : ((removeFields(shape, merged, set) ?? {}) as ApiObject));
  const kept = (object: ApiObject): FieldSet => withNamedFields(shape, fieldsIn(shape, object));
  const pruned = rest(lastNamed);
  const owned = rest(difference(all, union(kept(pruned), withNamedFields(shape, managed))));
  return rest(intersection(difference(all, kept(owned)), lastNamed));
}

/** @throws ApiError 409 */
function checkConflicts(entries: Entries, conflictWith: (entry: ManagedFieldsEntry) => FieldSet, allowed: FieldSet | null): void {
  const causes: StatusCause[] = [];
  const lines: string[] = [];
  let all: FieldSet = LEAF;
  const groups = entries.map((entry) => ({ manager: showManager(entry), set: conflictWith(entry) })).filter(({ set }) => !isLeaf(set));
  for (const { set } of groups) all = union(all, set);
  if (allowed !== null && isLeaf(difference(all, allowed))) return;
  groups.sort((a, b) => (a.manager < b.manager ? -1 : 1));
  for (const { manager, set } of groups) {
    const left = allowed === null ? set : difference(set, allowed);
    if (isLeaf(left)) continue;
    lines.push(`conflicts with ${manager}:`);
    eachPath(left, (path) => {
      const field = path.map(showElement).join('');
      causes.push({ reason: 'FieldManagerConflict', message: `conflict with ${manager}`, field });
      lines.push(`- ${field}`);
    });
  }
  if (causes.length === 0) return;
  const [only] = causes;
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${only?.message ?? ''}: ${only?.field ?? ''}`
      : `Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`;
  throw new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Conflict',
    details: { causes },
    code: 409,
  });
}

function showManager({ manager = '', operation, apiVersion = '', subresource = '' }: ManagedFieldsEntry): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}

/** What kubectl itself had applied from the client's side, and nobody has changed since, is no conflict for kubectl. */
function allowedByLastApplied(root: Root, live: ApiObject | null): FieldSet | null {
  const text = live?.metadata.annotations?.[LAST_APPLIED];
  if (live === null || text === undefined || text === '') return null;
  let last: ApiObject;
  try {
    last = JSON.parse(text) as ApiObject;
  } catch {
    return null;
  }
  if (typeof last !== 'object' || last === null || last.apiVersion !== live.apiVersion || misfits(root.whole, last).length > 0) return null;
  const { changed, removed } = compare(root.tracked, last, live);
  return difference(difference(fieldsIn(root.tracked, last), changed), removed);
}

/** kubectl's note of what it applied stays true when kubectl now applies from the server's side. */
function withLastApplied(object: ApiObject, config: ApiObject): ApiObject {
  const { annotations } = object.metadata;
  if (!annotations?.[LAST_APPLIED]) return object;
  const { [LAST_APPLIED]: _, ...others } = config.metadata.annotations ?? {};
  const noted =
    config.metadata.annotations === undefined ? config : { ...config, metadata: { ...config.metadata, annotations: others } };
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: `${goJson(noted)}\n` } } };
}

/** JSON as Go writes it: keys in order, what could end a script escaped. */
function goJson(value: unknown): string {
  const sorted = (given: unknown): unknown => {
    if (typeof given !== 'object' || given === null) return given;
    if (Array.isArray(given)) return given.map(sorted);
    const object = given as Readonly<Record<string, unknown>>;
    const keys = Object.keys(object).sort();
    return Object.fromEntries(keys.map((key) => [key, sorted(object[key])]));
  };
  return JSON.stringify(sorted(value)).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** An error without a reason: the server answers it with 500. */
export const failure = (message: string): ApiError =>
  new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
