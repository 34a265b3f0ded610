// Cron schedules as robfig/cron v3 reads them, and which of their times a CronJob has missed (pkg/controller/cronjob/utils.go). Pure.

import type { CronJob } from '../api/generated/types.ts';
import { civilDate, isKnownZone, weekdayOf, zoneOffset } from '../api/timezones.ts';
import { formatTime, HOUR, type Micros, MILLISECOND, MINUTE, parseTime, SECOND } from '../sim/time.ts';

const DAY: Micros = 24 * HOUR;
const SKEW: Micros = 100 * MILLISECOND;
/** A schedule without a match in so many years has none. */
const YEARS = 5;

/** `Mon, 04 May 2026 10:00:00 +0000`. */
export function rfc1123(at: Micros): string {
  const { year, month, day } = civilDate(at);
  const word = (text: string): string => text[0]?.toUpperCase() + text.slice(1);
  return `${word(DAYS[weekdayOf(at)] as string)}, ${String(day).padStart(2, '0')} ${word(MONTHS[month - 1] as string)} ${year} ${formatTime(at).slice(11, 19)} +0000`;
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

/** The next instant whose wall clock matches: a time that summer time skips does not come, one that it repeats comes twice. */
function nextTime(at: Micros, f: Fields, zone: string): Micros | undefined {
  let time = (Math.floor(at / MINUTE) + 1) * MINUTE;
  const lastDay = Math.floor(at / DAY) + YEARS * 366;
  for (;;) {
    const local = time + zoneOffset(zone, time);
    const day = Math.floor(local / DAY);
    if (day > lastDay) return undefined;
    const minute = Math.floor((local - day * DAY) / MINUTE);
    if (!dayMatches(day * DAY, f)) time = startOfDay(day + 1, zone);
    else if (!f.hours.bits.has(Math.floor(minute / 60))) time += (60 - (minute % 60)) * MINUTE;
    else if (!f.minutes.bits.has(minute % 60)) time += MINUTE;
    else return time;
  }
}

/** The first instant of a local day, which need not be midnight. */
function startOfDay(day: number, zone: string): Micros {
  const wall = day * DAY;
  const candidates = [wall - zoneOffset(zone, wall - DAY), wall - zoneOffset(zone, wall + DAY)];
  return Math.min(...candidates.filter((time) => time + zoneOffset(zone, time) >= wall));
}

/** Day of month and day of week: both when one is a star, either when both are given. */
function dayMatches(at: Micros, { days, months, weekdays }: Fields): boolean {
  const { month, day } = civilDate(at);
  if (!months.bits.has(month)) return false;
  const [byDay, byWeekday] = [days.bits.has(day), weekdays.bits.has(weekdayOf(at))];
  return days.star || weekdays.star ? byDay && byWeekday : byDay || byWeekday;
}

/** From so many missed times on a warning is given. */
const MANY = 100;

export interface Due {
  /** When the last run was, or the CronJob was made, or the deadline allows one at the earliest. */
  readonly earliest: Micros;
  /** The latest time since then that has come; undefined when none has. */
  readonly latest: Micros | undefined;
  readonly missed: 'none' | 'few' | 'many';
}

/**
 * Which time since the last run is to be run now. How many were missed is estimated from the distance of the first two, and only
 * times after the last but one of the estimate are looked at: an uneven schedule may be found to have none. Throws Error when the
 * schedule has no times.
 */
export function latestDue({ metadata, spec, status }: CronJob, schedule: Schedule, now: Micros, withDeadline: boolean): Due {
  let earliest = parseTime(status.lastScheduleTime ?? metadata.creationTimestamp ?? '') ?? now;
  if (withDeadline && spec.startingDeadlineSeconds !== undefined) earliest = Math.max(earliest, now - spec.startingDeadlineSeconds * SECOND);
  const first = schedule.next(earliest);
  const second = first === undefined ? undefined : schedule.next(first);
  if (first === undefined || second === undefined) throw new Error('time difference between two schedules is less than 1 second');
  if (now < first) return { earliest, latest: undefined, missed: 'none' };
  if (now < second) return { earliest, latest: first, missed: 'none' };
  const step = second - first;
  const count = Math.floor((now - first) / step) + 1;
  let latest: Micros | undefined;
  for (let time = schedule.next(first + (count - 2) * step); time !== undefined && time <= now; time = schedule.next(time)) latest = time;
  return { earliest, latest, missed: count > MANY ? 'many' : 'few' };
}

/** How long until the CronJob is to be looked at again, a little late so that the time has certainly come. */
export function untilNext(cron: CronJob, schedule: Schedule, now: Micros): Micros | undefined {
  const { earliest, latest, missed } = latestDue(cron, schedule, now, false);
  const next = schedule.next(latest ?? (missed === 'none' ? earliest : now));
  return next === undefined ? undefined : next + SKEW - now;
}
