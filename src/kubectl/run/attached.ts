// The session of `kubectl run -i` and `--attach`: waits for the Pod, prints what it has said, attaches, takes over its exit code,
// and removes it with --rm (kubectl/pkg/cmd/run handleAttachPod, waitForPod, removeCreatedObjects).

import type { Pod } from '../../cluster/api/generated/types.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { targetOf } from '../create/generator.ts';
import { CommandError, Exit } from '../print/error.ts';
import { kindName } from '../resource/mapper.ts';
import type { LiveObject, Target } from '../rest.ts';
import { attachTo } from '../stream/attach.ts';
import { containerFor } from '../stream/containers.ts';
import { expiring } from '../wait/deletion.ts';
import type { AttachToRun } from './run.ts';

const isCompleted = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
const isReady = ({ status }: Pod): boolean => status?.phase === 'Running' && (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True');

/** The Pod, once it is as asked. Throws CommandError after the time limit. */
function* podWhen(context: Context, target: Target, timeout: number, met: (pod: Pod) => boolean): Op<Pod> {
  const deadline = context.os.sim.now + timeout;
  while (context.os.sim.now < deadline) {
    const live = (yield* context.rest.get(target)) as Pod & LiveObject;
    if (met(live)) return live;
    const query = { fieldSelector: `metadata.name=${target.name}`, resourceVersion: live.metadata.resourceVersion ?? '' };
    const stream = yield* context.rest.watch(target, query, { subjectName: target.name });
    const timer = expiring(context, stream, deadline - context.os.sim.now);
    try {
      for (let event = yield* stream.read(); event !== undefined; event = yield* stream.read()) {
        const { type, object } = event as { readonly type: string; readonly object: Pod };
        if (type === 'DELETED') throw new CommandError(`pods "" not found`);
        if (type === 'ADDED' || type === 'MODIFIED') if (met(object)) return object;
      }
    } finally {
      stream.cancel();
      timer?.kill();
    }
  }
  throw new CommandError('timed out waiting for the condition');
}

function* printLogs(context: Context, target: Target, container: string): Op<void> {
  const text = yield* context.rest.request('GET', { ...target, subresource: 'log' }, { query: { container }, accept: 'application/json, */*' });
  if (typeof text === 'string') context.write(text);
}

function* session(context: Context, flags: Flags, target: Target, timeout: number): Op<void> {
  const pod = yield* podWhen(context, target, timeout, (p) => isReady(p) || isCompleted(p));
  const quiet = flags.is('quiet');
  const container = containerFor(context, pod, '', quiet).container.name;
  if (isCompleted(pod)) return yield* printLogs(context, target, container);
  try {
    yield* printLogs(context, target, container);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    context.printError(`warning: couldn't fetch pre-attach logs: ${messageOf(error)}`);
  }
  try {
    yield* attachTo(context, pod, { container, stdin: flags.is('stdin'), tty: flags.is('tty'), quiet, detachKeys: flags.text('detach-keys'), commandPath: 'kubectl attach' });
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    context.printError(`warning: couldn't attach to pod/${target.name}, falling back to streaming logs: ${messageOf(error)}`);
    yield* printLogs(context, target, container);
  }
}

/** What the end of the Pod means for the command: its own exit code. */
function outcome({ metadata, status }: Pod): number {
  const name = `${metadata.namespace ?? ''}/${metadata.name}`;
  if (status?.phase === 'Succeeded') return 0;
  if (status?.phase !== 'Failed') throw new CommandError(`pod ${name} left in phase ${status?.phase ?? ''}`);
  const terminated = status.containerStatuses?.[0]?.state?.terminated;
  if (!terminated?.exitCode) throw new CommandError(`pod ${name} failed with unknown exit code`);
  throw new Exit(terminated.exitCode, `pod ${name} terminated (${terminated.reason ?? ''})\n${terminated.message ?? ''}`);
}

/** --rm: what goes wrong with it is not told. */
function* remove(context: Context, flags: Flags, created: readonly LiveObject[]): Op<void> {
  for (const object of created) {
    const target = { ...(yield* targetOf(context, object)), namespace: object.metadata?.namespace ?? context.namespace };
    try {
      yield* context.rest.delete(target, { propagationPolicy: 'Background' });
    } catch (error) {
      if (error instanceof ApiError) return;
      throw error;
    }
    if (!flags.is('quiet')) context.print(`${kindName(target.mapping)} ${JSON.stringify(target.name)} deleted from ${target.namespace} namespace`);
  }
}

export const attachToRun: AttachToRun = function* (context, flags, { pod, created, restartPolicy }) {
  const target = { ...(yield* targetOf(context, pod)), namespace: pod.metadata?.namespace ?? context.namespace };
  const timeout = flags.duration('pod-running-timeout');
  try {
    yield* session(context, flags, target, timeout);
    if (flags.is('leave-stdin-open') || restartPolicy === 'Always') return 0;
    return outcome(yield* podWhen(context, target, timeout, restartPolicy === 'OnFailure' ? (p) => p.status?.phase === 'Succeeded' : isCompleted));
  } finally {
    if (flags.is('rm')) yield* remove(context, flags, created);
  }
};
