// What PodReadyToStartContainers says of the sandbox: upstream's table (status/generate_test.go).

import { expect, it } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import type { RuntimePod } from './pod-cache.ts';
import { readyToStartCondition } from './pod-status.ts';

type Sandbox = Partial<RuntimePod['sandboxes'][number]>;
const ready = (ip: string, attempt = 0): Sandbox => ({ state: 'READY', ip, attempt, hostNetwork: false });

it.each<readonly [string, boolean, readonly Sandbox[], string]>([
  ['no sandbox', false, [], 'False PodSandboxNotReady: no pod sandbox exists'],
  ['a sandbox that is not ready', false, [{ ...ready(''), state: 'NOTREADY' }], 'False PodSandboxNotReady'],
  ['two that are ready', false, [ready('10.0.0.10', 1), ready('10.0.0.11')], 'False PodSandboxNotReady'],
  ['ready, in another network namespace than wanted', true, [ready('10.0.0.10')], 'False PodSandboxNotReady'],
  ['ready without an address', false, [ready('')], 'False PodSandboxNotReady: pod sandbox has no IP address'],
  ['ready with an address', false, [ready('10.0.0.10')], 'True'],
])('TestGeneratePodReadyToStartContainersCondition: %s', (_, hostNetwork, sandboxes, expected) => {
  const pod = { metadata: {}, spec: { containers: [], hostNetwork } } as unknown as Pod;
  const { status, reason, message } = readyToStartCondition(pod, { sandboxes, containers: [] } as unknown as RuntimePod);
  expect([status, reason].filter(Boolean).join(' ') + (message === undefined ? '' : `: ${message}`)).toBe(expected);
});
