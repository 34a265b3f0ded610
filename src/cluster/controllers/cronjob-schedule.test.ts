// Schedules by the tables of robfig/cron v3 (spec_test.go, parser_test.go) and upstream's cronjob/utils_test.go; facts only.

import { describe, expect, it } from 'vitest';
import type { CronJob } from '../api/generated/types.ts';
import { formatTime, HOUR, MINUTE, parseTime, SECOND } from '../sim/time.ts';
import { upstreamTable } from '../testing/upstream-table.ts';
import { latestDue, parseSchedule, untilNext } from './cronjob-schedule.ts';

const at = (text: string): number => parseTime(text) as number;
/** `-0500` of New York in the tables. */
const ny = (text: string): number => at(`${text.slice(0, 19)}Z`) - (Number(text.slice(19, 22)) || 0) * HOUR;
const next = (schedule: string, from: string, zone = ''): string | undefined => {
  const time = parseSchedule(schedule, zone).next(at(from));
  return time === undefined ? undefined : formatTime(time);
};

describe('next time', () => {
  upstreamTable<readonly [string, string, boolean]>(
    'whether an instant is one of the schedule',
    'TestActivation',
    [
      ['2012-07-09T15:00:00Z', '0/15 * * * *', true],
      ['2012-07-09T15:45:00Z', '0/15 * * * *', true],
      ['2012-07-09T15:40:00Z', '0/15 * * * *', false],
      ['2012-07-09T15:05:00Z', '5/15 * * * *', true],
      ['2012-07-09T15:20:00Z', '5/15 * * * *', true],
      ['2012-07-09T15:50:00Z', '5/15 * * * *', true],
      ['2012-07-15T15:00:00Z', '0/15 * * Jul *', true],
      ['2012-07-15T15:00:00Z', '0/15 * * Jun *', false],
      ['2012-07-15T08:30:00Z', '30 08 ? Jul Sun', true],
      ['2012-07-15T08:30:00Z', '30 08 15 Jul ?', true],
      ['2012-07-16T08:30:00Z', '30 08 ? Jul Sun', false],
      ['2012-07-16T08:30:00Z', '30 08 15 Jul ?', false],
      ['2012-07-09T15:00:00Z', '@hourly', true],
      ['2012-07-09T15:04:00Z', '@hourly', false],
      ['2012-07-09T15:00:00Z', '@daily', false],
      ['2012-07-09T00:00:00Z', '@daily', true],
      ['2012-07-09T00:00:00Z', '@weekly', false],
      ['2012-07-08T00:00:00Z', '@weekly', true],
      ['2012-07-08T01:00:00Z', '@weekly', false],
      ['2012-07-08T00:00:00Z', '@monthly', false],
      ['2012-07-01T00:00:00Z', '@monthly', true],
      // Both the day of the month and of the week are given: either does.
      ['2012-07-15T00:00:00Z', '* * 1,15 * Sun', true],
      ['2012-06-15T00:00:00Z', '* * 1,15 * Sun', true],
      ['2012-08-01T00:00:00Z', '* * 1,15 * Sun', true],
      ['2012-07-15T00:00:00Z', '* * */10 * Sun', true],
      // One is a star: both must hold.
      ['2012-07-15T00:00:00Z', '* * * * Mon', false],
      ['2012-07-09T00:00:00Z', '* * 1,15 * *', false],
      ['2012-07-15T00:00:00Z', '* * 1,15 * *', true],
      ['2012-07-15T00:00:00Z', '* * */2 * Sun', true],
    ],
    ([time, schedule, active]) => [parseSchedule(schedule).next(at(time) - 1_000_000) === at(time), active],
  );

  upstreamTable<readonly [string, string, string | undefined]>(
    'the next time',
    'TestNext',
    [
      ['2012-07-09T14:45:00Z', '0/15 * * * *', '2012-07-09T15:00:00Z'],
      ['2012-07-09T14:59:00Z', '0/15 * * * *', '2012-07-09T15:00:00Z'],
      ['2012-07-09T14:59:59Z', '0/15 * * * *', '2012-07-09T15:00:00Z'],
      ['2012-07-09T15:45:00Z', '20-35/15 * * * *', '2012-07-09T16:20:00Z'],
      ['2012-07-09T23:46:00Z', '*/15 * * * *', '2012-07-10T00:00:00Z'],
      ['2012-07-09T23:45:00Z', '20-35/15 * * * *', '2012-07-10T00:20:00Z'],
      ['2012-07-09T23:35:51Z', '20-35/15 * * * *', '2012-07-10T00:20:00Z'],
      ['2012-07-09T23:35:51Z', '20-35/15 1/2 * * *', '2012-07-10T01:20:00Z'],
      ['2012-07-09T23:35:51Z', '20-35/15 10-12 * * *', '2012-07-10T10:20:00Z'],
      ['2012-07-09T23:35:51Z', '20-35/15 1/2 */2 * *', '2012-07-11T01:20:00Z'],
      ['2012-07-09T23:35:51Z', '20-35/15 * 9-20 * *', '2012-07-10T00:20:00Z'],
      ['2012-07-09T23:35:51Z', '20-35/15 * 9-20 Jul *', '2012-07-10T00:20:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 9 Apr-Oct ?', '2012-08-09T00:00:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 */5 Apr,Aug,Oct Mon', '2012-08-01T00:00:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 */5 Oct Mon', '2012-10-01T00:00:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 * Feb Mon', '2013-02-04T00:00:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 * Feb Mon/2', '2013-02-01T00:00:00Z'],
      ['2012-12-31T23:59:45Z', '* * * * *', '2013-01-01T00:00:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 29 Feb ?', '2016-02-29T00:00:00Z'],
      ['2012-07-09T23:35:00Z', '0 0 30 Feb ?', undefined],
      ['2012-07-09T23:35:00Z', '0 0 31 Apr ?', undefined],
    ],
    ([from, schedule, expected]) => [next(schedule, from), expected],
  );

  upstreamTable<readonly [string, string, string]>(
    'the next time where clocks change (New York)',
    'TestNext',
    [
      // Clocks go forward at two.
      ['2012-03-11T00:00:00-05', '30 2 11 Mar ?', '2013-03-11T02:30:00-04'],
      ['2012-03-11T00:00:00-05', '0 * * * ?', '2012-03-11T01:00:00-05'],
      ['2012-03-11T01:00:00-05', '0 * * * ?', '2012-03-11T03:00:00-04'],
      ['2012-03-11T03:00:00-04', '0 * * * ?', '2012-03-11T04:00:00-04'],
      ['2012-03-11T04:00:00-04', '0 * * * ?', '2012-03-11T05:00:00-04'],
      ['2012-03-11T00:00:00-05', '0 1 * * ?', '2012-03-11T01:00:00-05'],
      ['2012-03-11T01:00:00-05', '0 1 * * ?', '2012-03-12T01:00:00-04'],
      ['2012-03-11T00:00:00-05', '0 2 * * ?', '2012-03-12T02:00:00-04'],
      // And back at two: the hour from one comes twice.
      ['2012-11-04T00:00:00-04', '30 2 04 Nov ?', '2012-11-04T02:30:00-05'],
      ['2012-11-04T01:45:00-04', '30 1 04 Nov ?', '2012-11-04T01:30:00-05'],
      ['2012-11-04T00:00:00-04', '0 * * * ?', '2012-11-04T01:00:00-04'],
      ['2012-11-04T01:00:00-04', '0 * * * ?', '2012-11-04T01:00:00-05'],
      ['2012-11-04T01:00:00-05', '0 * * * ?', '2012-11-04T02:00:00-05'],
      ['2012-11-04T00:00:00-04', '0 1 * * ?', '2012-11-04T01:00:00-04'],
      ['2012-11-04T01:00:00-04', '0 1 * * ?', '2012-11-04T01:00:00-05'],
      ['2012-11-04T01:00:00-05', '0 1 * * ?', '2012-11-05T01:00:00-05'],
      ['2012-11-04T00:00:00-04', '0 2 * * ?', '2012-11-04T02:00:00-05'],
      ['2012-11-04T02:00:00-05', '0 2 * * ?', '2012-11-05T02:00:00-05'],
      ['2012-11-04T00:00:00-04', '0 3 * * ?', '2012-11-04T03:00:00-05'],
      ['2012-11-04T03:00:00-05', '0 3 * * ?', '2012-11-05T03:00:00-05'],
      ['2012-11-04T00:00:00-04', '0 3 3 * ?', '2012-12-03T03:00:00-05'],
    ],
    ([from, schedule, expected]) => [formatTime(parseSchedule(schedule, 'America/New_York').next(ny(from)) ?? 0), formatTime(ny(expected))],
  );

  it.each<[string, string, string, string]>([
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T08:00:00Z'],
    ['0 9 * * *', 'Asia/Kolkata', '2026-05-04T00:00:00Z', '2026-05-04T03:30:00Z'],
    ['0 0 * * *', 'Asia/Beirut', '2026-03-28T12:00:00Z', '2026-03-29T21:00:00Z'],
    ['0 12 * * *', 'Australia/Lord_Howe', '2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
    ['0 12 * * *', 'America/Santiago', '2026-01-01T00:00:00Z', '2026-01-01T15:00:00Z'],
    ['0 12 * * *', 'Pacific/Auckland', '2026-07-01T01:00:00Z', '2026-07-02T00:00:00Z'],
    ['@every 90s', '', '2012-07-09T14:45:00Z', '2012-07-09T14:46:30Z'],
    ['TZ=America/New_York 0 9 * * *', '', '2012-07-09T14:45:00Z', '2012-07-10T13:00:00Z'],
  ])('%s in %s after %s', (schedule, zone, from, expected) => expect(next(schedule, from, zone)).toBe(expected));

  it.each(['60 0 * * x', '@unrecognized', '* * * *', 'a * * * *'])('refuses %s', (schedule) => expect(() => parseSchedule(schedule)).toThrow(/failed to parse int|unrecognized descriptor|expected exactly 5 fields/));
});

describe('what is due', () => {
  const TOP = at('2016-05-19T10:00:00Z');
  const since = (time: number | undefined): number | undefined => (time === undefined ? undefined : time - TOP);
  const cron = (schedule: string, created: number, last?: number, deadline?: number): CronJob =>
    ({
      metadata: { name: 'c', creationTimestamp: formatTime(TOP + created) },
      spec: { schedule, ...(deadline === undefined ? {} : { startingDeadlineSeconds: deadline }) },
      status: last === undefined ? {} : { lastScheduleTime: formatTime(TOP + last) },
    }) as unknown as CronJob;

  interface DueCase {
    readonly about: string;
    readonly schedule: string;
    readonly created?: number;
    readonly last?: number;
    readonly deadline?: number;
    readonly withDeadline?: boolean;
    readonly now: number;
    readonly earliest: number;
    readonly latest?: number;
    readonly missed?: string;
  }
  const WEEKDAYS = '30 6-16/4 * * 1-5';
  const HALF = 30 * MINUTE;
  const DAY = 24 * HOUR;
  upstreamTable<DueCase>(
    'the latest time that is due',
    'TestMostRecentScheduleTime',
    [
      { about: 'before the first', schedule: '0 * * * *', now: 30 * SECOND, earliest: 0 },
      { about: 'just after it', schedule: '0 * * * *', now: 61 * MINUTE, earliest: 0, latest: HOUR },
      { about: 'five missed', schedule: '0 * * * *', created: 10 * SECOND, now: 301 * MINUTE, earliest: 10 * SECOND, latest: 5 * HOUR, missed: 'few' },
      { about: 'uneven', schedule: WEEKDAYS, last: HALF, now: DAY + 31 * MINUTE, earliest: HALF, latest: DAY + HALF, missed: 'few' },
      { about: 'uneven, none found', schedule: '30 10,11,12 * * 1-5', last: HALF, now: 30 * HOUR + HALF, earliest: HALF, missed: 'few' },
      { about: 'uneven, over a weekend', schedule: WEEKDAYS, last: HALF, now: 4 * DAY + 31 * MINUTE, earliest: HALF, latest: 4 * DAY + HALF, missed: 'few' },
      { about: 'uneven, never run', schedule: WEEKDAYS, now: DAY + 31 * MINUTE, earliest: 0, latest: DAY + HALF, missed: 'few' },
      { about: 'every hour from the last run', schedule: '@every 1h', created: -59 * MINUTE, last: MINUTE, deadline: 10, now: 7 * DAY, earliest: MINUTE, latest: 6 * DAY + 23 * HOUR + MINUTE, missed: 'many' },
      { about: 'last run when it was made', schedule: '0 * * * *', last: 0, now: 30 * SECOND, earliest: 0 },
      { about: 'since the last run', schedule: '*/5 * * * *', last: HALF, now: 31 * MINUTE, earliest: HALF },
      { about: 'since the last run, within the deadline', schedule: '*/5 * * * *', last: HALF, deadline: 60, now: 31 * MINUTE, earliest: HALF },
      { about: 'since the deadline', schedule: '*/5 * * * *', last: HALF, deadline: 60, withDeadline: true, now: 32 * MINUTE, earliest: 31 * MINUTE },
    ],
    ({ schedule, created = 0, last, deadline, withDeadline = false, now, earliest, latest, missed = 'none' }) => {
      const due = latestDue(cron(schedule, created, last, deadline), parseSchedule(schedule), TOP + now, withDeadline);
      return [[since(due.earliest), since(due.latest), due.missed], [earliest, latest, missed]];
    },
  );
  it('the 31st of February never comes: 1 case of upstream\'s TestMostRecentScheduleTime', () => {
    const rogue = '59 23 31 2 *';
    expect(() => latestDue(cron(rogue, 10 * SECOND), parseSchedule(rogue), TOP + HOUR, false)).toThrow('time difference between two schedules is less than 1 second');
  });
  upstreamTable<readonly [string, number | undefined, number, number]>(
    'how long until the next time',
    'TestNextScheduleTimeDuration',
    [
      [WEEKDAYS, HALF, DAY + 31 * MINUTE, 3 * HOUR + 59 * MINUTE],
      ['30 10,11,12 * * 1-5', HALF, 30 * HOUR + HALF, 66 * HOUR],
      ['0 12 * * 4', 2 * HOUR, 19 * DAY + HOUR + HALF, 2 * DAY + HALF],
      ['0 12 * * 5', undefined, 6 * HOUR, 20 * HOUR],
    ],
    ([schedule, last, now, wait]) => [untilNext(cron(schedule, 0, last), parseSchedule(schedule), TOP + now), wait + SECOND / 10],
  );
});
