// Tables after docker/go-units' tests: ages and sizes as crictl and docker print them.

import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND } from '../../sim/time.ts';
import { binarySize, humanDuration, humanSize, table } from './text.ts';

const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

const AGES: readonly (readonly [number, string])[] = [
  [0.45 * SECOND, 'Less than a second'], [SECOND, '1 second'], [45 * SECOND, '45 seconds'], [46 * SECOND, '46 seconds'], [59 * SECOND, '59 seconds'], [60 * SECOND, 'About a minute'],
  [MINUTE, 'About a minute'], [3 * MINUTE, '3 minutes'], [35 * MINUTE, '35 minutes'], [35 * MINUTE + 40 * SECOND, '35 minutes'], [45 * MINUTE, '45 minutes'],
  [45 * MINUTE + 40 * SECOND, '45 minutes'], [HOUR, 'About an hour'], [HOUR + 45 * MINUTE, '2 hours'], [3 * HOUR, '3 hours'], [3 * HOUR + 29 * MINUTE, '3 hours'],
  [3 * HOUR + 31 * MINUTE, '4 hours'], [3 * HOUR + 59 * MINUTE, '4 hours'], [24 * HOUR, '24 hours'], [36 * HOUR, '36 hours'], [2 * DAY, '2 days'], [7 * DAY, '7 days'],
  [13 * DAY + 5 * HOUR, '13 days'], [2 * WEEK, '2 weeks'], [2 * WEEK + 4 * DAY, '2 weeks'], [3 * WEEK, '3 weeks'], [4 * WEEK, '4 weeks'], [4 * WEEK + 3 * DAY, '4 weeks'], [MONTH, '4 weeks'],
  [MONTH + 2 * WEEK, '6 weeks'], [2 * MONTH, '2 months'], [2 * MONTH + 2 * WEEK, '2 months'], [3 * MONTH, '3 months'], [5 * MONTH + WEEK, '5 months'], [13 * MONTH, '13 months'],
  [23 * MONTH, '23 months'], [24 * MONTH, '24 months'], [24 * MONTH + 2 * WEEK, '2 years'], [3 * YEAR + 2 * MONTH, '3 years'],
];

const SIZES: readonly (readonly [number, string])[] = [
  [1000, '1kB'], [1024, '1.024kB'], [1e6, '1MB'], [1024 ** 2, '1.049MB'], [2e6, '2MB'], [3.42e9, '3.42GB'], [5.372e12, '5.372TB'], [2.22e15, '2.22PB'],
];

const BINARY: readonly (readonly [number, string])[] = [[1024, '1KiB'], [1024 ** 2, '1MiB'], [2 * 1024 ** 2, '2MiB'], [3.42 * 1024 ** 3, '3.42GiB'], [5.372 * 1024 ** 4, '5.372TiB']];

describe('go-units', () => {
  it(`ages: ${AGES.length} cases of upstream's TestHumanDuration`, () => {
    for (const [duration, text] of AGES) expect(humanDuration(duration)).toBe(text);
  });

  it(`sizes: ${SIZES.length + BINARY.length} cases of upstream's TestHumanSize and TestBytesSize`, () => {
    for (const [bytes, text] of SIZES) expect(humanSize(bytes)).toBe(text);
    for (const [bytes, text] of BINARY) expect(binarySize(bytes)).toBe(text);
  });
});

it('a table is as wide as its widest cell, and at least so wide', () => {
  expect(table([['A', 'B'], ['a longer cell', 'x']], 5, 3)).toBe('A               B\na longer cell   x\n');
  expect(table([['A', 'B']], 5, 3)).toBe('A    B\n');
});
