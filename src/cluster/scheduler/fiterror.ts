// The sentence about a Pod that fits nowhere (upstream framework.FitError), as events and conditions carry it.

import type { NodeVerdicts, Status } from './framework/types.ts';

export interface Diagnosis {
  readonly verdicts: NodeVerdicts;
  /** For nodes without a verdict of their own. */
  readonly absent: Status | null;
  /** Set when a PreFilter plugin rejected the Pod for all nodes. */
  readonly preFilterMessage: string;
  readonly postFilterMessage: string;
  /** Who rejected it. */
  readonly plugins: ReadonlySet<string>;
}

export const NO_NODES = 'no nodes available to schedule pods';

/** e.g. `0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 Insufficient cpu. …` */
export function fitErrorText(allNodes: number, d: Pick<Diagnosis, 'verdicts' | 'absent' | 'preFilterMessage' | 'postFilterMessage'>): string {
  let text = `0/${allNodes} nodes are available:`;
  if (d.preFilterMessage !== '') text += ` ${d.preFilterMessage}.`;
  else {
    const histogram = new Map<string, number>();
    const count = (status: Status, by: number): void => {
      for (const reason of status.reasons) histogram.set(reason, (histogram.get(reason) ?? 0) + by);
    };
    for (const status of d.verdicts.values()) count(status, 1);
    if (d.absent && d.verdicts.size < allNodes) count(d.absent, allNodes - d.verdicts.size);
    const parts = [...histogram].map(([reason, n]) => `${n} ${reason}`).sort();
    if (parts.length > 0) text += ` ${parts.join(', ')}.`;
  }
  return d.postFilterMessage === '' ? text : `${text} ${d.postFilterMessage}`;
}
