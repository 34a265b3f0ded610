// Keeps the scheduler's cache and queue in step with the API (upstream eventhandlers.go).

import type { Namespace, Node, Pod } from '../api/generated/types.ts';
import type { Informer } from '../client/informer.ts';
import type { Cache } from './cache.ts';
import { asksForLess, nodeChanges, sameStrings } from './events.ts';
import { podInfoOf } from './podinfo.ts';
import type { SchedulingQueue } from './queue.ts';

export interface Sources {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly namespaces: Informer<Namespace>;
}

/** `ours`: does one of our profiles schedule this Pod? */
export function followCluster({ pods, nodes, namespaces }: Sources, cache: Cache, queue: SchedulingQueue, ours: (pod: Pod) => boolean): void {
  pods.addHandler({
    add: (pod) => {
      if (pod.spec.nodeName) assigned(null, pod);
      else if (ours(pod)) queue.add(pod);
    },
    update: (before, after) => {
      const uid = after.metadata.uid ?? '';
      if (before.metadata.uid !== after.metadata.uid) {
        gone(before);
        if (after.spec.nodeName) assigned(null, after);
        else if (ours(after)) queue.add(after);
      } else if (after.spec.nodeName) {
        if (!before.spec.nodeName) queue.delete(uid);
        assigned(before.spec.nodeName ? before : null, after);
      } else if (ours(after) && !cache.isAssumed(uid)) queue.update(before, after);
    },
    delete: (pod) => gone(pod),
  });
  nodes.addHandler({
    add: (node) => {
      cache.setNode(node);
      queue.move({ kind: 'NodeAdd', before: null, after: node });
    },
    update: (before, after) => {
      cache.setNode(after);
      for (const kind of nodeChanges(before, after)) queue.move({ kind, before, after });
    },
    delete: (node) => {
      cache.removeNode(node.metadata.name);
      queue.move({ kind: 'NodeDelete', before: node, after: null });
    },
  });
  namespaces.addHandler({
    update: (before, after) => {
      if (!sameStrings(before.metadata.labels, after.metadata.labels)) queue.move({ kind: 'NamespaceLabel', before, after });
    },
  });

  function assigned(before: Pod | null, after: Pod): void {
    const known = cache.podInfo(after.metadata.uid ?? '');
    const info = podInfoOf(after, known);
    cache.setPod(info);
    if (before === null) {
      queue.move({ kind: 'AssignedPodAdd', before, after });
      return;
    }
    if (!sameStrings(before.metadata.labels, after.metadata.labels)) queue.move({ kind: 'AssignedPodLabel', before, after });
    // Only a resize changes what a running Pod asks for.
    if (known !== undefined && known.requests !== info.requests && asksForLess(before, after)) queue.move({ kind: 'AssignedPodScaleDown', before, after });
  }

  function gone(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    queue.delete(uid);
    if (!pod.spec.nodeName && !cache.isAssumed(uid)) return;
    cache.removePod(uid);
    queue.move({ kind: 'AssignedPodDelete', before: pod, after: null });
  }
}
