// Tables after upstream's kuberuntime_manager_test.go (computePodActions), flowcontrol's backoff_test.go and kubelet_pods_test.go.

import { describe, expect, it } from 'vitest';
import type { Container, Pod } from '../api/generated/types.ts';
import type { ContainerStatus, SandboxStatus } from '../runtime/cri.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { computePodActions, CONTAINER_HASH, containerHash, type ProbeVerdicts } from './actions.ts';
import { Backoff } from './backoff.ts';
import { goDuration } from './context.ts';
import { expand } from './environment.ts';
import { podPhase } from './pod-status.ts';
import type { RuntimePod } from './pod-cache.ts';

const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: `${name}:1`, ...more });

const pod = (restartPolicy: string, names: readonly string[], inits: readonly Container[] = []): Pod => ({
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u' },
  spec: { restartPolicy, containers: names.map((n) => container(n)), ...(inits.length > 0 ? { initContainers: inits } : {}) }, status: {},
});

const sandbox = (more: Partial<SandboxStatus> = {}): SandboxStatus => ({
  id: 's1', name: 'p', namespace: 'n', uid: 'u', attempt: 0, state: 'READY', createdAt: 1, hostNetwork: false, ip: '10.244.1.2', labels: {}, ...more,
});

const status = (name: string, state: ContainerStatus['state'], exitCode = 0, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  id: `id-${name}`, sandboxId: 's1', name, attempt: 0, state, createdAt: 2, startedAt: 2, finishedAt: state === 'EXITED' ? 3 : 0, exitCode, reason: '',
  message: '', image: '', imageId: '', imageRef: '', logPath: '', pid: 0, uid: 0, gid: 0, labels: { [CONTAINER_HASH]: containerHash(container(name)) }, annotations: {}, ...more,
});

const calm: ProbeVerdicts = { liveness: () => undefined, startup: () => undefined };
const runtime = (containers: readonly ContainerStatus[], sandboxes: readonly SandboxStatus[] = [sandbox()]): RuntimePod => ({ sandboxes, containers });
const run = (p: Pod, r: RuntimePod, probes = calm) => {
  const { killPod, createSandbox, attempt, initContainersToStart, containersToStart, containersToKill } = computePodActions(p, r, probes);
  return { killPod, createSandbox, attempt, init: initContainersToStart, start: containersToStart, kill: containersToKill.map((k) => k.message) };
};

describe('computePodActions', () => {
  const nothing = { killPod: false, createSandbox: false, attempt: 0, init: [], start: [], kill: [] };
  const two = ['a', 'b'];
  const bothRun = [status('a', 'RUNNING'), status('b', 'RUNNING')];

  it.each([
    ['everything is good', pod('Always', two), runtime(bothRun), nothing],
    ['a new Pod', pod('Always', two), runtime([], []), { ...nothing, killPod: true, createSandbox: true, start: [0, 1] }],
    ['sandbox not ready', pod('Always', two), runtime(bothRun, [sandbox({ state: 'NOTREADY' })]), { ...nothing, killPod: true, createSandbox: true, attempt: 1, start: [0, 1] }],
    ['sandbox without address', pod('Always', two), runtime(bothRun, [sandbox({ ip: '' })]), { ...nothing, killPod: true, createSandbox: true, attempt: 1, start: [0, 1] }],
    ['sandbox gone, Never', pod('Never', two), runtime([status('a', 'EXITED', 1), status('b', 'EXITED')], [sandbox({ state: 'NOTREADY' })]), { ...nothing, killPod: true, attempt: 1 }],
    ['sandbox gone, OnFailure, one succeeded', pod('OnFailure', two), runtime([status('a', 'EXITED', 1), status('b', 'EXITED')], [sandbox({ state: 'NOTREADY' })]), { ...nothing, killPod: true, createSandbox: true, attempt: 1, start: [0] }],
    ['one died, Always', pod('Always', two), runtime([status('a', 'EXITED'), status('b', 'RUNNING')]), { ...nothing, start: [0] }],
    ['one failed, OnFailure', pod('OnFailure', two), runtime([status('a', 'EXITED', 1), status('b', 'EXITED')]), { ...nothing, start: [0] }],
    ['all ended, Never', pod('Never', two), runtime([status('a', 'EXITED', 1), status('b', 'EXITED')]), { ...nothing, killPod: true }],
    ['image changed', pod('Always', two), runtime([status('a', 'RUNNING', 0, { labels: { [CONTAINER_HASH]: 'other' } }), status('b', 'RUNNING')]), { ...nothing, start: [0], kill: ['Container a definition changed, will be restarted'] }],
    ['unknown state', pod('Always', two), runtime([status('a', 'UNKNOWN'), status('b', 'RUNNING')]), { ...nothing, start: [0], kill: ['Container is in "unknown" state, try killing it before restart'] }],
  ])('%s', (_, p, r, expected) => {
    expect(run(p, r)).toEqual(expected);
  });

  it('kills what fails its liveness or startup probe', () => {
    const failing: ProbeVerdicts = { liveness: (id) => (id === 'id-a' ? 'failure' : undefined), startup: (id) => (id === 'id-b' ? 'failure' : undefined) };
    expect(run(pod('Always', two), runtime(bothRun), failing)).toEqual({ ...nothing, start: [0, 1], kill: ['Container a failed liveness probe, will be restarted', 'Container b failed startup probe, will be restarted'] });
    expect(run(pod('Never', two), runtime(bothRun), failing)).toEqual({ ...nothing, killPod: true, kill: ['Container a failed liveness probe', 'Container b failed startup probe'] });
  });

  const inits = [container('i0'), container('i1')];
  const sidecars = [container('s0', { restartPolicy: 'Always' }), container('i1')];
  it.each([
    ['first init container', pod('Always', ['a'], inits), runtime([], []), { ...nothing, killPod: true, createSandbox: true, init: [0] }],
    ['wait for it', pod('Always', ['a'], inits), runtime([status('i0', 'RUNNING')]), nothing],
    ['the next', pod('Always', ['a'], inits), runtime([status('i0', 'EXITED')]), { ...nothing, init: [1] }],
    ['failed: again', pod('Always', ['a'], inits), runtime([status('i0', 'EXITED', 1)]), { ...nothing, init: [0] }],
    ['failed, Never: the Pod ends', pod('Never', ['a'], inits), runtime([status('i0', 'EXITED', 1)]), { ...nothing, killPod: true }],
    ['all done: main containers', pod('Always', ['a'], inits), runtime([status('i1', 'EXITED'), status('i0', 'EXITED')]), { ...nothing, start: [0] }],
    ['a running sidecar lets the next start', pod('Always', ['a'], sidecars), runtime([status('s0', 'RUNNING')]), { ...nothing, init: [1] }],
    ['a dead sidecar is restarted beside main containers', pod('Always', ['a'], sidecars), runtime([status('a', 'RUNNING'), status('i1', 'EXITED'), status('s0', 'EXITED', 1)]), { ...nothing, init: [0] }],
    ['main containers ended: sidecars do not keep the Pod', pod('Never', ['a'], sidecars), runtime([status('a', 'EXITED'), status('i1', 'EXITED'), status('s0', 'RUNNING')]), { ...nothing, killPod: true }],
  ])('init containers: %s', (_, p, r, expected) => {
    expect(run(p, r)).toEqual(expected);
  });
});

describe('Backoff', () => {
  it('doubles from 10 s to 5 min and starts afresh after 10 good minutes', () => {
    const backoff = new Backoff();
    let now = 0;
    expect(backoff.inBackoffSince('k', now, now)).toBeUndefined();
    const delays: number[] = [];
    for (let i = 0; i < 7; i++) {
      backoff.next('k', now, now);
      delays.push(backoff.get('k') / SECOND);
      expect(backoff.inBackoffSince('k', now, now + 1)).toBe(now + backoff.get('k'));
      now += backoff.get('k');
      expect(backoff.inBackoffSince('k', now - backoff.get('k'), now)).toBeUndefined();
    }
    expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
    now += 11 * MINUTE;
    expect(backoff.inBackoffSince('k', now, now)).toBeUndefined();
    backoff.next('k', now, now);
    expect(backoff.get('k')).toBe(10 * SECOND);
  });
});

describe('podPhase', () => {
  const w = { name: 'c', state: { waiting: {} } };
  const r = { name: 'c', state: { running: {} } };
  const ok = { name: 'c', state: { terminated: { exitCode: 0 } } };
  const bad = { name: 'c', state: { terminated: { exitCode: 1 } } };
  const crash = { name: 'c', state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1 } } };
  it.each([
    ['Always', [w, w], false, 'Pending'],
    ['Always', [r, w], false, 'Pending'],
    ['Always', [r, r], false, 'Running'],
    ['Always', [ok, bad], false, 'Running'],
    ['Always', [crash], false, 'Running'],
    ['Never', [ok, ok], false, 'Succeeded'],
    ['Never', [ok, bad], false, 'Failed'],
    ['Never', [r, bad], false, 'Running'],
    ['OnFailure', [ok, ok], false, 'Succeeded'],
    ['OnFailure', [ok, bad], false, 'Running'],
    ['Always', [ok, ok], true, 'Succeeded'],
    ['Always', [bad, ok], true, 'Failed'],
  ])('%s %j terminal=%s → %s', (policy, statuses, terminal, phase) => {
    expect(podPhase(pod(policy, ['a', 'b']), [], statuses as never, terminal)).toBe(phase);
  });
});

describe('texts', () => {
  it.each([
    ['$(A)', 'one'], ['$$(A)', '$(A)'], ['$(B)', '$(B)'], ['x$(A)y', 'xoney'], ['$A', '$A'], ['$(A', '$(A'], ['$', '$'], ['$$$(A)', '$one'],
  ])('expands %s', (text, expected) => {
    expect(expand(text, (name) => (name === 'A' ? 'one' : undefined))).toBe(expected);
  });

  it.each([[0, '0s'], [1_500_000, '1.5s'], [350_000, '350ms'], [80 * SECOND, '1m20s'], [5 * MINUTE, '5m0s'], [3_723_000_000, '1h2m3s']])('%d µs is %s', (micros, expected) => {
    expect(goDuration(micros)).toBe(expected);
  });
});
