// The table of events below an object (kubectl/pkg/describe DescribeEvents).

import type { Event } from '../../cluster/api/generated/types.ts';
import { parseTime } from '../../cluster/sim/time.ts';
import { row } from './metadata.ts';
import type { Writer } from './writer.ts';

const lastSeen = (event: Event): number => (event.lastTimestamp ? (parseTime(event.lastTimestamp) ?? 0) : Number.NEGATIVE_INFINITY);

/** `5m`, `10s (x3 over 2m)`. */
function interval(w: Writer, event: Event): string {
  const first = w.age(event.eventTime || event.firstTimestamp);
  if (event.series) return `${w.age(event.series.lastObservedTime)} (x${event.series.count ?? 0} over ${first})`;
  return (event.count ?? 0) > 1 ? `${w.age(event.lastTimestamp)} (x${event.count} over ${first})` : first;
}

export function describeEvents(w: Writer, events: readonly Event[]): void {
  if (events.length === 0) return w.write(0, 'Events:\t<none>\n');
  w.flush();
  w.write(0, 'Events:\n  Type\tReason\tAge\tFrom\tMessage\n');
  w.write(1, '----\t------\t----\t----\t-------\n');
  const times = new Map(events.map((event) => [event, lastSeen(event)]));
  const order = [...events].sort((a, b) => {
    const [x, y] = [times.get(a) as number, times.get(b) as number];
    return x < y ? -1 : x > y ? 1 : 0;
  });
  for (const event of order) {
    const { fieldPath } = event.involvedObject;
    const message = (event.message ?? '').trim();
    w.write(1, row(event.type, event.reason, interval(w, event), event.source?.component || event.reportingComponent, fieldPath ? `${fieldPath}: ${message}` : message));
  }
}
