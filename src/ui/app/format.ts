// Times of the virtual clock as text.

import type { Micros } from '../../session/protocol.ts';
import type { Translate } from '../i18n/i18n.ts';

/** `mm:ss.mmm`, with hours when there are any. */
export function clockText(time: Micros): string {
  const milliseconds = Math.floor(time / 1000);
  const part = (n: number, width = 2): string => String(n).padStart(width, '0');
  const hours = Math.floor(milliseconds / 3_600_000);
  const rest = `${part(Math.floor(milliseconds / 60_000) % 60)}:${part(Math.floor(milliseconds / 1000) % 60)}.${part(milliseconds % 1000, 3)}`;
  return hours > 0 ? `${part(hours)}:${rest}` : rest;
}

/** A length of time in its largest unit. */
export function ageText(t: Translate, age: Micros): string {
  const seconds = Math.max(0, Math.floor(age / 1_000_000));
  if (seconds < 120) return t('time.seconds', { n: seconds });
  if (seconds < 7200) return t('time.minutes', { n: Math.floor(seconds / 60) });
  if (seconds < 172_800) return t('time.hours', { n: Math.floor(seconds / 3600) });
  return t('time.days', { n: Math.floor(seconds / 86_400) });
}

/** A name that fits: its beginning and its unique end. */
export function shorten(name: string, length: number): string {
  if (name.length <= length) return name;
  const tail = 5;
  return `${name.slice(0, length - tail - 1)}…${name.slice(-tail)}`;
}
