// Ages that kubectl reckons itself, by the machine's clock.

import { parseTime } from '../../cluster/sim/time.ts';
import type { Context } from '../context.ts';
import { humanDuration } from '../duration.ts';

/** `5m`; `<unknown>` without a time. */
export function ageText(context: Context, time: string | undefined): string {
  if (time === undefined) return '<unknown>';
  const { sim } = context.os;
  const parsed = parseTime(time);
  return parsed === undefined ? '<unknown>' : humanDuration((sim.epoch + sim.now - parsed) / 1e6);
}
