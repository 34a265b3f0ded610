// The steps of a path into an object as managedFields write them: `f:name`, `k:{"name":"web"}`, `v:"x"`, `i:0`
// (structured-merge-diff fieldpath/serialize-pe.go), their order, and how messages show them.

const fields = new Map<string, string>();
const MANY = 4_096;

/** `f:<name>`; the same text for the same name. */
export function fieldElement(name: string): string {
  let element = fields.get(name);
  if (element === undefined) {
    if (fields.size >= MANY) fields.clear();
    element = `f:${name}`;
    fields.set(name, element);
  }
  return element;
}

/** `v:<JSON>` */
export const valueElement = (value: unknown): string => `v:${JSON.stringify(value)}`;

/** `k:{…}` from names in alphabetical order and their values; undefined values are left out. */
export function keyElement(names: readonly string[], values: readonly unknown[]): string {
  let text = '';
  for (let i = 0; i < names.length; i++) {
    if (values[i] === undefined) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(names[i])}:${JSON.stringify(values[i])}`;
  }
  return `k:{${text}}`;
}

const isDigit = (c: number): boolean => c >= 48 && c <= 57;

/** Below 0 when `a` stands before `b`: the `.` of a node itself, then its fields, keys (numbers by value), values, indexes. */
export function compareElements(a: string, b: string): number {
  const kind = a.charCodeAt(0);
  const other = b.charCodeAt(0);
  if (kind !== other) return rankOf(kind) - rankOf(other);
  if (kind === 102) return a < b ? -1 : a === b ? 0 : 1;
  if (a === b) return 0;
  let at = 0;
  while (at < a.length && at < b.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  const number = numberAt(a, at);
  const others = numberAt(b, at);
  if (number !== null && others !== null && number !== others) return number - others;
  // The end of a text comes before everything that could go on.
  if (a[at] === '"') return -1;
  if (b[at] === '"') return 1;
  return a < b ? -1 : 1;
}

function rankOf(kind: number): number {
  switch (kind) {
    case 46:
      return 0;
    case 102:
      return 1;
    case 107:
      return 2;
    case 118:
      return 3;
    default:
      return 4;
  }
}

/** The number that `text` has around `at`, when it is not part of a quoted text. */
function numberAt(text: string, at: number): number | null {
  let begin = at;
  while (begin > 0 && isDigit(text.charCodeAt(begin - 1))) begin--;
  if (text[begin - 1] === '-') begin--;
  if (text[begin - 1] !== ':') return null;
  let end = at;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  return end > begin ? Number(text.slice(begin, end)) : null;
}

/** `.spec`, `[name="web"]`, `[="x"]`, `[0]`: a step as messages show it. */
export function showElement(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case 'f':
      return `.${rest}`;
    case 'k': {
      const key = readJson(rest) as Readonly<Record<string, unknown>> | null;
      const parts = Object.keys(key ?? {})
        .sort()
        .map((name) => `${name}=${JSON.stringify(key?.[name])}`);
      return `[${parts.join(',')}]`;
    }
    case 'v':
      return `[=${rest}]`;
    default:
      return `[${rest}]`;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
