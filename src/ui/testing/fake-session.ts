// A small scripted session for unit tests of the page: rows and a flow without any cluster behind them. Never shipped.

import type {
  Action, ActionResult, Clock, Level, ObjectView, PacketAnswer, PacketQuestion, Phase, PodRow, Row, SessionApi, SessionLog, Step, StepLevel, StepPosition, StoryRecord, Subject, Topology, TraceKind,
} from '../../session/protocol.ts';

type Change = { readonly upserts?: readonly Row[]; readonly deletes?: readonly string[] };
interface Scripted extends StoryRecord {
  readonly change: Change;
}

const MACHINES = ['operator', 'control-plane-1', 'worker-1', 'worker-2', 'worker-3'] as const;
const API = 'machine/control-plane-1/pod/kube-system/kube-apiserver-control-plane-1/container/kube-apiserver';
const ETCD = 'machine/control-plane-1/pod/kube-system/etcd-control-plane-1/container/etcd';
const KCM = 'machine/control-plane-1/pod/kube-system/kube-controller-manager-control-plane-1/container/kube-controller-manager';
const SCHEDULER = 'machine/control-plane-1/pod/kube-system/kube-scheduler-control-plane-1/container/kube-scheduler';
const KUBECTL = 'machine/operator/kubectl';

export function fakePod(namespace: string, name: string, machine: string, change: Partial<PodRow> = {}): PodRow {
  return {
    type: 'pod', id: `object/pods/${namespace}/${name}`, namespace, name, machine, phase: 'Running', status: 'Running', health: 'ok', ready: true,
    readyText: '1/1', restarts: 0, terminating: false, ip: '10.244.1.7', hostNetwork: namespace !== 'default', owner: '', labels: {}, createdAt: 0,
    containers: [{ name: 'main', image: 'nginx:1.27', kind: 'main', state: 'running', reason: '', ready: true, restarts: 0 }],
    volumes: [],
    ...change,
  };
}

export function fakeRows(): Row[] {
  const rows: Row[] = MACHINES.map((name, i) => ({
    type: 'machine', id: `machine/${name}`, name, role: name === 'operator' ? 'operator' : i === 1 ? 'control-plane' : 'worker',
    address: `192.168.66.${i === 0 ? 2 : i === 1 ? 10 : 19 + i}`, powered: true, runtime: 'containerd', linkUp: true, ready: i === 0 ? 'Absent' : 'True', readyReason: '',
    unschedulable: false, podCidr: i === 0 ? '' : `10.244.${i - 1}.0/24`, version: i === 0 ? '' : 'v1.36.0', taints: [],
    tables: { rules: 42 + i, routes: 5, neighbours: 3, fdb: 3 }, images: ['registry.k8s.io/pause:3.10.1'],
  }));
  for (const machine of MACHINES.slice(1)) {
    for (const [pid, comm] of [[120, 'containerd'], [134, 'kubelet']] as const) {
      rows.push({ type: 'process', id: `process/${machine}/${pid}`, machine, pid, comm, place: `machine/${machine}/${comm}` });
    }
    for (const [name, kind] of [['eth0', 'ethernet'], ['cni0', 'bridge'], ['flannel.1', 'vxlan']] as const) {
      rows.push({ type: 'interface', id: `interface/${machine}/host/${name}`, machine, netns: 'host', name, kind, addresses: ['10.0.0.1/24'], up: true });
    }
    rows.push(fakePod('kube-flannel', `kube-flannel-ds-${machine.slice(-4)}x`, machine), fakePod('kube-system', `kube-proxy-q${machine.slice(-3)}z`, machine));
  }
  for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) rows.push(fakePod('kube-system', `${name}-control-plane-1`, 'control-plane-1'));
  for (const end of ['7xk2p', 'm8v4d']) rows.push(fakePod('kube-system', `coredns-66bc5c9577-${end}`, 'control-plane-1'));
  rows.push({
    type: 'object', id: 'object/services/default/kubernetes', resource: 'services', kind: 'Service', namespace: 'default', name: 'kubernetes', health: 'ok',
    summary: '10.96.0.1', owner: '', createdAt: 0,
  });
  return rows;
}

function script(firstId: number, at: number): Scripted[] {
  const records: Scripted[] = [];
  const subjects: Record<string, Subject> = {
    deployment: { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace: 'default', name: 'web' },
    rs: { group: 'apps', resource: 'replicasets', kind: 'ReplicaSet', namespace: 'default', name: 'web-5d8f7c9b4' },
  };
  let time = at;
  const say = (kind: TraceKind, verb: string, from: string, to: string, subject: Subject | null, phase: Phase, change: Change = {}, level: Level = 1): void => {
    const end = time + (from === to ? 60 : 320);
    records.push({ id: firstId + records.length, flow: firstId, cause: 0, level, start: time, end, from, to, kind, verb, subject, phase, change });
    time = end;
  };
  const object = (s: Subject, summary: string, health: 'ok' | 'progressing', owner: string): Row => ({
    type: 'object', id: `object/${s.resource}.${s.group}/${s.namespace}/${s.name}`, resource: `${s.resource}.${s.group}`, kind: s.kind, namespace: s.namespace,
    name: s.name, health, summary, owner, createdAt: time,
  });
  const { deployment, rs } = subjects as { deployment: Subject; rs: Subject };
  say('input', 'apply', KUBECTL, KUBECTL, null, 'intent');
  say('http', 'create', KUBECTL, API, deployment, 'intent');
  for (const stage of ['authenticate', 'authorize', 'admit', 'validate']) say('apiserver', stage, API, API, deployment, 'intent', {}, 2);
  say('etcd', 'txn', API, ETCD, deployment, 'intent');
  say('raft', 'commit', ETCD, ETCD, deployment, 'intent', { upserts: [object(deployment, '0/3', 'progressing', '')] }, 2);
  say('http', 'response', API, KUBECTL, deployment, 'intent');
  say('watch', 'ADDED', API, KCM, deployment, 'decide');
  say('controller', 'sync', KCM, KCM, deployment, 'decide');
  say('http', 'create', KCM, API, rs, 'decide', { upserts: [object(rs, '0/3', 'progressing', 'Deployment/web')] });
  for (const [i, machine] of ['worker-1', 'worker-2', 'worker-3'].entries()) {
    const name = `web-5d8f7c9b4-${['x2x1z', 'k9d7q', 'b4m2t'][i] ?? ''}`;
    const subject: Subject = { group: '', resource: 'pods', kind: 'Pod', namespace: 'default', name };
    const pod = (change: Partial<PodRow>): Change => ({ upserts: [fakePod('default', name, '', { owner: 'ReplicaSet/web-5d8f7c9b4', labels: { app: 'web' }, createdAt: time, ...change })] });
    const pending = { phase: 'Pending', status: 'Pending', health: 'progressing', ready: false, readyText: '0/1', ip: '' } as const;
    const creating = { ...pending, machine, status: 'ContainerCreating' } as const;
    const kubelet = `machine/${machine}/kubelet`;
    const containerd = `machine/${machine}/containerd`;
    say('http', 'create', KCM, API, subject, 'decide', pod(pending));
    say('watch', 'ADDED', API, SCHEDULER, subject, 'decide');
    say('scheduler', 'filter', SCHEDULER, SCHEDULER, subject, 'decide', {}, 2);
    say('http', 'bind', SCHEDULER, API, subject, 'decide', pod({ ...pending, machine }));
    say('watch', 'MODIFIED', API, kubelet, subject, 'realise');
    say('cri', 'RunPodSandbox', kubelet, containerd, subject, 'realise', pod(creating));
    say('cni', 'ADD', containerd, `machine/${machine}/cni/bridge`, subject, 'realise');
    say('image', 'pull', 'internet/docker.io', containerd, subject, 'realise');
    say('cri', 'StartContainer', kubelet, containerd, subject, 'realise');
    say('probe', 'success', kubelet, `machine/${machine}/pod/default/${name}/container/main`, subject, 'report');
    say('http', 'patch', kubelet, API, subject, 'report', pod({ machine, ip: `10.244.${i + 1}.7` }));
  }
  return records;
}

export class FakeSession implements SessionApi {
  readonly #rows = new Map<string, Row>(fakeRows().map((row) => [row.id, row]));
  #records: Scripted[] = [];
  #action: Action = { type: 'apply', text: '' };
  #index = 0;
  #port: MessagePort | null = null;
  #seq = 0;
  #view = 90_000_000;
  #playing = false;
  #inputs: SessionLog['inputs'] = [];

  open(from: SessionLog | Topology | null, port: MessagePort): Promise<Clock> {
    this.#port = port;
    this.#inputs = from && 'inputs' in from ? from.inputs : [];
    this.#send(true, [...this.#rows.values()], []);
    return this.#clock();
  }

  act(action: Action): Promise<ActionResult> {
    this.#action = action;
    this.#records = script(1000, this.#view);
    this.#inputs = [...this.#inputs, { at: this.#view, action }];
    this.#index = 0;
    return Promise.resolve({ flow: 1000, output: [{ stream: 'stdout', line: 'deployment.apps/web created' }], exitCode: 0, problems: [], forked: false });
  }

  step(flow: number, level: StepLevel, direction: 1 | -1): Promise<StepPosition> {
    return this.stepTo(flow, level, this.#index + direction);
  }

  async stepTo(_flow: number, _level: StepLevel, index: number): Promise<StepPosition> {
    const k = Math.max(0, Math.min(index, this.#records.length));
    const rows = new Map<string, Row>(fakeRows().map((row) => [row.id, row]));
    for (const record of this.#records.slice(0, k)) for (const row of record.change.upserts ?? []) rows.set(row.id, row);
    const deletes = [...this.#rows.keys()].filter((id) => !rows.has(id));
    this.#rows.clear();
    for (const [id, row] of rows) this.#rows.set(id, row);
    this.#index = k;
    const record = this.#records[k - 1];
    if (record) this.#view = record.end;
    this.#send(false, [...rows.values()], deletes);
    return { step: record ? { ...record, index: k } : null, index: k, total: this.#records.length, atEnd: k === this.#records.length, clock: await this.#clock() };
  }

  /** As the page only ever comes to it: at the step that it went to last. */
  stepAt(flow: number, level: StepLevel): Promise<StepPosition> {
    return this.stepTo(flow, level, this.#index);
  }

  steps(_flow: number, _level: StepLevel, offset: number, limit: number): Promise<{ total: number; steps: readonly Step[] }> {
    return Promise.resolve({ total: this.#records.length, steps: this.#records.slice(offset, offset + limit).map((r, i) => ({ ...r, index: offset + i + 1 })) });
  }

  flows() {
    const n = this.#records.length;
    if (n === 0) return Promise.resolve([]);
    return Promise.resolve([{ id: 1000, at: 90_000_000, action: this.#action, title: 'deployments.apps/web', steps: { phase: 4, call: n, all: n }, settled: false }]);
  }

  record(id: number) {
    const record = this.#records.find((r) => r.id === id);
    return Promise.resolve(record ? { ...record, detail: { method: 'POST', path: '/apis/apps/v1/namespaces/default/deployments' }, change: null } : null);
  }

  object(id: string): Promise<ObjectView> {
    return Promise.resolve({ id, yaml: 'kind: Fake\n', object: {}, events: [], desired: [{ field: 'spec.replicas', desired: '3', observed: '1', met: false }], owner: '', owned: [] });
  }

  askPacket = (question: PacketQuestion): Promise<PacketAnswer> =>
    Promise.resolve({ question, record: 0, at: this.#view, problem: 'no-target', outcome: 'nameless', dns: null, request: null, reply: null, receiver: '', commands: [] });
  packetEnds = () => Promise.resolve({ from: [], to: [] });
  tracedPackets = () => Promise.resolve([]);
  tracedPacket = () => Promise.resolve(null);
  dryRun = () => Promise.resolve({ problems: [], objects: [{ title: 'Deployment web', before: '', after: 'kind: Deployment\n' }] });
  type = () => this.#clock();
  wire = () => this.#clock();
  complete = () => Promise.resolve([]);
  resizeTerminal = () => Promise.resolve();
  connectBridge = () => Promise.resolve();
  check = () => Promise.resolve([]);
  undo = () => Promise.resolve(false);
  play = () => this.#set(true);
  pause = () => this.#set(false);
  seek = () => this.#clock();
  toLive = () => this.#clock();
  traceHash = () => Promise.resolve('0');
  drawn = () => Promise.resolve();
  log = (): Promise<SessionLog> => Promise.resolve({ version: 1, seed: 1, topology: { controlPlanes: 1, workers: 3 }, inputs: this.#inputs, until: this.#view });

  #set(playing: boolean): Promise<Clock> {
    this.#playing = playing;
    return this.#clock();
  }

  #clock(): Promise<Clock> {
    return Promise.resolve({ view: this.#view, live: Math.max(this.#view, 90_000_000), earliest: 0, playing: this.#playing, speed: 1, recordId: this.#index + 1000, booted: true });
  }

  #send(reset: boolean, upserts: readonly Row[], deletes: readonly string[]): void {
    void this.#clock().then((clock) => this.#port?.postMessage({ seq: ++this.#seq, reset, upserts, deletes, story: [], dropped: 0, terminal: null, clock }));
  }
}
