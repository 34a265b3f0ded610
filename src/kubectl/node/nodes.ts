// Finding the nodes that cordon, uncordon and drain are for, and marking them (kubectl/pkg/drain/cordon.go).

import type { Node } from '../../cluster/api/generated/types.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { type DryRun, operationText } from '../mutation.ts';
import { find, type Info } from '../resource/builder.ts';

export function* completeNodes(context: Context, flags: Flags, toComplete: string): Op<readonly string[]> {
  return (yield* completeNames(context, 'nodes', toComplete)).filter((name) => !flags.args.includes(name));
}

/** The nodes of `NODE…` or --selector. `use` is the usage line of the command. Throws what is wrong with them. */
export function* nodesOf(context: Context, flags: Flags, use: string): Op<readonly Info[]> {
  const { args } = flags;
  const selector = flags.text('selector');
  if (args.length === 0 && !flags.given('selector')) throw context.usageError(`USAGE: ${use} [flags]`);
  if (args.length > 0 && selector !== '') throw context.usageError('error: cannot specify both a node name and a --selector option');
  const named = args.some((arg) => arg.includes('/')) ? args : ['nodes', ...args];
  const { infos, errors } = yield* find(context, { args: named, ...(selector === '' ? {} : { selector }), singleType: true });
  if (errors.length > 0) throw errors[0];
  return infos;
}

/** Marks each node and prints what came of it; errors are told and do not end the command. */
export function* mark(context: Context, infos: readonly Info[], unschedulable: boolean, dry: DryRun): Op<void> {
  const done = unschedulable ? 'cordoned' : 'uncordoned';
  for (const info of infos) {
    const before = (info.object as unknown as Node).spec?.unschedulable === true;
    if (before === unschedulable) {
      context.print(`node/${info.name} ${operationText(`already ${done}`, dry)}`);
      continue;
    }
    try {
      if (dry !== 'client') yield* context.rest.patch(info, 'strategic', { spec: { unschedulable: unschedulable ? true : null } }, dry === 'server' ? { dryRun: 'All' } : {});
      context.print(`node/${info.name} ${operationText(done, dry)}`);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      context.printError(`error: unable to ${unschedulable ? 'cordon' : 'uncordon'} node ${JSON.stringify(info.name)}: ${messageOf(error)}`);
    }
  }
}
