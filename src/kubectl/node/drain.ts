// kubectl drain: cordons nodes and evicts their Pods (kubectl/pkg/cmd/drain, kubectl/pkg/drain).

import type { Pod } from '../../cluster/api/generated/types.ts';
import { parseLabelSelector } from '../../cluster/api/selector.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import { Deferred } from '../../cluster/sim/channel.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { SECOND } from '../../cluster/sim/time.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { formatDuration } from '../duration.ts';
import { flag, type Flags } from '../flag-set.ts';
import { chunkSizeFlag, dryRunFlag, selectorFlag } from '../global-flags.ts';
import { type DryRun, dryRunOf, operationText } from '../mutation.ts';
import { CommandError, PlainError } from '../print/error.ts';
import type { Target } from '../rest.ts';
import { isStuck, podsToRemove } from './drain-filter.ts';
import { completeNodes, mark, nodesOf } from './nodes.ts';

const RETRY = 5 * SECOND;

export const DRAIN: Command = {
  name: 'drain',
  group: 'Cluster Management Commands:',
  use: 'drain NODE',
  short: 'Drain node in preparation for maintenance',
  long: 'Drain node in preparation for maintenance.\n\n The node is marked unschedulable, then its Pods are evicted (which PodDisruptionBudgets may delay) and drain waits until they are gone. Pods of DaemonSets stay, mirror Pods too; Pods without a controller need --force, Pods with emptyDir volumes --delete-emptydir-data. When the node may work again, use kubectl uncordon.',
  examples: 'kubectl drain worker-1 --ignore-daemonsets\nkubectl drain worker-1 --ignore-daemonsets --force --grace-period=900',
  flags: [
    chunkSizeFlag,
    flag.bool('delete-emptydir-data', 'Go on even if Pods use emptyDir; their data is lost.'),
    flag.bool('disable-eviction', 'Delete Pods in place of evicting them. PodDisruptionBudgets are then not looked at.'),
    dryRunFlag,
    flag.bool('force', 'Go on even if Pods have no controller.'),
    flag.int('grace-period', 'Seconds that each Pod gets to end. Negative: what the Pod itself says.', { value: '-1' }),
    flag.bool('ignore-daemonsets', 'Leave Pods of DaemonSets alone.'),
    flag.string('pod-selector', 'Only Pods with these labels.'),
    selectorFlag,
    flag.int('skip-wait-for-delete-timeout', 'Do not wait for Pods that were deleted more seconds ago than this. 0: wait for all.'),
    flag.duration('timeout', 'How long to wait before giving up; zero means forever.'),
  ],
  complete: completeNodes,
  run: drain,
};

/** What was said about a node that could not be drained, as one error or several. */
class DrainErrors extends Error {
  readonly texts: readonly string[];

  constructor(texts: readonly string[]) {
    super(texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`);
    this.texts = texts;
  }
}

function* drain(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const podSelector = flags.text('pod-selector');
  if (podSelector !== '') {
    try {
      parseLabelSelector(podSelector);
    } catch {
      throw new CommandError('--pod-selector=<pod_selector> must be a valid label selector');
    }
  }
  const nodes = yield* nodesOf(context, flags, 'drain NODE');
  yield* mark(context, nodes, true, dry);
  const failed: { readonly name: string; readonly error: unknown }[] = [];
  for (const { name } of nodes) {
    try {
      yield* drainOne(context, flags, name, dry);
      context.print(`node/${name} ${operationText('drained', dry)}`);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      context.printError(`error: unable to drain node ${JSON.stringify(name)} due to error: ${messageOf(error)}, continuing command...`);
      failed.push({ name, error });
    }
  }
  if (failed.length === 0) return;
  context.printError('There are pending nodes to be drained:');
  for (const { name } of failed) context.printError(` ${name}`);
  if (failed.length > 1) throw new PlainError(failed.map(({ error }) => messageOf(error)).join('\n'));
  const error = failed[0]?.error;
  throw error instanceof DrainErrors ? new PlainError(error.texts.join('\n')) : error;
}

function* drainOne(context: Context, flags: Flags, node: string, dry: DryRun): Op<void> {
  const { pods, warnings, errors } = yield* podsToRemove(context, flags, node);
  if (errors.length > 0) throw new DrainErrors(errors);
  if (warnings !== '') context.warn(warnings);
  if (dry === 'client') {
    for (const { metadata } of pods) context.print(`evicting pod ${metadata.namespace}/${metadata.name} (dry run)`);
    return;
  }
  if (pods.length === 0) return;
  try {
    yield* flags.is('disable-eviction') ? deleteAll(context, flags, pods, dry) : evictAll(context, flags, pods, dry);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    const pending = yield* podsToRemove(context, flags, node);
    if (pending.pods.length > 0) {
      context.printError(`There are pending pods in node ${JSON.stringify(node)} when an error occurred: ${messageOf(error)}`);
      for (const { metadata } of pending.pods) context.printError(`pod/${metadata.name}`);
    }
    throw error;
  }
}

const deleteOptions = (flags: Flags, dry: DryRun): object => ({
  ...(flags.integer('grace-period') >= 0 ? { gracePeriodSeconds: flags.integer('grace-period') } : {}),
  ...(dry === 'server' ? { dryRun: ['All'] } : {}),
});

function* targetOf(context: Context, { metadata }: Pod, subresource?: string): Op<Target> {
  const mapping = yield* context.mapper.byArgument('pods');
  return { mapping, namespace: metadata.namespace ?? '', name: metadata.name, ...(subresource ? { subresource } : {}) };
}

/** All at once, each with its own retries. */
function* evictAll(context: Context, flags: Flags, pods: readonly Pod[], dry: DryRun): Op<void> {
  const { os } = context;
  const timeout = flags.duration('timeout');
  const deadline = timeout === 0 ? Infinity : os.sim.now + timeout;
  const errors: string[] = [];
  const over = new Deferred<void>(os.sim);
  let open = pods.length;
  for (const pod of pods) {
    os.go('evict', function* () {
      try {
        yield* evict(context, flags, pod, dry, deadline);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        errors.push(messageOf(error));
      }
      if (--open === 0) over.resolve();
    });
  }
  yield* over.wait();
  if (errors.length > 0) throw new DrainErrors(errors);
}

const isTerminating = (error: ApiError): boolean => error.reason === 'Forbidden' && (error.status.details?.causes ?? []).some((c) => c.reason === 'NamespaceTerminating');

function* evict(context: Context, flags: Flags, given: Pod, dry: DryRun, deadline: number): Op<void> {
  const { os, rest } = context;
  const { name, namespace = '' } = given.metadata;
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions: deleteOptions(flags, dry) };
  for (let pod = given; ; ) {
    context.print(`evicting pod ${namespace}/${name}${dry === 'server' ? ' (server dry run)' : ''}`);
    if (os.sim.now >= deadline) throw new CommandError(`error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}: global timeout reached: ${formatDuration(flags.duration('timeout'))}`);
    try {
      yield* rest.create(yield* targetOf(context, pod, 'eviction'), eviction);
      break;
    } catch (error) {
      if (!(error instanceof ApiError)) throw new CommandError(`error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}: ${messageOf(error)}`);
      if (error.reason === 'NotFound') return;
      if (isTerminating(error) && pod.metadata.deletionTimestamp) break;
      if (error.reason === 'TooManyRequests') context.printError(`error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)} (will retry after 5s): ${error.message}`);
      else if (isTerminating(error)) context.printError(`error when evicting pod ${JSON.stringify(name)} from terminating namespace ${JSON.stringify(namespace)} (will retry after 5s): ${error.message}`);
      else throw new CommandError(`error when evicting pods/${JSON.stringify(name)} -n ${JSON.stringify(namespace)}: ${error.message}`);
      yield* os.sleep(RETRY);
    }
    pod = ((yield* rest.find(yield* targetOf(context, pod))) as unknown as Pod | undefined) ?? pod;
  }
  if (dry === 'server') return;
  try {
    yield* waitUntilGone(context, flags, [given], 'evicted', 'eviction failed', deadline);
  } catch (error) {
    throw new CommandError(`error when waiting for pod ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)} to terminate: ${messageOf(error)}`);
  }
}

function* deleteAll(context: Context, flags: Flags, pods: readonly Pod[], dry: DryRun): Op<void> {
  for (const pod of pods) {
    try {
      yield* context.rest.delete(yield* targetOf(context, pod), deleteOptions(flags, dry));
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'NotFound') throw error;
    }
  }
  if (dry === 'server') return;
  const timeout = flags.duration('timeout');
  yield* waitUntilGone(context, flags, pods, 'deleted', 'deletion failed', timeout === 0 ? Infinity : context.os.sim.now + timeout);
}

/** Asks for each Pod once a second. */
function* waitUntilGone(context: Context, flags: Flags, pods: readonly Pod[], done: string, failed: string, deadline: number): Op<void> {
  for (let waiting = pods; ; ) {
    const still: Pod[] = [];
    for (const pod of waiting) {
      const { name, uid } = pod.metadata;
      try {
        const live = (yield* context.rest.find(yield* targetOf(context, pod))) as unknown as Pod | undefined;
        if (live === undefined || live.metadata.uid !== uid) context.print(`pod/${name} ${done}`);
        else if (isStuck(context, flags, live)) context.print(`pod ${JSON.stringify(name)} has DeletionTimestamp older than ${flags.integer('skip-wait-for-delete-timeout')} seconds, skipping`);
        else still.push(pod);
      } catch (error) {
        context.print(`pod/${name} ${failed}`);
        throw error;
      }
    }
    if (still.length === 0) return;
    waiting = still;
    if (context.os.sim.now >= deadline) throw new CommandError('context deadline exceeded');
    yield* context.os.sleep(Math.min(SECOND, deadline - context.os.sim.now));
  }
}
