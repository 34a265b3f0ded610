// What label and annotate share: their flags, which objects they change, and the merge patch that they send.

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { flag, type Flags, type FlagSet } from '../flag-set.ts';
import { allNamespacesFlag, dryRunFlag, fieldManagerFlag, fieldSelectorFlag, filenameFlags, printFlags, selectorFlag } from '../global-flags.ts';
import { type DryRun, dryRunOf, operationText, writeQuery } from '../mutation.ts';
import { CommandError, ManyErrors } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import { kindName } from '../resource/mapper.ts';
import type { LiveObject } from '../rest.ts';
import { CHANGE_CAUSE, recorded, recordFlag } from './record.ts';

/** Which of an object's two maps. */
export type Field = 'labels' | 'annotations';

export const metadataFlags = (field: Field, manager: string): FlagSet => [
  flag.bool('all', 'All objects of the named types in the namespace.'),
  allNamespacesFlag,
  dryRunFlag,
  fieldManagerFlag(manager),
  fieldSelectorFlag,
  ...filenameFlags('to change.'),
  flag.bool('list', `Print the ${field} of the objects.`),
  flag.bool('local', 'Do not ask the server; change what the files say and print it.'),
  flag.bool('overwrite', `Let ${field} that are there be given other values.`),
  ...printFlags(),
  flag.string('resource-version', 'Change the object only if this is its current version. For a single object.'),
  recordFlag,
  selectorFlag,
];

/** What the command makes of one object: the new map, and the word behind the name. Throws when it must not. */
export type Change = (map: Readonly<Record<string, string>>) => { readonly map: Readonly<Record<string, string>>; readonly done: string; readonly unchanged: boolean };

export interface Work {
  readonly field: Field;
  readonly manager: string;
  readonly resources: readonly string[];
  readonly change: Change;
  /** Told of each object before it is changed on the server. */
  readonly before?: (object: LiveObject) => void;
  /** Says what the object was, even when the patch returned another state. */
  readonly printsOwn: boolean;
}

/** The checks of the command line that both commands make. Throws CommandError. */
export function checkMetadataFlags(flags: Flags, dry: DryRun, resources: readonly string[], example: string): void {
  const files = flags.list('filename').length > 0 || flags.text('kustomize') !== '';
  if (flags.is('list') && flags.text('output') !== '') throw new CommandError('--list and --output may not be specified together');
  if (flags.is('all') && flags.text('selector') !== '') throw new CommandError('cannot set --all and --selector at the same time');
  if (flags.is('all') && flags.text('field-selector') !== '') throw new CommandError('cannot set --all and --field-selector at the same time');
  if (flags.is('local')) {
    if (dry === 'server') throw new CommandError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
    if (resources.length > 0) throw new CommandError(`can only use local files by -f ${example}.yaml or --filename=${example}.json when --local=true is set`);
    if (!files) throw new CommandError(`one or more files must be specified as -f ${example}.yaml or --filename=${example}.json`);
  } else if (resources.length === 0 && !files) throw new CommandError('one or more resources must be specified as <resource> <name> or <resource>/<name>');
}

/** Changes (or lists) the map of every object that the command names. */
export function* changeMetadata(context: Context, flags: Flags, work: Work): Op<void> {
  const dry = dryRunOf(context, flags);
  const found = yield* find(context, {
    ...filesOf(flags),
    args: work.resources,
    all: flags.is('all'),
    allNamespaces: flags.is('all-namespaces'),
    selector: flags.text('selector') || undefined,
    fieldSelector: flags.text('field-selector') || undefined,
    latest: !flags.is('local'),
    local: flags.is('local'),
  });
  const version = flags.text('resource-version');
  if (!found.single && version !== '') throw new CommandError('--resource-version may only be used with a single resource');
  const errors: unknown[] = [...found.errors];
  const print = printers(context, flags, dry);
  for (const info of found.infos) {
    try {
      yield* changeOne(context, flags, work, info, dry, found.single, print);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new ManyErrors(errors);
}

type Print = (operation: string, info: Info, object: LiveObject) => void;

/** One printer an operation, so that several YAML documents are separated. */
function printers(context: Context, flags: Flags, dry: DryRun): Print {
  const known = new Map<string, ReturnType<typeof printerOf>>();
  return (operation, info, object) => {
    const key = flags.text('output') === '' ? operation : '';
    const printer = known.get(key) ?? printerOf(context, flags, operationText(operation, dry));
    known.set(key, printer);
    printer?.({ object, kindName: kindName(info.mapping) });
  };
}

function* changeOne(context: Context, flags: Flags, work: Work, info: Info, dry: DryRun, single: boolean, print: Print): Op<void> {
  const { field } = work;
  const here = dry === 'client' || flags.is('local') || flags.is('list');
  const before = info.object.metadata?.[field] ?? {};
  if (!here) work.before?.(info.object);
  const { map, done, unchanged } = work.change(before);
  const version = flags.text('resource-version');
  const changed: LiveObject = {
    ...info.object,
    metadata: { ...info.object.metadata, [field]: map, ...(version === '' ? {} : { resourceVersion: version }) },
  };
  const wanted = here ? changed : recorded(context, flags, changed);
  let answered = wanted;
  if (!here && !(unchanged && work.printsOwn)) {
    const cause = flags.is('record') ? { [CHANGE_CAUSE]: wanted.metadata?.annotations?.[CHANGE_CAUSE] as string } : {};
    const fields = unchanged ? {} : mergePatch(before, map);
    const annotations = field === 'annotations' ? { ...cause, ...fields } : cause;
    const metadata = {
      ...(version === '' ? {} : { resourceVersion: version }),
      ...(field === 'labels' && Object.keys(fields).length > 0 ? { labels: fields } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    };
    const body = Object.keys(metadata).length > 0 ? { metadata } : {};
    answered = yield* context.rest.patch(info, 'merge', body, writeQuery(work.manager, '', dry));
  }
  if (flags.is('list')) list(context, info, wanted.metadata?.[field] ?? {}, single, field);
  else print(done, info, work.printsOwn ? wanted : answered);
}

function list(context: Context, info: Info, map: Readonly<Record<string, string>>, single: boolean, field: Field): void {
  if (!single) context.print(`Listing ${field} for ${info.mapping.kind}.${info.mapping.group}/${info.name}:`);
  for (const key of Object.keys(map).toSorted()) context.print(`${single ? '' : ' '}${key}=${map[key]}`);
}

function mergePatch(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): Record<string, string | null> {
  const patch: Record<string, string | null> = {};
  for (const [key, value] of Object.entries(after)) if (before[key] !== value) patch[key] = value;
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null;
  return patch;
}
