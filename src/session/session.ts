// A session: a log, the replica it made, and where the view stands. Implements what the page asks for (protocol.ts)
// without knowing about workers or ports, so that tests and the benchmark drive the same code.

import type { Command } from '../cluster/bootstrap/operator.ts';
import { MILLISECOND, MINUTE, SECOND, type Micros } from '../cluster/sim/time.ts';
import { hashRecords, type TraceRecord } from '../cluster/sim/trace.ts';
import type { Flow } from './flow.ts';
import type {
  ActionResult, Batch, Clock, CommandAction, DiffResult, FlowSummary, ObjectView, RecordDetail, SessionLog, Step, StepLevel, StepPosition,
  StoryRecord, TextProblem,
} from './protocol.ts';
import { Replica } from './replica.ts';
import { Standbys } from './standby.ts';
import type { OutsideExchange, OutsideListener, OutsideRequest } from './gateway.ts';
import type { OutsideAction } from './outside.ts';
import type { PacketDesk } from './packet-desk.ts';
import type { Tools } from './tools.ts';
import type { WireAction } from './wires.ts';

export const NEW_SESSION: SessionLog = { version: 1, seed: 1, topology: { controlPlanes: 1, workers: 3 }, inputs: [], until: 0 };

/** A flow with nothing new for this long is over, as far as a viewer is concerned. */
const SETTLED_AFTER = 60 * SECOND;
/** How long one kubectl may take before its caller stops waiting for it. */
const KUBECTL_LIMIT = 2 * MINUTE;
/** A command in the terminal is waited for so long; then the clock decides when its output comes. */
const ANSWER_WITHIN = 300 * MILLISECOND;
const COMPLETE_WITHIN = 5 * SECOND;
/** How far the clock may run ahead for a request from outside that waits for its answer. */
const OUTSIDE_LEAD = SECOND / 2;
const HOUR_AHEAD = 60 * MINUTE;
/** Messages shown per batch; more than this nobody can read. */
const STORY_LIMIT = 200;

export class Session {
  #replica: Replica;
  readonly #standbys = new Standbys();
  #seed: number;
  #topology: SessionLog['topology'];
  #epoch: Micros | undefined;
  #view: Micros = 0;
  #playing = false;
  #speed = 1;
  #reset = true;
  #booted = false;
  #story: StoryRecord[] = [];
  #dropped = 0;
  /** Pieces of the terminal's output that the page has. */
  #terminalSent = 0;
  #packets: PacketDesk | null = null;

  /** A log with inputs needs `tools` to be replayed; a new cluster may get them later, by `equip`. */
  constructor(log: SessionLog, tools: Tools | null) {
    this.#seed = log.seed;
    this.#topology = log.topology;
    this.#epoch = log.epoch;
    this.#replica = new Replica(log, tools);
    if (log.until === 0 && log.inputs.length === 0) this.#replica.boot();
    else this.#replica.runUntil(log.until);
    this.#show(this.#replica.now);
    if (log.view !== undefined && log.view < this.#replica.now) {
      this.seek(log.view);
      const record = log.viewRecord;
      if (record !== undefined && this.#replica.history.timeOf(record) === log.view) this.#showRecord(record);
    }
  }

  equip(tools: Tools): void {
    this.#replica.equip(tools);
  }

  /** Uses idle time to make going back fast; true when there is nothing left to prepare. Needs tools. */
  prepare(pause: () => boolean): boolean {
    return this.#standbys.prepare(this.log(), this.#replica, pause);
  }

  get equipped(): boolean {
    return this.#replica.equipped;
  }

  get live(): Micros {
    return this.#replica.now;
  }

  get replica(): Replica {
    return this.#replica;
  }

  get playing(): boolean {
    return this.#playing;
  }

  get speed(): number {
    return this.#speed;
  }

  /** True when the next batch would carry more than the clock. */
  get changed(): boolean {
    return this.#reset || this.#story.length > 0 || this.#replica.scene.dirty || (this.#replica.terminal?.countAt(this.#view) ?? 0) !== this.#terminalSent;
  }

  clock(): Clock {
    this.#booted ||= this.#replica.ready;
    return {
      view: this.#view,
      live: this.live,
      earliest: this.#replica.history.earliest,
      playing: this.#playing,
      speed: this.#speed,
      recordId: this.#replica.history.viewId,
      booted: this.#booted,
    };
  }

  log(): SessionLog {
    const atLive = this.#view >= this.live;
    return {
      version: 1,
      seed: this.#seed,
      topology: this.#topology,
      ...(this.#epoch === undefined ? {} : { epoch: this.#epoch }),
      inputs: [...this.#replica.performed, ...this.#replica.ahead],
      until: this.live,
      ...(atLive ? {} : { view: this.#view, viewRecord: this.#replica.history.viewId }),
    };
  }

  traceHash(): string {
    return hashRecords(this.#replica.cluster.sim.trace.records);
  }

  // ── transport ──────────────────────────────────────────────────────────────────────────────────────────────────

  play(speed: number): Clock {
    this.#playing = true;
    this.#speed = Math.min(100, Math.max(0.01, speed));
    return this.clock();
  }

  pause(): Clock {
    this.#playing = false;
    return this.clock();
  }

  /** Moves the view on by `elapsed` of session time; at the live edge runs the simulation, at most until `pause` says so. */
  advance(elapsed: Micros, pause: () => boolean): void {
    const target = this.#view + Math.round(elapsed);
    if (target > this.live) this.#replica.runUntil(target, pause);
    this.#show(Math.min(target, this.live), true);
  }

  seek(time: Micros): Clock {
    this.#playing = false;
    const target = Math.max(0, Math.round(time));
    if (target > this.live) this.#replica.runUntil(Math.min(target, this.live + HOUR_AHEAD));
    else if (target < this.#replica.history.earliest) this.replayTo(target);
    this.#show(Math.min(target, this.live));
    return this.clock();
  }

  toLive(): Clock {
    this.#show(this.live);
    return this.clock();
  }

  /** Builds the cluster anew from the log and runs it to `time`; what lies after it stays ahead as future inputs. */
  replayTo(time: Micros): void {
    this.#replace({ ...this.log(), until: time });
  }

  step(flowId: number, level: StepLevel, direction: 1 | -1): StepPosition {
    const flow = this.#replica.flows.get(flowId);
    if (!flow) return this.#position(null, level);
    return this.stepTo(flowId, level, this.#indexIn(flow, level) + direction);
  }

  stepTo(flowId: number, level: StepLevel, index: number): StepPosition {
    this.#playing = false;
    const flow = this.#replica.flows.get(flowId);
    if (!flow) return this.#position(null, level);
    if (index > flow.steps(level).length) this.#runToStep(flow, level, index);
    const ids = flow.steps(level);
    const k = Math.max(0, Math.min(index, ids.length));
    this.#showRecord(k === 0 ? flow.id - 1 : (ids[k - 1] as number));
    return this.#position(flow, level, k);
  }

  /** Where the view stands in a flow. */
  stepAt(flowId: number, level: StepLevel): StepPosition {
    const flow = this.#replica.flows.get(flowId);
    return flow ? this.#position(flow, level, this.#indexIn(flow, level)) : this.#position(null, level);
  }

  /** Runs the simulation until the flow has a step `index` at the level, or has settled without one. */
  #runToStep(flow: Flow, level: StepLevel, index: number): void {
    const replica = this.#replica;
    const sim = replica.cluster.sim;
    while (flow.steps(level).length < index) {
      const next = sim.nextEventAt();
      if (next === undefined || next > flow.lastAt + SETTLED_AFTER) return;
      const input = replica.ahead[0];
      if (input && input.at < next) replica.runUntil(input.at);
      else sim.step();
    }
  }

  // ── actions ────────────────────────────────────────────────────────────────────────────────────────────────────

  act(action: CommandAction): ActionResult {
    const forked = this.#view < this.live || this.#replica.ahead.length > 0;
    if (this.#view < this.live) this.#replace(this.#past(this.#view));
    this.#replica.dropAhead();
    const run = this.#replica.run(action);
    const start = this.live;
    this.#replica.finish(run, KUBECTL_LIMIT);
    // Playing, the view goes on from here; paused, it stays where the person acted, at the door of the new flow.
    if (this.#playing) this.#show(this.live);
    else this.#showRecord(Math.max(run.record.id, this.#replica.history.idAt(start - 1)));
    const text = action.type === 'kubectl' ? (action.stdin ?? '') : action.text;
    return {
      flow: run.record.id,
      output: run.output,
      exitCode: run.process.status?.code ?? 1,
      problems: this.#replica.tools.problemsOf(text, run.output),
      forked,
    };
  }

  /**
   * A request of a client outside the page, at the live edge whatever the view shows. It is answered at once, as far as that goes in
   * half a second of the cluster's time; what takes longer goes on when the session plays.
   */
  outside(request: OutsideRequest, on: OutsideListener, pause: () => boolean): OutsideExchange {
    const replica = this.#replica;
    const id = replica.outside.nextId;
    const act = (action: OutsideAction): void => {
      if (replica !== this.#replica) return;
      const follow = this.#view >= this.live;
      replica.cluster.sim.runUntil(replica.now);
      replica.actOutside(action, on);
      replica.answerOutside(OUTSIDE_LEAD, pause);
      if (follow) this.#show(this.live, true);
    };
    act({ type: 'http', id, request });
    return {
      send: (frame) => act({ type: 'http-frame', id, frame }),
      finish: () => act({ type: 'http-end', id, how: 'finish' }),
      abort: () => act({ type: 'http-end', id, how: 'abort' }),
    };
  }

  /** Types in the terminal and goes where its answer is: to the live edge. */
  type(keys: string): Clock {
    if (this.#view < this.live) this.#replace(this.#past(this.#view));
    this.#replica.dropAhead();
    this.#replica.type(keys);
    this.#letAnswer();
    this.#show(this.live, true);
    return this.clock();
  }

  /** Does something to a wire, and goes to the live edge. */
  wire(action: WireAction): Clock {
    if (this.#view < this.live) this.#replace(this.#past(this.#view));
    this.#replica.dropAhead();
    this.#replica.actOnWire(action);
    this.#replica.cluster.sim.runUntil(this.live);
    this.#show(this.live, true);
    return this.clock();
  }

  /** At the live edge only: looking at the past changes nothing. */
  complete(line: string): readonly string[] {
    const words = line.trimStart().split(/\s+/);
    if (this.#view < this.live || this.#replica.ahead.length > 0) return [];
    const piped = words.findLastIndex((word) => word === '|' || word === '&&' || word === ';');
    const [command = '', ...argv] = words.slice(piped + 1);
    if (argv.length === 0) return ['kubectl '].filter((name) => name.startsWith(command));
    if (command !== 'kubectl') return [];
    const asked = this.#replica.complete(argv);
    this.#replica.finish(asked, COMPLETE_WITHIN);
    this.#show(this.live, true);
    // The last line is kubectl's directive to the shell; a tab separates a word from its description.
    return asked.stdout.filter((text) => !text.startsWith(':')).map((text) => text.split('\t', 1)[0] as string);
  }

  resizeTerminal(columns: number, rows: number): void {
    // A window that is resized while somebody looks at the past must not begin another future.
    if (this.#view === this.live) this.#replica.resizeTerminal(columns, rows);
  }

  /** Runs until the terminal's shell asks for the next command, at most as long as a person does not notice. */
  #letAnswer(): void {
    const { cluster, terminal } = this.#replica;
    const deadline = this.live + ANSWER_WITHIN;
    while (cluster.sim.step(deadline) && !terminal?.atPrompt) {
      // one event at a time
    }
    cluster.sim.runUntil(this.live);
  }

  /** Server-side dry run in a cluster of its own, replayed to the view, so that this one is not touched. */
  dryRun(text: string, namespace: string): DiffResult {
    const scratch = this.#copy();
    const base = ['-f', '-', ...(namespace ? ['-n', namespace] : [])];
    const before = scratch.run({ type: 'kubectl', argv: ['get', '--ignore-not-found', '-o', 'json', ...base], stdin: text });
    scratch.finish(before, KUBECTL_LIMIT);
    const after = scratch.run({ type: 'kubectl', argv: ['apply', '--dry-run=server', '-o', 'json', ...base], stdin: text });
    scratch.finish(after, KUBECTL_LIMIT);
    const { problemsOf, printYaml } = scratch.tools;
    return { problems: problemsOf(text, after.output), objects: diffObjects(jsonOf(before), jsonOf(after), printYaml) };
  }

  check(text: string): readonly TextProblem[] {
    return this.#replica.tools.checkText(text);
  }

  undo(): boolean {
    const inputs = this.log().inputs;
    // What clients outside did is not the person's to take back.
    const last = inputs.findLastIndex((input) => !input.action.type.startsWith('http'));
    if (last < 0) return false;
    this.#replace({ ...this.log(), inputs: inputs.filter((_, i) => i !== last), until: this.live });
    return true;
  }

  #past(time: Micros): SessionLog {
    const { view: _view, viewRecord: _viewRecord, ...log } = this.log();
    return { ...log, inputs: log.inputs.filter((input) => input.at < time), until: time };
  }

  /** The cluster of a log, at its end. */
  #replay(log: SessionLog): Replica {
    const replica = this.#standbys.take(log) ?? new Replica(log, this.#replica.tools);
    replica.runUntil(log.until);
    return replica;
  }

  #replace(log: SessionLog): void {
    this.#replica.leaveOutside('the session was replayed from its log');
    this.#replica = this.#replay(log);
    this.#reset = true;
    this.#booted = false;
    this.#story = [];
    this.#show(this.live);
  }

  // ── queries ────────────────────────────────────────────────────────────────────────────────────────────────────

  flows(): readonly FlowSummary[] {
    return this.#replica.flows.list().map((flow) => ({
      id: flow.id,
      at: flow.at,
      action: flow.action,
      title: this.#titleOf(flow),
      steps: { phase: flow.steps('phase').length, call: flow.call.length, all: flow.all.length },
      settled: this.live - flow.lastAt > SETTLED_AFTER,
    }));
  }

  steps(flowId: number, level: StepLevel, offset: number, limit: number): { total: number; steps: readonly Step[] } {
    const ids = this.#replica.flows.get(flowId)?.steps(level) ?? [];
    const steps = ids.slice(offset, offset + limit).flatMap((id, i) => {
      const record = this.#replica.cluster.sim.trace.get(id);
      return record ? [{ ...this.#storyOf(record), index: offset + i + 1 }] : [];
    });
    return { total: ids.length, steps };
  }

  record(id: number): RecordDetail | null {
    const record = this.#replica.cluster.sim.trace.get(id);
    return record ? { ...this.#storyOf(record), detail: record.detail, change: record.change } : null;
  }

  /** Questions about packets, at the view. */
  get packets(): PacketDesk {
    return (this.#packets ??= new this.#replica.tools.PacketDesk({ replica: () => this.#replica, view: () => this.#view, copy: () => this.#copy() }));
  }

  /** A cluster of its own, replayed to the view. */
  #copy(): Replica {
    const past = this.#past(this.#view);
    // At the live edge what was done at this very instant belongs to it.
    return this.#replay(this.#view < this.live ? past : { ...past, inputs: [...this.#replica.performed] });
  }

  object(id: string): ObjectView {
    return this.#replica.tools.describeObject(id, this.#replica.history, this.#replica.scene);
  }

  /** What changed in the view since the last call, for one batch. */
  takeBatch(): Omit<Batch, 'seq' | 'clock'> {
    const reset = this.#reset;
    const terminal = this.#takeTerminal(reset);
    if (reset) this.#replica.scene.markAll([...this.#replica.history.entries()].map(([key]) => key));
    this.#reset = false;
    const { upserts, deletes } = this.#replica.scene.takeDirty();
    const story = this.#story;
    const dropped = this.#dropped;
    this.#story = [];
    this.#dropped = 0;
    return { reset, upserts, deletes: reset ? [] : deletes, story, dropped, terminal };
  }

  /** What the terminal shows at the view, beyond what was sent. */
  #takeTerminal(reset: boolean): Batch['terminal'] {
    const { terminal } = this.#replica;
    const count = terminal?.countAt(this.#view) ?? 0;
    const again = reset || count < this.#terminalSent;
    const from = again ? 0 : this.#terminalSent;
    this.#terminalSent = count;
    return again || count > from ? { reset: again, text: terminal?.text(from, count) ?? '' } : null;
  }

  #show(time: Micros, withStory = false): void {
    const history = this.#replica.history;
    const from = history.viewId;
    history.moveTo(history.idAt(time));
    this.#view = time;
    if (withStory) this.#collectStory(from, history.viewId);
  }

  #showRecord(id: number): void {
    const history = this.#replica.history;
    history.moveTo(id);
    this.#view = history.timeOf(id);
  }

  #collectStory(after: number, upTo: number): void {
    const trace = this.#replica.cluster.sim.trace;
    for (let id = after + 1; id <= upTo; id++) {
      const record = trace.get(id);
      if (!record || record.from === record.to) continue;
      if (this.#story.length >= STORY_LIMIT) this.#dropped++;
      else this.#story.push(this.#storyOf(record));
    }
  }

  #storyOf(record: TraceRecord): StoryRecord {
    const { detail: _detail, change: _change, ...story } = record;
    return { ...story, phase: this.#replica.flows.phaseOf(record.id) };
  }

  #titleOf(flow: Flow): string {
    for (const id of flow.all) {
      const subject = this.#replica.cluster.sim.trace.get(id)?.subject;
      if (subject?.name) return `${subject.resource}${subject.group ? `.${subject.group}` : ''}/${subject.name}`;
      if (id > flow.id + 50) break;
    }
    return '';
  }

  /** How many of the flow's steps the view includes. */
  #indexIn(flow: Flow, level: StepLevel): number {
    const ids = flow.steps(level);
    let low = 0;
    let high = ids.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((ids[mid] as number) <= this.#replica.history.viewId) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  #position(flow: Flow | null, level: StepLevel, index = 0): StepPosition {
    if (!flow) return { step: null, index: 0, total: 0, atEnd: true, clock: this.clock() };
    const ids = flow.steps(level);
    const record = index > 0 ? this.#replica.cluster.sim.trace.get(ids[index - 1] as number) : undefined;
    return {
      step: record ? { ...this.#storyOf(record), index } : null,
      index,
      total: ids.length,
      atEnd: index >= ids.length && (this.#replica.cluster.sim.nextEventAt() ?? Infinity) > flow.lastAt + SETTLED_AFTER,
      clock: this.clock(),
    };
  }
}

type Json = { readonly kind?: string; readonly items?: readonly Json[]; readonly metadata?: { readonly name?: string; readonly namespace?: string } };

function jsonOf(run: Command): readonly Json[] {
  const text = run.output.filter((o) => o.stream === 'stdout').map((o) => o.line).join('\n');
  if (text.trim() === '') return [];
  const parsed = JSON.parse(text) as Json;
  return parsed.kind === 'List' ? (parsed.items ?? []) : [parsed];
}

const titleOf = (object: Json): string =>
  `${object.kind ?? ''} ${object.metadata?.namespace ? `${object.metadata.namespace}/` : ''}${object.metadata?.name ?? ''}`;

function diffObjects(before: readonly Json[], after: readonly Json[], printYaml: Tools['printYaml']): DiffResult['objects'] {
  const old = new Map(before.map((object) => [titleOf(object), object]));
  return after.map((object) => {
    const title = titleOf(object);
    const was = old.get(title);
    return { title, before: was ? printYaml(was) : '', after: printYaml(object) };
  });
}
