// What all `kubectl create TYPE` share: the name, the flags, --save-config, both dry runs, printing
// (kubectl/pkg/cmd/create: each command is a typed client with its own words for a refusal).

import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { LAST_APPLIED } from '../apply/last-applied.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { saveConfigFlag } from '../create.ts';
import type { Flags, FlagSet } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, printFlags, validateFlag } from '../global-flags.ts';
import { dryRunOf, fieldValidationOf, operationText, writeQuery } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { escapeHtml } from '../print/json.ts';
import { printerOf } from '../print/printer.ts';
import { NoMatch } from '../resource/mapper.ts';
import type { LiveObject, Target } from '../rest.ts';

export type Json = Readonly<Record<string, unknown>>;

/** An object to be made, without its namespace. */
export interface Made extends Json {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Json & { readonly name: string };
}

export interface Generator {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly use: string;
  readonly short: string;
  readonly long?: string;
  readonly examples: string;
  /** Its own flags. */
  readonly flags?: FlagSet;
  readonly clusterScoped?: boolean;
  /** What stands before the server's words when it refuses, such as `failed to create job: `; default: nothing. */
  readonly failed?: string;
  /** Upstream forgets --save-config here. */
  readonly savesNothing?: boolean;
  /** The object. Throws CommandError for what the flags get wrong. */
  make(context: Context, flags: Flags, name: string): Op<Made> | Made;
}

/** The one NAME before `--`. Throws CommandError. */
export function nameOf(context: Context, flags: Flags): string {
  const count = flags.dashAt < 0 ? flags.args.length : flags.dashAt;
  if (count !== 1) throw context.usageError(`exactly one NAME is required, got ${count}`);
  return flags.args[0] as string;
}

/** With itself, as its struct, in the annotation that apply reads. */
export function withSavedConfig(object: LiveObject): LiveObject {
  const { [LAST_APPLIED]: _old, ...annotations } = object.metadata?.annotations ?? {};
  const { annotations: _all, ...metadata } = object.metadata ?? {};
  const bare = { ...object, metadata: Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata };
  const saved = `${escapeHtml(JSON.stringify(asStruct(bare)))}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [LAST_APPLIED]: saved } } };
}

/** Where an object of that kind goes. Throws CommandError when the server has no such kind. */
export function* targetOf(context: Context, { apiVersion = '', kind = '', metadata }: LiveObject): Op<Target> {
  const mapping = yield* context.mapper.byKind(apiVersion, kind);
  if (!mapping) throw new NoMatch(`no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}`);
  return { mapping, namespace: mapping.namespaced ? context.namespace : '', name: metadata?.name ?? '' };
}

/** The command of a generator. */
export const generatorCommand = (generator: Generator): Command => ({
  name: generator.name,
  ...(generator.aliases ? { aliases: generator.aliases } : {}),
  use: generator.use,
  short: generator.short,
  long: generator.long ?? `${generator.short}.`,
  examples: generator.examples,
  flags: [...printFlags(), saveConfigFlag, validateFlag, dryRunFlag, fieldManagerFlag('kubectl-create'), ...(generator.flags ?? [])],
  run: (context, flags) => generate(context, flags, generator),
});

function* generate(context: Context, flags: Flags, generator: Generator): Op<void> {
  const name = nameOf(context, flags);
  const dry = dryRunOf(context, flags);
  const print = printerOf(context, flags, operationText('created', dry), [], true);
  const validation = fieldValidationOf(flags);
  const given = generator.make(context, flags, name);
  const made = 'next' in given && typeof given.next === 'function' ? yield* given as Op<Made> : (given as Made);
  const placed = context.namespaceGiven && !generator.clusterScoped ? { ...made, metadata: { ...made.metadata, namespace: context.namespace } } : made;
  let object = asStruct(placed as LiveObject);
  if (flags.is('save-config') && !generator.savesNothing) object = asStruct(withSavedConfig(object));
  if (dry !== 'client') {
    const target = yield* targetOf(context, object);
    try {
      object = asStruct(yield* context.rest.create(target, object, writeQuery(flags.text('field-manager'), validation, dry)));
    } catch (error) {
      throw error instanceof ApiError && generator.failed ? new CommandError(generator.failed + error.message) : error;
    }
  }
  print?.({ object });
}
