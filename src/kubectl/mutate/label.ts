// kubectl label (kubectl/pkg/cmd/label).

import { labelValueErrors } from '../../cluster/api/validation/names.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { dryRunOf } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { changeMetadata, checkMetadataFlags, metadataFlags } from './metadata.ts';
import { type Pairs, splitPairs } from './pairs.ts';

const MANAGER = 'kubectl-label';

export const LABEL: Command = {
  name: 'label',
  use: 'label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]',
  short: 'Update the labels on a resource',
  group: 'Settings Commands:',
  flags: metadataFlags('labels', MANAGER),
  run: label,
};

function* label(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const { resources, pairs: given } = splitPairs(flags.args, 'label');
  const pairs = parseLabels(given);
  checkMetadataFlags(flags, dry, resources, 'pod');
  if (pairs.set.size === 0 && pairs.remove.length === 0 && !flags.is('list')) throw new CommandError('at least one label update is required');
  yield* changeMetadata(context, flags, {
    field: 'labels',
    manager: flags.text('field-manager'),
    resources,
    printsOwn: true,
    before: ({ metadata }) => {
      for (const key of pairs.remove) if (metadata?.labels?.[key] === undefined) context.print(`label ${JSON.stringify(key)} not found.`);
    },
    change: (labels) => {
      if (!flags.is('overwrite')) forbidOverwrite(labels, pairs);
      const added = [...pairs.set].filter(([key, value]) => labels[key] !== value);
      const removed = pairs.remove.filter((key) => labels[key] !== undefined);
      const kept = Object.entries(labels).filter(([key]) => !removed.includes(key));
      const done = added.length > 0 && removed.length > 0 ? 'modified' : added.length > 0 ? 'labeled' : removed.length > 0 ? 'unlabeled' : 'not labeled';
      return { map: Object.fromEntries([...kept, ...added]), done, unchanged: added.length + removed.length === 0 };
    },
  });
}

function parseLabels(given: readonly string[]): Pairs {
  const set = new Map<string, string>();
  const remove: string[] = [];
  for (const spec of given) {
    if (spec.includes('=')) {
      const [key = '', value = '', ...more] = spec.split('=');
      if (more.length > 0) throw new CommandError(`invalid label spec: ${spec}`);
      const problems = labelValueErrors(value);
      if (problems.length > 0) throw new CommandError(`invalid label value: ${JSON.stringify(spec)}: ${problems.join(';')}`);
      set.set(key, value);
    } else if (spec.endsWith('-')) remove.push(spec.slice(0, -1));
    else throw new CommandError(`unknown label spec: ${spec}`);
  }
  if (remove.some((key) => set.has(key))) throw new CommandError('can not both modify and remove a label in the same command');
  return { set, remove };
}

function forbidOverwrite(labels: Readonly<Record<string, string>>, { set }: Pairs): void {
  const taken = [...set].filter(([key, value]) => labels[key] !== undefined && labels[key] !== value);
  throwAll(taken.map(([key]) => new CommandError(`'${key}' already has a value (${labels[key]}), and --overwrite is false`)));
}
