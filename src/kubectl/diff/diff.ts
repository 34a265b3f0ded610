// kubectl diff: the live objects against what apply would make of them (kubectl/pkg/cmd/diff), shown as `diff -u -N` does.

import { kindOf } from '../../cluster/api/kinds.ts';
import { threeWayPatch } from '../apply/patch.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { lastAppliedOf, withoutLastApplied } from '../apply/last-applied.ts';
import { liveOf } from '../apply/client-side.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { fieldManagerFlag, filenameFlags, selectorFlag } from '../global-flags.ts';
import { CommandError, Exit, ManyErrors, report } from '../print/error.ts';
import { goYaml, withoutManagedFields } from '../print/yaml.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { unifiedDiff } from './unified.ts';

export const DIFF: Command = {
  name: 'diff',
  group: 'Advanced Commands:',
  use: 'diff -f FILENAME',
  short: 'Diff the live version against a would-be applied version',
  long: 'Diff the live version against a would-be applied version. The output is always YAML. Exit code 0: no difference; 1: there are differences; more than 1: kubectl or diff failed.',
  examples: '# What would change\nkubectl diff -f web.yaml\n\n# From stdin\ncat web.yaml | kubectl diff -f -',
  flags: [
    ...filenameFlags('to compare.'),
    flag.int('concurrency', 'How many objects at the same time.', { value: '1' }),
    fieldManagerFlag('kubectl-client-side-apply'),
    flag.bool('force-conflicts', 'Server-side apply takes over fields of other managers.'),
    flag.bool('prune', 'Show what --prune would delete, too.'),
    flag.array('prune-allowlist', 'Types for --prune, <group/version/kind>.'),
    selectorFlag,
    flag.bool('server-side', 'Let the server merge.'),
    flag.bool('show-managed-fields', 'Keep managedFields in the comparison.'),
    flag.bool('show-secrets', 'Do not mask secret values.'),
  ],
  run: diff,
};

function* mergedOf(context: Context, flags: Flags, info: Info, live: LiveObject | undefined): Op<LiveObject> {
  const manager = flags.is('server-side') && !flags.given('field-manager') ? 'kubectl' : flags.text('field-manager');
  const query = { dryRun: 'All', fieldManager: manager };
  if (flags.is('server-side')) return yield* context.rest.patch(info, 'apply', info.object, { ...query, force: String(flags.is('force-conflicts')) });
  if (live === undefined) return yield* context.rest.create(info, info.object, query);
  const modified = withoutLastApplied(info.object);
  const kind = kindOf(info.mapping.apiVersion, info.mapping.kind);
  const patch = threeWayPatch(lastAppliedOf(live), modified as Record<string, unknown>, live as Record<string, unknown>, kind?.schema ?? '');
  if (patch === null) return live;
  const { metadata } = patch as { metadata?: object };
  return yield* context.rest.patch(info, kind ? 'strategic' : 'merge', { ...patch, metadata: { ...metadata, resourceVersion: live.metadata?.resourceVersion } }, query);
}

type Data = Readonly<Record<string, unknown>> | undefined;

/** Values of a Secret do not go on a screen: equal ones are `***`, others say before and after. */
function masked(live: LiveObject | undefined, merged: LiveObject): readonly [LiveObject | undefined, LiveObject] {
  const [a, b] = [(live as { data?: Data } | undefined)?.data, (merged as { data?: Data }).data];
  const mask = (own: Data, other: Data, word: string): Data =>
    own && Object.fromEntries(Object.entries(own).map(([k, v]) => [k, other && k in other && other[k] !== v ? `*** (${word})` : '***']));
  return [live && { ...live, ...(a ? { data: mask(a, b, 'before') } : {}) }, { ...merged, ...(b ? { data: mask(b, a, 'after') } : {}) }];
}

function* diff(context: Context, flags: Flags): Op<number> {
  try {
    return (yield* compareAll(context, flags)) ? 1 : 0;
  } catch (error) {
    const { text, code } = report(error, context.server);
    throw new Exit(code + 1, text);
  }
}

function* compareAll(context: Context, flags: Flags): Op<boolean> {
  if (flags.args.length > 0) throw context.usageError(`Unexpected args: [${flags.args.join(' ')}]`);
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') throw new CommandError('must specify one of -f and -k');
  const { infos, errors } = yield* find(context, { ...filesOf(flags), selector: flags.text('selector') });
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new ManyErrors(errors);
  const random = context.os.sim.random('kubectl-diff');
  const [from, to] = [`/tmp/LIVE-${1e9 + random.int(1e9)}`, `/tmp/MERGED-${1e9 + random.int(1e9)}`];
  const files: { name: string; live: string; merged: string }[] = [];
  for (const info of infos) {
    const live = yield* liveOf(context, info);
    const merged = yield* mergedOf(context, flags, info, live);
    const { mapping, namespace, name } = info;
    const pair = mapping.kind === 'Secret' && mapping.group === '' && !flags.is('show-secrets') ? masked(live, merged) : ([live, merged] as const);
    const text = (object: LiveObject | undefined): string => (object === undefined ? '' : goYaml(flags.is('show-managed-fields') ? object : withoutManagedFields(object)));
    files.push({ name: `${mapping.group === '' ? '' : `${mapping.group}.`}${mapping.version}.${mapping.kind}.${namespace}.${name}`, live: text(pair[0]), merged: text(pair[1]) });
  }
  const stamp = `${context.os.sim.microTime().slice(0, 26).replace('T', ' ')}000 +0000`;
  let different = false;
  for (const { name, live, merged } of files.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (live === merged) continue;
    different = true;
    context.print(`diff -u -N ${from}/${name} ${to}/${name}`);
    context.print(`--- ${from}/${name}\t${live === '' ? '1970-01-01 00:00:00.000000000 +0000' : stamp}`);
    context.print(`+++ ${to}/${name}\t${stamp}`);
    context.write(unifiedDiff(live, merged));
  }
  return different;
}
