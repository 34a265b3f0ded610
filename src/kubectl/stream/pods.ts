// The Pods that `POD | TYPE/NAME` stands for: a workload's or Service's Pods by its selector, the best one first
// (kubectl/pkg/polymorphichelpers, util/podutils).

import type { Pod } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Micros } from '../../cluster/sim/time.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { type Info, mustFind } from '../resource/builder.ts';
import type { Target } from '../rest.ts';
import { expiring } from '../wait/deletion.ts';

export const podRunningTimeoutFlag = (value: string) => flag.duration('pod-running-timeout', 'How long to wait until a Pod runs, such as 5s, 2m or 3h; more than zero.', { value });

/** Throws CommandError unless it is more than zero; `usage`: with a hint at the help. */
export function podRunningTimeout(context: Context, flags: Flags, usage = true): Micros {
  const timeout = flags.duration('pod-running-timeout');
  const text = '--pod-running-timeout must be higher than zero';
  if (timeout <= 0) throw usage ? context.usageError(text) : new CommandError(text);
  return timeout;
}

/** `web-1` is a Pod; `deploy/web` says what it is. */
export const asPodArguments = (arg: string): readonly string[] => (arg.includes('/') ? [arg] : ['pods', arg]);

interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

const equalities = (labels: Readonly<Record<string, string>>): string[] => Object.keys(labels).sort().map((key) => `${key}=${labels[key] as string}`);

function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const parts = equalities(matchLabels);
  for (const { key, operator, values = [] } of matchExpressions) {
    if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`);
  }
  return parts.join(',');
}

/** `*v1.ConfigMap`, as errors name the type of an object. */
const goType = ({ object }: Info): string => `*${(object.apiVersion ?? 'v1').split('/').at(-1)}.${object.kind ?? ''}`;

const BY_LABEL_SELECTOR = new Set(['replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'deployments.apps', 'jobs.batch']);

/** The label selector of an object's Pods. `doing`: `get the logs from`, `attach to`. Throws CommandError. */
export function selectorOf(info: Info, doing: string): string {
  const { group, resource } = info.mapping;
  const key = group === '' ? resource : `${resource}.${group}`;
  const spec = (info.object as { spec?: { selector?: unknown } }).spec;
  if (BY_LABEL_SELECTOR.has(key)) return selectorText((spec?.selector ?? {}) as LabelSelector);
  const selector = (spec?.selector ?? {}) as Readonly<Record<string, string>>;
  if (key === 'replicationcontrollers') return equalities(selector).join(',');
  if (key === 'services') {
    if (Object.keys(selector).length === 0) throw new CommandError(`cannot ${doing} ${goType(info)}: invalid service '${info.name}': Service is defined without a selector`);
    return equalities(selector).join(',');
  }
  throw new CommandError(`cannot ${doing} ${goType(info)}: selector for ${goType(info)} not implemented`);
}

const readyCondition = (pod: Pod) => pod.status?.conditions?.find((c) => c.type === 'Ready' && c.status === 'True');

function restartsOf(pod: Pod): readonly [number, number] {
  const most = (counts: readonly number[]): number => Math.max(0, ...counts);
  const sidecars = new Set((pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name));
  return [most((pod.status?.containerStatuses ?? []).map((s) => s.restartCount)), most((pod.status?.initContainerStatuses ?? []).filter((s) => sidecars.has(s.name)).map((s) => s.restartCount))];
}

/** More restarts first. */
function moreRestarts(a: Pod, b: Pod): number {
  const [x, y] = [restartsOf(a), restartsOf(b)];
  return y[0] - x[0] || y[1] - x[1];
}

const PHASES: Readonly<Record<string, number>> = { Running: 0, Unknown: 1, Pending: 2 };

/** What both orders begin with: on a node, running, ready. */
const fitness = (a: Pod, b: Pod): number =>
  Number(!a.spec.nodeName) - Number(!b.spec.nodeName) || (PHASES[a.status?.phase ?? ''] ?? 0) - (PHASES[b.status?.phase ?? ''] ?? 0) || Number(!readyCondition(a)) - Number(!readyCondition(b));

/** Earlier first; no time is the last. */
function earlier(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (!a || !b) return a ? -1 : 1;
  return a < b ? -1 : 1;
}

const readySince = (pod: Pod): string | undefined => readyCondition(pod)?.lastTransitionTime;
const born = (pod: Pod): string | undefined => pod.metadata.creationTimestamp;

/** The Pod whose log says most comes first. */
export const byLogging = (a: Pod, b: Pod): number => fitness(a, b) || earlier(readySince(a), readySince(b)) || moreRestarts(a, b) || earlier(born(a), born(b));

/** The Pod that a controller would keep longest comes first. */
export function byActivity(a: Pod, b: Pod): number {
  const going = Number(Boolean(a.metadata.deletionTimestamp)) - Number(Boolean(b.metadata.deletionTimestamp));
  return fitness(a, b) || going || earlier(b.metadata.deletionTimestamp, a.metadata.deletionTimestamp) || earlier(readySince(a), readySince(b)) || -moreRestarts(a, b) || earlier(born(a), born(b));
}

/** The Pods with these labels, best first; waits for the first of them. Throws CommandError when time is up. */
export function* podsWith(context: Context, namespace: string, selector: string, timeout: Micros, order: (a: Pod, b: Pod) => number): Op<Pod[]> {
  const target = yield* podTarget(context, namespace, '');
  const body = (yield* context.rest.request('GET', target, { query: { labelSelector: selector } })) as { items?: readonly Pod[]; metadata?: { resourceVersion?: string } };
  const pods = [...(body.items ?? [])];
  if (pods.length > 0) return pods.sort(order);
  const stream = yield* context.rest.watch(target, { labelSelector: selector, resourceVersion: body.metadata?.resourceVersion ?? '' });
  const timer = expiring(context, stream, timeout);
  try {
    for (let event = yield* stream.read(); event !== undefined; event = yield* stream.read()) {
      const { type, object } = event as { type: string; object: Pod };
      if (type === 'ADDED' || type === 'MODIFIED') return [object];
    }
    throw new CommandError('timed out waiting for the condition');
  } finally {
    timer?.kill();
    stream.cancel();
  }
}

export function* podTarget(context: Context, namespace: string, name: string): Op<Target> {
  const mapping = yield* context.mapper.byArgument('pods');
  return { mapping, namespace, name };
}

const isPod = ({ mapping }: Info): boolean => mapping.group === '' && mapping.resource === 'pods';

/** The one object of `POD | TYPE/NAME`, and its best Pod for a connection. */
export function* attachable(context: Context, args: readonly string[], timeout: Micros, filenames: readonly string[] = [], several = ''): Op<{ readonly pod: Pod; readonly info: Info }> {
  const found = yield* mustFind(context, { args, filenames, latest: true });
  const info = found.infos[0];
  if (info === undefined || found.infos.length > 1) throw new CommandError(several);
  if (isPod(info)) return { pod: info.object as unknown as Pod, info };
  const pods = yield* podsWith(context, info.namespace, selectorOf(info, 'attach to'), timeout, byActivity);
  return { pod: pods[0] as Pod, info };
}
