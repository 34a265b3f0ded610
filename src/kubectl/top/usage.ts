// What top commands share: usage as numbers, columns, and the question whether there is a metrics API (kubectl/pkg/metricsutil).

import { quantityMilli, quantityValue } from '../../cluster/api/quantity.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { flag, type Flags, type FlagSet } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';

export type Usage = Readonly<Record<string, string>>;

export const METRICS = '/apis/metrics.k8s.io/v1beta1';
const MEBIBYTE = 1024 * 1024;

export const topFlags = (what: string): FlagSet => [
  flag.bool('no-headers', 'No line with the names of the columns.'),
  flag.bool('show-swap', 'Swap, too.'),
  flag.string('sort-by', `Sort ${what} by cpu or memory.`),
  flag.bool('use-protocol-buffers', 'Ask for metrics as protocol buffers.', { value: 'true' }),
];

/** Throws CommandError when there is no metrics API, or --sort-by is unknown. */
export function* checkMetrics(context: Context): Op<void> {
  const { body } = yield* context.rest.raw('GET', '/apis');
  const groups = (body as { groups?: readonly { name: string; versions: readonly { version: string }[] }[] }).groups ?? [];
  if (!groups.some((g) => g.name === 'metrics.k8s.io' && g.versions.some((v) => v.version === 'v1beta1'))) throw new CommandError('Metrics API not available');
}

export function checkSort(flags: Flags): void {
  if (!['', 'cpu', 'memory'].includes(flags.text('sort-by'))) throw new CommandError('--sort-by accepts only cpu or memory');
}

export const measured = (flags: Flags): readonly string[] => ['cpu', 'memory', ...(flags.is('show-swap') ? ['swap'] : [])];

/** `250m`, `64Mi`. */
export const amount = (resource: string, usage: Usage): string => {
  const text = usage[resource];
  return resource === 'cpu' ? `${quantityMilli(text)}m` : `${Math.floor(quantityValue(text) / MEBIBYTE)}Mi`;
};

export function percent(resource: string, usage: Usage, available: Usage): string | undefined {
  const whole = available[resource];
  if (whole === undefined) return undefined;
  const all = quantityMilli(whole);
  return `${all === 0 ? 0 : Math.trunc((quantityMilli(usage[resource]) / all) * 100)}%`;
}

/** The most first, or by name. */
export function sorted<T>(items: readonly T[], by: string, usage: (item: T) => Usage, name: (item: T) => string): T[] {
  return [...items].sort((a, b) => {
    if (by !== '') return quantityMilli(usage(b)[by]) - quantityMilli(usage(a)[by]);
    return name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0;
  });
}

/** A list of metrics, or the metrics of one. */
export function* metricsOf<T>(context: Context, path: string, name: string, query: Readonly<Record<string, string>>): Op<readonly T[]> {
  const { body } = yield* context.rest.raw('GET', name === '' ? path : `${path}/${name}`, { query: name === '' ? query : {} });
  return name === '' ? ((body as { items?: readonly T[] }).items ?? []) : [body as T];
}
