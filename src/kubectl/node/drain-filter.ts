// Which Pods of a node drain may remove, which it leaves and why (kubectl/pkg/drain/filters.go).

import type { Pod } from '../../cluster/api/generated/types.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';

export interface Selection {
  /** To be removed. */
  readonly pods: readonly Pod[];
  /** '' when there are none. */
  readonly warnings: string;
  readonly errors: readonly string[];
}

type Verdict = { readonly remove: boolean; readonly warning?: string; readonly error?: string };

const REMOVE: Verdict = { remove: true };
const LEAVE: Verdict = { remove: false };

/** Past its deletion by more seconds than --skip-wait-for-delete-timeout allows. */
export function isStuck(context: Context, flags: Flags, pod: Pod): boolean {
  const limit = flags.integer('skip-wait-for-delete-timeout');
  const deleted = pod.metadata.deletionTimestamp;
  if (limit <= 0 || !deleted) return false;
  const { sim } = context.os;
  return (sim.epoch + sim.now) / 1e6 - Date.parse(deleted) / 1e3 > limit;
}

function* judge(context: Context, flags: Flags, pod: Pod): Op<Verdict> {
  if (isStuck(context, flags, pod)) return LEAVE;
  const finished = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  const owner = pod.metadata.ownerReferences?.find((o) => o.controller === true);
  let verdict = REMOVE;
  if (owner?.kind === 'DaemonSet' && owner.apiVersion === 'apps/v1' && !finished) {
    verdict = yield* judgeDaemon(context, flags, pod.metadata.namespace ?? '', owner.name);
    if (!verdict.remove) return verdict;
  }
  if (pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) return LEAVE;
  if (finished) return REMOVE;
  if (pod.spec.volumes?.some((v) => v.emptyDir !== undefined)) {
    if (!flags.is('delete-emptydir-data')) return { remove: false, error: 'Pods with local storage (use --delete-emptydir-data to override)' };
    verdict = { remove: true, warning: 'deleting Pods with local storage' };
  } else verdict = REMOVE;
  // The last filter's word counts, so a Pod with a controller loses its warning.
  if (owner) return REMOVE;
  if (flags.is('force')) return { remove: true, warning: 'deleting Pods that declare no controller' };
  return { remove: false, error: 'Pods that declare no controller (use --force to override)' };
}

function* judgeDaemon(context: Context, flags: Flags, namespace: string, name: string): Op<Verdict> {
  try {
    yield* context.rest.raw('GET', `/apis/apps/v1/namespaces/${namespace}/daemonsets/${name}`);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error.reason === 'NotFound' && flags.is('force') ? { remove: true, warning: error.message } : { remove: false, error: error.message };
  }
  if (!flags.is('ignore-daemonsets')) return { remove: false, error: 'DaemonSet-managed Pods (use --ignore-daemonsets to ignore)' };
  return { remove: false, warning: 'ignoring DaemonSet-managed Pods' };
}

/** Looks at all Pods of a node. Throws ApiError when they cannot be listed. */
export function* podsToRemove(context: Context, flags: Flags, node: string): Op<Selection> {
  const mapping = yield* context.mapper.byArgument('pods');
  const selector = flags.text('pod-selector');
  const query = { fieldSelector: `spec.nodeName=${node}`, ...(selector === '' ? {} : { labelSelector: selector }), limit: flags.text('chunk-size') };
  const listed = (yield* context.rest.list({ mapping, namespace: '', name: '' }, query)) as unknown as Pod[];
  const pods: Pod[] = [];
  const warnings = new Map<string, string[]>();
  const errors = new Map<string, string[]>();
  const note = (map: Map<string, string[]>, text: string, pod: Pod): void => {
    const named = `${pod.metadata.namespace}/${pod.metadata.name}`;
    map.set(text, [...(map.get(text) ?? []), named]);
  };
  for (const pod of listed) {
    const { remove, warning, error } = yield* judge(context, flags, pod);
    if (remove) pods.push(pod);
    if (warning !== undefined) note(warnings, warning, pod);
    if (error !== undefined) note(errors, error, pod);
  }
  return {
    pods,
    warnings: [...warnings].map(([text, names]) => `${text}: ${names.join(', ')}`).join('; '),
    errors: [...errors].map(([text, names]) => `cannot delete ${text}: ${names.join(', ')}`),
  };
}
