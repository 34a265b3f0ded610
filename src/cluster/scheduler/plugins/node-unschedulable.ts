// NodeUnschedulable: cordoned nodes are out, unless the Pod tolerates it.

import type { Node, Taint } from '../../api/generated/types.ts';
import { type Plugin, unresolvable } from '../framework/types.ts';
import { tolerates } from './tolerations.ts';

const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
const REJECTED = unresolvable('node(s) were unschedulable');

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  events: [
    { event: 'NodeAdd', worthTrying: (pod, _, after) => !(after as Node).spec.unschedulable || tolerates(pod.tolerations, CORDONED) },
    { event: 'NodeTaint', worthTrying: (pod, _, after) => !(after as Node).spec.unschedulable || tolerates(pod.tolerations, CORDONED) },
    { event: 'PodTolerations' },
  ],
  filter(_, pod, { node }) {
    if (!node?.spec?.unschedulable) return null;
    return tolerates(pod.tolerations, CORDONED) ? null : REJECTED;
  },
};
