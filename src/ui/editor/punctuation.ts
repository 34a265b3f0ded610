// Full-width punctuation where YAML needs the half-width character: after a key, in an indentation, as a list dash,
// as the quotes or brackets of a value. Chinese text in values, comments and block scalars is left alone.

export interface Misplaced {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly found: string;
  readonly instead: string;
}

const PAIRS: Readonly<Record<string, string>> = {
  '：': ': ', '，': ', ', '“': '"', '”': '"', '‘': "'", '’': "'", '［': '[', '］': ']', '【': '[', '】': ']', '｛': '{', '｝': '}',
  '－': '-', '—': '-', '　': '  ', '＃': '#', '＂': '"', '＇': "'",
};
const INDENT = /^[ \t\u3000]*/;
const KEY = /^(?:[-－—][ \u3000]+)*[\w./"'“”-]+(：)/;
const DASH = /^([－—])(?:[ \u3000]|$)/;
const BLOCK = /(?::|-)\s*[|>][-+0-9]*\s*$/;
const VALUE = /(?:[:：]\s*|^[-－—]\s+)(?=[“”‘’［【｛＂＇])/;
const FLOW_MARKS = /[“”‘’［］【】｛｝，：＂＇]/g;

export function misplacedPunctuation(text: string): readonly Misplaced[] {
  if (!/[\u2014\u2018-\u201d\u3000-\u3011\uff02-\uff5d]/.test(text)) return [];
  const result: Misplaced[] = [];
  let block = -1;
  for (const [i, line] of text.split('\n').entries()) {
    const indent = INDENT.exec(line)?.[0] ?? '';
    const rest = line.slice(indent.length);
    if (block >= 0 && (rest === '' || indent.length > block)) continue;
    block = BLOCK.test(rest) ? indent.length : -1;
    const note = (column: number): void => {
      const found = line.charAt(column);
      const instead = PAIRS[found];
      if (instead !== undefined && !result.some((m) => m.line === i + 1 && m.column === column + 1)) {
        result.push({ line: i + 1, column: column + 1, found, instead: instead.endsWith(' ') && line.charAt(column + 1) === ' ' ? instead.trim() : instead });
      }
    };
    for (let c = 0; c < indent.length; c++) if (indent.charAt(c) === '　') note(c);
    if (rest.startsWith('#')) continue;
    if (rest.startsWith('＃')) {
      note(indent.length);
      continue;
    }
    if (DASH.test(rest)) note(indent.length);
    const key = KEY.exec(rest);
    if (key) {
      note(indent.length + key[0].length - 1);
      for (let c = 0; c < key[0].length; c++) if ('“”'.includes(rest.charAt(c))) note(indent.length + c);
    }
    const value = VALUE.exec(rest);
    if (value) {
      const from = value.index + value[0].length;
      const end = commentStart(rest, from);
      for (const m of rest.slice(from, end).matchAll(FLOW_MARKS)) {
        if (isStructure(rest.slice(from, end), m.index)) note(indent.length + from + m.index);
      }
    }
  }
  return result;
}

/** Inside quotes everything is text, except the quotes themselves. */
function isStructure(value: string, at: number): boolean {
  const quotes = '“”‘’＂＇';
  if (!quotes.includes(value.charAt(0))) return true;
  return at === 0 || (quotes.includes(value.charAt(at)) && value.slice(at + 1).trim() === '');
}

function commentStart(line: string, from: number): number {
  const at = line.indexOf(' #', from);
  return at < 0 ? line.length : at;
}

export function withHalfWidth(text: string, found: readonly Misplaced[]): string {
  const lines = text.split('\n');
  for (const m of found.toSorted((a, b) => b.line - a.line || b.column - a.column)) {
    const line = lines[m.line - 1] ?? '';
    lines[m.line - 1] = line.slice(0, m.column - 1) + m.instead + line.slice(m.column);
  }
  return lines.join('\n');
}
