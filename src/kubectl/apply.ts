// kubectl apply -f: client-side apply (kubectl/pkg/cmd/apply). Creates what is missing, else sends the three-way patch.

import { ApiError } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { type Context, GLOBAL_FLAGS, type LiveObject, nameOf } from './context.ts';
import type { Flags, FlagSpec } from './flags.ts';
import { threeWayPatch } from './patch.ts';
import { CommandError, ManyErrors, withSource } from './print/error.ts';
import { sorted } from './print/yaml.ts';
import { printObjects } from './print/objects.ts';
import { readItems, type Item } from './source.ts';

export const APPLY_FLAGS: FlagSpec = {
  ...GLOBAL_FLAGS,
  filename: { short: 'f', takes: 'list' },
  validate: { takes: 'yes', alone: 'strict' },
  'dry-run': { takes: 'yes', alone: 'unchanged' },
  output: { short: 'o', takes: 'value' },
  'field-manager': { takes: 'value' },
};

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const VALIDATION: Readonly<Record<string, string>> = { true: 'Strict', strict: 'Strict', warn: 'Warn', false: 'Ignore', ignore: 'Ignore' };

/** `fieldValidation` for `--validate`; throws CommandError for a word it does not know. */
export function fieldValidation(flags: Flags): string {
  const given = flags.text('validate') ?? 'strict';
  const mode = VALIDATION[given];
  if (mode === undefined) throw new CommandError(`invalid - validate option "${given}"; must be one of: strict (or true), warn, ignore (or false)`);
  return mode;
}

/** 'server' or 'none'; a client-side dry run prints what it would send and sends nothing. */
export function dryRun(flags: Flags): 'none' | 'server' | 'client' {
  const given = flags.text('dry-run');
  if (given === undefined || given === 'none' || given === 'false') return 'none';
  if (given === 'server' || given === 'client') return given;
  throw new CommandError(`Invalid dry-run value (${given}). Must be "none", "server", or "client".`);
}

interface Applied {
  readonly verb: 'created' | 'configured' | 'unchanged';
  readonly object: LiveObject;
}

export function* apply(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw new CommandError(`Unexpected args: [${flags.args.join(' ')}]\nSee 'kubectl apply -h' for help and examples`);
  if (flags.list('filename').length === 0) throw new CommandError('must specify one of -f and -k');
  const mode = fieldValidation(flags);
  const dry = dryRun(flags);
  const output = flags.text('output');
  const errors: unknown[] = [];
  const done: { item: Item; applied: Applied }[] = [];
  let read = 0;
  for (const item of readItems(context, flags, mode !== 'Ignore')) {
    read++;
    if ('error' in item) {
      errors.push(item.error);
      continue;
    }
    try {
      const applied = yield* applyOne(context, item, mode, dry, flags.text('field-manager') ?? 'kubectl-client-side-apply');
      done.push({ item, applied });
      if (output === undefined) {
        context.print(`${nameOf(item.target.kind, applied.object.metadata?.name ?? '')} ${applied.verb}${dry === 'none' ? '' : ` (${dry === 'server' ? 'server ' : ''}dry run)`}`);
      }
    } catch (error) {
      errors.push(error);
    }
  }
  if (read === 0) throw new CommandError('no objects passed to apply');
  if (output !== undefined) printObjects(context, done.map((d) => ({ kind: d.item.target.kind, object: d.applied.object })), output);
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
}

function* applyOne(context: Context, item: Item, mode: string, dry: 'none' | 'server' | 'client', manager: string): Op<Applied> {
  const { target, source, object } = item;
  const { metadata } = object;
  if (metadata?.generateName && !metadata.name) throw new CommandError(`from ${metadata.generateName}: cannot use generate name with apply`);
  if (target.name === '') throw new CommandError(namelessText(item));
  const modified = withLastApplied(object);
  const query = { fieldManager: manager, fieldValidation: mode, ...(dry === 'server' ? { dryRun: 'All' } : {}) };
  const live = yield* retrieve(context, item);
  if (live === undefined) {
    if (dry === 'client') return { verb: 'created', object: modified };
    try {
      const created = yield* context.request('POST', { ...target, name: '' }, { query, body: modified, subjectName: target.name });
      return { verb: 'created', object: created as LiveObject };
    } catch (error) {
      throw withSource(error, 'creating', source);
    }
  }
  if (live.metadata?.annotations?.[LAST_APPLIED] === undefined) {
    context.os.logError(
      `Warning: resource ${target.kind.plural}/${target.name} is missing the ${LAST_APPLIED} annotation which is required by kubectl apply. ` +
        'kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. ' +
        'The missing annotation will be patched automatically.',
    );
  }
  const patch = threeWayPatch(lastApplied(live), modified as Record<string, unknown>, live as Record<string, unknown>, target.kind.schema);
  if (patch === null) return { verb: 'unchanged', object: live };
  if (dry === 'client') return { verb: 'configured', object: live };
  try {
    const patched = (yield* context.request('PATCH', target, { query, body: patch, contentType: 'application/strategic-merge-patch+json' })) as LiveObject;
    const same = patched.metadata?.resourceVersion === live.metadata?.resourceVersion && dry === 'none';
    return { verb: same ? 'unchanged' : 'configured', object: patched };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw withSource(withPatch(error, patch, item), 'patching', source);
  }
}

function* retrieve(context: Context, item: Item): Op<LiveObject | undefined> {
  const { target } = item;
  try {
    const live = yield* context.find(target);
    if (live !== undefined || !target.kind.namespaced) return live;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError({ ...error.status, message: `error when retrieving current configuration of:\n${describeItem(item)}\nfrom server for: "${item.source}": ${error.message}` });
  }
  return undefined;
}

const describeItem = ({ target, object }: Item): string => {
  const { group, version, plural, kind } = target.kind;
  const gv = `${group}/${version}`;
  return `Resource: "${gv}, Resource=${plural}", GroupVersionKind: "${gv}, Kind=${kind}"\nName: "${object.metadata?.name ?? ''}", Namespace: "${target.namespace}"`;
};

const namelessText = (item: Item): string =>
  `error when retrieving current configuration of:\n${describeItem(item)}\nfrom server for: "${item.source}": resource name may not be empty`;

/** kubectl tells the whole patch before the error; kept in the message as it does. */
function withPatch(error: ApiError, patch: unknown, item: Item): unknown {
  if (error.reason === 'Invalid') return error;
  return new ApiError({ ...error.status, message: `error when applying patch:\n${JSON.stringify(patch)}\nto:\n${describeItem(item)}\nfor: "${item.source}": ${error.message}` });
}

/** The object with itself written into its annotation: compact JSON, keys in order, and a line break, as kubectl's encoder. */
function withLastApplied(object: LiveObject): LiveObject {
  const { [LAST_APPLIED]: _old, ...annotations } = object.metadata?.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${JSON.stringify(sorted(plain))}\n`;
  return { ...plain, metadata: { ...plain.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
}

function lastApplied(live: LiveObject): Record<string, unknown> | null {
  const text = live.metadata?.annotations?.[LAST_APPLIED];
  if (text === undefined) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
