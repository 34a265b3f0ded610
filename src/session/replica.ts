// One running cluster made from a session log, with everything that watching it needs. A replica only ever runs
// forward; going back behind its history, undoing and forking make a new one from the log.

import type { Node, Pod } from '../cluster/api/generated/types.ts';
import { Cluster } from '../cluster/bootstrap/cluster.ts';
import { type Command, finish, runOnOperator } from '../cluster/bootstrap/operator.ts';
import type { Micros } from '../cluster/sim/time.ts';
import { SECOND } from '../cluster/sim/time.ts';
import { Trace, type TraceRecord } from '../cluster/sim/trace.ts';
import { Flows } from './flow.ts';
import { History } from './history.ts';
import type { Action, CommandAction, Input, NetworkKind, RuntimeKind, SessionLog } from './protocol.ts';
import type { OutsideListener } from './gateway.ts';
import type { Outside, OutsideAction } from './outside.ts';
import type { MachineFacts } from './rows.ts';
import { Scene } from './scene.ts';
import { Terminal } from './terminal.ts';
import type { Tools } from './tools.ts';
import type { WireAction } from './wires.ts';

/** The command line that does what an action says, and its standard input. */
export function commandOf(action: CommandAction): { argv: readonly string[]; stdin: string } {
  switch (action.type) {
    case 'apply': {
      const argv = ['kubectl', 'apply', '-f', '-'];
      if (action.namespace) argv.push('-n', action.namespace);
      if (action.fieldValidation && action.fieldValidation !== 'Strict') argv.push(`--validate=${action.fieldValidation.toLowerCase()}`);
      return { argv, stdin: action.text };
    }
    case 'delete': {
      const argv = ['kubectl', 'delete', '--wait=false', '-f', '-'];
      if (action.namespace) argv.push('-n', action.namespace);
      return { argv, stdin: action.text };
    }
    case 'kubectl':
      return { argv: ['kubectl', ...action.argv], stdin: action.stdin ?? '' };
  }
}

const SYSTEM_POD = /^object\/pods\/(kube-system|kube-flannel)\//;

const isTrue = (object: Node | Pod | undefined): boolean =>
  object?.status?.conditions?.some((c: { readonly type: string; readonly status: string }) => c.type === 'Ready' && c.status === 'True') ?? false;

function machineFacts(cluster: Cluster, runtime: RuntimeKind, network: NetworkKind | undefined): MachineFacts[] {
  const { operator, controlPlanes, workers, addresses } = cluster.topology;
  const facts = (role: MachineFacts['role']) => (machine: { readonly name: string; readonly powered: boolean }): MachineFacts => ({
    name: machine.name,
    role,
    address: addresses.get(machine.name) ?? '',
    powered: machine.powered,
    runtime,
    ...(network === undefined || network === 'flannel' ? {} : { network }),
  });
  return [facts('operator')(operator), ...controlPlanes.map(facts('control-plane')), ...workers.map(facts('worker'))];
}

/** No boot takes longer than this; one that does is stuck and the page shows it as it is. */
const BOOT_LIMIT = 600 * SECOND;

export class Replica {
  readonly cluster: Cluster;
  readonly history: History;
  readonly flows = new Flows();
  readonly scene: Scene;
  /** Inputs of the log that lie ahead of the live edge. */
  #ahead: Input[];
  /** Those that were performed, in order. */
  readonly performed: Input[] = [];

  #tools: Tools | null = null;
  #terminal: Terminal | null = null;
  #outside: Outside | null = null;

  /** Without `tools` the cluster boots and runs, but nothing can be done to it until `equip` brings them. */
  constructor(log: Pick<SessionLog, 'seed' | 'topology' | 'epoch' | 'inputs'>, tools: Tools | null) {
    const trace = new Trace();
    this.history = new History(trace, (key, before, after) => this.scene.change(key, before, after));
    this.#ahead = [...log.inputs];
    this.cluster = new Cluster({ ...log.topology, seed: log.seed, trace, ...(log.epoch === undefined ? {} : { epoch: log.epoch }) });
    // Building the machines and plugging them in has its records already.
    for (const record of trace.records) {
      this.history.record(record.start);
      this.flows.add(record, record.start);
    }
    trace.onEmit = (record) => {
      this.history.record(this.cluster.sim.now);
      this.flows.add(record, this.cluster.sim.now);
    };
    trace.onDrop = (records) => {
      this.history.drop(records);
      this.flows.drop(records);
    };
    this.scene = new Scene(machineFacts(this.cluster, log.topology.runtime ?? 'containerd', log.topology.network), this.cluster.sim.epoch, (key) => this.history.value(key));
    if (tools) this.equip(tools);
  }

  equip(tools: Tools): void {
    if (this.#tools) return;
    this.#tools = tools;
    tools.stockImages(this.cluster.images);
  }

  get equipped(): boolean {
    return this.#tools !== null;
  }

  /** @throws Error before `equip` */
  get tools(): Tools {
    if (!this.#tools) throw new Error('the session has no tools yet');
    return this.#tools;
  }

  /** The live edge. */
  get now(): Micros {
    return this.cluster.sim.now;
  }

  get ahead(): readonly Input[] {
    return this.#ahead;
  }

  /** From here on these inputs are to come. */
  plan(inputs: readonly Input[]): void {
    this.#ahead = [...inputs];
  }

  /** Sets the inputs ahead aside and returns them: the future that acting now replaces. */
  dropAhead(): readonly Input[] {
    const dropped = this.#ahead;
    this.#ahead = [];
    return dropped;
  }

  /** All machines have joined and are Ready, and every system Pod is, as seen at the view. */
  get ready(): boolean {
    const { topology } = this.cluster;
    for (const machine of [...topology.controlPlanes, ...topology.workers]) {
      if (!isTrue(this.history.value(`object/nodes//${machine.name}`) as Node | undefined)) return false;
    }
    let pods = 0;
    for (const [key, value] of this.history.entries()) {
      if (!SYSTEM_POD.test(key)) continue;
      pods++;
      if (!isTrue(value as Pod)) return false;
    }
    return pods > 0;
  }

  /**
   * Runs until the cluster is ready, to `limit` at most; shows what there is when it does not get there. Moves the view along.
   * @returns false when `pause` said to stop before
   */
  boot(limit: Micros = BOOT_LIMIT, pause: () => boolean = () => false): boolean {
    for (;;) {
      this.history.moveTo(this.history.lastId);
      if (this.now >= limit || this.ready) return true;
      const second = this.now - (this.now % SECOND) + SECOND;
      if (!this.runUntil(Math.min(second, limit), pause)) return false;
    }
  }

  /** The terminal, once somebody has typed in it. */
  get terminal(): Terminal | null {
    return this.#terminal;
  }

  /** Begins any action at the live edge. */
  perform(action: Action): void {
    switch (action.type) {
      case 'terminal':
        this.type(action.keys);
        return;
      case 'complete':
        this.complete(action.argv);
        return;
      case 'terminal-size':
        this.resizeTerminal(action.columns, action.rows);
        return;
      case 'wire':
        this.actOnWire(action);
        return;
      case 'http':
      case 'http-frame':
      case 'http-end':
        this.actOutside(action);
        return;
      default:
        this.run(action);
    }
  }

  /** Types in the terminal at the live edge; returns the record of the command if that was one. */
  type(keys: string): TraceRecord | null {
    const action: Action = { type: 'terminal', keys };
    this.performed.push({ at: this.now, action });
    this.#terminal ??= new Terminal(this.cluster, this.tools.shell);
    this.flows.announce(action);
    const record = this.#terminal.type(keys);
    if (record === null) this.flows.announce(null);
    return record;
  }

  /** Asks kubectl for completions; what it prints is theirs, and no flow of the person's. */
  complete(argv: readonly string[]): Command {
    this.performed.push({ at: this.now, action: { type: 'complete', argv } });
    return runOnOperator(this.cluster, this.tools.kubectl, ['kubectl', '__complete', ...argv]);
  }

  resizeTerminal(columns: number, rows: number): void {
    this.performed.push({ at: this.now, action: { type: 'terminal-size', columns, rows } });
    this.#terminal ??= new Terminal(this.cluster, this.tools.shell);
    this.#terminal.resize(columns, rows);
  }

  /** Something is done to a wire at the live edge. */
  actOnWire(action: WireAction): void {
    this.performed.push({ at: this.now, action });
    this.flows.announce(action);
    this.tools.performWire(this.cluster, action);
    this.flows.announce(null);
  }

  /** Clients outside the page. */
  get outside(): Outside {
    return (this.#outside ??= new this.tools.Outside(this.cluster));
  }

  /** A client outside does something at the live edge; `on` hears the answers to a request. */
  actOutside(action: OutsideAction, on?: OutsideListener): void {
    this.performed.push({ at: this.now, action });
    const argv = action.type === 'http' ? this.tools.commandOfRequest(action.request) : null;
    if (argv !== null) this.flows.announce({ type: 'kubectl', argv });
    this.outside.perform(action, on);
    this.flows.announce(null);
  }

  /** Runs until clients outside have their answers, for at most `limit`, or until `pause` says so; then what else is due now. */
  answerOutside(limit: Micros, pause: () => boolean): void {
    const { sim } = this.cluster;
    const deadline = sim.now + limit;
    for (let n = 1; this.outside.waiting > 0 && sim.step(deadline); n++) if (n % 256 === 0 && pause()) return;
    sim.runUntil(sim.now);
  }

  /** Ends what clients outside have open: this replica is given up. */
  leaveOutside(why: string): void {
    this.#outside?.close(why);
  }

  /** Begins a command at the live edge. */
  run(action: CommandAction): Command {
    this.performed.push({ at: this.now, action });
    this.flows.announce(action);
    const { argv, stdin } = commandOf(action);
    return runOnOperator(this.cluster, this.tools.kubectl, argv, stdin);
  }

  /** Runs until a command has exited, for at most `limit`; then lets everything else due at this instant happen. */
  finish(command: Command, limit: Micros): void {
    finish(this.cluster, command, limit);
    this.cluster.sim.runUntil(this.now);
  }

  /**
   * Runs to `time`, performing the inputs on the way. `pause` is asked now and then whether to stop early; returns
   * true when `time` was reached.
   */
  runUntil(time: Micros, pause: () => boolean = () => false): boolean {
    const sim = this.cluster.sim;
    for (;;) {
      const next = this.#ahead[0];
      const stop = next && next.at <= time ? next.at : time;
      for (let n = 1; sim.step(stop); n++) if (n % 256 === 0 && pause()) return false;
      if (stop > sim.now) sim.runUntil(stop);
      if (!next || next.at > time) return true;
      this.#ahead.shift();
      this.perform(next.action);
    }
  }
}
