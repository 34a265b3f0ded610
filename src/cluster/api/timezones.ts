// Time zones by their IANA names, as Go's time.LoadLocation knows them: the distance from UTC at an instant. The rules for
// summer time are those of 2026, for every year; Morocco's hour less in Ramadan is left out.

import { HOUR, type Micros, MINUTE } from '../sim/time.ts';
import { ZONE_NAMES } from './timezone-names.ts';

const DAY: Micros = 24 * HOUR;

/** Upstream's way to write a rule: the first `weekday` (0 = Sunday) on or after `day` of `month`, so many minutes into that day. */
interface Change {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly minutes: number;
  /** The minutes are UTC's, not those of the wall clock before the change. */
  readonly utc?: boolean;
}

interface Rule {
  readonly begins: Change;
  readonly ends: Change;
  /** By how much clocks go forward. */
  readonly saved: Micros;
}

const rule = (begins: readonly [number, number, number, number], ends: readonly [number, number, number, number], utc = false, saved = 60): Rule => {
  const change = ([month, day, weekday, minutes]: readonly [number, number, number, number]): Change => ({ month, day, weekday, minutes, utc });
  return { begins: change(begins), ends: change(ends), saved: saved * MINUTE };
};

const RULES: Readonly<Record<string, Rule>> = {
  // European Union and neighbours; the Norwegian station Troll saves two hours.
  E: rule([3, 25, 0, 60], [10, 25, 0, 60], true),
  T: rule([3, 25, 0, 60], [10, 25, 0, 60], true, 120),
  // United States and Canada, Cuba.
  U: rule([3, 8, 0, 120], [11, 1, 0, 120]),
  C: rule([3, 8, 0, 0], [11, 1, 0, 60]),
  // Australia, Lord Howe, New Zealand, Chatham.
  A: rule([10, 1, 0, 120], [4, 1, 0, 180]),
  H: rule([10, 1, 0, 120], [4, 1, 0, 120], false, 30),
  N: rule([9, 24, 0, 120], [4, 1, 0, 180]),
  Z: rule([9, 24, 0, 165], [4, 1, 0, 225]),
  // Chile.
  S: rule([9, 2, 0, 240], [4, 2, 0, 180], true),
  // Egypt, Israel, Lebanon, Palestine.
  G: rule([4, 24, 5, 0], [10, 26, 5, 0]),
  I: rule([3, 23, 5, 120], [10, 25, 0, 120]),
  L: rule([3, 25, 0, 0], [10, 25, 0, 0]),
  P: rule([3, 24, 6, 120], [10, 24, 6, 120]),
};

interface Zone {
  readonly offset: Micros;
  readonly rule: Rule | undefined;
}

let zones: Map<string, Zone> | undefined;

function readZones(): Map<string, Zone> {
  const read = new Map<string, Zone>([['', { offset: 0, rule: undefined }]]);
  for (const key in ZONE_NAMES) {
    const letter = /[A-Z]$/.exec(key)?.[0];
    const zone = { offset: Number.parseInt(key, 10) * MINUTE, rule: letter === undefined ? undefined : RULES[letter] };
    for (const group of (ZONE_NAMES[key] as string).split(' ')) {
      const slash = group.indexOf('/');
      const region = group.slice(0, slash + 1);
      for (const name of group.slice(slash + 1).split(',')) read.set(region + name, zone);
    }
  }
  return read;
}

const zoneOf = (name: string): Zone | undefined => (zones ??= readZones()).get(name);

/** '' is UTC. */
export const isKnownZone = (name: string): boolean => zoneOf(name) !== undefined;

/** Local time minus UTC at an instant since 1970. */
export function zoneOffset(name: string, at: Micros): Micros {
  const zone = zoneOf(name);
  if (!zone) return 0;
  const { offset, rule: summer } = zone;
  if (!summer) return offset;
  const { year } = civilDate(at + offset);
  const begins = instantOf(summer.begins, year, offset);
  const ends = instantOf(summer.ends, year, offset + summer.saved);
  const isSummer = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
  return isSummer ? offset + summer.saved : offset;
}

function instantOf({ month, day, weekday, minutes, utc }: Change, year: number, offset: Micros): Micros {
  const from = dateOf(year, month, day);
  const date = from + ((weekday - weekdayOf(from) + 7) % 7) * DAY;
  return date + minutes * MINUTE - (utc ? 0 : offset);
}

/** 0 is Sunday; 1970 began on a Thursday. */
export const weekdayOf = (at: Micros): number => (((Math.floor(at / DAY) + 4) % 7) + 7) % 7;

/** Days of the Gregorian calendar from and to microseconds since 1970 (Howard Hinnant's algorithms). */
export function dateOf(year: number, month: number, day: number): Micros {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const doe = yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy;
  return (era * 146_097 + doe - 719_468) * DAY;
}

export function civilDate(at: Micros): { readonly year: number; readonly month: number; readonly day: number } {
  const z = Math.floor(at / DAY) + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1_460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
}
