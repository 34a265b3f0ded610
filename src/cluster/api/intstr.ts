// IntOrString: a number, or a percentage of something (apimachinery/pkg/util/intstr).

import type { IntOrString } from './generated/types.ts';

const PERCENT = /^([+-]?\d+)%$/;

/** The whole percents of `25%`; undefined for everything else. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value === 'number') return undefined;
  const m = PERCENT.exec(value);
  return m ? Number(m[1]) : undefined;
}

/**
 * The number that `value` stands for out of `total`; percentages round up or down as asked.
 * Undefined for text that is no percentage.
 */
export function scaledValue(value: IntOrString, total: number, roundUp: boolean): number | undefined {
  if (typeof value === 'number') return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  return roundUp ? Math.ceil((percent * total) / 100) : Math.floor((percent * total) / 100);
}
