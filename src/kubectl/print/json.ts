// JSON as Go's encoding/json writes it: keys of maps in order, `<`, `>`, `&` and the line separators escaped.

/** Byte order of keys, as Go's encoder sorts a map. */
const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The value with the keys of every object in order, and without undefined. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort(byText)) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner !== undefined) Object.defineProperty(out, key, { value: sorted(inner), enumerable: true, configurable: true, writable: true });
  }
  return out;
}

const ESCAPES: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' };

export const escapeHtml = (json: string): string => json.replace(/[<>&\u2028\u2029]/g, (c) => ESCAPES[c] as string);

/** Compact: `{"a":1}`. */
export const goJson = (value: unknown): string => escapeHtml(JSON.stringify(sorted(value)) ?? 'null');

/** Indented by four spaces. `keepOrder`: the keys as they stand, as Go writes the fields of a struct. */
export const goJsonIndent = (value: unknown, keepOrder = false): string =>
  escapeHtml(JSON.stringify(keepOrder ? value : sorted(value), null, 4) ?? 'null');

/** fmt's %v of a decoded JSON value: `map[a:1 b:[x y]]`. */
export function goPrint(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goPrint).join(' ')}]`;
  if (typeof value !== 'object') return typeof value === 'number' ? goNumber(value) : String(value);
  return `map[${Object.keys(value)
    .sort(byText)
    .map((key) => `${key}:${goPrint((value as Record<string, unknown>)[key])}`)
    .join(' ')}]`;
}

/** %v of a number: whole ones plain, others as %g. */
export function goNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return value.toFixed(0);
  return String(value).replace(/e([+-])(\d)$/, 'e$10$2');
}

/** fmt's %#v of a decoded JSON value: `map[string]interface {}{"a":1}`. */
export function goSyntax(value: unknown): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return typeof value === 'number' ? goNumber(value) : String(value);
  return `map[string]interface {}{${Object.keys(value)
    .sort(byText)
    .map((key) => `${JSON.stringify(key)}:${goSyntax((value as Record<string, unknown>)[key])}`)
    .join(', ')}}`;
}
