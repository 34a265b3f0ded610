// kubectl cordon and uncordon (kubectl/pkg/cmd/drain).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { dryRunFlag, selectorFlag } from '../global-flags.ts';
import { dryRunOf } from '../mutation.ts';
import { completeNodes, mark, nodesOf } from './nodes.ts';

const marking = (name: string, unschedulable: boolean): Command => ({
  name,
  group: 'Cluster Management Commands:',
  use: `${name} NODE`,
  short: `Mark node as ${unschedulable ? 'unschedulable' : 'schedulable'}`,
  long: `Mark node as ${unschedulable ? 'unschedulable' : 'schedulable'}.`,
  examples: `kubectl ${name} worker-1`,
  flags: [dryRunFlag, selectorFlag],
  complete: completeNodes,
  *run(context: Context, flags: Flags): Op<void> {
    const dry = dryRunOf(context, flags);
    yield* mark(context, yield* nodesOf(context, flags, `${name} NODE`), unschedulable, dry);
  },
});

export const CORDON = marking('cordon', true);
export const UNCORDON = marking('uncordon', false);
