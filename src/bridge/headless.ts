// A cluster without a page whose virtual time follows the wall clock. A request from outside is run through the simulation as
// soon as it comes; whatever waits for time (watches, timers, controllers) goes with the clock.

import { Cluster } from '../cluster/bootstrap/cluster.ts';
import { isReady } from '../cluster/bootstrap/operator.ts';
import { type Micros, MILLISECOND, MINUTE, SECOND } from '../cluster/sim/time.ts';
import { loadOpenApi } from './openapi.ts';
import { tools } from '../session/tools.ts';
import type { NetworkKind, RuntimeKind } from '../session/protocol.ts';
import { Gateway, type OutsideExchange, type OutsideListener, type OutsideRequest } from '../session/gateway.ts';

export interface HeadlessOptions {
  readonly controlPlanes: number;
  readonly workers: number;
  readonly seed: number;
  /** Virtual seconds per second of the wall clock. */
  readonly speed: number;
  /** See ClusterOptions. */
  readonly runtime?: RuntimeKind;
  readonly network?: NetworkKind;
  readonly cpus?: number;
  readonly memoryBytes?: number;
  /** Wall-clock instant at which virtual time starts, microseconds since 1970. Default: such that a ready cluster shows today's time. */
  readonly epoch?: Micros;
}

/** The cluster is set up in the time before "now", so that ages are those of the wall clock. */
const BEFORE_NOW: Micros = 3 * MINUTE;
const BOOT_LIMIT: Micros = 20 * MINUTE;
/** How far the clock may run ahead of the wall clock for a request that waits for its answer. */
const LEAD: Micros = 500 * MILLISECOND;
/** Lag or lead beyond this is forgiven: the clock goes on from where it stands. */
const FORGIVEN: Micros = 2 * SECOND;
/** The longest that the simulation may run before the sockets are looked after: milliseconds. */
const SLICE = 10;
const LONGEST_SLEEP = 1_000;

export class Headless {
  readonly cluster: Cluster;
  readonly #gateway: Gateway;
  readonly #speed: number;
  /** Where virtual time should be, as of `#seen` on the wall clock. */
  #target: Micros = 0;
  #seen = 0;
  #timer: NodeJS.Timeout | null = null;
  #soon: NodeJS.Immediate | null = null;
  #running = false;
  /** Hears of faults of the model; it goes on without what failed. */
  onFault: (error: unknown) => void = () => undefined;

  constructor(options: HeadlessOptions) {
    loadOpenApi();
    const { speed, epoch = Math.floor(Date.now() / 1000) * SECOND - BEFORE_NOW, ...topology } = options;
    this.cluster = new Cluster({ ...topology, epoch });
    tools.stockImages(this.cluster.images);
    this.#gateway = new Gateway(this.cluster);
    this.#speed = speed;
  }

  /** Sets the cluster up as fast as it goes; false when it does not become Ready. */
  async boot(): Promise<boolean> {
    const { sim, provisioning } = this.cluster;
    while (provisioning.alive && sim.now < BOOT_LIMIT) await this.#runTo(sim.now + SECOND);
    while (!isReady(this.cluster)) {
      if (sim.now >= BOOT_LIMIT) return false;
      await this.#runTo(sim.now + SECOND);
    }
    const wall = Date.now() * MILLISECOND - sim.epoch;
    if (wall > sim.now && wall - sim.now < BEFORE_NOW + MINUTE) await this.#runTo(wall);
    return true;
  }

  /** Lets time go on with the wall clock. */
  start(): void {
    this.#running = true;
    this.#target = this.cluster.sim.now;
    this.#seen = performance.now();
    this.#wake();
  }

  stop(): void {
    this.#running = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#soon !== null) clearImmediate(this.#soon);
  }

  request(request: OutsideRequest, on: OutsideListener): OutsideExchange {
    const exchange = this.#gateway.request(request, on);
    this.#wake();
    const then = (): void => this.#wake();
    return {
      send: (frame) => (exchange.send(frame), then()),
      finish: () => (exchange.finish(), then()),
      abort: () => (exchange.abort(), then()),
    };
  }

  #wake(): void {
    if (!this.#running) return;
    this.#soon ??= setImmediate(() => {
      this.#soon = null;
      this.#turn();
    });
  }

  /** Runs what is due, and what requests wait for, for one slice. */
  #turn(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { sim } = this.cluster;
    const now = performance.now();
    this.#target += (now - this.#seen) * MILLISECOND * this.#speed;
    this.#seen = now;
    if (sim.now - this.#target > FORGIVEN || this.#target - sim.now > FORGIVEN * Math.max(1, this.#speed)) this.#target = sim.now;
    const target = Math.floor(this.#target);
    const deadline = now + SLICE;
    let done = this.#steps(target, deadline, () => true);
    if (done && target > sim.now) sim.runUntil(target);
    if (done) done = this.#steps(Math.max(target, sim.now) + LEAD, deadline, () => this.#gateway.waiting > 0);
    if (done) done = this.#steps(sim.now, deadline, () => true);
    if (!done) this.#wake();
    else this.#sleep();
  }

  /** Runs events up to `limit` while `go` says so; false when time was up. */
  #steps(limit: Micros, deadline: number, go: () => boolean): boolean {
    const { sim } = this.cluster;
    for (let n = 1; go(); n++) {
      if (!this.#step(limit)) return true;
      if (n % 64 === 0 && performance.now() > deadline) {
        // What lies at or before the clock's own instant is part of it; more may wait.
        return (sim.nextEventAt() ?? Number.POSITIVE_INFINITY) > limit;
      }
    }
    return true;
  }

  #step(limit: Micros): boolean {
    try {
      return this.cluster.sim.step(limit);
    } catch (error) {
      this.onFault(error);
      return true;
    }
  }

  #sleep(): void {
    const { sim } = this.cluster;
    const next = this.#gateway.waiting > 0 ? sim.now : (sim.nextEventAt() ?? Number.POSITIVE_INFINITY);
    const wait = Math.max(0, (next - this.#target) / MILLISECOND / this.#speed);
    this.#timer = setTimeout(() => this.#turn(), Math.min(LONGEST_SLEEP, Math.max(1, Math.ceil(wait))));
  }

  async #runTo(time: Micros): Promise<void> {
    const { sim } = this.cluster;
    while (!this.#steps(time, performance.now() + 50, () => true)) await new Promise((resolve) => setImmediate(resolve));
    if (time > sim.now) sim.runUntil(time);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
