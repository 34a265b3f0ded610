// Writing taints on nodes (pkg/controller/controller_utils.go AddOrUpdateTaintOnNode, RemoveTaintOffNode), and which of
// them a Pod tolerates (k8s.io/component-helpers/scheduling/corev1).

import type { Node, Taint, Toleration } from '../api/generated/types.ts';
import { isConflict } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import type { Op } from '../sim/simulation.ts';

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';

const MAX_TRIES = 10;
const RETRY_WAIT = 100_000;

export const sameTaint = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;

/** Reads the node, changes its taints, writes them back; again when somebody else was faster. */
export function* writeTaints(client: Client, name: string, change: (taints: readonly Taint[]) => readonly Taint[]): Op<void> {
  for (let tries = 1; ; tries++) {
    const node: Node = yield* client.get('nodes', '', name);
    const before = node.spec.taints ?? [];
    const after = change(before);
    if (after.length === before.length && after.every((taint) => before.some((b) => sameTaint(b, taint) && b.value === taint.value))) return;
    try {
      const { resourceVersion } = node.metadata;
      const patch = { metadata: { resourceVersion }, spec: { taints: after.length === 0 ? null : after } };
      yield* client.patch('nodes', '', name, patch, 'strategic');
      return;
    } catch (error) {
      if (!isConflict(error) || tries === MAX_TRIES) throw error;
    }
    yield* client.os.sleep(RETRY_WAIT);
  }
}

/** Adds some taints and takes others away, as upstream in two writes. */
export function* swapTaints(client: Client, name: string, add: readonly Taint[], remove: readonly Taint[]): Op<void> {
  if (add.length > 0) {
    yield* writeTaints(client, name, (taints) => [...taints.filter((t) => !add.some((a) => sameTaint(a, t))), ...add]);
  }
  if (remove.length > 0) yield* writeTaints(client, name, (taints) => taints.filter((t) => !remove.some((r) => sameTaint(r, t))));
}

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  const operator = toleration.operator ?? 'Equal';
  if (operator === 'Exists') return true;
  if (operator === 'Equal') return (toleration.value ?? '') === (taint.value ?? '');
  const [given, bound] = [Number(taint.value), Number(toleration.value)];
  return operator === 'Gt' ? given > bound : operator === 'Lt' && given < bound;
}
