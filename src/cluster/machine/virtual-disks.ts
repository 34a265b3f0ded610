// The volume service of whoever provides the machines (a hypervisor, a cloud): disks that live on when machines do not, and can be
// plugged into one after the other. Each has a file system of its own; a guest sees it below /dev/disk/by-id.

import type { Simulation } from '../sim/simulation.ts';
import { Disk } from './disk.ts';
import { Files } from './files.ts';
import type { Machine } from './machine.ts';

export class VirtualDisk {
  readonly id: string;
  readonly disk: Disk;
  readonly files: Files;
  sizeBytes: number;
  readonly machines = new Set<Machine>();
  /** It has a file system. */
  formatted = false;

  constructor(sim: Simulation, id: string, sizeBytes: number) {
    this.id = id;
    this.sizeBytes = sizeBytes;
    this.disk = new Disk(sizeBytes);
    this.disk.usedBytes = 0;
    this.files = new Files(sim, this.disk);
  }

  /** Grows the file system to what the disk now has. */
  growFileSystem(): void {
    this.disk.capacityBytes = new Disk(this.sizeBytes).capacityBytes;
  }

  /** What a guest with this disk calls it. */
  get device(): string {
    return `/dev/disk/by-id/virtio-${this.id.slice(0, 20)}`;
  }
}

const services = new WeakMap<Simulation, VirtualDisks>();

export class VirtualDisks {
  readonly #sim: Simulation;
  readonly #disks = new Map<string, VirtualDisk>();
  readonly #machines = new Map<string, Machine>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** The service that all machines of a simulation are customers of. */
  static of(sim: Simulation): VirtualDisks {
    let service = services.get(sim);
    if (!service) services.set(sim, (service = new VirtualDisks(sim)));
    return service;
  }

  /** The service knows its machines by name. */
  register(machine: Machine): void {
    this.#machines.set(machine.name, machine);
  }

  machine(name: string): Machine | undefined {
    return this.#machines.get(name);
  }

  get(id: string): VirtualDisk | undefined {
    return this.#disks.get(id);
  }

  create(id: string, sizeBytes: number): VirtualDisk {
    const disk = new VirtualDisk(this.#sim, id, sizeBytes);
    this.#disks.set(id, disk);
    return disk;
  }

  delete(id: string): void {
    this.#disks.delete(id);
  }

  attach(disk: VirtualDisk, machine: Machine): void {
    disk.machines.add(machine);
    machine.files.attach(disk.device, disk);
  }

  detach(disk: VirtualDisk, machine: Machine): void {
    disk.machines.delete(machine);
    if (machine.files.exists(disk.device)) machine.files.remove(disk.device);
  }
}
