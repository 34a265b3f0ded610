// systemd as far as a node needs it: service units with restart, and the journal (systemd.service(5), journald).

import { Deferred } from '../sim/channel.ts';
import type { Timer } from '../sim/simulation.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { Machine } from './machine.ts';
import type { ExitStatus, LogSink, Os, Process, Program } from './process.ts';
import type { DelayLock } from './shutdown.ts';

export interface UnitSpec {
  /** Without `.service`. */
  readonly name: string;
  /** `Description=`. */
  readonly description?: string;
  readonly program: Program;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default 'no', as systemd's. */
  readonly restart?: 'always' | 'on-failure' | 'no';
  /** Seconds between exit and restart. Default 0.1, as systemd's. */
  readonly restartSec?: number;
  /** Started at boot. Default true. */
  readonly enabled?: boolean;
  readonly cgroup?: string;
  /** Of its process, when that is not the unit's name. */
  readonly comm?: string;
}

export type UnitState = 'active' | 'activating' | 'inactive' | 'failed';

export interface JournalEntry {
  readonly time: Micros;
  /** Unit without `.service`. */
  readonly unit: string;
  /** Who said it: the unit's process, or 1 for systemd itself. */
  readonly pid: number;
  readonly comm: string;
  readonly line: string;
}

/** How many lines the journal keeps a unit. */
const JOURNAL_LINES = 2_000;
const SYSTEM_MEMORY = 176_000_000;

class Unit implements LogSink {
  readonly spec: UnitSpec;
  readonly machine: Machine;
  state: UnitState = 'inactive';
  process: Process | null = null;
  restarts = 0;
  timer: Timer | null = null;
  /** When it came into its state. */
  since: Micros = 0;
  lastExit: ExitStatus | null = null;
  lastPid = 0;
  enabled: boolean;
  lines: JournalEntry[] = [];

  constructor(machine: Machine, spec: UnitSpec) {
    this.machine = machine;
    this.spec = spec;
    this.enabled = spec.enabled ?? true;
  }

  write(_stream: 'stdout' | 'stderr', line: string): void {
    this.#add(this.lastPid, this.spec.comm ?? this.spec.name, line);
  }

  /** systemd's own word on it. */
  say(line: string): void {
    this.#add(1, 'systemd', line);
  }

  /** `kubelet.service - kubelet: The Kubernetes Node Agent`. */
  get title(): string {
    const { name, description } = this.spec;
    return description === undefined ? `${name}.service` : `${name}.service - ${description}`;
  }

  enter(state: UnitState): void {
    this.state = state;
    this.since = this.machine.sim.now;
  }

  #add(pid: number, comm: string, line: string): void {
    this.lines.push({ time: this.machine.sim.now, unit: this.spec.name, pid, comm, line });
    if (this.lines.length > JOURNAL_LINES * 1.1) this.lines = this.lines.slice(-JOURNAL_LINES);
  }
}

export class Systemd {
  /** Who wants to be told before the machine goes down. */
  readonly locks = new Set<DelayLock>();
  /** A shutdown is under way. */
  stopping = false;
  readonly #machine: Machine;
  readonly #units = new Map<string, Unit>();
  #sockets: ((os: Os) => void)[] = [];

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Installs a unit file (replaces one of that name); an enabled one starts at the next boot, or by `start`. */
  install(spec: UnitSpec): void {
    const old = this.#units.get(spec.name);
    if (old !== undefined) this.stop(spec.name);
    this.#units.set(spec.name, new Unit(this.#machine, spec));
  }

  /** `listen` is called by pid 1 at each boot, to wait for others' sake (systemd.socket). */
  addSocket(listen: (os: Os) => void): void {
    this.#sockets.push(listen);
  }

  isEnabled(name: string): boolean {
    return this.#unit(name).enabled;
  }

  /** `systemctl enable` and `disable`: whether it is started at boot. */
  enable(name: string, enabled: boolean): void {
    this.#unit(name).enabled = enabled;
  }

  spec(name: string): UnitSpec {
    return this.#unit(name).spec;
  }

  names(): string[] {
    return [...this.#units.keys()];
  }

  status(name: string): Pick<Unit, 'state' | 'process' | 'restarts' | 'since' | 'lastExit'> {
    const unit = this.#unit(name);
    const { state, process, restarts, since, lastExit } = unit;
    return { state, process, restarts, since, lastExit };
  }

  /** `systemctl start`; no effect on an active unit. Throws when there is no such unit. */
  start(name: string): void {
    const unit = this.#unit(name);
    if (unit.process !== null || !this.#machine.powered) return;
    this.#cancelRestart(unit);
    this.#run(unit);
  }

  /** `systemctl stop`: SIGTERM, and SIGKILL after 90 s (TimeoutStopSec). */
  stop(name: string): void {
    const unit = this.#unit(name);
    this.#cancelRestart(unit);
    const process = unit.process;
    unit.process = null;
    unit.enter('inactive');
    if (process === null) return;
    unit.say(`Stopping ${unit.title}...`);
    const timer = this.#machine.sim.after(90 * SECOND, () => process.kill('SIGKILL'));
    process.onExit((status) => {
      this.#machine.sim.cancel(timer);
      unit.lastExit = status;
      unit.say(`${unit.spec.name}.service: Deactivated successfully.`);
      unit.say(`Stopped ${unit.title}.`);
    });
    process.kill('SIGTERM');
  }

  /** `systemctl restart`: the new process starts when the old one has ended. */
  restart(name: string): void {
    const old = this.#unit(name).process;
    this.stop(name);
    if (old?.alive) old.onExit(() => this.#machine.sim.after(0, () => this.start(name)));
    else this.start(name);
  }

  /** `journalctl -u name`, oldest first. */
  journal(name: string): readonly JournalEntry[] {
    return this.#unit(name).lines;
  }

  /** Appends a line to a unit's journal. */
  note(name: string, line: string): void {
    this.#unit(name).write('stderr', line);
  }

  /** For Machine: pid 1 begins, enabled units start in the order in which they were installed. */
  boot(): void {
    const machine = this.#machine;
    this.stopping = false;
    const sockets = this.#sockets;
    machine.spawn(
      function* init(os) {
        // With the daemons that every system has: journal, network, sshd, cron …
        os.process.footprint(SYSTEM_MEMORY, 0.004);
        for (const listen of sockets) listen(os);
        yield* new Deferred<void>(os.sim).wait();
      },
      { argv: ['/sbin/init'], comm: 'systemd', cgroup: '/init.scope' },
    );
    for (const unit of this.#units.values()) if (unit.enabled) this.#run(unit);
  }

  /** For Machine: power is gone. */
  lose(): void {
    this.locks.clear();
    for (const unit of this.#units.values()) {
      this.#cancelRestart(unit);
      unit.process = null;
      unit.state = 'inactive';
    }
  }

  #run(unit: Unit): void {
    const { spec } = unit;
    const process = this.#machine.spawn(spec.program, {
      argv: spec.argv,
      env: spec.env ?? { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
      comm: spec.comm ?? spec.name,
      place: `${this.#machine.place}/${spec.comm ?? spec.name}`,
      cgroup: spec.cgroup ?? `/system.slice/${spec.name}.service`,
      logs: unit,
      background: true,
      // OOMScoreAdjust of containerd.service, and what the kubelet gives itself.
      oomScoreAdj: -999,
    });
    unit.process = process;
    unit.lastPid = process.pid;
    unit.enter('active');
    unit.say(`Started ${unit.title}.`);
    process.onExit((status) => {
      if (unit.process !== process) return;
      unit.process = null;
      unit.lastExit = status;
      const failed = status.code !== 0;
      const again = spec.restart === 'always' || (spec.restart === 'on-failure' && failed);
      if (failed) {
        const how = status.signal === null ? `exited, code=exited, status=${status.code}/FAILURE` : `exited, code=killed, status=${status.code - 128}/${status.signal.slice(3)}`;
        unit.say(`${spec.name}.service: Main process ${how}`);
        unit.say(`${spec.name}.service: Failed with result '${status.signal === null ? 'exit-code' : 'signal'}'.`);
      }
      unit.enter(again ? 'activating' : failed ? 'failed' : 'inactive');
      if (!again) return;
      unit.timer = this.#machine.sim.after((spec.restartSec ?? 0.1) * SECOND, () => {
        unit.timer = null;
        unit.restarts++;
        unit.say(`${spec.name}.service: Scheduled restart job, restart counter is at ${unit.restarts}.`);
        this.#run(unit);
      });
    });
  }

  #cancelRestart(unit: Unit): void {
    if (unit.timer !== null) this.#machine.sim.cancel(unit.timer);
    unit.timer = null;
  }

  #unit(name: string): Unit {
    const unit = this.#units.get(name);
    if (unit === undefined) throw new Error(`Unit ${name}.service could not be found.`);
    return unit;
  }
}
