/// <reference lib="webworker" />
// The worker that runs a session: commands by Comlink, rows and story over a port of their own, one batch at a time.

import { expose } from 'comlink';
import type { Batch, Clock, SessionApi, SessionLog, Topology } from './protocol.ts';
import { NEW_SESSION, Session } from './session.ts';
import type { OpenApiPool } from '../cluster/apiserver/openapi/pool.ts';
import type { Tools } from './tools.ts';

/** The longest that the simulation may run before the worker listens again, and the time between batches: milliseconds. */
const SLICE = 12;
const FRAME = 16;
/** After so long without a command, idle time goes into what makes going back fast; and how much of each frame. */
const QUIET = 1000;
const IDLE_SLICE = 5;
/** A tab that slept does not catch up: the lesson stood still with it. */
const LONGEST_FRAME = 100;

/** Sends the session's changes over a port; the next batch goes out only after the last was acknowledged. */
class Stream {
  readonly #session: Session;
  readonly #port: MessagePort;
  #seq = 0;
  #acknowledged = 0;
  #clock: Clock | null = null;

  constructor(session: Session, port: MessagePort) {
    this.#session = session;
    this.#port = port;
    port.onmessage = (message: MessageEvent<{ ack: number }>) => {
      this.#acknowledged = Math.max(this.#acknowledged, message.data.ack);
    };
  }

  flush(): void {
    if (this.#acknowledged < this.#seq) return;
    const clock = this.#session.clock();
    if (!this.#session.changed && this.#clock !== null && sameClock(this.#clock, clock)) return;
    this.#clock = clock;
    const batch: Batch = { seq: ++this.#seq, ...this.#session.takeBatch(), clock };
    this.#port.postMessage(batch);
  }

  close(): void {
    this.#port.close();
  }
}

function sameClock(a: Clock, b: Clock): boolean {
  return (
    a.view === b.view && a.live === b.live && a.playing === b.playing && a.speed === b.speed && a.booted === b.booted && a.recordId === b.recordId
  );
}

/** A new cluster, set up by now: its dates are those of the day, as a kubectl outside expects. */
const newSession = (): SessionLog => ({ ...NEW_SESSION, epoch: (Math.floor(Date.now() / 1000) - SET_UP_SECONDS) * 1_000_000 });
/** What kubeadm needs, about. */
const SET_UP_SECONDS = 30;

/** The build leaves a mark when the boot called for code that it has parted off to come late (scripts/late-code). */
declare const self: DedicatedWorkerGlobalScope & { orreryMissedLateCode?: string };

let session: Session | null = null;
/** A new cluster that was booted before anybody asked. */
let prepared: Session | null = null;
/** Kubectl and what else a person needs: read and compiled after the cluster has booted. */
let loading: Promise<Tools> | null = null;
let equipped = false;
let stream: Stream | null = null;
let lastTick = performance.now();
let lastCommand = lastTick;
/** Nothing is left to prepare until the next command. */
let rested = false;

/** A new cluster, at once if what is there boots it. */
function prepare(): Session | null {
  try {
    const booted = new Session(newSession(), null);
    return self.orreryMissedLateCode === undefined ? booted : null;
  } catch (error) {
    if (self.orreryMissedLateCode === undefined) throw error;
    return null;
  }
}

function tick(): void {
  const now = performance.now();
  const elapsed = Math.min(now - lastTick, LONGEST_FRAME);
  lastTick = now;
  // Time stands still until everything is there: a session does not depend on when that is.
  if (equipped && session?.playing) {
    const deadline = now + SLICE;
    session.advance(elapsed * 1000 * session.speed, () => performance.now() > deadline);
  }
  stream?.flush();
  prepareWhenIdle(now);
}

function prepareWhenIdle(now: number): void {
  if (session === null || rested || !session.equipped || now - lastCommand < QUIET) return;
  rested = session.prepare(() => performance.now() > now + IDLE_SLICE);
}

async function loadTools(): Promise<Tools> {
  loading ??= Promise.all([import('./tools.ts'), fetchOpenApi()]).then(([m, pool]) => {
    if (pool !== null) m.tools.provideOpenApi(pool);
    equipped = true;
    return m.tools;
  });
  return loading;
}

/** The texts of the API server's OpenAPI documents; null when they cannot be had: then it has no such documents. */
async function fetchOpenApi(): Promise<OpenApiPool | null> {
  try {
    const response = await fetch(new URL('../cluster/api/generated/openapi.json', import.meta.url));
    return response.ok ? ((await response.json()) as OpenApiPool) : null;
  } catch {
    return null;
  }
}

/** Answers a command after its changes are on the way, so that the page never shows an answer before its cause. */
async function answer<T>(command: (session: Session) => T): Promise<T> {
  session?.equip(await loadTools());
  return answerAtOnce(command);
}

/** For what needs no tools. */
async function answerAtOnce<T>(command: (session: Session) => T): Promise<T> {
  if (session === null) throw new Error('the session is not open');
  const value = command(session);
  stream?.flush();
  lastCommand = performance.now();
  rested = false;
  return value;
}

const api: SessionApi = {
  async open(from: SessionLog | Topology | null, port: MessagePort) {
    stream?.close();
    if (from === null) session = prepared ?? prepare() ?? new Session(newSession(), await loadTools());
    else session = new Session('inputs' in from ? from : { ...newSession(), topology: from }, await loadTools());
    prepared = null;
    stream = new Stream(session, port);
    stream.flush();
    return session.clock();
  },
  act: (action) => answer((s) => s.act(action)),
  type: (keys) => answer((s) => s.type(keys)),
  wire: (action) => answer((s) => s.wire(action)),
  complete: (line) => answer((s) => s.complete(line)),
  resizeTerminal: (columns, rows) => answer((s) => s.resizeTerminal(columns, rows)),
  async connectBridge(url) {
    const { connectBridge } = await import('./bridge-link.ts');
    const tools = await loadTools();
    connectBridge(url, (request, on) => {
      if (session === null) {
        on.error('the page has no cluster yet');
        return { send: () => undefined, finish: () => undefined, abort: () => undefined };
      }
      session.equip(tools);
      const deadline = performance.now() + SLICE;
      const exchange = session.outside(request, on, () => performance.now() > deadline);
      stream?.flush();
      return exchange;
    });
  },
  dryRun: (text, namespace) => answer((s) => s.dryRun(text, namespace)),
  check: (text) => answer((s) => s.check(text)),
  undo: () => answer((s) => s.undo()),
  play: (speed) => answerAtOnce((s) => s.play(speed)),
  pause: () => answerAtOnce((s) => s.pause()),
  seek: (time) => answer((s) => s.seek(time)),
  step: (flow, level, direction) => answer((s) => s.step(flow, level, direction)),
  stepTo: (flow, level, index) => answer((s) => s.stepTo(flow, level, index)),
  stepAt: (flow, level) => answer((s) => s.stepAt(flow, level)),
  toLive: () => answerAtOnce((s) => s.toLive()),
  flows: () => answerAtOnce((s) => s.flows()),
  steps: (flow, level, offset, limit) => answer((s) => s.steps(flow, level, offset, limit)),
  record: (id) => answer((s) => s.record(id)),
  object: (id) => answer((s) => s.object(id)),
  askPacket: (question) => answer((s) => s.packets.ask(question)),
  packetEnds: () => answer((s) => s.packets.ends()),
  tracedPackets: (flow) => answer((s) => s.packets.traced(flow)),
  tracedPacket: (record) => answer((s) => s.packets.hopsOf(record)),
  log: () => answerAtOnce((s) => s.log()),
  traceHash: () => answerAtOnce((s) => s.traceHash()),
  async drawn() {
    await loadTools().catch((error: unknown) => {
      // Without the rest nothing goes on: the page says so and starts again.
      setTimeout(() => {
        throw error;
      });
    });
  },
};

setInterval(tick, FRAME);
expose(api);
// The page names its first worker so when there is nothing to replay.
if (self.name === 'cluster, new') prepared = prepare();
