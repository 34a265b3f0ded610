// Whether a resize fits, by the facts of upstream's TestHandlePodResourcesResize (pkg/kubelet/allocation): a node of 4 CPUs and 4Gi, a Pod of
// 1 CPU and 1000M beside two others of the same size.

import { expect, test } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { Admission } from './admission.ts';
import { resizeVerdict } from './resize.ts';

const ALLOCATABLE = { cpu: '4', memory: '4Gi', pods: '110' };
const pod = (uid: string, cpu: string, memory: string): Pod =>
  ({ metadata: { name: uid, namespace: 'default', uid }, spec: { containers: [{ name: 'c', resources: { requests: { cpu, memory } } }] }, status: {} }) as unknown as Pod;

const CASES: readonly (readonly [string, string, string, string, string?])[] = [
  ['less of both', '500m', '500Mi', 'fits'],
  ['less CPU, more memory than is free', '500m', '2500Mi', 'Deferred', "Node didn't have enough resource: memory, requested: 2621440000, used: 2097152000, capacity: 4294967296"],
  ['more memory than the node has', '1', '4500Mi', 'Infeasible', "Node didn't have enough capacity: memory, requested: 4718592000, capacity: 4294967296"],
  ['more CPU than the node has', '5', '1000Mi', 'Infeasible', "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000"],
  ['more CPU than is free', '2500m', '500Mi', 'Deferred', "Node didn't have enough resource: cpu, requested: 2500, used: 2000, capacity: 4000"],
  ['more CPU', '1500m', '1000Mi', 'fits'],
  ['less CPU', '500m', '1000Mi', 'fits'],
];

test(`whether a resize fits: ${CASES.length} cases of upstream's TestHandlePodResourcesResize`, () => {
  for (const [name, cpu, memory, verdict, message] of CASES) {
    const admission = new Admission();
    for (const uid of ['a', 'b', 'c']) expect(admission.admit(uid, pod(uid, '1', '1000Mi'), undefined, ALLOCATABLE)).toBeUndefined();
    const found = resizeVerdict(pod('a', cpu, memory), admission, ALLOCATABLE);
    expect([name, ...(found.fits ? ['fits'] : [found.reason, found.message])]).toEqual([name, verdict, ...(message === undefined ? [] : [message])]);
    // What did not fit has changed nothing.
    expect(admission.admitted('a')?.spec.containers[0]?.resources?.requests?.['cpu']).toBe(found.fits ? cpu : '1');
  }
});
