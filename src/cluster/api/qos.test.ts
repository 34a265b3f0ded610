// Quality of service by the facts of upstream's table (pkg/apis/core/v1/helper/qos/qos_test.go TestComputePodQOS).

import { expect, test } from 'vitest';
import type { PodSpec } from './generated/types.ts';
import { qosClass } from './qos.ts';

type List = Readonly<Record<string, string>>;
type Amounts = readonly [requests: List, limits: List];

const none: Amounts = [{}, {}];
const both = (cpu: string, memory: string): List => ({ cpu, memory });
const sure: Amounts = [both('100m', '100Mi'), both('100m', '100Mi')];
const gpu: List = { 'nvidia-gpu': '2' };
const CASES: readonly (readonly [string, readonly Amounts[], string, Partial<Record<'init' | 'pod', readonly Amounts[]>>?])[] = [
  ['guaranteed', [sure], 'Guaranteed'],
  ['guaranteed twice', [sure, sure], 'Guaranteed'],
  ['guaranteed with a GPU', [[sure[0], { ...sure[1], ...gpu }]], 'Guaranteed'],
  ['guaranteed twice, one with a GPU', [sure, [{ ...sure[0] }, { ...sure[1], ...gpu }]], 'Guaranteed'],
  ['best effort twice', [none, none], 'BestEffort'],
  ['best effort with a GPU', [[{}, gpu]], 'BestEffort'],
  ['best effort beside burstable', [none, [both('1', ''), both('2', '')].map((l) => ({ cpu: l['cpu'] as string })) as unknown as Amounts], 'Burstable'],
  ['best effort beside guaranteed', [none, [both('10m', '100Mi'), both('10m', '100Mi')]], 'Burstable'],
  ['only CPU, guaranteed', [[{ cpu: '100m' }, { cpu: '100m' }]], 'Burstable'],
  ['only memory, guaranteed', [[{ memory: '100Mi' }, { memory: '100Mi' }]], 'Burstable'],
  ['requests alone', [[both('100m', '100Mi'), {}]], 'Burstable'],
  ['one guaranteed, one with a request', [sure, [{ cpu: '100m' }, {}]], 'Burstable'],
  ['limits beyond requests', [[both('100m', '100Mi'), both('200m', '200Mi')]], 'Burstable'],
  ['limits without requests', [[{}, both('100m', '100Mi')]], 'Guaranteed'],
  ['one of two without limits', [sure, [both('100m', '100Mi'), {}]], 'Burstable'],
  ['burstable and guaranteed', [[{ cpu: '1', memory: '10Mi' }, both('2', '10Mi')], sure], 'Burstable'],
  ['hugepages alone', [[{ 'hugepages-2Mi': '1Gi' }, { 'hugepages-2Mi': '1Gi' }]], 'BestEffort'],
  ['guaranteed with a burstable init container', [sure], 'Burstable', { init: [[both('100m', '100Mi'), both('200m', '200Mi')]] }],
  ['guaranteed with guaranteed init containers', [sure], 'Guaranteed', { init: [sure] }],
  ['guaranteed with a best-effort init container', [sure], 'Burstable', { init: [none] }],
  ["a Pod's own, guaranteed", [none, none], 'Guaranteed', { pod: [sure] }],
  ["a Pod's own over its containers'", [[both('100m', '100Mi'), {}]], 'Guaranteed', { pod: [sure] }],
  ["a Pod's own, burstable", [sure], 'Burstable', { pod: [[both('100m', '100Mi'), both('200m', '200Mi')]] }],
];

const containers = (list: readonly Amounts[]): object[] => list.map(([requests, limits], i) => ({ name: `c${i}`, resources: { requests, limits } }));

test(`quality of service: ${CASES.length} cases of upstream's TestComputePodQOS`, () => {
  for (const [name, mains, expected, more] of CASES) {
    const [own] = more?.pod ?? [];
    const spec = {
      containers: containers(mains),
      ...(more?.init ? { initContainers: containers(more.init) } : {}),
      ...(own ? { resources: { requests: own[0], limits: own[1] } } : {}),
    } as unknown as PodSpec;
    expect([name, qosClass(spec)]).toEqual([name, expected]);
  }
});
