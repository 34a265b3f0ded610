// kubectl taint (kubectl/pkg/cmd/taint).

import type { Node, Taint } from '../../cluster/api/generated/types.ts';
import { labelValueErrors, labelKeyErrors } from '../../cluster/api/validation/names.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, printFlags, selectorFlag, validateFlag } from '../global-flags.ts';
import { type DryRun, dryRunOf, fieldValidationOf, writeQuery } from '../mutation.ts';
import { CommandError, ManyErrors, PlainError, throwAll } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { find, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';

export const TAINT: Command = {
  name: 'taint',
  group: 'Cluster Management Commands:',
  use: 'taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N',
  short: 'Update the taints on one or more nodes',
  long: 'Update the taints on one or more nodes.\n\n A taint is key=value:effect or key:effect. The effect is NoSchedule, PreferNoSchedule or NoExecute. A minus behind key or key:effect removes it.',
  examples: 'kubectl taint nodes worker-1 dedicated=special-user:NoSchedule\nkubectl taint nodes worker-1 dedicated:NoSchedule-\nkubectl taint nodes worker-1 dedicated-\nkubectl taint node -l zone=a dedicated=x:PreferNoSchedule',
  flags: [
    ...printFlags(),
    flag.bool('all', 'All nodes of the cluster.'),
    dryRunFlag,
    fieldManagerFlag('kubectl-taint'),
    flag.bool('overwrite', 'Taints that are there may be overwritten.'),
    selectorFlag,
    validateFlag,
  ],
  *complete(context, flags, toComplete) {
    return flags.args.length === 0 ? ['node'].filter((word) => word.startsWith(toComplete)) : yield* completeNames(context, 'nodes', toComplete);
  },
  run: taint,
};

interface Wanted {
  readonly add: readonly Taint[];
  readonly remove: readonly Taint[];
}

const textOf = ({ key, value, effect }: Taint): string => (effect === '' ? key : value ? `${key}=${value}:${effect}` : `${key}:${effect}`);

function parseTaint(spec: string): Taint {
  const parts = spec.split(':');
  if (parts.length > 2) throw new CommandError(`invalid taint spec: ${spec}`);
  const [head = '', effect = ''] = parts;
  if (parts.length === 2 && !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect)) throw new CommandError(`invalid taint effect: ${effect}, unsupported taint effect`);
  const [key = '', value, ...more] = parts.length === 2 ? head.split('=') : [head];
  if (more.length > 0) throw new CommandError(`invalid taint spec: ${spec}`);
  const problems = [...(value === undefined ? [] : labelValueErrors(value))];
  if (problems.length === 0) problems.push(...labelKeyErrors(key));
  if (problems.length > 0) throw new CommandError(`invalid taint spec: ${spec}, ${problems.join('; ')}`);
  return { key, ...(value ? { value } : {}), effect };
}

function parseTaints(specs: readonly string[]): Wanted {
  const add: Taint[] = [];
  const remove: Taint[] = [];
  for (const spec of specs) {
    if (spec.endsWith('-')) {
      const { key, effect } = parseTaint(spec.slice(0, -1));
      remove.push({ key, effect });
      continue;
    }
    const one = parseTaint(spec);
    if (one.effect === '') throw new CommandError(`invalid taint spec: ${spec}`);
    if (add.some((t) => t.key === one.key && t.effect === one.effect)) throw new CommandError(`duplicated taints with the same key and effect: {${one.key} ${one.value ?? ''} ${one.effect} <nil>}`);
    add.push(one);
  }
  return { add, remove };
}

function split(args: readonly string[]): { readonly resources: readonly string[]; readonly taints: readonly string[] } {
  const isTaint = (arg: string): boolean => arg.includes('=') || arg.includes(':') || arg.endsWith('-');
  const first = args.findIndex(isTaint);
  const resources = first < 0 ? args : args.slice(0, first);
  const taints = first < 0 ? [] : args.slice(first);
  const late = taints.find((arg) => !isTaint(arg));
  if (late !== undefined) throw new CommandError(`all resources must be specified before taint changes: ${late}`);
  if (resources.length === 0) throw new CommandError('one or more resources must be specified as <resource> <name>');
  if (taints.length === 0) throw new CommandError('at least one taint update is required');
  return { resources, taints };
}

function* taint(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const validation = fieldValidationOf(flags);
  const { resources, taints } = split(flags.args);
  let wanted: Wanted;
  try {
    wanted = parseTaints(taints);
  } catch (error) {
    throw error instanceof CommandError ? context.usageError(error.message) : error;
  }
  const selector = flags.text('selector');
  const all = flags.is('all');
  yield* validate(context, resources, wanted, all, selector);
  const args = all || selector !== '' ? ['nodes'] : ['nodes', ...resources.slice(1)];
  const found = yield* find(context, { args, all, ...(selector === '' ? {} : { selector }) });
  const errors: unknown[] = [...found.errors];
  for (const info of found.infos) {
    try {
      yield* change(context, flags, info, wanted, dry, validation);
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
}

function* validate(context: Context, resources: readonly string[], { add, remove }: Wanted, all: boolean, selector: string): Op<void> {
  const type = (resources[0] as string).toLowerCase();
  const mapping = yield* context.mapper.tryArgument(type);
  if (!mapping) throw new PlainError(`the server doesn't have a resource type ${JSON.stringify(type)}`);
  if (mapping.kind !== 'Node') throw new CommandError(`invalid resource type ${type}, only node types are supported`);
  const conflicts = add.flatMap((a) => remove.filter((r) => a.key === r.key && (r.effect === '' || a.effect === r.effect))).map((r) => `${r.key}=${r.effect}`);
  if (conflicts.length > 0) throw new CommandError(`can not both modify and remove the following taint(s) in the same command: ${conflicts.join(', ')}`);
  if (all && selector !== '') throw new CommandError("setting 'all' parameter with a non empty selector is prohibited");
  if (!all && selector === '' && resources.length < 2) throw new CommandError("at least one resource name must be specified since 'all' parameter is not set");
}

const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

/** The taints afterwards, and what to call it. Throws CommandError. */
function reorganize(name: string, old: readonly Taint[], { add, remove }: Wanted, overwrite: boolean): { readonly taints: readonly Taint[]; readonly done: string } {
  const taken = overwrite ? [] : add.filter((a) => old.some((o) => same(a, o))).map((a) => a.key);
  if (taken.length > 0) throw new CommandError(`node ${name} already has ${taken.join(',')} taint(s) with same effect(s) and --overwrite is false`);
  let taints = [...add, ...old.filter((o) => !add.some((a) => same(a, o)))];
  const added = taints.length !== old.length;
  let deleted = false;
  const missing: string[] = [];
  for (const gone of remove) {
    const left = taints.filter((t) => (gone.effect === '' ? t.key !== gone.key : !same(t, gone)));
    deleted = left.length !== taints.length;
    if (!deleted) missing.push(`taint ${JSON.stringify(textOf(gone))} not found`);
    taints = left;
  }
  if (missing.length > 0) throw new ManyErrors(missing.map((text) => new CommandError(text)));
  return { taints, done: (added && deleted) || overwrite ? 'modified' : added ? 'tainted' : 'untainted' };
}

function* change(context: Context, flags: Flags, info: Info, wanted: Wanted, dry: DryRun, validation: string): Op<void> {
  const node = info.object as unknown as Node;
  const old = node.spec?.taints ?? [];
  const { taints, done } = reorganize(info.name, old, wanted, flags.is('overwrite'));
  // Upstream says nothing of a dry run here.
  const print = printerOf(context, flags, done);
  if (dry === 'client') {
    print?.({ object: { ...info.object, spec: { ...node.spec, taints } } as LiveObject });
    return;
  }
  const unchanged = JSON.stringify(old) === JSON.stringify(taints);
  const patch = unchanged ? {} : { spec: { taints: taints.length === 0 ? null : taints } };
  const object = yield* context.rest.patch(info, 'strategic', patch, writeQuery(flags.text('field-manager'), validation, dry));
  print?.({ object });
}
