// NodeUnschedulable: cordoned nodes are out, unless the Pod tolerates it.

import type { Node, Pod, Taint } from '../../api/generated/types.ts';
import { type Plugin, unresolvable } from '../framework/types.ts';
import type { PodInfo } from '../podinfo.ts';
import { tolerates } from './tolerations.ts';

const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const REJECTED = unresolvable('node(s) were unschedulable');

const open = (pod: PodInfo, node: unknown): boolean => !(node as Node).spec.unschedulable || tolerates(pod.tolerations, CORDONED);
const opened = (pod: PodInfo, before: unknown, after: unknown): boolean => (before === null || !open(pod, before)) && open(pod, after);

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  events: [
    { event: 'NodeAdd', worthTrying: opened },
    { event: 'NodeTaint', worthTrying: opened },
    { event: 'PodTolerations', worthTrying: (_, __, after) => tolerates((after as Pod).spec.tolerations ?? [], CORDONED) },
  ],
  filter(_, pod, node) {
    if (!node.unschedulable) return null;
    return tolerates(pod.tolerations, CORDONED) ? null : REJECTED;
  },
};
