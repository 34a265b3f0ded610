import { beforeAll, describe, expect, it } from 'vitest';
import { SECOND } from '../cluster/sim/time.ts';
import type { CommandAction, Row, SessionLog } from './protocol.ts';
import { NEW_SESSION, Session } from './session.ts';
import { tools } from './tools.ts';

const deployment = (name: string, replicas: number, image = 'nginx'): CommandAction => ({
  type: 'apply',
  text: `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers:
      - {name: web, image: ${image}, ports: [{containerPort: 80}]}
`,
});

/** A page that keeps its rows up to date from batches. */
class Rows {
  readonly rows = new Map<string, Row>();
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get(): Map<string, Row> {
    const { reset, upserts, deletes } = this.#session.takeBatch();
    if (reset) this.rows.clear();
    for (const row of upserts) this.rows.set(row.id, row);
    for (const id of deletes) this.rows.delete(id);
    return this.rows;
  }

  pods(prefix: string): readonly string[] {
    return [...this.get().values()].flatMap((row) => (row.type === 'pod' && row.name.startsWith(prefix) ? [row.status] : [])).toSorted();
  }
}

const sorted = (rows: Map<string, Row>): [string, Row][] => [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('a session', () => {
  let session: Session;
  let rows: Rows;
  let flow = 0;

  beforeAll(() => {
    session = new Session(NEW_SESSION, tools);
    rows = new Rows(session);
    flow = session.act(deployment('web', 3)).flow;
    session.seek(session.live + 20 * SECOND);
  });

  it('opens with a living cluster', () => {
    const machines = [...rows.get().values()].filter((row) => row.type === 'machine');
    expect(machines.map((m) => [m.name, m.role, m.ready])).toEqual([
      ['operator', 'operator', 'Absent'],
      ['control-plane-1', 'control-plane', 'True'],
      ['worker-1', 'worker', 'True'],
      ['worker-2', 'worker', 'True'],
      ['worker-3', 'worker', 'True'],
    ]);
    expect(session.clock().booted).toBe(true);
  });

  it('walks a flow forward and back: the same step always shows the same rows', () => {
    expect(rows.pods('web-')).toEqual(['Running', 'Running', 'Running']);
    const total = session.stepTo(flow, 'call', 1).total;
    expect(total).toBeGreaterThan(60);
    expect(rows.pods('web-')).toEqual([]);
    const there: [string, Row][][] = [];
    for (let k = 1; k <= total; k++) {
      expect(session.stepTo(flow, 'call', k).index).toBe(k);
      expect(session.stepAt(flow, 'call')).toMatchObject({ index: k, total });
      there.push(sorted(rows.get()));
    }
    for (let k = total; k >= 1; k--) {
      session.stepTo(flow, 'call', k);
      expect(sorted(rows.get())).toEqual(there[k - 1]);
    }
  });

  it('has four phases: what each left behind', () => {
    const seen = [1, 2, 3, 4].map((k) => {
      const { step } = session.stepTo(flow, 'phase', k);
      return [step?.phase, rows.pods('web-').length, rows.pods('web-').filter((s) => s === 'Running').length];
    });
    expect(seen.map(([phase]) => phase)).toEqual(['intent', 'decide', 'realise', 'report']);
    expect(seen[3]).toEqual(['report', 3, 3]);
    expect(session.step(flow, 'phase', 1).atEnd).toBe(true);
  });

  it('tells the flow in the order of Kubernetes', () => {
    const { steps } = session.steps(flow, 'all', 0, 100_000);
    const first = (kind: string, verb: string, resource?: string): number =>
      steps.findIndex((s) => s.kind === kind && s.verb === verb && (resource === undefined || s.subject?.resource === resource));
    const order = [
      first('input', 'command'),
      first('http', 'POST', 'deployments'),
      first('apiserver', 'decode', 'deployments'),
      first('raft', 'commit', 'deployments'),
      first('controller', 'sync', 'deployments'),
      first('http', 'create', 'replicasets'),
      first('controller', 'sync', 'replicasets'),
      first('http', 'create', 'pods'),
      first('scheduler', 'schedule', 'pods'),
      first('kubelet', 'observe', 'pods'),
      first('cri', 'RunPodSandbox', 'pods'),
      first('cni', 'ADD', 'pods'),
      first('cri', 'CreateContainer', 'pods'),
      first('cri', 'StartContainer', 'pods'),
    ];
    expect(order.every((index) => index >= 0)).toBe(true);
    expect(order.toSorted((a, b) => a - b)).toEqual(order);
  });

  it('keeps what a record carried, and what an object was at the view', () => {
    const { steps } = session.steps(flow, 'call', 0, 500);
    const post = steps.find((s) => s.kind === 'http' && s.verb === 'POST');
    expect(session.record(post?.id ?? 0)?.detail).toMatchObject({ method: 'POST', path: '/apis/apps/v1/namespaces/default/deployments' });
    session.toLive();
    const view = session.object('object/deployments.apps/default/web');
    expect(view.yaml).toContain('readyReplicas: 3');
    expect(view.events.map((e) => e.reason)).toEqual(['ScalingReplicaSet']);
    expect(view.owned).toHaveLength(1);
    session.stepTo(flow, 'phase', 1);
    expect(session.object('object/deployments.apps/default/web').yaml).not.toContain('readyReplicas');
  });
});

describe('a log is the whole session', () => {
  const log: SessionLog = {
    version: 1,
    seed: 3,
    topology: { controlPlanes: 1, workers: 2 },
    inputs: [
      { at: 40 * SECOND, action: deployment('web', 2) },
      { at: 50 * SECOND, action: deployment('web', 1) },
    ],
    until: 60 * SECOND,
  };

  it('gives the same trace each time, and another for another seed', () => {
    const hash = new Session(log, tools).traceHash();
    expect(new Session(log, tools).traceHash()).toBe(hash);
    expect(new Session({ ...log, seed: 4 }, tools).traceHash()).not.toBe(hash);
  });

  it('comes back as it was, with the view where it stood', () => {
    const session = new Session(log, tools);
    session.seek(45 * SECOND);
    const copy = new Session(session.log(), tools);
    expect(copy.clock()).toEqual(session.clock());
    expect(copy.traceHash()).toBe(session.traceHash());
    expect(sorted(new Rows(copy).get())).toEqual(sorted(new Rows(session).get()));
  });

  it('forks when somebody acts in the past, and undo takes the last action back', () => {
    const session = new Session(log, tools);
    session.seek(45 * SECOND);
    const result = session.act(deployment('other', 1));
    expect(result).toMatchObject({ exitCode: 0, forked: true });
    expect(session.log().inputs.map((i) => i.at)).toEqual([40 * SECOND, 45 * SECOND]);
    expect(session.undo()).toBe(true);
    expect(session.log().inputs.map((i) => i.at)).toEqual([40 * SECOND]);
    session.seek(session.live + 10 * SECOND);
    expect(new Rows(session).pods('web-')).toEqual(['Running', 'Running']);
    expect(new Rows(session).pods('other-')).toEqual([]);
  });

  it('shows what an apply would change without changing anything', () => {
    const session = new Session(log, tools);
    const before = session.traceHash();
    const { objects, problems } = session.dryRun((deployment('web', 5) as { text: string }).text, '');
    expect(problems).toEqual([]);
    expect(objects).toHaveLength(1);
    expect(objects[0]?.before).toContain('replicas: 1');
    expect(objects[0]?.after).toContain('replicas: 5');
    expect(session.traceHash()).toBe(before);
  });
});

describe('standbys prepared in idle time', () => {
  const prepared = (): Session => {
    const session = new Session(NEW_SESSION, tools);
    session.act(deployment('web', 2));
    session.seek(session.live + 30 * SECOND);
    session.type('kubectl get nodes\r');
    session.seek(session.live + 30 * SECOND);
    session.act(deployment('web', 3));
    session.seek(session.live + 30 * SECOND);
    while (!session.prepare(pauseOften())) {
      // a slice at a time
    }
    return session;
  };
  const pauseOften = (): (() => boolean) => {
    let asked = 0;
    return () => ++asked > 3;
  };

  it.each([['before everything', 0.4], ['between the actions', 0.6], ['after the last', 0.9]])('going back %s comes to the same records', (_, part) => {
    const session = prepared();
    const log = { ...session.log(), until: Math.round(session.live * part) };
    session.replayTo(log.until);
    expect(session.traceHash()).toBe(new Session(log, tools).traceHash());
    session.toLive();
    expect(session.log()).toEqual(log);
  });

  it('undo and acting in the past start from them, and they are made again', () => {
    const session = prepared();
    expect(session.undo()).toBe(true);
    expect(session.traceHash()).toBe(new Session(session.log(), tools).traceHash());
    while (!session.prepare(pauseOften())) {
      // again
    }
    session.seek(session.log().inputs[1]?.at ?? 0);
    session.act(deployment('other', 1));
    session.seek(session.live + 10 * SECOND);
    expect(session.traceHash()).toBe(new Session(session.log(), tools).traceHash());
  });
});

describe('what is wrong is told at its line', () => {
  const session = new Session(NEW_SESSION, tools);
  const problems = (text: string): unknown[] => session.act({ type: 'apply', text }).problems.map((p) => [p.line, p.code, p.message]);

  it.each([
    ['YAML', 'a: b: c\n', [[1, 'yaml', 'error: error parsing STDIN: error converting YAML to JSON: yaml: line 1: mapping values are not allowed in this context']]],
    [
      'unknown kind',
      'apiVersion: v1\nkind: Deployment\nmetadata:\n  name: a\n',
      [[2, 'unknownKind', 'error: resource mapping not found for name: "a" namespace: "" from "STDIN": no matches for kind "Deployment" in version "v1"']],
    ],
    [
      'unknown field',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    imagee: x\n',
      [[8, 'unknownField', 'Error from server (BadRequest): error when creating "STDIN": Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.containers[0].imagee"']],
    ],
    [
      'several fields at once',
      'apiVersion: v1\nkind: Pod\nmetadata:\n  name: A\nspec:\n  containers:\n  - name: c\n',
      [
        [4, 'name', expect.stringContaining('metadata.name: Invalid value: "A"')],
        [7, 'required', expect.stringContaining('spec.containers[0].image: Required value')],
      ],
    ],
  ])('%s', (_, text, expected) => expect(problems(text)).toEqual(expected));

  it('finds problems without asking the cluster', () => {
    expect(session.check('apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicas: two\n').map((p) => [p.line, p.code])).toEqual([[5, 'wrongType']]);
    expect(session.check('kind: Pod\n').map((p) => [p.line, p.code])).toEqual([[1, 'typeMissing']]);
    expect(session.check('apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: []\n')).toEqual([]);
  });
});
