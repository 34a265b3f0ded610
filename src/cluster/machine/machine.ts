// A machine: processes, files, cgroups, a host network namespace, power. systemd is its pid 1.
// The network room plugs its namespaces and wires in through `hostNetns` and the power hooks.

import type { Simulation } from '../sim/simulation.ts';
import type { Place } from '../sim/trace.ts';
import { CgroupTree } from './cgroup.ts';
import { Cpus } from './cpu.ts';
import { Disk } from './disk.ts';
import { Files } from './files.ts';
import { LazyKernelFiles } from './kernel-files-provider.ts';
import { type ExitStatus, type NamespaceRef, Process, type Program, type Signal, type SpawnOptions } from './process.ts';
import { Systemd } from './systemd.ts';

export interface MachineOptions {
  readonly name: string;
  /** Default 2. */
  readonly cpus?: number;
  /** Default 4 GiB. */
  readonly memoryBytes?: number;
  /** Size of the root disk. Default 40 GiB. */
  readonly diskBytes?: number;
}

const NO_NETWORK: NamespaceRef = { name: 'host' };
const GIB = 1024 ** 3;

export class Machine {
  readonly name: string;
  readonly sim: Simulation;
  readonly place: Place;
  readonly files: Files;
  readonly processes = new Map<number, Process>();
  readonly cgroups = new CgroupTree();
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly cpu: Cpus;
  readonly disk: Disk;
  readonly units: Systemd;
  /** Set by the network room when it gives the machine its interfaces. */
  hostNetns: NamespaceRef = NO_NETWORK;
  powered = false;
  /** /etc/machine-id and the DMI UUID stay; the boot id is new at each boot. */
  readonly machineId: string;
  readonly systemUuid: string;
  bootId = '';
  /** How often it was powered on. */
  boots = 0;
  #lastPid = 0;
  #bootHooks: (() => void)[] = [];
  #powerOffHooks: (() => void)[] = [];

  /** The machine is off until `powerOn`. */
  constructor(sim: Simulation, options: MachineOptions) {
    this.sim = sim;
    this.name = options.name;
    this.place = `machine/${options.name}`;
    this.cpus = options.cpus ?? 2;
    this.memoryBytes = options.memoryBytes ?? 4 * GIB;
    this.diskBytes = options.diskBytes ?? 40 * GIB;
    this.cpu = new Cpus(sim, this.cgroups.root, this.cpus);
    this.disk = new Disk(this.diskBytes);
    this.cgroups.root.memoryLimit = this.memoryTotal;
    this.files = new Files(sim, this.disk);
    this.files.kernel = new LazyKernelFiles(this, null);
    this.units = new Systemd(this);
    const random = sim.random(`machine/${options.name}`);
    this.machineId = random.uuid().replaceAll('-', '');
    this.systemUuid = random.uuid();
    this.files.write('/etc/machine-id', `${this.machineId}\n`);
    this.files.write('/etc/hostname', `${options.name}\n`);
    this.files.write('/etc/hosts', `127.0.0.1\tlocalhost\n127.0.1.1\t${options.name}\n`);
    for (const path of ['/tmp', '/sys', '/proc', '/dev', '/lib/modules', '/usr/share/zoneinfo', '/opt', '/mnt', '/srv', '/home']) this.files.mkdir(path);
    this.files.mkdir('/var/log');
  }

  /** MemTotal: the kernel keeps some for itself. */
  get memoryTotal(): number {
    return Math.floor((this.memoryBytes * 0.96) / 4096) * 4096;
  }

  /** Starts a process. Its first instruction runs in its turn, not before `spawn` returns. */
  spawn(program: Program, options: SpawnOptions): Process {
    const pid = ++this.#lastPid;
    const parent = options.parent ?? this.processes.get(1) ?? null;
    const process = new Process(this, pid, parent, options);
    this.processes.set(pid, process);
    const { sim } = this;
    sim.trace.emit(sim.cause, {
      kind: 'process',
      verb: 'start',
      from: parent === null ? this.place : parent.place,
      to: process.place,
      start: sim.now,
      detail: { pid, comm: process.comm, argv: process.argv },
      change: { key: `process/${this.name}/${pid}`, before: null, after: visible(process) },
    });
    process.run(program);
    return process;
  }

  /** Sends a signal; false when there is no such process. */
  kill(pid: number, signal: Signal): boolean {
    const process = this.processes.get(pid);
    process?.kill(signal);
    return process !== undefined;
  }

  /** For Process: it has ended. */
  forget(process: Process, status: ExitStatus): void {
    this.processes.delete(process.pid);
    const { sim } = this;
    sim.trace.emit(sim.cause, {
      kind: 'process',
      verb: 'exit',
      from: process.place,
      start: sim.now,
      detail: { pid: process.pid, comm: process.comm, status },
      change: { key: `process/${this.name}/${process.pid}`, before: visible(process), after: null },
    });
  }

  /** Calls `fn` at each boot, before systemd starts units. */
  onBoot(fn: () => void): void {
    this.#bootHooks.push(fn);
  }

  /** Calls `fn` when power goes, after the processes have vanished. */
  onPowerOff(fn: () => void): void {
    this.#powerOffHooks.push(fn);
  }

  /** Boots: hooks, then pid 1 and the enabled units. No effect when it is on. */
  powerOn(): void {
    if (this.powered) return;
    this.powered = true;
    this.boots++;
    this.bootId = this.sim.random(`boot/${this.name}/${this.boots}`).uuid();
    this.#lastPid = 0;
    this.#emitPower('power-on', true);
    for (const hook of this.#bootHooks) hook();
    this.units.boot();
  }

  /** Pulls the plug: processes vanish without a word to anybody, /run and /tmp are gone, the disk stays. */
  powerOff(): void {
    if (!this.powered) return;
    this.powered = false;
    this.units.lose();
    for (const process of [...this.processes.values()]) process.end({ code: 137, signal: 'SIGKILL' });
    for (const mounted of this.files.mountPoints()) this.files.unmount(mounted);
    for (const volatile of ['/run', '/tmp']) if (this.files.exists(volatile)) this.files.remove(volatile);
    for (const hook of this.#powerOffHooks) hook();
    this.#emitPower('power-off', false);
  }

  #emitPower(verb: string, on: boolean): void {
    const { sim } = this;
    const state = (powered: boolean): unknown => ({ powered, cpus: this.cpus, memoryBytes: this.memoryBytes });
    sim.trace.emit(sim.cause, {
      kind: 'process',
      verb,
      from: this.place,
      start: sim.now,
      change: { key: `machine/${this.name}`, before: on && this.boots === 1 ? null : state(!on), after: state(on) },
    });
  }
}

function visible(p: Process): unknown {
  return { pid: p.pid, ppid: p.ppid, comm: p.comm, place: p.place, netns: p.netns.name, started: p.started };
}
