// How cells are written: ages, selectors, lists (apimachinery/pkg/util/duration, pkg/printers/internalversion).

import { parseTime, SECOND } from '../../sim/time.ts';
import type { Container, LabelSelector } from '../generated/types.ts';
import { NOTHING, selectorOf, selectorText } from '../selector.ts';

export const NONE = '<none>';
export const UNKNOWN = '<unknown>';
export const UNSET = '<unset>';

/** A length of time in seconds as `5m3s`, `2d4h`, … */
export function humanDuration(seconds: number): string {
  const s = Math.trunc(seconds);
  if (s < -1) return '<invalid>';
  if (s < 0) return '0s';
  if (s < 120) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 10) return s % 60 === 0 ? `${m}m` : `${m}m${s % 60}s`;
  if (m < 180) return `${m}m`;
  const h = Math.floor(m / 60);
  if (h < 8) return m % 60 === 0 ? `${h}h` : `${h}h${m % 60}m`;
  if (h < 48) return `${h}h`;
  const d = Math.floor(h / 24);
  if (d < 8) return h % 24 === 0 ? `${d}d` : `${d}d${h % 24}h`;
  if (d < 730) return `${d}d`;
  const y = Math.floor(d / 365);
  if (d < 2_920) return d % 365 === 0 ? `${y}y` : `${y}y${d % 365}d`;
  return `${y}y`;
}

/** How long ago a time was; `now` in microseconds since 1970. */
export function age(time: string | undefined, now: number): string {
  const micros = time === undefined ? undefined : parseTime(time);
  return micros === undefined ? UNKNOWN : humanDuration((now - micros) / SECOND);
}

/** Seconds between two times. */
export function secondsBetween(from: string, to: string | undefined, now: number): number {
  const start = parseTime(from) ?? 0;
  const end = to === undefined ? now : (parseTime(to) ?? now);
  return (end - start) / SECOND;
}

/** `a=1,b=2`, keys sorted. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? NONE : keys.map((key) => `${key}=${labels?.[key]}`).join(',');
}

/** The text of a LabelSelector. */
export function labelSelectorText(selector: LabelSelector | undefined): string {
  const compiled = selectorOf(selector);
  return compiled === NOTHING ? NONE : selectorText(compiled) || NONE;
}

export const containerNames = (containers: readonly Container[] | undefined): string => (containers ?? []).map((c) => c.name).join(',');
export const containerImages = (containers: readonly Container[] | undefined): string =>
  (containers ?? []).map((c) => c.image ?? '').join(',');

/** At most `max` items, then ` + N more...`. */
export function shortList(items: readonly string[], max: number, empty: string, separator = ','): string {
  if (items.length === 0) return empty;
  const text = items.slice(0, max).join(separator);
  return items.length > max ? `${text} + ${items.length - max} more...` : text;
}

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** `RWO,ROX`. */
export const accessModesText = (modes: readonly string[] | undefined): string => {
  const set = new Set(modes ?? []);
  return Object.keys(MODES)
    .filter((mode) => set.has(mode))
    .map((mode) => MODES[mode])
    .join(',');
};

/** `True`, `False`, `<unset>`. */
export const booleanText = (value: boolean | undefined): string => (value === undefined ? UNSET : value ? 'True' : 'False');
