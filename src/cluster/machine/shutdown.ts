// An orderly shutdown (systemd-logind, systemd-shutdown): who holds a delay lock is told first and may take its time, then every
// unit and process gets SIGTERM and, after 90 s, SIGKILL; then the machine is off, or boots again.

import { SECOND, type Micros } from '../sim/time.ts';
import type { Machine } from './machine.ts';

/** An inhibitor lock of logind, mode delay. */
export interface DelayLock {
  readonly who: string;
  readonly why: string;
  /** How long at most the machine waits for it (InhibitDelayMaxSec, raised by who needs more). */
  readonly limit: Micros;
  /** The machine is going down: `release` says that it may. */
  prepare(release: () => void): void;
}

const STOP_TIMEOUT: Micros = 90 * SECOND;
/** Firmware and kernel, until units start. */
const BOOT: Micros = 20 * SECOND;

/** `shutdown`, `poweroff`, `reboot`. No effect while one is under way. */
export function shutDown(machine: Machine, reboot: boolean): void {
  const { sim, units } = machine;
  if (!machine.powered || units.stopping) return;
  units.stopping = true;
  const locks = [...units.locks];
  let held = locks.length;
  let going = false;
  const go = (): void => {
    if (going || !machine.powered) return;
    going = true;
    stopProcesses(machine, () => {
      machine.powerOff();
      if (reboot) sim.after(BOOT, () => machine.powerOn());
    });
  };
  if (held === 0) return go();
  sim.after(Math.max(...locks.map((lock) => lock.limit)), go);
  for (const lock of locks) {
    let released = false;
    lock.prepare(() => {
      if (released) return;
      released = true;
      if (--held === 0) go();
    });
  }
}

/** SIGTERM to all; `done` when the last has ended, or with SIGKILL in the end. */
function stopProcesses(machine: Machine, done: () => void): void {
  const { sim } = machine;
  for (const name of machine.units.names()) machine.units.stop(name);
  const others = [...machine.processes.values()].filter((process) => process.pid !== 1);
  let left = others.length;
  let over = false;
  const end = (): void => {
    if (over || !machine.powered) return;
    over = true;
    done();
  };
  for (const process of others) {
    process.onExit(() => {
      if (--left === 0) sim.after(0, end);
    });
    process.kill('SIGTERM');
  }
  if (left === 0) end();
  else sim.after(STOP_TIMEOUT, end);
}
