// The kubelet's Node object: registration and status (kubelet_node_status.go, nodestatus/setters.go).

import { jsonEqual } from '../api/meta.ts';
import { ApiError } from '../api/status.ts';
import type { Node, NodeCondition, NodeStatus } from '../api/generated/types.ts';
import { isProgrammingError } from '../client/errors.ts';
import type { ImageStatus } from '../runtime/cri.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND, type Micros } from '../sim/time.ts';
import { type Context, step } from './context.ts';
import { type Pressure, type Signal, thresholdAmount } from './eviction-thresholds.ts';
import { baseUnits } from './resources.ts';
import type { Storage } from './storage-volumes.ts';

export const KUBELET_VERSION = 'v1.36.0';
const KERNEL = '6.12.57+deb13-amd64';
const OS_IMAGE = 'Debian GNU/Linux 13 (trixie)';
const MAX_IMAGES = 50;
const REGISTER_FIRST: Micros = 100 * MILLISECOND;
const REGISTER_MAX: Micros = 7 * SECOND;
/** Features of this kubelet that the scheduler asks for when a Pod needs them. */
const DECLARED = ['RestartAllContainersOnContainerExits'];
const FEATURES = { supplementalGroupsPolicy: true };

/** What stands in the way of running Pods (kubelet/runtime.go runtimeState); empty = nothing. */
export interface RuntimeState {
  errors(): readonly string[];
  /** What the node is short of. */
  pressures(): readonly Pressure[];
  /** Whose volumes are in use. */
  storage(): Pick<Storage, 'inUse' | 'reported'>;
}

export class NodeStatusManager {
  readonly #context: Context;
  readonly #state: RuntimeState;
  readonly #wake: Channel<null>;
  #node: Node | undefined;
  #reported: Micros = 0;
  #last: NodeStatus | undefined;
  /** What `#last` was made from. */
  #lastErrors = '';
  #lastImages: readonly ImageStatus[] = [];
  /** Conditions as they were last said in an event. */
  readonly #said = new Map<string, string>();
  readonly #capacity: Readonly<Record<string, string>>;
  readonly #allocatable: Readonly<Record<string, string>>;

  constructor(context: Context, state: RuntimeState) {
    this.#context = context;
    this.#state = state;
    this.#wake = new Channel(context.os.sim);
    this.#capacity = capacityOf(context);
    this.#allocatable = allocatableOf(context, this.#capacity);
  }

  /** The Node as the API last gave it. */
  get node(): Node | undefined {
    return this.#node;
  }

  get allocatable(): Readonly<Record<string, string>> {
    return this.#allocatable;
  }

  /** The informer's word. */
  observe(node: Node): void {
    this.#node = node;
    // The node controller had heard nothing for too long: what was reported last stands there no more.
    if (node.status?.conditions?.some((c) => c.status === 'Unknown' && c.reason === 'NodeStatusUnknown') === true) this.#last = undefined;
  }

  /** Something that the status shows has changed: report now. */
  poke(): void {
    if (this.#wake.length === 0) this.#wake.send(null);
  }

  /** Registers, calls `registered` once, then reports for ever. */
  *run(registered: () => void): Op<void> {
    const { os, config } = this.#context;
    yield* this.#register();
    registered();
    for (;;) {
      os.sim.cause = null;
      yield* this.#report();
      yield* this.#wake.receiveWithin(config.nodeStatusUpdateFrequency);
    }
  }

  *#register(): Op<void> {
    const { client, os, nodeName } = this.#context;
    if (!client) return;
    let wait = REGISTER_FIRST;
    for (;;) {
      os.sim.cause = null;
      try {
        const node = yield* this.#initialNode();
        step(os, 'registerNode', { group: '', resource: 'nodes', kind: 'Node', namespace: '', name: nodeName }, null);
        try {
          this.#node = yield* client.create('nodes', node);
          os.log(`"Successfully registered node" node="${nodeName}"`);
        } catch (error) {
          if (!(error instanceof ApiError) || error.status.reason !== 'AlreadyExists') throw error;
          this.#node = yield* client.get('nodes', '', nodeName);
          yield* this.#reconcile(this.#node, node);
        }
        return;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        os.logError(`"Unable to register node with API server" err="${error instanceof Error ? error.message : String(error)}" node="${nodeName}"`);
      }
      yield* os.sleep(wait);
      wait = Math.min(wait * 2, REGISTER_MAX);
    }
  }

  /** Labels that this kubelet owns are brought up to date on a Node that is there already. */
  *#reconcile(existing: Node, wanted: Node): Op<void> {
    const { client, nodeName } = this.#context;
    const labels = wanted.metadata.labels ?? {};
    const stale = Object.entries(labels).filter(([key, value]) => existing.metadata.labels?.[key] !== value);
    if (!client || stale.length === 0) return;
    this.#node = yield* client.patch('nodes', '', nodeName, { metadata: { labels: Object.fromEntries(stale) } }, 'strategic');
  }

  *#initialNode(): Op<Node> {
    const { nodeName, config } = this.#context;
    const system = { 'beta.kubernetes.io/arch': 'amd64', 'beta.kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux' };
    const status = this.#compute(undefined, yield* this.#images());
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: nodeName,
        labels: { ...system, ...config.nodeLabels },
        annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
      },
      spec: config.registerWithTaints.length > 0 ? { taints: config.registerWithTaints } : {},
      status,
    };
  }

  *#report(): Op<void> {
    const { client, os, nodeName, config } = this.#context;
    if (!client) return;
    const { now } = os.sim;
    const before = this.#last ?? this.#node?.status;
    const images = yield* this.#images();
    const { inUse } = this.#state.storage();
    const errors = `${this.#state.errors().join()}|${this.#state.pressures().join()}|${inUse.join()}`;
    const due = now - this.#reported >= config.nodeStatusReportFrequency;
    // Made from the same things as the last one, it would be the same but for the heartbeat.
    if (this.#last !== undefined && !due && errors === this.#lastErrors && sameItems(images, this.#lastImages)) return;
    const status = this.#compute(before, images);
    const letGo = inUse.length === 0 && before?.volumesInUse !== undefined;
    const changed = !before || letGo || !sameStatus(before, status);
    if (!changed && !due) return;
    this.#announce(status);
    const { bootId } = os.machine;
    if (before?.nodeInfo?.bootID && before.nodeInfo.bootID !== bootId) this.#context.events.node('Warning', 'Rebooted', `Node ${nodeName} has been rebooted, boot id: ${bootId}`);
    const patch: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(status)) {
      if (!jsonEqual(before?.[key as keyof NodeStatus], value)) patch[key] = value;
    }
    if (letGo) patch['volumesInUse'] = null;
    step(os, 'updateNodeStatus', { group: '', resource: 'nodes', kind: 'Node', namespace: '', name: nodeName }, { changed });
    try {
      this.#node = yield* client.patch('nodes', '', nodeName, { status: patch }, 'strategic', 'status');
      this.#last = status;
      this.#lastErrors = errors;
      this.#lastImages = images;
      this.#reported = now;
      this.#state.storage().reported();
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      os.logError(`"Error updating node status, will retry" err="${error instanceof Error ? error.message : String(error)}"`);
      if (error instanceof ApiError && error.status.reason === 'NotFound') {
        this.#last = undefined;
        yield* this.#register();
      }
    }
  }

  *#images(): Op<readonly ImageStatus[]> {
    try {
      return yield* this.#context.runtime.listImages();
    } catch {
      // The runtime is away: the Ready condition says so.
      return [];
    }
  }

  #compute(before: NodeStatus | undefined, images: readonly ImageStatus[]): NodeStatus {
    const { os, nodeName, nodeIp, config, runtimeVersion } = this.#context;
    const { machine, sim } = os;
    const { inUse } = this.#state.storage();
    return {
      addresses: [...(nodeIp === '' ? [] : [{ type: 'InternalIP', address: nodeIp }]), { type: 'Hostname', address: nodeName }],
      allocatable: this.#allocatable,
      capacity: this.#capacity,
      conditions: conditions(this.#state.errors(), this.#state.pressures(), before?.conditions ?? [], sim.time()),
      daemonEndpoints: { kubeletEndpoint: { Port: config.port } },
      declaredFeatures: DECLARED,
      features: FEATURES,
      images: imageList(images, before?.images),
      nodeInfo: {
        architecture: 'amd64', bootID: machine.bootId, containerRuntimeVersion: runtimeVersion, kernelVersion: KERNEL,
        kubeProxyVersion: '', kubeletVersion: KUBELET_VERSION, machineID: machine.machineId, operatingSystem: 'linux', osImage: OS_IMAGE, systemUUID: machine.systemUuid,
      },
      ...(inUse.length > 0 ? { volumesInUse: inUse } : {}),
    };
  }

  /** Events for conditions that turned. */
  #announce(status: NodeStatus): void {
    const { events, nodeName } = this.#context;
    for (const { type, status: value } of status.conditions ?? []) {
      if (this.#said.get(type) === value) continue;
      this.#said.set(type, value);
      const reason = EVENT[`${type} ${value}`];
      if (reason) events.node('Normal', reason, `Node ${nodeName} status is now: ${reason}`);
    }
  }
}

const EVENT: Readonly<Record<string, string>> = {
  'MemoryPressure False': 'NodeHasSufficientMemory',
  'MemoryPressure True': 'NodeHasInsufficientMemory',
  'DiskPressure False': 'NodeHasNoDiskPressure',
  'DiskPressure True': 'NodeHasDiskPressure',
  'PIDPressure False': 'NodeHasSufficientPID',
  'PIDPressure True': 'NodeHasInsufficientPID',
  'Ready True': 'NodeReady',
  'Ready False': 'NodeNotReady',
};

/** The four conditions; a heartbeat alone is no change (`sameStatus`). */
export function conditions(errors: readonly string[], pressures: readonly Pressure[], before: readonly NodeCondition[], now: string): readonly NodeCondition[] {
  const ready = errors.length === 0;
  const problem = errors.length > 1 ? `[${errors.join(', ')}]` : (errors[0] ?? '');
  const wanted: readonly Omit<NodeCondition, 'lastHeartbeatTime' | 'lastTransitionTime'>[] = [
    pressures.includes('MemoryPressure')
      ? { type: 'MemoryPressure', status: 'True', reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' }
      : { type: 'MemoryPressure', status: 'False', reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' },
    pressures.includes('DiskPressure')
      ? { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
      : { type: 'DiskPressure', status: 'False', reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' },
    pressures.includes('PIDPressure')
      ? { type: 'PIDPressure', status: 'True', reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' }
      : { type: 'PIDPressure', status: 'False', reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' },
    ready
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problem },
  ];
  return wanted.map((c) => {
    const old = before.find((b) => b.type === c.type);
    const lastTransitionTime = old?.status === c.status ? (old.lastTransitionTime ?? now) : now;
    return { ...c, lastHeartbeatTime: now, lastTransitionTime };
  });
}

function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameStatus(a: NodeStatus, b: NodeStatus): boolean {
  for (const key of Object.keys(b) as (keyof NodeStatus)[]) {
    if (key !== 'conditions') {
      if (!jsonEqual(a[key], b[key])) return false;
      continue;
    }
    for (const condition of b.conditions ?? []) {
      const old = a.conditions?.find((c) => c.type === condition.type);
      if (!old || old.status !== condition.status || old.reason !== condition.reason || old.message !== condition.message) return false;
    }
  }
  return true;
}

/** The largest images first; the very list from before when it is the same. */
function imageList(images: readonly ImageStatus[], before: NodeStatus['images']): NonNullable<NodeStatus['images']> {
  const list = images
    .map((i) => ({ names: [...i.repoDigests, ...i.repoTags], sizeBytes: i.sizeBytes }))
    .sort((a, b) => b.sizeBytes - a.sizeBytes || (String(a.names[0]) < String(b.names[0]) ? -1 : 1))
    .slice(0, MAX_IMAGES);
  return before && jsonEqual(before, list) ? before : list;
}

function capacityOf({ os: { machine }, config }: Context): Readonly<Record<string, string>> {
  return {
    cpu: String(machine.cpus),
    'ephemeral-storage': `${machine.disk.capacityBytes / 1024}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${machine.memoryTotal / 1024}Ki`,
    pods: String(config.maxPods),
  };
}

function allocatableOf({ config }: Context, capacity: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const reserved = (name: string): number => baseUnits(config.systemReserved[name] ?? '0') + baseUnits(config.kubeReserved[name] ?? '0');
  const cpu = baseUnits(capacity['cpu'] ?? '0') - reserved('cpu');
  const held = (signal: Signal, whole: number): number => {
    const threshold = config.evictionThresholds.find((t) => t.signal === signal && t.grace === 0);
    return threshold === undefined ? 0 : thresholdAmount(threshold.value, whole);
  };
  const memoryHere = baseUnits(capacity['memory'] ?? '0');
  const memory = memoryHere - reserved('memory') - held('memory.available', memoryHere);
  const diskHere = baseUnits(capacity['ephemeral-storage'] ?? '0');
  const disk = diskHere - held('nodefs.available', diskHere) - reserved('ephemeral-storage');
  return {
    ...capacity,
    cpu: Number.isInteger(cpu) ? String(cpu) : `${Math.round(cpu * 1000)}m`,
    memory: `${Math.floor(memory / 1024)}Ki`,
    'ephemeral-storage': String(Math.floor(disk)),
  };
}
