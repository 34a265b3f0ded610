// Virtual time. One unit everywhere: whole microseconds since the session began.

/** Whole microseconds: an instant since the start of the session, or a length of time. */
export type Micros = number;

export const MICROSECOND: Micros = 1;
export const MILLISECOND: Micros = 1_000;
export const SECOND: Micros = 1_000_000;
export const MINUTE: Micros = 60 * SECOND;
export const HOUR: Micros = 60 * MINUTE;

export const milliseconds = (n: number): Micros => Math.round(n * MILLISECOND);
export const seconds = (n: number): Micros => Math.round(n * SECOND);
export const minutes = (n: number): Micros => Math.round(n * MINUTE);

const pad = (n: number, width: number): string => String(n).padStart(width, '0');

/** Days since 1970-01-01 to a civil date (Howard Hinnant's algorithm: proleptic Gregorian, no time zone). */
function civil(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const mp = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * mp + 2) / 5) + 1;
  const month = mp < 10 ? mp + 3 : mp - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, month, day };
}

/** Many objects are written in one second: the last text made is remembered. */
let lastSecond = Number.NaN;
let lastText = '';

function civilTime(unixMicros: number): string {
  const secs = Math.floor(unixMicros / SECOND);
  if (secs !== lastSecond) {
    lastText = civilText(secs);
    lastSecond = secs;
  }
  return lastText;
}

function civilText(secs: number): string {
  const days = Math.floor(secs / 86_400);
  const rest = secs - days * 86_400;
  const { year, month, day } = civil(days);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${pad(Math.floor(rest / 3_600), 2)}:${pad(Math.floor(rest / 60) % 60, 2)}:${pad(rest % 60, 2)}`;
}

/** metav1.Time on the wire: RFC 3339 in UTC, whole seconds (truncated, as Go's encoder does). `unixMicros` is since 1970. */
export const formatTime = (unixMicros: number): string => `${civilTime(unixMicros)}Z`;

/** metav1.MicroTime on the wire: always exactly six fractional digits. */
export function formatMicroTime(unixMicros: number): string {
  const fraction = unixMicros - Math.floor(unixMicros / SECOND) * SECOND;
  return `${civilTime(unixMicros)}.${pad(fraction, 6)}Z`;
}

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/** Parses RFC 3339 to microseconds since 1970; undefined when it is not a time. */
export function parseTime(text: string): number | undefined {
  const m = RFC3339.exec(text);
  if (!m) return undefined;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((i) => Number(m[i])) as [
    number, number, number, number, number, number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146_097 + dayOfEra - 719_468;
  const offset = m[8] ? (m[8] === '-' ? -1 : 1) * (Number(m[9]) * 3_600 + Number(m[10]) * 60) : 0;
  const micros = m[7] ? Math.floor(Number(m[7].padEnd(9, '0')) / 1_000) : 0;
  return (days * 86_400 + hour * 3_600 + minute * 60 + second - offset) * SECOND + micros;
}
