// The phase of a Pod from its containers' states: upstream's tables (kubelet_pods_test.go).

import { describe, expect, it } from 'vitest';
import type { Container, ContainerStatus, Pod } from '../api/generated/types.ts';
import { podPhase } from './pod-status.ts';

/** r running, R running and started, s succeeded, f failed, w waiting, x and X waiting after an end with 0 and with another code. */
const STATES: Readonly<Record<string, object>> = {
  r: { state: { running: {} } },
  R: { state: { running: {} }, started: true },
  s: { state: { terminated: { exitCode: 0 } } },
  f: { state: { terminated: { exitCode: -1 } } },
  w: { state: { waiting: {} } },
  x: { state: { waiting: {} }, lastState: { terminated: { exitCode: 0 } } },
  X: { state: { waiting: {} }, lastState: { terminated: { exitCode: -1 } } },
  '-': {},
};

type Row = readonly [inits: string, mains: string, phase: string, terminal?: boolean];

const statuses = (letters: string, containers: readonly Container[]): ContainerStatus[] =>
  containers.map(({ name }, i) => ({ name, ...STATES[letters[i] ?? '-'] }) as ContainerStatus);

/** The rows with the phases that we say. */
function phases(restartPolicy: string, inits: readonly Container[], mains: readonly Container[], rows: readonly Row[]): Row[] {
  const pod = { metadata: {}, spec: { restartPolicy, initContainers: inits, containers: mains } } as unknown as Pod;
  return rows.map(([init, main, , terminal = false]) => [init, main, podPhase(pod, statuses(init, inits), statuses(main, mains), terminal), ...(terminal ? [true] : [])] as unknown as Row);
}

const two: readonly Container[] = [{ name: 'a' }, { name: 'b' }];
const plain: readonly Container[] = [{ name: 'x' }];
const sidecar: readonly Container[] = [{ name: 'x', restartPolicy: 'Always' }];

const TABLES: readonly (readonly [test: string, policy: string, inits: readonly Container[], mains: readonly Container[], rows: readonly Row[]])[] = [
  ['TestPodPhaseWithRestartAlways', 'Always', [], two, [
    ['', '', 'Pending'], ['', 'rr', 'Running'], ['', 'ss', 'Running'], ['', 'ss', 'Succeeded', true], ['', 'sf', 'Failed', true],
    ['', 'rs', 'Running'], ['', 'r', 'Pending'], ['', 'rw', 'Pending'], ['', 'rx', 'Running'],
  ]],
  ['TestPodPhaseWithRestartAlwaysInitContainers', 'Always', plain, two, [
    ['', '', 'Pending'], ['r', '', 'Pending'], ['f', '', 'Pending'], ['x', '', 'Pending'], ['X', '', 'Pending'], ['w', '', 'Pending'], ['s', 'rr', 'Running'],
  ]],
  ['TestPodPhaseWithRestartAlwaysRestartableInitContainers', 'Always', sidecar, two, [
    ['', '', 'Pending'], ['r', '', 'Pending'], ['s', '', 'Pending'], ['x', '', 'Pending'], ['X', '', 'Pending'], ['w', '', 'Pending'], ['R', 'r', 'Pending'],
    ['R', 'rr', 'Running'], ['r', 'rr', 'Running'], ['s', 'rr', 'Running'], ['x', 'rr', 'Running'], ['f', 'ss', 'Succeeded', true], ['s', 'ss', 'Succeeded', true],
  ]],
  ['TestPodPhaseWithRestartAlwaysAndPodHasRun', 'Always', [{ name: 'x' }, { name: 'y', restartPolicy: 'Always' }], [{ name: 'a' }], [
    ['rr', 'r', 'Pending'], ['rr', 's', 'Pending'], ['sr', 's', 'Running'], ['sr', 'r', 'Running'],
  ]],
  ['TestPodPhaseWithRestartNever', 'Never', [], two, [
    ['', '', 'Pending'], ['', 'rr', 'Running'], ['', 'ss', 'Succeeded'], ['', 'ff', 'Failed'], ['', 'rs', 'Running'], ['', 'r', 'Pending'], ['', 'rw', 'Pending'],
  ]],
  ['TestPodPhaseWithRestartNeverInitContainers', 'Never', plain, two, [
    ['', '', 'Pending'], ['r', '', 'Pending'], ['f', '', 'Failed'], ['x', '', 'Pending'], ['X', '', 'Failed'], ['w', '', 'Pending'], ['s', 'rr', 'Running'],
  ]],
  ['TestPodPhaseWithRestartNeverRestartableInitContainers', 'Never', sidecar, two, [
    ['', '', 'Pending'], ['r', '', 'Pending'], ['s', '', 'Pending'], ['x', '', 'Pending'], ['X', '', 'Pending'], ['w', '', 'Pending'], ['R', 'r', 'Pending'],
    ['R', 'ss', 'Running'], ['r', 'ss', 'Running'], ['s', 'ss', 'Succeeded'], ['f', 'ss', 'Succeeded'], ['x', 'ss', 'Succeeded'], ['X', 'ss', 'Succeeded'],
  ]],
  ['TestPodPhaseWithRestartOnFailure', 'OnFailure', [], two, [
    ['', '', 'Pending'], ['', 'rr', 'Running'], ['', 'ss', 'Succeeded'], ['', 'ff', 'Running'], ['', 'rs', 'Running'], ['', 'r', 'Pending'], ['', 'rw', 'Pending'], ['', 'rx', 'Running'],
  ]],
];

describe('phase of a Pod', () => {
  for (const [test, policy, inits, mains, rows] of TABLES) {
    it(`${policy}: ${rows.length} cases of upstream's ${test}`, () => {
      expect(phases(policy, inits, mains, rows)).toEqual(rows);
    });
  }
});
