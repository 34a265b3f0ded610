// The reconciler's promises (k8s.io/endpointslice): every wanted endpoint is in exactly one slice, no slice
// has more than 100, few slices are touched, and knowing what changed leads to the same as looking at everything.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint, EndpointSlice, Service } from '../api/generated/types.ts';
import { type EndpointGroup, planSlices, type SlicePlan, type Wanted } from './endpointslice-plan.ts';

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', uid: 'service' },
  spec: { ports: [{ port: 80 }], selector: { app: 'web' } },
  status: {},
};
const ports = [{ name: '', port: 80, protocol: 'TCP' }];

const endpoint = (uid: string, ready = true): Endpoint => ({
  addresses: [uid],
  conditions: { ready, serving: ready, terminating: false },
  targetRef: { kind: 'Pod', uid, name: uid },
});

function wanted(pods: ReadonlyMap<string, boolean>): Wanted {
  const endpoints = new Map([...pods].map(([uid, ready]) => [uid, endpoint(uid, ready)]));
  const groups = new Map<string, EndpointGroup>();
  if (endpoints.size > 0) groups.set('IPv4  80 TCP ', { family: 'IPv4', ports, endpoints });
  return { families: ['IPv4'], groups };
}

let serial = 0;

/** What the API server would hold after the plan. */
function apply(slices: readonly EndpointSlice[], plan: SlicePlan): EndpointSlice[] {
  const kept = slices.filter((slice) => !plan.delete.includes(slice)).map((slice) => plan.update.find((u) => u.metadata.name === slice.metadata.name) ?? slice);
  const made = plan.create.map((draft) => ({ ...draft, metadata: { ...draft.metadata, name: `s${++serial}` } }) as EndpointSlice);
  return [...kept, ...made];
}

const contents = (slices: readonly EndpointSlice[]): Map<string, boolean> =>
  new Map(slices.flatMap((slice) => (slice.endpoints ?? []).map((e) => [e.addresses[0] as string, e.conditions?.ready as boolean] as const)));

const manyPods = (count: number): Map<string, boolean> => new Map(Array.from({ length: count }, (_, i) => [`p${i}`, true]));

describe('planSlices', () => {
  it('makes a slice without endpoints for a Service without Pods, and fills it later', () => {
    const empty = apply([], planSlices(service, wanted(new Map()), []));
    expect(empty.map((slice) => slice.endpoints)).toEqual([[]]);
    const plan = planSlices(service, wanted(manyPods(3)), empty);
    expect([plan.create.length, plan.update.length, plan.delete.length]).toEqual([0, 1, 0]);
    expect(contents(apply(empty, plan)).size).toBe(3);
  });

  it('fills slices of 100', () => {
    const plan = planSlices(service, wanted(manyPods(250)), []);
    expect(plan.create.map((slice) => slice.endpoints?.length)).toEqual([100, 100, 50]);
  });

  it('touches one slice for one Pod more or less', () => {
    const slices = apply([], planSlices(service, wanted(manyPods(250)), []));
    for (const pods of [manyPods(249), manyPods(251), new Map([...manyPods(250), ['p7', false]] as [string, boolean][])]) {
      const plan = planSlices(service, wanted(pods), slices);
      expect([plan.create.length, plan.update.length, plan.delete.length]).toEqual([0, 1, 0]);
      expect(contents(apply(slices, plan))).toEqual(pods);
    }
  });

  it('keeps its promises through any history, with and without being told what changed', () => {
    const change = fc.record({ from: fc.nat(260), count: fc.nat(150), kind: fc.constantFrom('add', 'remove', 'unready') });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const pods = new Map<string, boolean>();
        let slices = apply([], planSlices(service, wanted(pods), []));
        for (const { from, count, kind } of changes) {
          const changed = new Set(Array.from({ length: count }, (_, i) => `p${from + i}`));
          for (const uid of changed) {
            if (kind === 'remove') pods.delete(uid);
            else if (kind === 'add') pods.set(uid, true);
            else if (pods.has(uid)) pods.set(uid, false);
          }
          const incremental = apply(slices, planSlices(service, wanted(pods), slices, changed));
          slices = apply(slices, planSlices(service, wanted(pods), slices));
          for (const result of [incremental, slices]) {
            expect(contents(result)).toEqual(pods);
            expect(result.reduce((n, slice) => n + (slice.endpoints?.length ?? 0), 0)).toBe(pods.size);
            expect(result.every((slice) => (slice.endpoints?.length ?? 0) <= 100)).toBe(true);
          }
          expect(incremental.map((slice) => slice.endpoints)).toEqual(slices.map((slice) => slice.endpoints));
        }
      }),
      { numRuns: 60 },
    );
  });
});
