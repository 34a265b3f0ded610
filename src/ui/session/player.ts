// Everything that the page can ask of the session, in one place: opening and saving it, acting, and the transport.
// Holds the connection; writes what it learns into the player store and the scene.

import type { Remote } from 'comlink';
import type {
  Action, ActionResult, Batch, Clock, CommandAction, DiffResult, SessionApi, SessionLog, StepLevel, StepPosition, StoryRecord,
  TextProblem, Topology, WireAction } from '../../session/protocol.ts';
import type { SceneModel } from '../scene/model.ts';
import { hidePacket, stepPacket, usePacket } from '../packet/store.ts';
import { NO_CLOCK, type Notice, usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import type { Decoded } from './share.ts';
import { TerminalModel } from '../terminal/model.ts';
import { Connection, type CrashReason, type OpenEndpoint } from './connection.ts';
import { drawn } from './drawn.ts';
import { forgetLog, keepOwnLog, loadLog, ownLog, saveLog } from './storage.ts';

const SAVE_EVERY = 10_000;
/** How long one step is shown while a flow plays by itself at pace 1: milliseconds. */
const STEP_TIME = 1_500;

export class Player {
  readonly terminal = new TerminalModel();
  readonly #open: OpenEndpoint;
  readonly #scene: SceneModel;
  readonly #listeners = new Set<(story: readonly StoryRecord[]) => void>();
  #connection: Connection | null = null;
  #saved: SessionLog | null = null;
  #pending: Action | null = null;
  #crashedOn = '';
  #turn = 0;
  #notices = 0;
  #saver: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #stepper: ReturnType<typeof setTimeout> | undefined;
  #flowsAsked = false;
  #seekTarget: number | null = null;
  #seeking = false;
  /** Commands run one after the other, so that two quick presses of Next are two steps. */
  #chain: Promise<unknown> = Promise.resolve();

  constructor(open: OpenEndpoint, scene: SceneModel) {
    this.#open = open;
    this.#scene = scene;
  }

  // ── opening, saving, crashing ──────────────────────────────────────────────────────────────────────────────────

  /** Opens what the link carries, else what was saved, else a new cluster. */
  async start(): Promise<void> {
    const decoded = await readHash();
    if ('log' in decoded) {
      const own = await loadLog();
      if (own && own.inputs.length > 0) await keepOwnLog(own);
      history.replaceState(null, '', location.pathname + location.search);
      usePlayer.setState({ fromLink: own !== null && own.inputs.length > 0 });
      await this.#openLog(decoded.log);
      this.notify('fromLink');
      return;
    }
    if (decoded.problem !== 'none') {
      history.replaceState(null, '', location.pathname + location.search);
      this.notify('linkBroken');
    }
    const saved = await loadLog();
    await this.#openLog(saved);
    if (saved && saved.inputs.length > 0) this.notify('restored');
  }

  /** A log is replayed; a topology, or null for the usual one, is a new cluster. Where nothing was done yet, not even looked back, the clock runs. */
  async #openLog(from: SessionLog | Topology | null): Promise<void> {
    const log = from !== null && 'inputs' in from ? from : null;
    this.stopFlow();
    this.#connection?.close();
    this.#saved = log;
    usePacket.setState({ answer: null, shown: false, total: 0 });
    usePlayer.setState({ status: { type: 'opening' }, clock: NO_CLOCK, flows: [], flow: 0, index: 0, total: 0, cue: null, result: null, problems: [] });
    const connection = new Connection(this.#open, (batch) => this.#onBatch(batch), (reason) => this.#onCrash(reason));
    this.#connection = connection;
    const opened = await connection.open(from);
    const untouched = log === null || (log.inputs.length === 0 && log.view === undefined);
    const clock = untouched ? await connection.call((api) => api.play(useUi.getState().speed)) : opened;
    usePlayer.setState({ status: { type: 'ready' }, clock });
    void drawn().then(() => connection.call((api) => api.drawn()));
    await this.refreshFlows();
    const last = usePlayer.getState().flows.at(-1);
    if (last) {
      await this.#chooseAt(last.id);
      if (log?.view !== undefined) await this.#showWhereItStood();
    }
    if (log?.packet) await (await import('../packet/ask.ts')).askShared(this, log.packet);
    clearInterval(this.#saver);
    this.#saver = setInterval(() => void this.save(), SAVE_EVERY);
  }

  #onBatch(batch: Batch): void {
    this.#scene.apply(batch);
    if (batch.terminal) this.terminal.apply(batch.terminal);
    const before = usePlayer.getState().clock;
    if (!sameClock(before, batch.clock)) usePlayer.setState({ clock: batch.clock });
    if (batch.story.length > 0) {
      for (const listener of this.#listeners) listener(batch.story);
      if (batch.story.some((record) => record.flow !== 0)) this.#flowsSoon();
    }
  }

  #onCrash(reason: CrashReason): void {
    this.stopFlow();
    clearInterval(this.#saver);
    const suspect = this.#pending ?? this.#saved?.inputs.at(-1)?.action ?? null;
    const name = JSON.stringify(suspect);
    usePlayer.setState({ status: { type: 'crashed', reason, pending: suspect, again: this.#crashedOn === name && suspect !== null }, busy: false });
    this.#crashedOn = name;
    this.#chain = Promise.resolve();
  }

  /** After a crash: opens the saved session again and repeats what was under way. */
  async recover(): Promise<void> {
    const pending = this.#pending;
    this.#pending = null;
    await this.#openLog(this.#saved);
    if (pending?.type === 'terminal') await this.type(pending.keys);
    else if (pending?.type === 'apply' || pending?.type === 'delete' || pending?.type === 'kubectl') await this.act(pending);
  }

  /** After a second crash: opens the session without the input that it crashed on. */
  async recoverWithout(): Promise<void> {
    const saved = this.#saved;
    const drop = this.#pending === null && saved !== null;
    this.#pending = null;
    const log = drop ? { ...saved, inputs: saved.inputs.slice(0, -1) } : saved;
    await this.#openLog(log);
    await this.save();
  }

  /** What the cluster of this session is made of; null before the session was saved for the first time. */
  get topology(): Topology | null {
    return this.#saved?.topology ?? null;
  }

  /** A new cluster; the inputs so far are forgotten. */
  async reset(topology: Topology | null): Promise<void> {
    this.#pending = null;
    this.#crashedOn = '';
    await forgetLog();
    usePlayer.setState({ fromLink: false });
    await this.#openLog(topology);
  }

  async backToOwn(): Promise<void> {
    usePlayer.setState({ fromLink: false });
    await this.#openLog(await ownLog());
  }

  #saveSoon(): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.save(), 800);
  }

  async save(): Promise<void> {
    if (usePlayer.getState().status.type !== 'ready') return;
    const log = await this.#call((c) => c.call((api) => api.log()));
    if (!log) return;
    this.#saved = log;
    if (!usePlayer.getState().fromLink || log.inputs.length > 0) await saveLog(log);
  }

  /** Calls `listener` with the messages that began while playing. Returns the way to stop. */
  listen(listener: (story: readonly StoryRecord[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs an action; its flow becomes the chosen one. With `stepAfterApply` the clock stops at its door. */
  async act(action: CommandAction): Promise<ActionResult | null> {
    this.stopFlow();
    const stepping = useUi.getState().stepAfterApply;
    hidePacket();
    usePlayer.setState({ busy: true, result: null, problems: [] });
    this.#pending = action;
    if (stepping) {
      await this.pause();
      useUi.getState().set({ playMode: 'steps', bottomTab: 'flow' });
    }
    const result = await this.#call((c) => c.call((api) => api.act(action)));
    // Nothing is shown as done before it is kept: after a crash it would be gone.
    if (result) await this.save();
    this.#pending = null;
    usePlayer.setState({ busy: false });
    if (!result) return null;
    usePlayer.setState({ result, problems: result.problems });
    // Either way the answer brings the clock, which tells at which step the view stands.
    if (stepping) await this.pause();
    else await this.play();
    await this.refreshFlows();
    await this.#chooseAt(result.flow);
    if (result.forked) this.notify('forked');
    this.#crashedOn = '';
    this.#saveSoon();
    return result;
  }

  /** Keys for the terminal; the view goes to the live edge with them. */
  async type(keys: string): Promise<void> {
    this.stopFlow();
    const action: Action = { type: 'terminal', keys };
    const isLine = /[\r\n]$/.test(keys);
    if (isLine) {
      this.#pending = action;
      hidePacket();
    }
    usePlayer.setState({ cue: null });
    await this.#clockOf((c) => c.call((api) => api.type(keys)));
    if (!isLine) return;
    await this.save();
    this.#pending = null;
    this.#crashedOn = '';
    await this.refreshFlows();
    const last = usePlayer.getState().flows.at(-1);
    if (last?.action.type === 'terminal' && last.id !== usePlayer.getState().flow) await this.#chooseAt(last.id);
  }

  /** Does something to a wire; the view goes to the live edge with it. */
  async wire(action: WireAction): Promise<void> {
    this.stopFlow();
    hidePacket();
    usePlayer.setState({ cue: null });
    await this.#clockOf((c) => c.call((api) => api.wire(action)));
    await this.save();
    await this.refreshFlows();
  }

  async complete(line: string): Promise<readonly string[]> {
    return (await this.#call((c) => c.call((api) => api.complete(line)))) ?? [];
  }

  async resizeTerminal(columns: number, rows: number): Promise<void> {
    await this.#call((c) => c.call((api) => api.resizeTerminal(columns, rows)));
  }

  async dryRun(text: string): Promise<DiffResult | null> {
    usePlayer.setState({ busy: true });
    const result = await this.#call((c) => c.call((api) => api.dryRun(text, '')));
    usePlayer.setState({ busy: false, ...(result ? { problems: result.problems, result: null } : {}) });
    return result ?? null;
  }

  async check(text: string): Promise<readonly TextProblem[]> {
    return (await this.#call((c) => c.call((api) => api.check(text)))) ?? [];
  }

  async undo(): Promise<void> {
    this.stopFlow();
    const done = await this.#call((c) => c.call((api) => api.undo()));
    this.notify(done ? 'undone' : 'nothingToUndo');
    usePlayer.setState({ flow: 0, index: 0, total: 0, cue: null });
    await this.refreshFlows();
    await this.save();
  }

  /** Copies a link that carries the session and the instant shown. */
  async share(): Promise<void> {
    const log = await this.#call((c) => c.call((api) => api.log()));
    if (!log) return;
    const { encodeLog, LONGEST_SHARED } = await import('./share.ts');
    const { shown, answer } = usePacket.getState();
    const packet = shown ? answer?.question : null;
    const url = location.href.split('#')[0] + encodeLog(packet == null ? log : { ...log, packet });
    if (url.length > LONGEST_SHARED) this.notify('linkTooLong');
    try {
      await navigator.clipboard.writeText(url);
      if (url.length <= LONGEST_SHARED) this.notify('copied');
    } catch {
      // Without a clipboard the link is put where it can be copied by hand: the address bar.
      history.replaceState(null, '', url);
      this.notify('copyFailed');
    }
  }

  // ── transport ──────────────────────────────────────────────────────────────────────────────────────────────────

  async play(): Promise<void> {
    this.stopFlow();
    hidePacket();
    usePlayer.setState({ cue: null });
    await this.#clockOf((c) => c.call((api) => api.play(useUi.getState().speed)));
  }

  async pause(): Promise<void> {
    this.stopFlow();
    await this.#clockOf((c) => c.call((api) => api.pause()));
    if (usePlayer.getState().cue === null) await this.#relocate();
  }

  async setSpeed(speed: number): Promise<void> {
    useUi.getState().set({ speed });
    if (usePlayer.getState().clock.playing) await this.#clockOf((c) => c.call((api) => api.play(speed)));
  }

  async toLive(): Promise<void> {
    this.stopFlow();
    usePlayer.setState({ cue: null });
    await this.#clockOf((c) => c.call((api) => api.toLive()));
    await this.#relocate();
  }

  /** Moves the view; while one move is under way only the newest target waits. */
  async seek(time: number): Promise<void> {
    this.stopFlow();
    this.#seekTarget = time;
    if (this.#seeking) return;
    this.#seeking = true;
    usePlayer.setState({ cue: null });
    while (this.#seekTarget !== null) {
      const target: number = this.#seekTarget;
      this.#seekTarget = null;
      await this.#clockOf((c) => c.call((api) => api.seek(target)));
    }
    this.#seeking = false;
    this.#saveSoon();
    await this.#relocate();
  }

  /** One step on or back in the chosen flow, or along the packet that the map shows; without either nothing happens. */
  async step(direction: 1 | -1): Promise<void> {
    if (stepPacket(direction)) return;
    const keep = this.#stepper !== undefined && direction === 1;
    if (!keep) this.stopFlow();
    const { flow } = usePlayer.getState();
    if (flow === 0) return;
    const level = useUi.getState().level;
    await this.#moveTo((c) => c.call((api) => api.step(flow, level, direction)), direction === -1);
  }

  async stepTo(index: number): Promise<void> {
    this.stopFlow();
    hidePacket();
    const { flow } = usePlayer.getState();
    if (flow === 0) return;
    const level = useUi.getState().level;
    await this.#moveTo((c) => c.call((api) => api.stepTo(flow, level, index)), false);
  }

  async setLevel(level: StepLevel): Promise<void> {
    useUi.getState().set({ level });
    await this.#relocate();
  }

  /** Chooses a flow and goes to its door, where the first Next shows its first step. */
  async chooseFlow(flow: number): Promise<void> {
    this.stopFlow();
    if (flow === 0) {
      usePlayer.setState({ flow: 0, index: 0, total: 0, cue: null, atEnd: false });
      return;
    }
    usePlayer.setState({ flow });
    await this.stepTo(0);
  }

  /** Steps advance by themselves until the flow ends or somebody stops them. */
  playFlow(): void {
    hidePacket();
    if (usePlayer.getState().flow === 0) return;
    usePlayer.setState({ flowPlaying: true });
    const next = async (): Promise<void> => {
      await this.step(1);
      const { flowPlaying, atEnd } = usePlayer.getState();
      if (!flowPlaying) return;
      if (atEnd) this.stopFlow();
      else this.#stepper = setTimeout(() => void next(), STEP_TIME / useUi.getState().pace);
    };
    this.#stepper = setTimeout(() => void next(), 0);
  }

  stopFlow(): void {
    clearTimeout(this.#stepper);
    this.#stepper = undefined;
    if (usePlayer.getState().flowPlaying) usePlayer.setState({ flowPlaying: false });
  }

  // ── queries ────────────────────────────────────────────────────────────────────────────────────────────────────

  async refreshFlows(): Promise<void> {
    const flows = await this.#call((c) => c.call((api) => api.flows()));
    if (!flows) return;
    usePlayer.setState({ flows });
    if (usePlayer.getState().clock.playing) await this.#relocate();
  }

  async steps(flow: number, level: StepLevel, offset: number, limit: number) {
    return (await this.#call((c) => c.call((api) => api.steps(flow, level, offset, limit)))) ?? { total: 0, steps: [] };
  }

  async record(id: number) {
    return (await this.#call((c) => c.call((api) => api.record(id)))) ?? null;
  }

  async object(id: string) {
    return (await this.#call((c) => c.call((api) => api.object(id)))) ?? null;
  }

  /** For parts of the page that ask something of their own; undefined when the session failed to answer. */
  query<T>(command: (api: Remote<SessionApi>) => Promise<T>): Promise<T | undefined> {
    return this.#call((c) => c.call(command));
  }

  async traceHash(): Promise<string> {
    return (await this.#call((c) => c.call((api) => api.traceHash()))) ?? '';
  }

  notify(key: Notice['key']): void {
    usePlayer.setState({ notice: { key, turn: ++this.#notices } });
  }

  // ── helpers ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs a command; undefined when the session failed to answer it. */
  async #call<T>(command: (connection: Connection) => Promise<T>): Promise<T | undefined> {
    const connection = this.#connection;
    if (!connection) return undefined;
    try {
      return await command(connection);
    } catch (error) {
      reportError(error);
      this.notify('failed');
      return undefined;
    }
  }

  async #clockOf(command: (connection: Connection) => Promise<Clock>): Promise<void> {
    const clock = await this.#call(command);
    if (clock) usePlayer.setState({ clock });
  }

  #moveTo(command: (connection: Connection) => Promise<StepPosition>, settled: boolean): Promise<void> {
    const run = async (): Promise<void> => {
      const position = await this.#call(command);
      if (!position) return;
      const { step, index, total, atEnd, clock } = position;
      usePlayer.setState({
        clock,
        index,
        total,
        atEnd,
        cue: step ? { record: step, index, total, turn: ++this.#turn, settled } : null,
      });
      this.#saveSoon();
    };
    const done = this.#chain.then(run);
    this.#chain = done;
    return done;
  }

  async #chooseAt(flow: number): Promise<void> {
    usePlayer.setState({ flow, index: 0, cue: null, atEnd: false });
    await this.#relocate();
  }

  /** Finds which step of the chosen flow the view stands at, after the view was moved by other means. */
  async #relocate(): Promise<void> {
    const { flow } = usePlayer.getState();
    if (flow === 0) return;
    const { level } = useUi.getState();
    const position = await this.#call((c) => c.call((api) => api.stepAt(flow, level)));
    if (position) usePlayer.setState({ index: position.index, total: position.total, atEnd: false });
  }

  /** A session that was left or shared at a step opens with that step on the map. */
  async #showWhereItStood(): Promise<void> {
    const { flow, index } = usePlayer.getState();
    if (index <= 1) return;
    useUi.getState().set({ playMode: 'steps' });
    await this.#moveTo((c) => c.call((api) => api.stepTo(flow, useUi.getState().level, index)), true);
  }

  #flowsSoon(): void {
    if (this.#flowsAsked) return;
    this.#flowsAsked = true;
    setTimeout(() => {
      this.#flowsAsked = false;
      void this.refreshFlows();
    }, 1_000);
  }
}

/** What the address carries; the code that unpacks it is loaded only when there is something. */
async function readHash(): Promise<Decoded> {
  if (!location.hash.startsWith('#s=')) return { problem: 'none' };
  const { decodeHash } = await import('./share.ts');
  return decodeHash(location.hash);
}

function sameClock(a: Clock, b: Clock): boolean {
  return (
    a.view === b.view && a.live === b.live && a.playing === b.playing && a.speed === b.speed && a.booted === b.booted && a.earliest === b.earliest && a.recordId === b.recordId
  );
}
