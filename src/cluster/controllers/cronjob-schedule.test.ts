// Schedules by the tables of robfig/cron's spec_test.go and upstream's cronjob/utils_test.go; facts only.

import { describe, expect, it } from 'vitest';
import type { CronJob } from '../api/generated/types.ts';
import { formatTime, parseTime } from '../sim/time.ts';
import { missedSchedules, parseSchedule } from './cronjob-schedule.ts';

const at = (text: string): number => parseTime(text) as number;
const next = (schedule: string, from: string, zone = ''): string | undefined => {
  const time = parseSchedule(schedule, zone).next(at(from));
  return time === undefined ? undefined : formatTime(time);
};

describe('next time', () => {
  it.each<[string, string, string | undefined]>([
    ['0/15 * * * *', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['0/15 * * * *', '2012-07-09T14:59:59Z', '2012-07-09T15:00:00Z'],
    ['20-35/15 * * * *', '2012-07-09T15:45:00Z', '2012-07-09T16:20:00Z'],
    ['*/15 * * * *', '2012-07-09T23:46:00Z', '2012-07-10T00:00:00Z'],
    ['20-35/15 1/2 */2 * *', '2012-07-09T23:35:51Z', '2012-07-11T01:20:00Z'],
    ['20-35/15 10-12 9-20/5 Jul *', '2012-07-09T23:35:51Z', '2012-07-14T10:20:00Z'],
    ['0 0 9 Apr-Oct *', '2012-07-09T23:35:00Z', '2012-08-09T00:00:00Z'],
    ['0 0 */5 Apr,Aug,Oct Mon', '2012-07-09T23:35:00Z', '2012-08-01T00:00:00Z'],
    ['0 0 */5 Oct Mon', '2012-07-09T23:35:00Z', '2012-10-01T00:00:00Z'],
    ['0 0 * Feb Mon', '2012-07-09T23:35:00Z', '2013-02-04T00:00:00Z'],
    ['0 0 * Feb Mon/2', '2012-07-09T23:35:00Z', '2013-02-01T00:00:00Z'],
    ['0 0 * * Mon', '2012-12-31T23:59:45Z', '2013-01-07T00:00:00Z'],
    ['0 0 29 Feb ?', '2012-07-09T23:35:00Z', '2016-02-29T00:00:00Z'],
    ['0 0 30 Feb ?', '2012-07-09T23:35:00Z', undefined],
    ['@hourly', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['@yearly', '2012-07-09T14:45:00Z', '2013-01-01T00:00:00Z'],
    ['@every 90s', '2012-07-09T14:45:00Z', '2012-07-09T14:46:30Z'],
    ['TZ=America/New_York 0 9 * * *', '2012-07-09T14:45:00Z', '2012-07-10T13:00:00Z'],
  ])('%s after %s', (schedule, from, expected) => expect(next(schedule, from)).toBe(expected));

  it.each<[string, string, string, string]>([
    ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-30T00:30:00Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T08:00:00Z'],
    ['0 2 11 Mar ?', 'America/New_York', '2012-03-09T20:00:00Z', '2013-03-11T06:00:00Z'],
    ['0 3 * * *', 'America/New_York', '2012-03-11T05:00:00Z', '2012-03-11T07:00:00Z'],
    ['0 9 * * *', 'Asia/Kolkata', '2026-05-04T00:00:00Z', '2026-05-04T03:30:00Z'],
  ])('%s in %s after %s', (schedule, zone, from, expected) => expect(next(schedule, from, zone)).toBe(expected));

  it.each(['60 0 * * x', '@unrecognized', '* * * *', 'a * * * *'])('refuses %s', (schedule) => expect(() => parseSchedule(schedule)).toThrow(/failed to parse int|unrecognized descriptor|expected exactly 5 fields/));
});

describe('missed times', () => {
  const cron = (more: object, status: object = {}): CronJob =>
    ({ metadata: { name: 'c', creationTimestamp: '2026-05-04T09:55:00Z' }, spec: { schedule: '0 * * * *', ...more }, status }) as unknown as CronJob;
  it.each<[string, object, object, string, string | undefined, boolean]>([
    ['none before the first', {}, {}, '2026-05-04T09:59:00Z', undefined, false],
    ['the first', {}, {}, '2026-05-04T10:00:00Z', '2026-05-04T10:00:00Z', false],
    ['only the latest of several', {}, {}, '2026-05-04T13:30:00Z', '2026-05-04T13:00:00Z', false],
    ['none twice', {}, { lastScheduleTime: '2026-05-04T10:00:00Z' }, '2026-05-04T10:30:00Z', undefined, false],
    ['none beyond the deadline', { startingDeadlineSeconds: 60 }, {}, '2026-05-04T10:30:00Z', undefined, false],
    ['one within the deadline', { startingDeadlineSeconds: 3600 }, {}, '2026-05-04T10:30:00Z', '2026-05-04T10:00:00Z', false],
    ['a warning when there are many', {}, {}, '2026-05-14T10:30:00Z', '2026-05-14T10:00:00Z', true],
  ])('%s', (_, spec, status, now, expected, many) => {
    const { latest, many: tooMany } = missedSchedules(cron(spec, status), parseSchedule('0 * * * *'), at(now));
    expect([latest === undefined ? undefined : formatTime(latest), tooMany]).toEqual([expected, many]);
  });
});
