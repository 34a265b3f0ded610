// SchedulingGates (KEP-3521): a Pod with gates does not enter the active queue.

import { type Plugin, unresolvable } from '../framework/types.ts';

export const schedulingGates: Plugin = {
  name: 'SchedulingGates',
  events: [{ event: 'PodSchedulingGates' }],
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates ?? [];
    if (gates.length === 0) return null;
    return unresolvable(`waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`);
  },
};
