// What the page and the worker say to each other. The page imports types from here and nothing else of the worker.
//
// Two clocks: the cluster's LIVE edge (how far the simulation has run) and the VIEW (what the page shows). Playing moves
// the view; when the view reaches the live edge the simulation runs on. Stepping back or scrubbing moves the view alone,
// inside the recorded history. Acting in the past forks: the session is replayed to the view, its later inputs go to a branch.

import type { NetworkKind } from '../cluster/bootstrap/pod-network.ts';
import type { RuntimeKind } from '../cluster/runtime/runtime-kind.ts';
import type { Level, Place, Subject, TraceKind, TraceRecord } from '../cluster/sim/trace.ts';
import type { Micros } from '../cluster/sim/time.ts';
import type { OutsideAction } from './outside.ts';
import type { WireAction } from './wires.ts';
import type { PacketAnswer, PacketEnds, PacketQuestion, TracedPacket } from './packet-types.ts';

export type { WireAction };
export type { Level, Micros, NetworkKind, Place, RuntimeKind, Subject, TraceKind };
export type * from './packet-types.ts';

// ── the session's input log ──────────────────────────────────────────────────────────────────────────────────────

/** What a cluster is made of; what is absent is the model's default. */
export interface Topology {
  readonly controlPlanes: number;
  readonly workers: number;
  readonly runtime?: RuntimeKind;
  /** The Pod network; absent: flannel. */
  readonly network?: NetworkKind;
  /** Of each machine. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
}

/** Everything a person can do to the cluster. Each is one entry of the log and the root of one flow. */
export type Action =
  | { readonly type: 'apply'; readonly text: string; readonly namespace?: string; readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore' }
  | { readonly type: 'delete'; readonly text: string; readonly namespace?: string }
  | { readonly type: 'kubectl'; readonly argv: readonly string[]; readonly stdin?: string }
  /** Keys in the terminal, or a whole line at its prompt. The first, which may be empty, open the shell. */
  | { readonly type: 'terminal'; readonly keys: string }
  /** Tab in the terminal: asks kubectl what could come next. */
  | { readonly type: 'complete'; readonly argv: readonly string[] }
  | { readonly type: 'terminal-size'; readonly columns: number; readonly rows: number }
  /** A cable is cut, slowed … or mended. */
  | WireAction
  /** What clients outside the page do, over the bridge. */
  | OutsideAction;

/** Those that are one command with an end of its own. */
export type CommandAction = Extract<Action, { readonly type: 'apply' | 'delete' | 'kubectl' }>;

export interface Input {
  readonly at: Micros;
  readonly action: Action;
}

/** (seed, topology, inputs) is the whole session; `until` is how far it had run. */
export interface SessionLog {
  readonly version: 1;
  readonly seed: number;
  readonly topology: Topology;
  /** The date at which the clock starts: microseconds since 1970. Absent = the model's own. */
  readonly epoch?: Micros;
  readonly inputs: readonly Input[];
  readonly until: Micros;
  /** Where the view stood when it was shared; absent = at the live edge. */
  readonly view?: Micros;
  /** The last record that the view included: many records share one instant. */
  readonly viewRecord?: number;
  /** The packet that was being asked about when it was shared. */
  readonly packet?: PacketQuestion;
}

// ── the scene: what the map, the tree and the lists show ─────────────────────────────────────────────────────────

export interface MachineRow {
  readonly type: 'machine';
  readonly id: string; // machine/worker-1
  readonly name: string;
  readonly role: 'control-plane' | 'worker' | 'operator';
  readonly address: string;
  readonly powered: boolean;
  readonly runtime: RuntimeKind;
  /** Absent: flannel. */
  readonly network?: NetworkKind;
  readonly linkUp: boolean;
  /** What is wrong with its cable beside that, as tc(8) would say it. */
  readonly linkFault?: string;
  /** The Node object's Ready condition; 'Absent' while it has not joined. */
  readonly ready: 'True' | 'False' | 'Unknown' | 'Absent';
  readonly readyReason: string;
  readonly unschedulable: boolean;
  readonly podCidr: string;
  readonly version: string;
  readonly taints: readonly string[];
  /** How many NAT rules, routes, neighbours and FDB entries the machine holds right now. */
  readonly tables: { readonly rules: number; readonly routes: number; readonly neighbours: number; readonly fdb: number };
  readonly images: readonly string[];
}

/** A process on a machine; those inside containers carry the container's place. */
export interface ProcessRow {
  readonly type: 'process';
  readonly id: string; // process/worker-1/1234
  readonly machine: string;
  readonly pid: number;
  readonly comm: string;
  readonly place: Place;
}

export interface InterfaceRow {
  readonly type: 'interface';
  readonly id: string; // interface/worker-1/<netns>/cni0
  readonly machine: string;
  readonly netns: string; // 'host' for the machine's own
  readonly name: string;
  readonly kind: string;
  readonly addresses: readonly string[];
  readonly up: boolean;
}

export interface ContainerRow {
  readonly name: string;
  readonly image: string;
  readonly kind: 'init' | 'sidecar' | 'main' | 'ephemeral';
  readonly state: 'waiting' | 'running' | 'terminated' | 'unknown';
  readonly reason: string;
  readonly ready: boolean;
  readonly restarts: number;
}

/** What a Pod mounts. */
export interface VolumeRow {
  readonly name: string;
  /** emptyDir, configMap, persistentVolumeClaim … */
  readonly kind: string;
  /** Of what is mounted: the ConfigMap, the claim, the path; '' for what has none. */
  readonly source: string;
}

export type Health = 'ok' | 'progressing' | 'failed' | 'idle';

export interface PodRow {
  readonly type: 'pod';
  readonly id: string; // object/pods/default/web-x
  readonly namespace: string;
  readonly name: string;
  /** '' until bound. */
  readonly machine: string;
  readonly phase: string;
  /** The STATUS column of `kubectl get pods`. */
  readonly status: string;
  readonly health: Health;
  readonly ready: boolean;
  readonly readyText: string; // 1/2
  readonly restarts: number;
  readonly terminating: boolean;
  readonly ip: string;
  readonly hostNetwork: boolean;
  readonly owner: string; // 'ReplicaSet/web-5d8f' or ''
  readonly containers: readonly ContainerRow[];
  /** Without the service account's token, which every Pod has. */
  readonly volumes: readonly VolumeRow[];
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Micros;
}

/** Any other API object. */
export interface ObjectRow {
  readonly type: 'object';
  readonly id: string; // object/deployments.apps/default/web
  readonly resource: string; // 'deployments.apps'
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly health: Health;
  /** A few characters beside the name: '2/3', '10.96.0.1', '' … (data, not a sentence). */
  readonly summary: string;
  readonly owner: string;
  readonly createdAt: Micros;
}

export interface EventRow {
  readonly type: 'event';
  readonly id: string; // object/events/default/web.17a
  readonly namespace: string;
  readonly eventType: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly object: string; // 'Pod/web-x'
  readonly objectNamespace: string;
  readonly source: string;
  readonly count: number;
  readonly lastAt: Micros;
}

export type Row = MachineRow | ProcessRow | InterfaceRow | PodRow | ObjectRow | EventRow;

/** A trace record without its payload; fetch that with `record(id)`. */
export interface StoryRecord extends Omit<TraceRecord, 'detail' | 'change'> {
  readonly phase: Phase;
}

/** One message on the data port; the page answers each with `{ack: seq}` once it is drawn, then the next may come. */
export interface Batch {
  readonly seq: number;
  /** True for a whole new scene: forget all rows first. */
  readonly reset: boolean;
  readonly upserts: readonly Row[];
  readonly deletes: readonly string[];
  /** Messages that began since the last batch while playing; never coalesced, but bounded: `dropped` were left out. */
  readonly story: readonly StoryRecord[];
  readonly dropped: number;
  /** What the terminal shows more; with `reset`, all that it shows. Null: nothing new. */
  readonly terminal: { readonly reset: boolean; readonly text: string } | null;
  readonly clock: Clock;
}

export interface Clock {
  /** The instant shown. */
  readonly view: Micros;
  /** How far the simulation has run. */
  readonly live: Micros;
  /** The earliest instant that stepping back can show without a replay. */
  readonly earliest: Micros;
  readonly playing: boolean;
  readonly speed: number;
  /** The last record that the view includes. */
  readonly recordId: number;
  /** All nodes are Ready and all system Pods run (as seen at the view). */
  readonly booted: boolean;
}

// ── flows ────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Phase = 'intent' | 'decide' | 'realise' | 'report';
export const PHASES: readonly Phase[] = ['intent', 'decide', 'realise', 'report'];

/** What counts as one step: a phase, a call between components, or everything. */
export type StepLevel = 'phase' | 'call' | 'all';

export interface FlowSummary {
  readonly id: number; // id of the input record
  readonly at: Micros;
  readonly action: Action;
  /** 'deployment.apps/web' … first object of the action, '' if none. */
  readonly title: string;
  /** Steps known so far at each level. */
  readonly steps: { readonly phase: number; readonly call: number; readonly all: number };
  /** Nothing below it is under way any more: all objects settled. */
  readonly settled: boolean;
}

export interface Step extends StoryRecord {
  /** 1-based position k of n in the flow at the asked level. */
  readonly index: number;
}

export interface StepPosition {
  readonly step: Step | null;
  readonly index: number; // 0 = before the first step
  readonly total: number;
  /** True when the flow has no further step and nothing of it is under way. */
  readonly atEnd: boolean;
  readonly clock: Clock;
}

export interface RecordDetail extends StoryRecord {
  /** The payload: request, response, object, scores … plain data. */
  readonly detail: unknown;
  readonly change: { readonly key: string; readonly before: unknown; readonly after: unknown } | null;
}

// ── commands and queries (Comlink) ───────────────────────────────────────────────────────────────────────────────

/** Where in the person's text something is wrong. Lines and columns count from 1. */
export interface TextProblem {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  /** The API server's or kubectl's own words. */
  readonly message: string;
  /** Field path such as `spec.template.spec.containers[0].image`, '' when unknown. */
  readonly field: string;
  readonly severity: 'error' | 'warning';
  /** Which plain sentence to show under it: a key of the page's catalogue (`problem.<code>`). */
  readonly code: string;
}

export interface ActionResult {
  /** The flow that the action began. */
  readonly flow: number;
  /** What kubectl printed, stdout and stderr in order. */
  readonly output: readonly { readonly stream: 'stdout' | 'stderr'; readonly line: string }[];
  readonly exitCode: number;
  readonly problems: readonly TextProblem[];
  /** True when the action was done in the past and the later inputs were set aside as a branch. */
  readonly forked: boolean;
}

export interface DiffResult {
  readonly problems: readonly TextProblem[];
  /** Per object: YAML as it is now ('' when absent) and as it would be. */
  readonly objects: readonly { readonly title: string; readonly before: string; readonly after: string }[];
}

export interface ObjectView {
  readonly id: string;
  /** The object at the view, as `kubectl get -o yaml` prints it; '' when it does not exist there. */
  readonly yaml: string;
  readonly object: unknown;
  readonly events: readonly EventRow[];
  /** Pairs of desired and observed values, e.g. replicas 3 / 2. Keys are field paths. */
  readonly desired: readonly { readonly field: string; readonly desired: string; readonly observed: string; readonly met: boolean }[];
  /** Ids of the objects it owns and of its owner, for links. */
  readonly owner: string;
  readonly owned: readonly string[];
}

export interface SessionApi {
  /** Starts (or restarts) a session: replays a log, or boots a new cluster (null: of the usual make); then streams batches on `port`. */
  open(from: SessionLog | Topology | null, port: MessagePort): Promise<Clock>;

  /** Runs an action now (in the past: forks). Resolves when its kubectl has exited. */
  act(action: CommandAction): Promise<ActionResult>;
  /** Types in the terminal, lets the cluster answer, and goes to the live edge. */
  type(keys: string): Promise<Clock>;
  /** Does something to a wire; the view goes to the live edge. In the past: forks. */
  wire(action: WireAction): Promise<Clock>;
  /** Words that could stand at the end of `line`, the part of a command before the cursor. */
  complete(line: string): Promise<readonly string[]>;
  /** Tells the terminal its size, in characters. */
  resizeTerminal(columns: number, rows: number): Promise<void>;
  /** Serves the cluster's API to clients outside, over the WebSocket at `url`; again and again when it breaks. */
  connectBridge(url: string): Promise<void>;
  /** What `apply` would change, by server-side dry run; changes nothing and is not in the log. */
  dryRun(text: string, namespace: string): Promise<DiffResult>;
  /** Problems that can be told from the text alone: YAML errors, unknown kinds and fields, wrong types. */
  check(text: string): Promise<readonly TextProblem[]>;
  /** Drops the last input and replays (undo); false when there is none. */
  undo(): Promise<boolean>;

  play(speed: number): Promise<Clock>;
  pause(): Promise<Clock>;
  /** Moves the view to an instant; beyond the live edge the simulation runs there (at most one hour on), before `earliest` it replays. */
  seek(time: Micros): Promise<Clock>;
  /** Moves the view by one step of a flow (direction 1 or -1); pauses. Forward at the live edge runs the simulation to the next step. */
  step(flow: number, level: StepLevel, direction: 1 | -1): Promise<StepPosition>;
  /** Moves the view to step `index` of a flow (1-based; 0 = just before it). */
  stepTo(flow: number, level: StepLevel, index: number): Promise<StepPosition>;
  /** Where the view stands in a flow. */
  stepAt(flow: number, level: StepLevel): Promise<StepPosition>;
  /** Back to the live edge. */
  toLive(): Promise<Clock>;

  flows(): Promise<readonly FlowSummary[]>;
  /** Steps `offset`… of a flow. */
  steps(flow: number, level: StepLevel, offset: number, limit: number): Promise<{ readonly total: number; readonly steps: readonly Step[] }>;
  record(id: number): Promise<RecordDetail | null>;
  object(id: string): Promise<ObjectView>;

  /** What would happen now, at the view, to a packet that nobody sends. Changes nothing and is not in the log. */
  askPacket(question: PacketQuestion): Promise<PacketAnswer>;
  /** Senders and targets to choose from at the view. */
  packetEnds(): Promise<PacketEnds>;
  /** The packets of a flow that were written down hop by hop. */
  tracedPackets(flow: number): Promise<readonly TracedPacket[]>;
  /** The hops of a packet that really flowed; null when the record holds none. */
  tracedPacket(record: number): Promise<PacketAnswer | null>;

  /** The session so far, for saving and sharing. */
  log(): Promise<SessionLog>;
  /** Hash of the whole trace so far, for the determinism check. */
  traceHash(): Promise<string>;
  /** The page has drawn the cluster: now there is time for what is not loaded yet. The clock stands still until then. */
  drawn(): Promise<void>;
}
