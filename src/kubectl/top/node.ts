// kubectl top node (kubectl/pkg/cmd/top/top_node.go).

import type { Node } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { selectorFlag } from '../global-flags.ts';
import { CommandError } from '../print/error.ts';
import { GET_TABS, TabWriter } from '../print/tabwriter.ts';
import { amount, checkMetrics, checkSort, measured, METRICS, metricsOf, percent, sorted, topFlags, type Usage } from './usage.ts';

const USE = 'node [NAME | -l label]';

export const TOP_NODE: Command = {
  name: 'node',
  aliases: ['nodes', 'no'],
  use: USE,
  short: 'Display resource (CPU/memory) usage of nodes',
  long: 'Display resource (CPU/memory) usage of nodes, in amounts and as a part of what they can give.',
  examples: 'kubectl top node\nkubectl top node worker-1 --show-capacity',
  flags: [selectorFlag, flag.bool('show-capacity', 'Parts of the capacity, not of what is allocatable.'), ...topFlags('nodes')],
  complete: (context, _flags, toComplete) => completeNames(context, 'nodes', toComplete),
  run: topNode,
};

interface NodeMetrics {
  readonly metadata: { readonly name: string };
  readonly usage: Usage;
}

function* topNode(context: Context, flags: Flags): Op<void> {
  const [name = '', ...more] = flags.args;
  const selector = flags.text('selector');
  if (more.length > 0) throw context.usageError(USE);
  checkSort(flags);
  if (name !== '' && selector !== '') throw new CommandError('only one of NAME or --selector can be provided');
  yield* checkMetrics(context);
  const query: Record<string, string> = selector === '' ? {} : { labelSelector: selector };
  const metrics = yield* metricsOf<NodeMetrics>(context, `${METRICS}/nodes`, name, query);
  if (metrics.length === 0) throw new CommandError('metrics not available yet');
  const mapping = yield* context.mapper.byArgument('nodes');
  const target = { mapping, namespace: '', name };
  const nodes = (name === '' ? yield* context.rest.list(target, query) : [yield* context.rest.get(target)]) as unknown as readonly Node[];
  const unknown = new Map(nodes.map((node) => [node.metadata.name, node]));
  const resources = measured(flags);
  const out = new TabWriter((text) => context.write(text), GET_TABS);
  const row = (cells: readonly string[]): void => out.write(`${cells.map((cell) => `${cell}\t`).join('')}\n`);
  if (!flags.is('no-headers')) row(['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)', ...(flags.is('show-swap') ? ['SWAP(bytes)', 'SWAP(%)'] : [])]);
  for (const { metadata, usage } of sorted(metrics, flags.text('sort-by'), (m) => m.usage, (m) => m.metadata.name)) {
    const node = unknown.get(metadata.name);
    unknown.delete(metadata.name);
    const available = (flags.is('show-capacity') ? node?.status?.capacity : node?.status?.allocatable) ?? {};
    const swap = (node?.status?.nodeInfo as { swap?: { capacity?: number } } | undefined)?.swap?.capacity;
    const cells = resources.flatMap((resource) => {
      if (resource === 'swap' && swap === undefined) return ['<unknown>', '<unknown>'];
      const part = percent(resource, usage, swap === undefined ? available : { ...available, swap: String(swap) });
      return [amount(resource, usage), ...(part === undefined ? [] : [part])];
    });
    row([metadata.name, ...cells]);
  }
  for (const missing of unknown.keys()) row([missing, ...resources.flatMap(() => ['<unknown>', '<unknown>'])]);
  out.flush();
}
