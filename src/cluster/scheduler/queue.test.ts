// The scheduling queue: who is next, who waits for what, and for how long.

import { describe, expect, it } from 'vitest';
import { Simulation } from '../sim/simulation.ts';
import { MINUTE, SECOND } from '../sim/time.ts';
import { Framework } from './framework/framework.ts';
import type { Plugin } from './framework/types.ts';
import { nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';
import { podInfoOf } from './podinfo.ts';
import { type Backoff, type QueuedPod, SchedulingQueue } from './queue.ts';
import { node, pod, table } from './testing/objects.ts';

const binder: Plugin = { name: 'DefaultBinder', *bind() { return null; } };

function setUp(backoff?: Backoff) {
  const sim = new Simulation();
  const framework = new Framework([schedulingGates, prioritySort, taintToleration, nodeResourcesFit(), binder].map((plugin) => ({ plugin })));
  const queue = new SchedulingQueue(sim, framework.less, () => framework, backoff);
  const taken: QueuedPod[] = [];
  sim.spawn('scheduler', function* () {
    for (;;) taken.push(yield* queue.pop());
  });
  const next = (): string[] => taken.splice(0).map((item) => item.info.name);
  const pass = (seconds: number): void => sim.runUntil(sim.now + seconds * SECOND);
  return { sim, queue, taken, next, pass };
}

const big = node('big', { allocatable: { cpu: '64', memory: '64Gi', pods: '10' } });
const FIT = new Set(['NodeResourcesFit']);

describe('order', () => {
  const item = (priority: number, timestamp: number): QueuedPod => ({ info: podInfoOf(pod({ priority })), timestamp }) as QueuedPod;
  table('who is first', 'TestLess', [
    { name: 'less important', a: item(10, 1), b: item(20, 1), wanted: false },
    { name: 'more important', a: item(20, 1), b: item(10, 1), wanted: true },
    { name: 'equal, earlier', a: item(10, 1), b: item(10, 2), wanted: true },
    { name: 'equal, later', a: item(10, 2), b: item(10, 1), wanted: false },
    { name: 'equal in all', a: item(10, 1), b: item(10, 1), wanted: false },
    { name: 'more important, later', a: item(20, 2), b: item(10, 1), wanted: true },
    { name: 'less important, earlier', a: item(10, 1), b: item(20, 2), wanted: false },
  ], ({ a, b, wanted }) => [prioritySort.less?.(a, b), wanted]);
});

describe('back-off', () => {
  const after = (attempts: number, backoff?: Backoff): number => {
    const { sim, queue, taken, pass } = setUp(backoff);
    queue.add(pod({ name: 'p' }));
    pass(0);
    const waiting = taken[0] as QueuedPod;
    for (let i = 0; i < attempts; i++) queue.putBack(waiting, new Set());
    return (waiting.backoffUntil - sim.now) / SECOND;
  };
  const longer = { initial: SECOND, max: 32 * SECOND };
  table('how long', 'TestBackoffQueue_calculateBackoffDuration', [
    ...[1, 2, 4, 8, 10, 10].map((wanted, i) => ({ name: `by default, after ${i + 1}`, attempts: i + 1, backoff: undefined, wanted })),
    ...[1, 2, 4, 8, 16, 32, 32, 32].map((wanted, i) => ({ name: `up to 32 s, after ${i + 1}`, attempts: i + 1, backoff: longer, wanted })),
    { name: 'after very many', attempts: 64, backoff: longer, wanted: 32 },
  ], ({ attempts, backoff, wanted }) => [after(attempts, backoff), wanted]);

  it('after a failure is waited out; after a rejection it ends when nothing else is to do', () => {
    const { queue, taken, next, pass } = setUp();
    queue.add(pod({ name: 'failed' }));
    pass(0);
    queue.putBack(taken[0] as QueuedPod, new Set());
    next();
    pass(0.9);
    expect(next()).toEqual([]);
    pass(0.2);
    expect(next()).toEqual(['failed']);
    queue.add(pod({ name: 'rejected', requests: [{ cpu: '8' }] }));
    pass(0);
    queue.putBack(taken[0] as QueuedPod, FIT);
    next();
    queue.move({ kind: 'NodeAdd', before: null, after: big });
    pass(0.1);
    expect(next()).toEqual(['rejected']);
  });
});

describe('waiting for something to happen', () => {
  const rejected = (requests: object, plugins: ReadonlySet<string>, spec: object = {}) => {
    const all = setUp();
    all.queue.add(pod({ name: 'p', requests: [requests as Record<string, string>], spec }));
    all.pass(0);
    all.queue.putBack(all.taken[0] as QueuedPod, plugins);
    all.next();
    return all;
  };

  it('only what may help brings the Pod back', () => {
    const { queue, next, pass } = rejected({ cpu: '8' }, FIT);
    queue.move({ kind: 'NodeLabel', before: big, after: node('big', { labels: { a: 'b' } }) });
    queue.move({ kind: 'NodeAdd', before: null, after: node('small', { allocatable: { cpu: '1', pods: '10' } }) });
    queue.move({ kind: 'NodeTaint', before: big, after: big });
    pass(20);
    expect(next()).toEqual([]);
    queue.move({ kind: 'AssignedPodDelete', before: pod({ node: 'big' }), after: null });
    pass(20);
    expect(next()).toEqual(['p']);
  });

  it('any of the plugins that said no may be helped', () => {
    const { queue, next, pass } = rejected({ cpu: '8' }, new Set(['NodeResourcesFit', 'TaintToleration']));
    const taints = [{ key: 'a', effect: 'NoSchedule' } as const];
    queue.move({ kind: 'NodeTaint', before: node('n', { taints }), after: node('n') });
    pass(20);
    expect(next()).toEqual(['p']);
  });

  it('after five minutes it is tried in any case', () => {
    const { next, pass } = rejected({ cpu: '8' }, FIT);
    pass(5 * 60 - 1);
    expect(next()).toEqual([]);
    pass(31);
    expect(next()).toEqual(['p']);
  });

  it("changes of the Pod itself: tolerations and less to ask for, not a new annotation", () => {
    const { queue, next, pass } = rejected({ cpu: '8' }, new Set(['NodeResourcesFit', 'TaintToleration']));
    const before = pod({ name: 'p', requests: [{ cpu: '8' }] });
    queue.update(before, { ...before, metadata: { ...before.metadata, annotations: { a: 'b' } } });
    pass(20);
    expect(next()).toEqual([]);
    queue.update(before, pod({ name: 'p', requests: [{ cpu: '4' }] }));
    pass(20);
    expect(next()).toEqual(['p']);
  });

  it('a gated Pod waits for its gates alone', () => {
    const { queue, next, pass } = setUp();
    const gated = pod({ name: 'gated', spec: { schedulingGates: [{ name: 'a' }, { name: 'b' }] } });
    queue.add(gated);
    queue.move({ kind: 'NodeAdd', before: null, after: big });
    pass((10 * MINUTE) / SECOND);
    expect(next()).toEqual([]);
    const one = pod({ name: 'gated', spec: { schedulingGates: [{ name: 'b' }] } });
    queue.update(gated, one);
    pass(1);
    expect(next()).toEqual([]);
    queue.update(one, pod({ name: 'gated' }));
    pass(0);
    expect(next()).toEqual(['gated']);
  });

  it('deleted Pods are forgotten', () => {
    const { queue, next, pass } = rejected({ cpu: '8' }, FIT);
    queue.delete('p');
    queue.move({ kind: 'NodeAdd', before: null, after: big });
    pass(20);
    expect(next()).toEqual([]);
  });
});
