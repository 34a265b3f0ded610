// The page that describe writes: levels of two spaces, cells that end with tabs, ages by the simulation's clock
// (kubectl/pkg/describe PrefixWriter over text/tabwriter).

import { parseTime } from '../../cluster/sim/time.ts';
import { humanDuration } from '../duration.ts';
import { DESCRIBE_TABS, TabWriter } from '../print/tabwriter.ts';

const ZERO_TIME = 'Mon, 01 Jan 0001 00:00:00 +0000';
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY = 86_400e6;

/** What a terminal would take for a command is made visible. */
const escaped = (text: string): string => text.replaceAll('\u001b', '^[').replaceAll('\r', '\\r');

export class Writer {
  /** Microseconds since 1970. */
  readonly now: number;
  readonly #tabs: TabWriter;
  readonly #out: { text: string };
  readonly #indent: number;

  constructor(now: number, nested?: { readonly tabs: TabWriter; readonly out: { text: string }; readonly indent: number }) {
    this.now = now;
    this.#out = nested?.out ?? { text: '' };
    this.#tabs = nested?.tabs ?? new TabWriter((text) => void (this.#out.text += text), DESCRIBE_TABS);
    this.#indent = nested?.indent ?? 0;
  }

  /** Text of a level; the level's spaces come once, before all of it. */
  write(level: number, text: string): void {
    this.#tabs.write('  '.repeat(level + this.#indent) + escaped(text));
  }

  /** The rest of a line. */
  line(text = ''): void {
    this.write(0, `${text}\n`);
  }

  /** Columns begin anew after this. */
  flush(): void {
    this.#tabs.flush();
  }

  /** The same page, with everything some levels deeper. */
  nested(indent: number): Writer {
    return new Writer(this.now, { tabs: this.#tabs, out: this.#out, indent: this.#indent + indent });
  }

  /** All that was written. */
  text(): string {
    this.#tabs.flush();
    return this.#out.text;
  }

  /** `5m`; `<unknown>` without a time. */
  age(time: string | null | undefined): string {
    const at = time ? parseTime(time) : undefined;
    return at === undefined ? '<unknown>' : humanDuration((this.now - at) / 1e6);
  }
}

/** `Sat, 21 Nov 2026 13:00:00 +0000` (RFC 1123 with the zone as a number). */
export function dateText(time: string | null | undefined): string {
  const at = time ? parseTime(time) : undefined;
  const m = /^(\d{4})-(\d{2})-(\d{2})/.exec(time ?? '');
  if (at === undefined || !m) return ZERO_TIME;
  const seconds = Math.floor((at - Math.floor(at / DAY) * DAY) / 1e6);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  const weekday = DAYS[((Math.floor(at / DAY) % 7) + 7) % 7];
  return `${weekday}, ${m[3]} ${MONTHS[Number(m[2]) - 1]} ${m[1]} ${clock} +0000`;
}
