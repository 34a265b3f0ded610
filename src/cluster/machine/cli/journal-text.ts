// How journald and systemd write instants and lines: in UTC, `May 04 01:00:30 worker-1 kubelet[12]: …`.

import type { Simulation } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import type { Machine } from '../machine.ts';
import type { JournalEntry } from '../systemd.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];

/** `May 04 01:00:30`. */
export function stamp(sim: Simulation, at: Micros): string {
  const iso = sim.time(at);
  return `${MONTHS[Number(iso.slice(5, 7)) - 1]} ${iso.slice(8, 10)} ${iso.slice(11, 19)}`;
}

/** `2026-05-04 01:00:30`. */
export const clock = (sim: Simulation, at: Micros): string => sim.time(at).slice(0, 19).replace('T', ' ');

export const weekday = (sim: Simulation, at: Micros): string => DAYS[Math.floor((sim.epoch + at) / SECOND / 86_400) % 7] as string;

export const journalLine = (machine: Machine, { time, unit, pid, comm, line }: JournalEntry): string =>
  `${stamp(machine.sim, time)} ${machine.name} ${pid === 1 ? 'systemd' : (comm ?? unit)}[${pid}]: ${line}`;
