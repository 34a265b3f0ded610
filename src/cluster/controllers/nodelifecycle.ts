// The node lifecycle controller (pkg/controller/nodelifecycle): a node whose lease is not renewed for 50 s is Unknown; what
// a node's conditions say becomes taints, by which the scheduler and the taint eviction controller act.

import type { Lease, Node, NodeCondition, Pod } from '../api/generated/types.ts';
import { conditionOf, keyOf } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController } from '../client/controller.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import type { ManagerFlags } from './flags.ts';
import { BY_NODE, indexByNode } from './indexes.ts';
import { NoExecuteTainter } from './nodelifecycle-tainter.ts';
import { noScheduleTaints, type ReadyStatus, unknownConditions, zoneOf } from './nodelifecycle-health.ts';
import { readyCondition } from './pods.ts';
import { sameTaint, swapTaints } from './taints.ts';

const NAME = 'node-controller';
const LEASES = 'kube-node-lease';
const WORKERS = 8;

/** What was last seen of a node, and when it last gave a sign of life. */
interface Health {
  readonly condition: NodeCondition | undefined;
  readonly lease: Lease | undefined;
  readonly probed: Micros;
}

export class NodeLifecycleController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #flags: ManagerFlags;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #queue: WorkQueue;
  readonly #tainter: NoExecuteTainter;
  readonly #health = new Map<string, Health>();
  /** Nodes whose Pods could not all be marked as not ready yet. */
  readonly #unmarked = new Set<string>();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#flags = context.flags;
    this.#client = context.client(NAME);
    this.#recorder = context.recorder(NAME, this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#nodes = informers.informer('nodes');
    this.#leases = informers.informer('leases.coordination.k8s.io');
    this.#pods = informers.informer('pods');
    this.#tainter = new NoExecuteTainter(os, this.#client, this.#nodes);
    indexByNode(this.#pods);
    this.#nodes.addHandler({
      add: (node) => this.#queue.add(keyOf(node)),
      update: (before, node) => {
        if (before.spec !== node.spec || before.status.conditions !== node.status.conditions) this.#queue.add(keyOf(node));
      },
    });
  }

  run(): void {
    runController(this.#os, {
      name: 'node-lifecycle-controller',
      queue: this.#queue,
      workers: WORKERS,
      subject: subjectsOf('nodes'),
      sync: (key, sync) => this.#syncTaints(key, (detail) => sync.decide(detail)),
    });
    this.#os.go('node-lifecycle-controller/monitor', () => this.#monitor());
  }

  /** What the conditions say as NoSchedule taints: no new Pods for a node in need. */
  *#syncTaints(key: string, decide: (detail: Readonly<Record<string, unknown>>) => void): Op<void> {
    const node = this.#nodes.getByKey(key);
    if (!node) return;
    const { wanted, present } = noScheduleTaints(node);
    const add = wanted.filter((taint) => !present.some((p) => sameTaint(p, taint)));
    const remove = present.filter((taint) => !wanted.some((w) => sameTaint(w, taint)));
    if (add.length + remove.length === 0) return;
    decide({ taint: add.map((taint) => taint.key), untaint: remove.map((taint) => taint.key) });
    const timeAdded = this.#os.sim.time();
    yield* swapTaints(this.#client, node.metadata.name, add.map((taint) => ({ ...taint, timeAdded })), remove);
  }

  *#monitor(): Op<void> {
    for (;;) {
      this.#os.sim.cause = null;
      try {
        yield* this.#checkAll();
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        this.#os.logError(`"Error monitoring node health" err="${messageOf(error)}"`);
      }
      yield* this.#os.sleep(this.#flags.nodeMonitorPeriod);
    }
  }

  *#checkAll(): Op<void> {
    const nodes = this.#nodes.list();
    this.#noteComings(nodes);
    const readiness = new Map<string, ReadyStatus[]>();
    for (const node of nodes) {
      try {
        const status = yield* this.#check(node);
        const zone = zoneOf(node);
        const others = readiness.get(zone);
        if (others) others.push(status);
        else readiness.set(zone, [status]);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        this.#os.logError(`"Update health of Node from Controller error, Skipping - no pods will be evicted" node="${node.metadata.name}" err="${messageOf(error)}"`);
      }
    }
    const change = yield* this.#tainter.noteZones(readiness, nodes);
    if (change !== 'end of total disruption') return;
    // Nothing could be heard for a while: every node gets a new chance.
    for (const [name, health] of this.#health) this.#health.set(name, { ...health, probed: this.#os.sim.now });
  }

  #noteComings(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (this.#health.has(node.metadata.name)) continue;
      this.#event(node, 'RegisteredNode', `Node ${node.metadata.name} event: Registered Node ${node.metadata.name} in Controller`);
    }
    if (this.#health.size <= nodes.length) return;
    for (const name of this.#health.keys()) {
      if (this.#nodes.get('', name)) continue;
      this.#health.delete(name);
      this.#tainter.remove(name);
      this.#recorder.event({ kind: 'Node', apiVersion: 'v1', name, uid: name, namespace: '' }, 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`);
    }
  }

  /** Returns what its condition Ready says now. */
  *#check(node: Node): Op<ReadyStatus> {
    const name = node.metadata.name;
    const ready = conditionOf(node.status.conditions, 'Ready');
    const grace = ready ? this.#flags.nodeMonitorGracePeriod : this.#flags.nodeStartupGracePeriod;
    const health = this.#observe(node, ready);
    let now = node;
    if (this.#os.sim.now > health.probed + grace) {
      const conditions = unknownConditions(node, this.#os.sim.time());
      if (conditions && conditions !== node.status.conditions) {
        this.#decide(node, { ready: 'Unknown', silentFor: this.#os.sim.now - health.probed });
        now = yield* this.#client.updateStatus('nodes', { ...node, status: { ...node.status, conditions } });
      }
    }
    const current = conditionOf(now.status.conditions, 'Ready');
    this.#health.set(name, { ...health, condition: current });
    if (!current) return undefined;
    yield* this.#tainter.consider(now, current.status);
    const justLost = current.status !== 'True' && ready?.status === 'True';
    if (justLost) this.#event(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    if (justLost || (this.#unmarked.has(name) && current.status !== 'True')) {
      this.#unmarked.add(name);
      yield* this.#markPodsNotReady(name);
    }
    this.#unmarked.delete(name);
    return current.status;
  }

  /** A new heartbeat in the status or a renewed lease is a sign of life. */
  #observe(node: Node, ready: NodeCondition | undefined): Health {
    const now = this.#os.sim.now;
    const before = this.#health.get(node.metadata.name);
    const lease = this.#leases.get(LEASES, node.metadata.name);
    const alive =
      before === undefined ||
      (ready !== undefined && ready.lastHeartbeatTime !== before.condition?.lastHeartbeatTime) ||
      (lease !== undefined && lease.spec.renewTime !== before.lease?.spec.renewTime);
    return { condition: before?.condition ?? ready, lease: lease ?? before?.lease, probed: alive ? now : before.probed };
  }

  /** Endpoints must leave Services at once; the Pods themselves stay until they are evicted. */
  *#markPodsNotReady(node: string): Op<void> {
    for (const pod of this.#pods.index(BY_NODE, node)) {
      const ready = readyCondition(pod);
      if (ready?.status !== 'True') continue;
      const next = { ...ready, status: 'False', lastTransitionTime: this.#os.sim.time() };
      const conditions = (pod.status.conditions ?? []).map((condition) => (condition === ready ? next : condition));
      try {
        yield* this.#client.updateStatus('pods', { ...pod, status: { ...pod.status, conditions } });
      } catch (error) {
        if (isNotFound(error)) continue;
        throw error;
      }
      this.#recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
    }
  }

  #decide(node: Node, detail: Readonly<Record<string, unknown>>): void {
    const { sim, place } = this.#os;
    sim.cause = sim.trace.emit(sim.cause, {
      kind: 'controller',
      verb: 'sync',
      from: place,
      start: sim.now,
      subject: subjectsOf('nodes')(node.metadata.name),
      detail: { controller: 'node-lifecycle-controller', ...detail },
    });
  }

  #event(node: Node, reason: string, message: string): void {
    const { name, uid = name } = node.metadata;
    this.#recorder.event({ kind: 'Node', apiVersion: 'v1', name, uid, namespace: '' }, 'Normal', reason, message);
  }
}
