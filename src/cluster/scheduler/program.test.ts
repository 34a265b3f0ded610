// kube-scheduler against a real API server: what it binds, what it says, what it does when room is missing.

import { beforeAll, describe, expect, it } from 'vitest';
import type { Pod } from '../api/generated/types.ts';
import { ADDRESS, Testbed } from '../apiserver/testbed.ts';
import { SECOND } from '../sim/time.ts';
import type { TraceRecord } from '../sim/trace.ts';
import { schedulerProgram } from './program.ts';

const NODES = '/api/v1/nodes';
const PODS = '/api/v1/namespaces/default/pods';
let bed: Testbed;

const wait = (seconds: number): void => bed.sim.runUntil(bed.sim.now + seconds * SECOND);
const get = (path: string): Record<string, unknown> => bed.request('GET', path).body as Record<string, unknown>;
const podOf = (name: string): Pod => get(`${PODS}/${name}`) as unknown as Pod;

function node(name: string, cpu: string, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec,
    status: { allocatable: { cpu, memory: '4Gi', pods: '110' }, capacity: { cpu, memory: '4Gi', pods: '110' } },
  };
}

function addNode(name: string, cpu: string, spec: object = {}): void {
  const made = bed.request('POST', NODES, node(name, cpu, spec));
  expect(made.status).toBe(201);
  // The admission plug-in taints new nodes; the node controller would take the taint away.
  bed.request('PATCH', `${NODES}/${name}`, { spec: { taints: (spec as { taints?: unknown[] }).taints ?? null } });
}

function addPod(name: string, spec: object = {}, cpu = '100m'): void {
  const made = bed.request('POST', PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'nginx', resources: { requests: { cpu } } }], ...spec },
  });
  expect([made.status, made.body]).toEqual([201, expect.anything()]);
}

function eventsOf(name: string): { reason: string; note: string; type: string; action: string; reportingController: string; count: number | undefined }[] {
  const items = get('/apis/events.k8s.io/v1/namespaces/default/events')['items'] as Record<string, unknown>[];
  return items
    .filter((e) => (e['regarding'] as { name: string }).name === name)
    .map((e) => ({ reason: e['reason'] as string, note: e['note'] as string, type: e['type'] as string, action: e['action'] as string, reportingController: e['reportingController'] as string, count: (e['series'] as { count: number } | undefined)?.count }));
}

beforeAll(() => {
  bed = new Testbed().boot();
  // With its own identity, so that its own permissions must do.
  bed.machine.files.write('/etc/kubernetes/scheduler.crt', bed.certificate('system:kube-scheduler', []));
  const config = `apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster: {server: 'https://${ADDRESS}:6443'}\ncontexts:\n- name: c\n  context: {cluster: c, user: u}\nusers:\n- name: u\n  user: {client-certificate: /etc/kubernetes/scheduler.crt}\n`;
  bed.machine.files.write('/etc/kubernetes/scheduler.conf', config);
  const argv = ['kube-scheduler', '--kubeconfig=/etc/kubernetes/scheduler.conf', '--leader-elect=true', '--bind-address=127.0.0.1'];
  bed.machine.spawn(schedulerProgram, { argv, logs: { write: (_, line) => void bed.log.push(line) } });
  bed.request('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
  wait(3);
});

describe('kube-scheduler', () => {
  it('says that there are no nodes, and binds when one comes', () => {
    addPod('first');
    wait(2);
    expect(podOf('first').status.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no nodes available to schedule pods' },
    ]);
    addNode('worker-1', '2');
    wait(12);
    expect(podOf('first').spec.nodeName).toBe('worker-1');
    expect(eventsOf('first').at(-1)).toEqual({ reason: 'Scheduled', note: 'Successfully assigned default/first to worker-1', type: 'Normal', action: 'Binding', reportingController: 'default-scheduler', count: undefined });
    expect(podOf('first').status.conditions?.find((c) => c.type === 'PodScheduled')).toMatchObject({ status: 'True' });
  });

  it('tells one story a Pod in the trace: scores by plugin, and the binding below it', () => {
    addNode('worker-2', '2');
    const { trace } = bed.sim;
    const input = trace.emit(null, { start: bed.sim.now, from: 'test', kind: 'input', verb: 'apply' });
    const from = trace.lastId;
    bed.sim.cause = input;
    bed.run(function* (os, client) {
      os.sim.cause = input;
      yield* client.request({ method: 'POST', path: PODS, query: {}, headers: { 'content-type': 'application/json' }, body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'second' }, spec: { containers: [{ name: 'c', image: 'nginx' }] } } });
    });
    wait(1);
    const records = trace.records.filter((r) => r.id > from);
    const decision = records.find((r) => r.kind === 'scheduler' && r.verb === 'schedule') as TraceRecord;
    expect(decision).toMatchObject({ flow: input.id, subject: { name: 'second' }, detail: { feasible: 2, evaluated: 2, chosen: 'worker-2' } });
    const { scores } = decision.detail as { scores: Record<string, Record<string, number>> };
    expect(Object.keys(scores)).toEqual(['worker-1', 'worker-2']);
    expect(scores['worker-2']).toMatchObject({ TaintToleration: 300, NodeResourcesFit: expect.any(Number), total: expect.any(Number) });
    const binding = records.find((r) => r.verb === 'create' && r.subject?.name === 'second' && r.from.includes('scheduler'));
    expect(binding?.flow).toBe(input.id);
  });

  it('explains what does not fit, once in words and then by count, and tries again when it may help', () => {
    addPod('big', {}, '3');
    wait(1);
    const text =
      '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.';
    expect(eventsOf('big')).toMatchObject([{ reason: 'FailedScheduling', note: text, type: 'Warning', action: 'Scheduling' }]);
    addNode('worker-3', '1');
    wait(12);
    expect(podOf('big').spec.nodeName).toBeUndefined();
    addNode('worker-4', '4');
    wait(12);
    expect(podOf('big').spec.nodeName).toBe('worker-4');
    bed.request('DELETE', `${NODES}/worker-3`);
  });

  it('respects taints, cordons and gates', () => {
    for (const name of ['worker-1', 'worker-2']) bed.request('PATCH', `${NODES}/${name}`, { spec: { unschedulable: true } });
    bed.request('PATCH', `${NODES}/worker-4`, { spec: { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] } });
    addPod('kept-out');
    addPod('tolerant', { tolerations: [{ key: 'dedicated', operator: 'Exists' }] });
    addPod('gated', { schedulingGates: [{ name: 'example.com/wait' }], tolerations: [{ operator: 'Exists' }] });
    wait(2);
    expect(podOf('tolerant').spec.nodeName).toBe('worker-4');
    expect(eventsOf('kept-out')[0]?.note).toMatch(/^0\/3 nodes are available: 1 node\(s\) had untolerated taint\(s\), 2 node\(s\) were unschedulable\. /);
    expect(podOf('gated').spec.nodeName).toBeUndefined();
    bed.request('PATCH', `${PODS}/gated`, { spec: { schedulingGates: [{ $patch: 'delete', name: 'example.com/wait' }] } });
    bed.request('PATCH', `${NODES}/worker-1`, { spec: { unschedulable: null } });
    wait(12);
    expect(podOf('kept-out').spec.nodeName).toBe('worker-1');
    expect(podOf('gated').spec.nodeName).toBeDefined();
  });

  it('makes room for what is more important', () => {
    const priority = { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 };
    expect(bed.request('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', priority).status).toBe(201);
    addPod('urgent', { priorityClassName: 'high', nodeSelector: { 'kubernetes.io/hostname': 'worker-1' }, terminationGracePeriodSeconds: 0 }, '1900m');
    wait(1);
    const urgent = podOf('urgent');
    expect(urgent.status.nominatedNodeName).toBe('worker-1');
    const victims = ['first', 'kept-out'].map((name) => get(`${PODS}/${name}`) as unknown as Pod).filter((p) => p.metadata?.deletionTimestamp);
    expect(victims.length).toBeGreaterThan(0);
    expect(victims[0]?.status.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' }));
    // Nobody runs the Pods here: the kubelet's part is done by hand.
    for (const { metadata } of victims) bed.request('DELETE', `${PODS}/${metadata.name}`, { gracePeriodSeconds: 0 });
    wait(5);
    expect(podOf('urgent').spec.nodeName).toBe('worker-1');
    expect(eventsOf(victims[0]?.metadata.name ?? '').map((e) => e.reason)).toContain('Preempted');
  });
});
