// TaintToleration: NoSchedule and NoExecute taints keep Pods off, PreferNoSchedule taints cost points.

import type { Node, Toleration } from '../../api/generated/types.ts';
import { defaultNormalize, type Plugin, unresolvable } from '../framework/types.ts';
import type { PodInfo } from '../podinfo.ts';
import { tolerates, untolerated } from './tolerations.ts';

const REJECTED = unresolvable('node(s) had untolerated taint(s)');

const tolerable = (pod: PodInfo, node: unknown): boolean => untolerated((node as Node).spec.taints ?? [], pod.tolerations) === undefined;
/** The node is new, or was not to be tolerated before. */
const fits = (pod: PodInfo, before: unknown, after: unknown): boolean => (before === null || !tolerable(pod, before)) && tolerable(pod, after);

export const taintToleration: Plugin = {
  name: 'TaintToleration',
  events: [{ event: 'NodeAdd', worthTrying: fits }, { event: 'NodeTaint', worthTrying: fits }, { event: 'PodTolerations' }],
  filter(_, pod, node) {
    if (node.taints.length === 0) return null;
    return untolerated(node.taints, pod.tolerations) === undefined ? null : REJECTED;
  },
  preScore(pod) {
    return { status: null, state: pod.tolerations.filter((t) => !t.effect || t.effect === 'PreferNoSchedule') };
  },
  score(state: readonly Toleration[], _, node) {
    let count = 0;
    for (const taint of node.taints) {
      if (taint.effect === 'PreferNoSchedule' && !tolerates(state, taint)) count++;
    }
    return count;
  },
  normalizeScore(_, __, scores) {
    defaultNormalize(scores, true);
  },
};
