// Times as nginx writes them: in its error log, its access log and the Date header.

import { formatTime, SECOND } from '../../sim/time.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** 1 January 1970 was a Thursday. */
const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];

interface Parts {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  readonly time: string;
}

function partsOf(unix: number): Parts {
  const iso = formatTime(unix);
  return { year: iso.slice(0, 4), month: iso.slice(5, 7), day: iso.slice(8, 10), time: iso.slice(11, 19) };
}

const nameOf = (month: string): string => MONTHS[Number(month) - 1] ?? '';

/** `2026/05/04 01:00:32` */
export function errorLogTime(unix: number): string {
  const { year, month, day, time } = partsOf(unix);
  return `${year}/${month}/${day} ${time}`;
}

/** `04/May/2026:01:00:32 +0000` */
export function accessLogTime(unix: number): string {
  const { year, month, day, time } = partsOf(unix);
  return `${day}/${nameOf(month)}/${year}:${time} +0000`;
}

/** `Mon, 04 May 2026 01:00:32 GMT` */
export function httpDate(unix: number): string {
  const { year, month, day, time } = partsOf(unix);
  const weekday = DAYS[Math.floor(unix / (24 * 3600 * SECOND)) % 7] ?? '';
  return `${weekday}, ${day} ${nameOf(month)} ${year} ${time} GMT`;
}
