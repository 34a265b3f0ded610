// kubectl annotate (kubectl/pkg/cmd/annotate).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { dryRunOf } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { changeMetadata, checkMetadataFlags, metadataFlags } from './metadata.ts';
import { type Pairs, parsePairs, splitPairs } from './pairs.ts';

const MANAGER = 'kubectl-annotate';
/** May always be given another value. */
const CHANGE_CAUSE = 'kubernetes.io/change-cause';

export const ANNOTATE: Command = {
  name: 'annotate',
  use: 'annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N [--resource-version=version]',
  short: 'Update the annotations on a resource',
  group: 'Settings Commands:',
  flags: metadataFlags('annotations', MANAGER),
  run: annotate,
};

function* annotate(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const { resources, pairs: given } = splitPairs(flags.args, 'annotation');
  const pairs = parsePairs(given, 'annotation', true);
  checkMetadataFlags(flags, dry, resources, 'rsrc');
  if (pairs.set.size === 0 && pairs.remove.length === 0 && !flags.is('list')) throw new CommandError('at least one annotation update is required');
  const both = pairs.remove.filter((key) => pairs.set.has(key));
  if (both.length > 0) throw new CommandError(`can not both modify and remove the following annotation(s) in the same command: ${both.join(', ')}`);
  yield* changeMetadata(context, flags, {
    field: 'annotations',
    manager: flags.text('field-manager'),
    resources,
    printsOwn: false,
    change: (annotations) => {
      if (!flags.is('overwrite')) forbidOverwrite(annotations, pairs);
      const kept = Object.entries(annotations).filter(([key]) => !pairs.remove.includes(key));
      const map = Object.fromEntries([...kept, ...pairs.set]);
      const unchanged = [...pairs.set].every(([key, value]) => annotations[key] === value) && kept.length === Object.keys(annotations).length;
      return { map, done: 'annotated', unchanged };
    },
  });
}

function forbidOverwrite(annotations: Readonly<Record<string, string>>, { set }: Pairs): void {
  const taken = [...set].filter(([key, value]) => key !== CHANGE_CAUSE && annotations[key] !== undefined && annotations[key] !== value);
  if (taken.length === 0) return;
  throw new CommandError(`--overwrite is false but found the following declared annotation(s): ${taken.map(([key]) => `'${key}' already has a value (${annotations[key]})`).join('; ')}`);
}
