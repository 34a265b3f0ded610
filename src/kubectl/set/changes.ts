// What the commands of `kubectl set` share: the objects they are for, and the two-way patch of each (kubectl/pkg/cmd/set/helper.go).

import { kindOf } from '../../cluster/api/kinds.ts';
import { messageOf } from '../../cluster/client/errors.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { threeWayPatch } from '../apply/patch.ts';
import type { Context } from '../context.ts';
import { flag, type Flags, type FlagSet } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags } from '../global-flags.ts';
import { dryRunOf, operationText, writeQuery } from '../mutation.ts';
import { CommandError, ManyErrors } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { kindNameOf, printerOf } from '../print/printer.ts';
import { filesOf, type Info, mustFind } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';

export const setFlags = (what: string): FlagSet => [
  ...printFlags(),
  ...filenameFlags('to change.'),
  flag.bool('all', 'All objects of the named types in the namespace.'),
  flag.bool('local', `Do not ask the server; change the ${what} of what the files say and print it.`),
  dryRunFlag,
  fieldManagerFlag('kubectl-set'),
];

export const containersFlag = flag.string('containers', "The containers to change; '*' stands for anything.", { short: 'c', value: '*' });

type Json = Readonly<Record<string, unknown>>;

const LOCAL_NEEDS_FILES = `error: you must specify resources by --filename when --local is set.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'`;

/** The objects that the command line names; any error is thrown. */
export function* objectsOf(context: Context, flags: Flags, args: readonly string[]): Op<readonly Info[]> {
  const local = flags.is('local');
  if (local && args.length > 0) throw new CommandError(LOCAL_NEEDS_FILES);
  const found = yield* mustFind(context, {
    ...filesOf(flags),
    args: local ? [] : args,
    emptySelector: flags.is('all'),
    latest: !local,
    local,
    ...(local || flags.text('selector') === '' ? {} : { selector: flags.text('selector') }),
  });
  return found.infos;
}

export const hasFiles = (flags: Flags): boolean => flags.list('filename').length > 0 || flags.text('kustomize') !== '';

export function forbidLocalOnServer(context: Context, flags: Flags): void {
  if (flags.is('local') && dryRunOf(context, flags) === 'server') throw new CommandError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
}

/** An object and what becomes of it; null: it stays as it is and is not told. */
export interface Change {
  readonly info: Info;
  readonly after: LiveObject | null;
  readonly error?: unknown;
}

/** Makes the changes; an error of one stands in its place. */
export function changesOf(infos: readonly Info[], change: (object: LiveObject) => LiveObject | null): Change[] {
  return infos.map((info) => {
    try {
      return { info, after: change(info.object) };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      return { info, after: null, error };
    }
  });
}

/** The patch from one state of an object to another; null when there is nothing to do. */
export function patchOf({ object, mapping }: Info, after: LiveObject): object | null {
  const before = object as Json;
  return threeWayPatch(before, after as Json, before, kindOf(mapping.apiVersion, mapping.kind)?.schema ?? '');
}

/** How errors call an object: without a server, by its kind, and with upstream's line break behind a group. */
function nameOf(flags: Flags, { object, mapping, name }: Info): string {
  if (!flags.is('local')) return `${mapping.resource}/${name}`;
  return `${kindNameOf(object)}/${name}${mapping.group === '' ? '' : '\n'}`;
}

export interface Sending {
  /** `image updated`. */
  readonly operation: string;
  /** What stands before the server's words. */
  readonly failed: string;
  readonly errors?: readonly unknown[];
  /** Objects that are as they should be are told all the same. */
  readonly tellsUnchanged?: boolean;
  /** Called behind each patch that has been accepted. */
  readonly sent?: () => void;
}

/** Sends (or only prints) the changes. Throws all errors at the end. */
export function* sendChanges(context: Context, flags: Flags, changes: readonly Change[], sending: Sending): Op<void> {
  const dry = dryRunOf(context, flags);
  const errors: unknown[] = [...(sending.errors ?? [])];
  const print = printerOf(context, flags, operationText(sending.operation, dry), [], true);
  for (const { info, after, error } of changes) {
    if (error !== undefined) errors.push(new CommandError(`error: ${nameOf(flags, info)} ${messageOf(error)}\n`));
    if (after === null) continue;
    const patch = patchOf(info, after);
    if (patch === null && !sending.tellsUnchanged) continue;
    if (flags.is('local') || dry === 'client') {
      print?.({ object: asStruct(after) });
      continue;
    }
    try {
      const answer = yield* context.rest.patch(info, 'strategic', patch ?? {}, writeQuery(flags.text('field-manager'), '', dry));
      sending.sent?.();
      print?.({ object: asStruct(answer) });
    } catch (refused) {
      if (!(refused instanceof ApiError)) throw refused;
      errors.push(new CommandError(sending.failed + refused.message));
    }
  }
  if (errors.length > 0) throw new ManyErrors(errors);
}
