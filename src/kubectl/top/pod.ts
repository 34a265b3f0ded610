// kubectl top pod (kubectl/pkg/cmd/top/top_pod.go).

import type { Pod } from '../../cluster/api/generated/types.ts';
import { addQuantity } from '../../cluster/api/quantity.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { formatDuration } from '../duration.ts';
import { flag, type Flags } from '../flag-set.ts';
import { allNamespacesFlag, fieldSelectorFlag, selectorFlag } from '../global-flags.ts';
import { CommandError } from '../print/error.ts';
import { GET_TABS, TabWriter } from '../print/tabwriter.ts';
import { amount, checkMetrics, checkSort, measured, METRICS, metricsOf, sorted, topFlags, type Usage } from './usage.ts';

const USE = 'pod [NAME | -l label]';

export const TOP_POD: Command = {
  name: 'pod',
  aliases: ['pods', 'po'],
  use: USE,
  short: 'Display resource (CPU/memory) usage of pods',
  long: 'Display resource (CPU/memory) usage of pods. A Pod that has just begun may have none for a few minutes.',
  examples: 'kubectl top pod\nkubectl top pod web-1 --containers\nkubectl top pod -A --sort-by=memory --sum',
  flags: [
    allNamespacesFlag,
    flag.bool('containers', 'Each container for itself.'),
    fieldSelectorFlag,
    selectorFlag,
    flag.bool('sum', 'Their sum, too.'),
    ...topFlags('pods'),
  ],
  complete: (context, _flags, toComplete) => completeNames(context, 'pods', toComplete),
  run: topPod,
};

interface PodMetrics {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[];
}

function sumOf(usages: readonly Usage[], resources: readonly string[]): Usage {
  const sum: Record<string, string> = {};
  for (const resource of resources) sum[resource] = usages.reduce((total, usage) => (usage[resource] === undefined ? total : addQuantity(total, usage[resource])), '0');
  return sum;
}

function* topPod(context: Context, flags: Flags): Op<void> {
  const [name = '', ...more] = flags.args;
  const selector = flags.text('selector');
  const fieldSelector = flags.text('field-selector');
  if (more.length > 0) throw context.usageError(USE);
  checkSort(flags);
  if (name !== '' && (selector !== '' || fieldSelector !== '')) throw new CommandError('only one of NAME or selector can be provided');
  yield* checkMetrics(context);
  const all = flags.is('all-namespaces');
  const query = { ...(selector === '' ? {} : { labelSelector: selector }), ...(fieldSelector === '' ? {} : { fieldSelector }) };
  const metrics = yield* metricsOf<PodMetrics>(context, all ? `${METRICS}/pods` : `${METRICS}/namespaces/${context.namespace}/pods`, name, query);
  if (metrics.length === 0) {
    yield* explain(context, query);
    context.printError(all ? 'No resources found' : `No resources found in ${context.namespace} namespace.`);
    return;
  }
  print(context, flags, metrics, all);
}

/** Why there are no metrics. Throws CommandError unless there are no Pods either. */
function* explain(context: Context, query: Readonly<Record<string, string>>): Op<void> {
  const mapping = yield* context.mapper.byArgument('pods');
  const pods = (yield* context.rest.list({ mapping, namespace: context.namespace, name: '' }, query)) as unknown as readonly Pod[];
  if (pods.length === 0) return;
  const { sim } = context.os;
  for (const { metadata } of pods) {
    const age = sim.epoch + sim.now - Date.parse(metadata.creationTimestamp ?? '') * 1e3;
    if (age > 120e6) throw new CommandError(`Metrics not available for pod ${metadata.namespace}/${metadata.name}, age: ${formatDuration(age)}`);
  }
  throw new CommandError('metrics not available yet');
}

function print(context: Context, flags: Flags, metrics: readonly PodMetrics[], all: boolean): void {
  const resources = measured(flags);
  const by = flags.text('sort-by');
  const containers = flags.is('containers');
  const columns = ['NAME', 'CPU(cores)', 'MEMORY(bytes)', ...(flags.is('show-swap') ? ['SWAP(bytes)'] : [])];
  const out = new TabWriter((text) => context.write(text), GET_TABS);
  const row = (cells: readonly string[]): void => out.write(`${cells.map((cell) => `${cell}\t`).join('')}\n`);
  const amounts = (usage: Usage): string[] => resources.map((resource) => amount(resource, usage));
  const head = [...(all ? ['NAMESPACE'] : []), ...(containers ? ['POD'] : []), ...columns];
  if (!flags.is('no-headers')) row(head);
  const usageOf = (m: PodMetrics): Usage => sumOf(m.containers.map((c) => c.usage), resources);
  const ordered = sorted(metrics, by, usageOf, ({ metadata }) => (all ? `${metadata.namespace}/${metadata.name}` : metadata.name));
  for (const m of ordered) {
    const first = all ? [m.metadata.namespace ?? ''] : [];
    if (!containers) row([...first, m.metadata.name, ...amounts(usageOf(m))]);
    else for (const c of sorted(m.containers, by, (x) => x.usage, (x) => x.name)) row([...first, m.metadata.name, c.name, ...amounts(c.usage)]);
  }
  if (flags.is('sum')) {
    const width = flags.is('no-headers') ? columns.length : head.length;
    row([...new Array<string>(width - 2).fill(''), '________', '________']);
    row([...new Array<string>(width - 3).fill(''), '', ...amounts(sumOf(metrics.map(usageOf), resources))]);
  }
  out.flush();
}
