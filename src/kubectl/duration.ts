// Durations as Go reads and writes them (time.ParseDuration, Duration.String), and ages as apimachinery's util/duration prints them.

const UNITS: Readonly<Record<string, number>> = { ns: 0.001, us: 1, µs: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9 };

/** Microseconds, or Go's words for what is wrong. */
export function parseDuration(text: string): number | string {
  if (text === '0' || text === '+0' || text === '-0') return 0;
  const quoted = JSON.stringify(text);
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (body === '') return `time: invalid duration ${quoted}`;
  let total = 0;
  const part = /(\d+\.?\d*|\.\d+)([^\d.]*)/y;
  for (let at = 0; at < body.length; at = part.lastIndex) {
    part.lastIndex = at;
    const m = part.exec(body);
    if (!m) return `time: invalid duration ${quoted}`;
    const unit = m[2] as string;
    if (unit === '') return `time: missing unit in duration ${quoted}`;
    const factor = UNITS[unit];
    if (factor === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`;
    total += Number(m[1]) * factor;
  }
  return sign * total;
}

/** `1h2m3.5s`. */
export function formatDuration(micros: number): string {
  if (micros === 0) return '0s';
  const sign = micros < 0 ? '-' : '';
  const us = Math.abs(micros);
  const trim = (n: number): string => String(Number(n.toFixed(6)));
  if (us < 1e3) return `${sign}${trim(us)}µs`;
  if (us < 1e6) return `${sign}${trim(us / 1e3)}ms`;
  const hours = Math.floor(us / 3.6e9);
  const minutes = Math.floor((us % 3.6e9) / 6e7);
  const seconds = `${trim((us % 6e7) / 1e6)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : sign + seconds;
}

/** duration.HumanDuration of whole seconds: `42s`, `5m10s`, `3h`, `2d4h`. */
export function humanDuration(seconds: number): string {
  const s = Math.trunc(seconds);
  if (s < -1) return '<invalid>';
  if (s < 0) return '0s';
  if (s < 120) return `${s}s`;
  const m = Math.floor(s / 60);
  const joined = (big: number, bigUnit: string, small: number, smallUnit: string): string => (small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`);
  if (m < 10) return joined(m, 'm', s % 60, 's');
  if (m < 180) return `${m}m`;
  const h = Math.floor(m / 60);
  if (h < 8) return joined(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  const d = Math.floor(h / 24);
  if (h < 192) return joined(d, 'd', h % 24, 'h');
  if (h < 24 * 365 * 2) return `${d}d`;
  const y = Math.floor(d / 365);
  return h < 24 * 365 * 8 ? joined(y, 'y', d % 365, 'd') : `${y}y`;
}
