// Cron schedules as robfig/cron v3 reads them, and which of their times a CronJob has missed (pkg/controller/cronjob/utils.go). Pure.

import type { CronJob } from '../api/generated/types.ts';
import { formatTime, HOUR, type Micros, MINUTE, parseTime, SECOND } from '../sim/time.ts';

const DAY: Micros = 24 * HOUR;

/** Fixed distance from UTC, with the rule by which summer time adds an hour. */
interface Zone {
  readonly offset: number;
  readonly summer?: 'eu' | 'us';
}

/** Zones in use in lessons; others are refused. Hours from UTC. */
const ZONES: Readonly<Record<string, Zone>> = {
  '': { offset: 0 }, UTC: { offset: 0 }, 'Etc/UTC': { offset: 0 }, GMT: { offset: 0 }, 'Etc/GMT': { offset: 0 }, 'Africa/Abidjan': { offset: 0 },
  'Europe/London': { offset: 0, summer: 'eu' }, 'Europe/Dublin': { offset: 0, summer: 'eu' }, 'Europe/Lisbon': { offset: 0, summer: 'eu' },
  'Europe/Berlin': { offset: 1, summer: 'eu' }, 'Europe/Paris': { offset: 1, summer: 'eu' }, 'Europe/Madrid': { offset: 1, summer: 'eu' }, 'Europe/Rome': { offset: 1, summer: 'eu' },
  'Europe/Vienna': { offset: 1, summer: 'eu' }, 'Europe/Zurich': { offset: 1, summer: 'eu' }, 'Europe/Amsterdam': { offset: 1, summer: 'eu' }, 'Europe/Brussels': { offset: 1, summer: 'eu' },
  'Europe/Stockholm': { offset: 1, summer: 'eu' }, 'Europe/Oslo': { offset: 1, summer: 'eu' }, 'Europe/Copenhagen': { offset: 1, summer: 'eu' }, 'Europe/Warsaw': { offset: 1, summer: 'eu' },
  'Europe/Prague': { offset: 1, summer: 'eu' }, 'Europe/Budapest': { offset: 1, summer: 'eu' }, CET: { offset: 1, summer: 'eu' },
  'Europe/Athens': { offset: 2, summer: 'eu' }, 'Europe/Helsinki': { offset: 2, summer: 'eu' }, 'Europe/Kyiv': { offset: 2, summer: 'eu' }, 'Europe/Bucharest': { offset: 2, summer: 'eu' },
  'Africa/Johannesburg': { offset: 2 }, 'Africa/Lagos': { offset: 1 }, 'Africa/Nairobi': { offset: 3 }, 'Europe/Moscow': { offset: 3 }, 'Europe/Istanbul': { offset: 3 },
  'Asia/Dubai': { offset: 4 }, 'Asia/Karachi': { offset: 5 }, 'Asia/Kolkata': { offset: 5.5 }, 'Asia/Calcutta': { offset: 5.5 }, 'Asia/Dhaka': { offset: 6 }, 'Asia/Bangkok': { offset: 7 },
  'Asia/Jakarta': { offset: 7 }, 'Asia/Ho_Chi_Minh': { offset: 7 }, 'Asia/Shanghai': { offset: 8 }, 'Asia/Hong_Kong': { offset: 8 }, 'Asia/Singapore': { offset: 8 }, 'Asia/Taipei': { offset: 8 },
  'Asia/Manila': { offset: 8 }, 'Australia/Perth': { offset: 8 }, 'Asia/Tokyo': { offset: 9 }, 'Asia/Seoul': { offset: 9 }, 'Australia/Brisbane': { offset: 10 },
  'America/New_York': { offset: -5, summer: 'us' }, 'America/Toronto': { offset: -5, summer: 'us' }, 'US/Eastern': { offset: -5, summer: 'us' }, EST: { offset: -5 },
  'America/Chicago': { offset: -6, summer: 'us' }, 'US/Central': { offset: -6, summer: 'us' }, 'America/Denver': { offset: -7, summer: 'us' }, 'America/Phoenix': { offset: -7 },
  'America/Los_Angeles': { offset: -8, summer: 'us' }, 'US/Pacific': { offset: -8, summer: 'us' }, 'America/Anchorage': { offset: -9, summer: 'us' }, 'Pacific/Honolulu': { offset: -10 },
  'America/Sao_Paulo': { offset: -3 }, 'America/Argentina/Buenos_Aires': { offset: -3 }, 'America/Bogota': { offset: -5 }, 'America/Mexico_City': { offset: -6 },
};

export const isKnownZone = (name: string): boolean => ZONES[name] !== undefined;

/** Local time minus UTC at an instant since 1970. */
export function zoneOffset(name: string, at: Micros): Micros {
  const zone = ZONES[name];
  if (!zone) return 0;
  const base = zone.offset * HOUR;
  if (zone.summer === undefined) return base;
  const { year } = civilDate(at);
  // Europe changes at 1:00 UTC; America at 2:00 local time, which is 2:00 standard in spring and 1:00 standard in autumn.
  const [from, to] =
    zone.summer === 'eu'
      ? [lastSunday(year, 3) + HOUR, lastSunday(year, 10) + HOUR]
      : [firstSunday(year, 3) + 7 * DAY + 2 * HOUR - base, firstSunday(year, 11) + HOUR - base];
  return at >= from && at < to ? base + HOUR : base;
}

const dateOf = (year: number, month: number, day: number): Micros =>
  parseTime(`${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}T00:00:00Z`) ?? 0;
/** 0 is Sunday; 1970 began on a Thursday. */
const weekday = (at: Micros): number => (((Math.floor(at / DAY) + 4) % 7) + 7) % 7;
const firstSunday = (year: number, month: number): Micros => {
  const first = dateOf(year, month, 1);
  return first + ((7 - weekday(first)) % 7) * DAY;
};
const lastSunday = (year: number, month: number): Micros => {
  const last = dateOf(year, month, 31);
  return last - weekday(last) * DAY;
};

function civilDate(at: Micros): { year: number; month: number; day: number } {
  const z = Math.floor(at / DAY) + 719_468;
  const era = Math.floor(z / 146_097);
  const doe = z - era * 146_097;
  const yoe = Math.floor((doe - Math.floor(doe / 1_460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 };
}

/** `Mon, 04 May 2026 10:00:00 +0000`. */
export function rfc1123(at: Micros): string {
  const { year, month, day } = civilDate(at);
  const word = (text: string): string => text[0]?.toUpperCase() + text.slice(1);
  return `${word(DAYS[weekday(at)] as string)}, ${String(day).padStart(2, '0')} ${word(MONTHS[month - 1] as string)} ${year} ${formatTime(at).slice(11, 19)} +0000`;
}

export interface Schedule {
  /** The first time after `at`; both since 1970. Undefined when there is none in five years. */
  next(at: Micros): Micros | undefined;
}

interface Field {
  readonly bits: ReadonlySet<number>;
  /** Written as `*` or `?`: matters for days. */
  readonly star: boolean;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
};
const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;

/** Reads a schedule; throws Error with the library's text when it is none. `zone` is spec.timeZone. */
export function parseSchedule(text: string, zone = ''): Schedule {
  const own = ZONE_PREFIX.exec(text);
  const body = (own ? text.slice(own[0].length) : text).trim();
  const zoneName = own ? (own[1] as string) : zone;
  if (own && !isKnownZone(zoneName)) throw new Error(`provided bad location ${zoneName}: unknown time zone ${zoneName}`);
  if (body.startsWith('@every ')) return every(body.slice(7));
  const spec = body.startsWith('@') ? MACROS[body] : body;
  if (spec === undefined) throw new Error(`unrecognized descriptor: ${body}`);
  const parts = spec.split(/\s+/);
  if (parts.length !== 5) throw new Error(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`);
  const [minutes, hours, days, months, weekdays] = [
    field(parts[0] as string, 0, 59, []),
    field(parts[1] as string, 0, 23, []),
    field(parts[2] as string, 1, 31, []),
    field(parts[3] as string, 1, 12, MONTHS),
    field(parts[4] as string, 0, 6, DAYS),
  ];
  return { next: (at) => nextTime(at, { minutes, hours, days, months, weekdays }, zoneName) };
}

const SPAN = /(\d+(?:\.\d+)?)(h|m|s)/g;

function every(text: string): Schedule {
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(SPAN)) seconds += Number(amount) * (unit === 'h' ? 3600 : unit === 'm' ? 60 : 1);
  const step = Math.max(1, Math.floor(seconds)) * SECOND;
  return { next: (at) => Math.floor(at / SECOND) * SECOND + step };
}

function field(text: string, low: number, high: number, words: readonly string[]): Field {
  const bits = new Set<number>();
  let star = false;
  for (const part of text.split(',')) {
    const [range = '', step] = part.split('/');
    const ends = range.split('-');
    let [from, to] = [low, high];
    if (range === '*' || range === '?') star ||= step === undefined || step === '1';
    else {
      from = number(ends[0] as string, words, low);
      to = ends[1] === undefined ? (step === undefined ? from : high) : number(ends[1], words, low);
    }
    for (let i = from; i <= to; i += Number(step ?? 1)) bits.add(i);
  }
  return { bits, star };
}

function number(text: string, words: readonly string[], low: number): number {
  const word = words.indexOf(text.toLowerCase());
  if (word >= 0) return word + low;
  if (!/^\d+$/.test(text)) throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing "${text}": invalid syntax`);
  return Number(text);
}

interface Fields {
  readonly minutes: Field;
  readonly hours: Field;
  readonly days: Field;
  readonly months: Field;
  readonly weekdays: Field;
}

/** Goes through local days, then minutes, so that each step is cheap. */
function nextTime(at: Micros, f: Fields, zone: string): Micros | undefined {
  const local = at + zoneOffset(zone, at);
  let day = Math.floor(local / DAY);
  const lastDay = day + 5 * 366;
  let minute = Math.floor((local - day * DAY) / MINUTE) + 1;
  for (; day <= lastDay; day++, minute = 0) {
    if (!dayMatches(day * DAY, f)) continue;
    for (let m = minute; m < 1440; m++) {
      if (!f.hours.bits.has(Math.floor(m / 60))) {
        m = Math.floor(m / 60) * 60 + 59;
        continue;
      }
      if (!f.minutes.bits.has(m % 60)) continue;
      const wall = day * DAY + m * MINUTE;
      const time = wall - zoneOffset(zone, wall - zoneOffset(zone, wall));
      // A wall time that the change to summer time skips does not exist; one that came before is not the next.
      if (time > at && time + zoneOffset(zone, time) === wall) return time;
    }
  }
  return undefined;
}

/** Day of month and day of week: both when one is a star, either when both are given. */
function dayMatches(at: Micros, { days, months, weekdays }: Fields): boolean {
  const { month, day } = civilDate(at);
  if (!months.bits.has(month)) return false;
  const [byDay, byWeekday] = [days.bits.has(day), weekdays.bits.has(weekday(at))];
  return days.star || weekdays.star ? byDay && byWeekday : byDay || byWeekday;
}

export interface Missed {
  /** The latest time that is due and was not run. */
  readonly latest: Micros | undefined;
  readonly many: boolean;
}

/** Above so many missed times a warning is given. */
const MANY = 100;

/** Which time since the last run (or since the CronJob was made) is to be run now. */
export function missedSchedules(cron: CronJob, schedule: Schedule, now: Micros): Missed {
  const last = cron.status.lastScheduleTime ?? cron.metadata.creationTimestamp;
  let earliest = (last === undefined ? undefined : parseTime(last)) ?? now;
  const deadline = cron.spec.startingDeadlineSeconds;
  if (deadline !== undefined) earliest = Math.max(earliest, now - deadline * SECOND);
  if (earliest > now) return { latest: undefined, many: false };
  let count = 0;
  let latest: Micros | undefined;
  for (let time = schedule.next(earliest); time !== undefined && time <= now; time = schedule.next(time)) {
    latest = time;
    count++;
    if (count <= MANY) continue;
    // A long sleep: go on shortly before now.
    const step = (time - earliest) / count;
    time = Math.max(time, now - 2 * step);
  }
  return { latest, many: count > MANY && deadline === undefined };
}
