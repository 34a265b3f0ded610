// Parts of the kubelet that no cluster needs to boot: what a look of the eviction manager finds, /stats/summary and /metrics/cadvisor.
// The host brings them when it has loaded them; without them nobody is evicted and the endpoints are not there.

import type { Pod } from '../api/generated/types.ts';
import type { Op } from '../sim/simulation.ts';
import type { Context } from './context.ts';
import type { EvictionParts, EvictionState } from './eviction-manager.ts';

export interface KubeletExtras {
  readonly evictionRound: (state: EvictionState, parts: EvictionParts) => Op<readonly Pod[]>;
  readonly cadvisorMetrics: (context: Context, pods: readonly Pod[]) => string;
  readonly summary: (context: Context, pods: readonly Pod[]) => object;
}

let provided: KubeletExtras | null = null;

/** To be called by the host once. */
export function provideKubeletExtras(extras: KubeletExtras): void {
  provided = extras;
}

export const kubeletExtras = (): KubeletExtras | null => provided;

export function* evictionRound(state: EvictionState, parts: EvictionParts): Op<readonly Pod[]> {
  return provided === null ? [] : yield* provided.evictionRound(state, parts);
}
