// `Object.spec.template{replicas: 3}` and `JSONPatch{op: "add"}`: objects of mutating policies are written with their type's
// name; to the engine they are maps with the field names as keys.

const NAME = /(?:Object(?:\.[A-Za-z_]\w*)*|JSONPatch)\s*\{/y;
const FIELD = /\s*([A-Za-z_]\w*)(\s*:)/y;

/** The source with such objects turned into map literals. Other sources come back as they are. */
export function withoutConstructors(source: string): string {
  if (!source.includes('Object') && !source.includes('JSONPatch')) return source;
  let out = '';
  let at = 0;
  /** For each open bracket: whether the next word is a field of an object. */
  const open: boolean[] = [];
  let fieldNext = false;
  while (at < source.length) {
    const c = source[at] as string;
    if (c === '"' || c === "'") {
      const end = endOfString(source, at, c);
      out += source.slice(at, end);
      at = end;
      fieldNext = false;
      continue;
    }
    NAME.lastIndex = at;
    const name = /\w|\./.test(source[at - 1] ?? '') ? null : NAME.exec(source);
    if (name) {
      out += '{';
      at += name[0].length;
      open.push(true);
      fieldNext = true;
      continue;
    }
    if (fieldNext) {
      FIELD.lastIndex = at;
      const field = FIELD.exec(source);
      fieldNext = false;
      if (field) {
        out += `"${field[1]}"${field[2]}`;
        at += field[0].length;
        continue;
      }
    }
    if (c === '{' || c === '[' || c === '(') open.push(false);
    else if (c === '}' || c === ']' || c === ')') open.pop();
    else if (c === ',' && open.at(-1)) fieldNext = true;
    out += c;
    at++;
  }
  return out;
}

function endOfString(source: string, start: number, quote: string): number {
  for (let i = start + 1; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === quote) return i + 1;
  }
  return source.length;
}
