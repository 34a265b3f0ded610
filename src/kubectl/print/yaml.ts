// YAML as sigs.k8s.io/yaml writes it (go-yaml v2): natural order of keys, quotes only where needed, lines folded at 80 columns,
// literal blocks, lists not indented below their key.

const WIDTH = 80;

const isDigit = (c: string | undefined): boolean => c !== undefined && c >= '0' && c <= '9';
const isLetter = (c: string): boolean => /\p{L}/u.test(c);

/** yaml.v2's keyList.Less: letters by code, runs of digits by number. */
export function compareKeys(a: string, b: string): number {
  const [ar, br] = [[...a], [...b]];
  for (let i = 0; i < ar.length && i < br.length; i++) {
    const [x, y] = [ar[i] as string, br[i] as string];
    if (x === y) continue;
    const [xl, yl] = [isLetter(x), isLetter(y)];
    if (xl && yl) return x < y ? -1 : 1;
    if (xl || yl) return yl ? -1 : 1;
    let [an, bn] = [0, 0];
    if (x === '0' || y === '0') {
      for (let j = i - 1; j >= 0 && isDigit(ar[j]); j--) {
        if (ar[j] !== '0') {
          an = bn = 1;
          break;
        }
      }
    }
    let [ai, bi] = [i, i];
    for (; isDigit(ar[ai]); ai++) an = an * 10 + Number(ar[ai]);
    for (; isDigit(br[bi]); bi++) bn = bn * 10 + Number(br[bi]);
    if (an !== bn) return an < bn ? -1 : 1;
    if (ai !== bi) return ai < bi ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return ar.length - br.length;
}

const WORDS = new Set(['', '~', '<<', '.nan', '.NaN', '.NAN']);
for (const w of ['null', 'true', 'false', 'yes', 'no', 'on', 'off', 'y', 'n']) for (const form of [w, w.toUpperCase(), (w[0] as string).toUpperCase() + w.slice(1)]) WORDS.add(form);
for (const sign of ['', '+', '-']) for (const w of ['.inf', '.Inf', '.INF']) WORDS.add(sign + w);

const INTEGER = /^[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9]\d*)$/;
const FLOAT = /^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$/;
const BASE60 = /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/;
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}([Tt ]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d{2}:\d{2})?)?$/;

/** Whether the text, unquoted, would be read as something else than a string. */
function resolvesToOther(text: string): boolean {
  if (WORDS.has(text)) return true;
  const first = text[0] as string;
  if (!isDigit(first) && first !== '+' && first !== '-' && first !== '.') return false;
  const plain = text.replaceAll('_', '');
  return FLOAT.test(plain) || INTEGER.test(plain) || BASE60.test(text) || TIMESTAMP.test(text);
}

const isPrintable = (c: string): boolean => {
  const code = c.codePointAt(0) as number;
  return code === 0x0a || (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff);
};
const isBreak = (c: string | undefined): boolean => c === '\n' || c === '\r' || c === '\x85' || c === '\u2028' || c === '\u2029';
const isBlank = (c: string | undefined): boolean => c === undefined || c === ' ' || c === '\t' || isBreak(c);

interface Allowed {
  readonly plain: boolean;
  readonly single: boolean;
  readonly block: boolean;
}

/** libyaml's analyze_scalar, for block context. */
function analyze(chars: readonly string[]): Allowed {
  if (chars.length === 0) return { plain: true, single: true, block: false };
  const start = chars.slice(0, 3).join('');
  let indicators = start === '---' || start === '...';
  let [special, breaks, leading, trailing, trailingSpace, breakSpace, spaceBreak] = [false, false, false, false, false, false, false];
  let [previousSpace, previousBreak, precededByBlank] = [false, false, true];
  for (const [i, c] of chars.entries()) {
    const followedByBlank = isBlank(chars[i + 1]);
    if (i === 0) {
      if ('#,[]{}&*!|>\'"%@`'.includes(c)) indicators = true;
      else if ((c === '?' || c === ':' || c === '-') && followedByBlank) indicators = true;
    } else if ((c === ':' && followedByBlank) || (c === '#' && precededByBlank)) indicators = true;
    if (!isPrintable(c)) special = true;
    const last = i === chars.length - 1;
    if (c === ' ') {
      if (i === 0) leading = true;
      if (last) trailing = trailingSpace = true;
      if (previousBreak) breakSpace = true;
      [previousSpace, previousBreak] = [true, false];
    } else if (isBreak(c)) {
      breaks = true;
      if (i === 0) leading = true;
      if (last) trailing = true;
      if (previousSpace) spaceBreak = true;
      [previousSpace, previousBreak] = [false, true];
    } else [previousSpace, previousBreak] = [false, false];
    precededByBlank = isBlank(c);
  }
  const never = spaceBreak || special;
  return {
    plain: !(leading || trailing || breakSpace || never || breaks || indicators),
    single: !(breakSpace || never),
    block: !(trailingSpace || never),
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '0', '\x07': 'a', '\b': 'b', '\t': 't', '\n': 'n', '\v': 'v', '\f': 'f', '\r': 'r', '\x1b': 'e', '"': '"', '\\': '\\', '\x85': 'N', '\xa0': '_', '\u2028': 'L', '\u2029': 'P',
};

function escaped(c: string): string {
  const short = ESCAPES[c];
  if (short !== undefined) return `\\${short}`;
  const code = c.codePointAt(0) as number;
  const hex = code.toString(16).toUpperCase();
  return code <= 0xff ? `\\x${hex.padStart(2, '0')}` : code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

class Writer {
  out = '';
  column = 0;

  put(text: string): void {
    this.out += text;
    this.column += text.length;
  }

  line(indent: number): void {
    if (!this.out.endsWith('\n') && this.out !== '') this.out += '\n';
    this.out += ' '.repeat(indent);
    this.column = indent;
  }

  /** `indent` is where a folded line goes on; `isKey`: on one line. */
  text(value: string, indent: number, isKey: boolean): void {
    const chars = [...value];
    const allowed = analyze(chars);
    if (value.includes('\n')) {
      if (allowed.block && !isKey) this.#literal(chars, indent);
      else this.#doubleQuoted(chars, indent, !isKey);
    } else if (resolvesToOther(value)) this.#doubleQuoted(chars, indent, !isKey);
    else if (allowed.plain) this.#folded(chars, indent, !isKey, false);
    else if (allowed.single) {
      this.put("'");
      this.#folded(chars, indent, !isKey, true);
      this.put("'");
    } else this.#doubleQuoted(chars, indent, !isKey);
  }

  #fold(indent: number): void {
    this.out += `\n${' '.repeat(indent)}`;
    this.column = indent;
  }

  #folded(chars: readonly string[], indent: number, mayFold: boolean, quoted: boolean): void {
    let spaces = false;
    for (const [i, c] of chars.entries()) {
      if (c === ' ') {
        const inside = !quoted || (i > 0 && i < chars.length - 1);
        if (mayFold && !spaces && this.column > WIDTH && inside && chars[i + 1] !== ' ') this.#fold(indent);
        else this.#one(c);
        spaces = true;
      } else {
        if (quoted && c === "'") this.#one("'");
        this.#one(c);
        spaces = false;
      }
    }
  }

  #one(c: string): void {
    this.out += c;
    this.column++;
  }

  #doubleQuoted(chars: readonly string[], indent: number, mayFold: boolean): void {
    this.put('"');
    let spaces = false;
    for (const [i, c] of chars.entries()) {
      if (!isPrintable(c) || isBreak(c) || c === '"' || c === '\\') {
        this.put(escaped(c));
        spaces = false;
      } else if (c === ' ') {
        if (mayFold && !spaces && this.column > WIDTH && i > 0 && i < chars.length - 1) {
          this.#fold(indent);
          if (chars[i + 1] === ' ') this.put('\\');
        } else this.#one(c);
        spaces = true;
      } else {
        this.#one(c);
        spaces = false;
      }
    }
    this.put('"');
  }

  #literal(chars: readonly string[], indent: number): void {
    const last = chars.at(-1);
    const hint = chars[0] === ' ' || isBreak(chars[0]) ? '2' : '';
    const chomp = !isBreak(last) ? '-' : chars.length === 1 || isBreak(chars.at(-2)) ? '+' : '';
    this.out += `|${hint}${chomp}\n`;
    let fresh = true;
    for (const c of chars) {
      if (isBreak(c)) {
        this.out += c;
        fresh = true;
      } else {
        if (fresh) this.out += ' '.repeat(indent);
        this.out += c;
        fresh = false;
      }
    }
    this.column = fresh ? 0 : WIDTH;
  }
}

const MAX_SIMPLE_KEY = 128;

function scalar(w: Writer, value: unknown, indent: number): void {
  if (typeof value === 'string') w.text(value, indent, false);
  else if (value === null || value === undefined) w.put('null');
  else if (typeof value === 'number') w.put(Math.abs(value) >= 1e21 ? String(value) : String(value).replace(/e([+-])(\d)$/, 'e$10$2'));
  else w.put(String(value));
}

const isEmpty = (value: object): boolean => (Array.isArray(value) ? value.length === 0 : keysOf(value).length === 0);
const keysOf = (value: object): string[] => Object.keys(value).filter((key) => (value as Record<string, unknown>)[key] !== undefined);

/** `inline`: the first line goes on behind what is written (`- `). */
function node(w: Writer, value: unknown, indent: number, inline: boolean): void {
  if (typeof value !== 'object' || value === null) {
    scalar(w, value, indent + 2);
    return;
  }
  if (isEmpty(value)) {
    w.put(Array.isArray(value) ? '[]' : '{}');
    return;
  }
  let first = inline;
  if (Array.isArray(value)) {
    for (const element of value) {
      if (!first) w.line(indent);
      first = false;
      w.put('- ');
      node(w, element, typeof element === 'object' && element !== null ? indent + 2 : indent, true);
    }
    return;
  }
  for (const key of keysOf(value).sort(compareKeys)) {
    if (!first) w.line(indent);
    first = false;
    const inner = (value as Record<string, unknown>)[key];
    const complex = key.length > MAX_SIMPLE_KEY || key.includes('\n');
    if (complex) {
      w.put('? ');
      w.text(key, indent + 2, false);
      w.line(indent);
    } else w.text(key, indent, true);
    const nested = typeof inner === 'object' && inner !== null && !isEmpty(inner);
    if (nested && !complex) {
      w.put(':');
      node(w, inner, Array.isArray(inner) ? indent : indent + 2, false);
    } else {
      w.put(': ');
      node(w, inner, nested && !Array.isArray(inner) ? indent + 2 : indent, complex);
    }
  }
}

/** The document with its final line break. */
export function goYaml(value: unknown): string {
  const w = new Writer();
  node(w, value, 0, true);
  return w.out.endsWith('\n') ? w.out : `${w.out}\n`;
}

/** What `kubectl get -o yaml` prints of one object, without the final line break. managedFields are left out, as kubectl does. */
export const printYaml = (object: unknown): string => goYaml(withoutManagedFields(object)).trimEnd();

/** The object, or the items of a list, without metadata.managedFields. */
export function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null) return object;
  const { metadata, items } = object as { metadata?: Record<string, unknown>; items?: unknown };
  if (Array.isArray(items)) return { ...object, items: items.map(withoutManagedFields) };
  if (!metadata?.['managedFields']) return object;
  const { managedFields: _managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}
