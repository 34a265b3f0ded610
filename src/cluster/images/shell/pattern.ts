// Shell patterns: `*`, `?`, `[…]`, back-slash before what is meant literally.

const cache = new Map<string, RegExp>();

/** The whole string must match. */
export function matchesPattern(pattern: string, text: string): boolean {
  return patternExpression(pattern).test(text);
}

function patternExpression(pattern: string): RegExp {
  let expression = cache.get(pattern);
  if (expression === undefined) {
    if (cache.size > 500) cache.clear();
    cache.set(pattern, (expression = new RegExp(`^${patternSource(pattern)}$`, 's')));
  }
  return expression;
}

export function patternSource(pattern: string): string {
  let out = '';
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string;
    if (c === '\\' && i + 1 < pattern.length) out += escapeRegExp(pattern[++i] as string);
    else if (c === '*') out += '.*';
    else if (c === '?') out += '.';
    else if (c === '[') {
      const end = pattern.indexOf(']', i + 2);
      if (end < 0) {
        out += '\\[';
        continue;
      }
      const inner = pattern.slice(i + 1, end).replace(/^!/, '^').replace(/[\\[]/g, '\\$&');
      out += `[${inner}]`;
      i = end;
    } else out += escapeRegExp(c);
  }
  return out;
}

export const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
export const escapePattern = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&');
export const hasPattern = (pattern: string): boolean => /(^|[^\\])(\\\\)*[*?[]/.test(pattern);
/** A pattern without anything special, as plain text. */
export const unescapePattern = (pattern: string): string => pattern.replace(/\\(.)/gs, '$1');

/** `${v/pattern/text}`: the longest match, the first or (`//`) all of them, at the start (`/#`) or the end (`/%`). */
export function replacePattern(text: string, pattern: string, replacement: string, operator: string): string {
  if (pattern === '') return text;
  const source = patternSource(pattern);
  const expression = new RegExp(operator === '/#' ? `^${source}` : operator === '/%' ? `${source}$` : source, operator === '//' ? 'gs' : 's');
  return text.replace(expression, () => replacement);
}

/** `${v#pattern}`, `##`, `%`, `%%`. */
export function trimPattern(text: string, pattern: string, operator: string): string {
  const lengths = operator === '##' || operator === '%%' ? descending(text.length) : ascending(text.length);
  for (const n of lengths) {
    if (operator.startsWith('#')) {
      if (matchesPattern(pattern, text.slice(0, n))) return text.slice(n);
    } else if (matchesPattern(pattern, text.slice(text.length - n))) return text.slice(0, text.length - n);
  }
  return text;
}

function* ascending(n: number): Generator<number> {
  for (let i = 0; i <= n; i++) yield i;
}

function* descending(n: number): Generator<number> {
  for (let i = n; i >= 0; i--) yield i;
}
