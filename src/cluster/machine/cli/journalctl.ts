// journalctl: what the units of a machine have said (journalctl(1)): -u, -n, -f, --since, -o cat, --no-pager, -r.

import type { Op } from '../../sim/simulation.ts';
import { type Micros, MINUTE, SECOND } from '../../sim/time.ts';
import type { Os, Program } from '../process.ts';
import type { JournalEntry } from '../systemd.ts';
import { journalLine } from './journal-text.ts';

interface Wanted {
  readonly units: string[];
  lines: number | null;
  follow: boolean;
  reverse: boolean;
  bare: boolean;
  since: Micros;
}

const LOOK_AGAIN: Micros = SECOND / 4;
const LAST_LINES = 10;

export const journalctlProgram: Program = function* (os: Os): Op<number> {
  const wanted = read(os);
  if (typeof wanted === 'string') {
    os.logError(wanted);
    return 1;
  }
  const { units } = os.machine;
  const entries = (): readonly JournalEntry[] =>
    (wanted.units.length > 0 ? wanted.units : units.names())
      .filter((name) => units.names().includes(name))
      .flatMap((name) => units.journal(name))
      .filter((entry) => entry.time >= wanted.since)
      .sort((a, b) => a.time - b.time);
  const print = (entry: JournalEntry): void => os.log(wanted.bare ? entry.line : journalLine(os.machine, entry));
  const all = entries();
  const lines = wanted.follow && wanted.lines === null ? LAST_LINES : wanted.lines;
  const shown = lines === null ? all : all.slice(all.length - Math.min(lines, all.length));
  if (shown.length === 0 && !wanted.follow) os.log('-- No entries --');
  for (const entry of wanted.reverse ? shown.toReversed() : shown) print(entry);
  let last = all.at(-1);
  // A person looks at it: what is new is looked for now and then.
  while (wanted.follow) {
    yield* os.sleep(LOOK_AGAIN);
    const now = entries();
    const from = last === undefined ? 0 : now.lastIndexOf(last) + 1;
    for (const entry of now.slice(from)) print(entry);
    last = now.at(-1);
  }
  return 0;
};

function read({ argv, sim, machine }: Os): Wanted | string {
  const wanted: Wanted = { units: [], lines: null, follow: false, reverse: false, bare: false, since: 0 };
  const args = argv.slice(1).flatMap((arg) => (/^-[a-z]{2,}$/.test(arg) && !/^-[nuo]/.test(arg) ? [...arg.slice(1)].map((letter) => `-${letter}`) : [arg]));
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const [, name = arg, inline] = /^(--[a-z-]+)=(.*)$/.exec(arg) ?? /^(-[uno])(.+)$/.exec(arg) ?? [];
    const value = (): string => inline ?? args[++i] ?? '';
    if (name === '-u' || name === '--unit') wanted.units.push(value().replace(/\.service$/, ''));
    else if (name === '-n' || name === '--lines') wanted.lines = Number(value());
    else if (name === '-f' || name === '--follow') wanted.follow = true;
    else if (name === '-r' || name === '--reverse') wanted.reverse = true;
    else if (name === '-o' || name === '--output') wanted.bare = value() === 'cat';
    else if (name === '-S' || name === '--since') {
      const since = instant(value(), sim.now, sim.epoch);
      if (since === undefined) return `Failed to parse timestamp: ${inline ?? args[i]}`;
      wanted.since = since;
    } else if (name === '-x' || name === '-e' || name === '-b' || name === '-k' || name === '--no-pager' || name === '-q') continue;
    else return `journalctl: unrecognized option '${arg}'`;
  }
  const missing = wanted.units.filter((unit) => !machine.units.names().includes(unit));
  return missing.length > 0 && missing.length === wanted.units.length ? { ...wanted, units: missing } : wanted;
}

/** `-5min`, `5 minutes ago`, `10s ago`, or `2026-05-04 01:00:00`. */
function instant(text: string, now: Micros, epoch: Micros): Micros | undefined {
  const relative = /^-?(\d+)\s*(s|sec|seconds?|m|min|minutes?|h|hours?)(\s+ago)?$/.exec(text);
  if (relative) {
    const unit = (relative[2] as string).startsWith('s') ? SECOND : (relative[2] as string).startsWith('m') ? MINUTE : 60 * MINUTE;
    return now - Number(relative[1]) * unit;
  }
  const absolute = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d))?$/.exec(text);
  if (!absolute) return undefined;
  const [year, month, day, hour, minute, second] = absolute.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number, number];
  return (daysFrom1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * SECOND - epoch;
}

/** The civil calendar's day number. */
function daysFrom1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const ofEra = y - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}
