// Deletion ranking in the order that ActivePodsWithRanks of upstream's pkg/controller/controller_utils.go gives; cases of our own.

import { describe, expect, it } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { formatTime, HOUR, MINUTE, SECOND } from '../sim/time.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { leastWorthKeeping } from './podgc.ts';
import { byDeletionPriority, isPodAvailable, isPodTerminal, nextAvailability, podsToDelete } from './pods.ts';

const NOW = 1_777_856_400 * SECOND;

interface Traits {
  readonly node?: string;
  readonly phase?: string;
  /** How long it has been ready. */
  readonly ready?: number;
  readonly age?: number;
  readonly restarts?: number;
  readonly cost?: number;
}

function pod(name: string, { node = '', phase = 'Running', ready, age = HOUR, restarts = 0, cost }: Traits): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      creationTimestamp: formatTime(NOW - age),
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': String(cost) } }),
    },
    spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions: ready === undefined ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(NOW - ready) }],
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }],
    },
  };
}

describe('byDeletionPriority', () => {
  const inOrder: readonly Pod[] = [
    pod('unassigned-pending', { phase: 'Pending' }),
    pod('assigned-pending', { node: 'n', phase: 'Pending' }),
    pod('assigned-unknown', { node: 'n', phase: 'Unknown' }),
    pod('running-not-ready', { node: 'n' }),
    pod('cheap', { node: 'n', ready: HOUR, cost: -10 }),
    pod('crowded', { node: 'crowd', ready: HOUR }),
    pod('ready-for-a-minute', { node: 'n', ready: MINUTE }),
    pod('restarted', { node: 'n', ready: HOUR, restarts: 7 }),
    pod('younger', { node: 'n', ready: HOUR, age: HOUR }),
    pod('older', { node: 'n', ready: HOUR, age: 40 * HOUR }),
    pod('dear', { node: 'n', ready: MINUTE, cost: 10 }),
  ];

  it('puts every Pod before all that are worth more', () => {
    const rank = (p: Pod): number => (p.spec.nodeName === 'crowd' ? 2 : 1);
    for (const [i, first] of inOrder.entries()) {
      for (const second of inOrder.slice(i + 1)) {
        const sorted = byDeletionPriority([second, first], rank, NOW).map((p) => p.metadata.name);
        expect(sorted).toEqual([first.metadata.name, second.metadata.name]);
      }
    }
  });

  it('takes times of the same power of two for equal, so that not always the youngest goes', () => {
    const a = pod('a', { node: 'n', ready: 10 * HOUR });
    const b = pod('b', { node: 'n', ready: 11 * HOUR });
    expect(byDeletionPriority([b, a], () => 0, NOW).map((p) => p.metadata.name)).toEqual(['a', 'b']);
    const swapped = [{ ...b, metadata: { ...b.metadata, uid: '0' } }, a];
    expect(byDeletionPriority(swapped, () => 0, NOW).map((p) => p.metadata.name)).toEqual(['b', 'a']);
  });
});

describe('podsToDelete', () => {
  const unscheduled = pod('unscheduled', { phase: 'Pending' });
  const pending = pod('pending', { node: 'n', phase: 'Pending' });
  const notReady = pod('not-ready', { node: 'n' });
  const one = pod('one', { node: '1', ready: HOUR });
  const two = pod('two', { node: '2', ready: HOUR });
  upstreamTable<readonly [pods: readonly Pod[], count: number, gone: readonly Pod[], related?: readonly Pod[]]>(
    'who goes when there are too many',
    'TestGetPodsToDelete',
    [
      [[], 0, []],
      [[notReady, one], 2, [notReady, one]],
      [[one, notReady], 1, [notReady]],
      [[one, one, two, notReady, pending, unscheduled], 6, [one, one, two, notReady, pending, unscheduled]],
      [[one, one, two, notReady, pending, unscheduled], 6, [one, one, two, notReady, pending, unscheduled], []],
      [[pending, unscheduled], 1, [unscheduled]],
      [[one, notReady, notReady], 2, [notReady, notReady]],
      [[one, two], 1, [two], [one, two, two]],
      [[pending, notReady], 1, [pending]],
      [[one, two, notReady, pending, unscheduled], 3, [unscheduled, pending, notReady]],
    ],
    ([pods, count, gone, related = pods]) => [podsToDelete(pods, related, count, NOW).map((p) => p.metadata.name), gone.map((p) => p.metadata.name)],
  );
});

describe('leastWorthKeeping', () => {
  type Finished = readonly [name: string, phase: string];
  upstreamTable<readonly [pods: readonly Finished[], threshold: number, gone: readonly string[]]>(
    'finished Pods beyond the threshold, the oldest first',
    'TestGCTerminated',
    [
      [[['a', 'Failed'], ['b', 'Succeeded'], ['c', 'Failed']], 1, ['a', 'b']],
      [[['a', 'Running'], ['b', 'Succeeded'], ['c', 'Failed']], 1, ['b']],
      [[['a', 'Failed'], ['b', 'Succeeded']], 1, ['a']],
      [[['a', 'Failed'], ['b', 'Succeeded']], 5, []],
    ],
    ([finished, threshold, gone]) => {
      const pods = finished.map(([name, phase], i) => pod(name, { phase, age: (10 - i) * HOUR })).filter(isPodTerminal);
      return [leastWorthKeeping(pods).slice(0, Math.max(0, pods.length - threshold)).map((p) => p.metadata.name), gone];
    },
  );
  it('evicted Pods go before older ones', () => {
    const evicted = pod('evicted', { phase: 'Failed', age: MINUTE });
    const pods = [pod('old', { phase: 'Failed', age: HOUR }), { ...evicted, status: { ...evicted.status, reason: 'Evicted' } }];
    expect(leastWorthKeeping(pods).map((p) => p.metadata.name)).toEqual(['evicted', 'old']);
  });
});

describe('availability', () => {
  it('needs minReadySeconds of readiness', () => {
    const p = pod('p', { ready: 20 * SECOND });
    expect(isPodAvailable(p, 0, NOW)).toBe(true);
    expect(isPodAvailable(p, 20, NOW)).toBe(true);
    expect(isPodAvailable(p, 30, NOW)).toBe(false);
    expect(nextAvailability([p], 30, NOW)).toBe(10 * SECOND);
    expect(nextAvailability([p], 10, NOW)).toBeUndefined();
  });
});
