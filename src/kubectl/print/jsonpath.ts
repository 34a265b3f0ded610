// The part of kubectl's JSONPath templates (client-go util/jsonpath) that people use: text, {.a.b}, {.a['b']}, {.list[0]},
// {.list[*].x}, {..x}, {range …}{end}, quoted text.

import { CommandError } from './error.ts';

type Part = { readonly text: string } | { readonly path: string } | { readonly range: string; readonly body: readonly Part[] };

/** The template filled in with values of `root`. Throws CommandError for a template that does not parse. */
export function jsonPath(root: unknown, template: string): string {
  const [parts] = parse(/[{}]/.test(template) ? template : `{${template.startsWith('.') || template.startsWith('$') ? '' : '.'}${template}}`, 0, false);
  return render(parts, root, root);
}

function parse(template: string, from: number, inRange: boolean): [parts: Part[], end: number] {
  const parts: Part[] = [];
  let i = from;
  while (i < template.length) {
    const open = template.indexOf('{', i);
    if (open < 0) {
      parts.push({ text: template.slice(i) });
      i = template.length;
      break;
    }
    if (open > i) parts.push({ text: template.slice(i, open) });
    const close = closing(template, open);
    const inner = template.slice(open + 1, close).trim();
    i = close + 1;
    if (inner === 'end') {
      if (inRange) return [parts, i];
      throw new CommandError('error parsing jsonpath: not in range, nothing to end');
    }
    if (inner.startsWith('range')) {
      const [body, end] = parse(template, i, true);
      parts.push({ range: inner.slice('range'.length).trim(), body });
      i = end;
    } else if (/^["']/.test(inner)) parts.push({ text: unquote(inner) });
    else parts.push({ path: inner });
  }
  if (inRange) throw new CommandError('error parsing jsonpath: unclosed range');
  return [parts, i];
}

function closing(template: string, open: number): number {
  let quote = '';
  for (let i = open + 1; i < template.length; i++) {
    const c = template[i] as string;
    if (quote !== '') {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '}') return i;
  }
  throw new CommandError('error parsing jsonpath: unclosed action');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };
const unquote = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c);

const textOf = (value: unknown): string => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value));

function render(parts: readonly Part[], root: unknown, at: unknown): string {
  let out = '';
  for (const part of parts) {
    if ('text' in part) out += part.text;
    else if ('path' in part) out += select(root, at, part.path).map(textOf).join(' ');
    else for (const item of select(root, at, part.range)) out += render(part.body, root, item);
  }
  return out;
}

function select(root: unknown, at: unknown, path: string): readonly unknown[] {
  let values: readonly unknown[] = [path.startsWith('$') ? root : at];
  const step = /\.\.([\w-]+)|\.((?:\\.|[\w/-])+)|\.\*|\[(\*|-?\d+|\d*:\d*|'[^']*'|"[^"]*")\]|\.(?=$|\[)/g;
  const text = path.replace(/^[$@]/, '');
  let end = 0;
  for (let m = step.exec(text); m; m = step.exec(text)) {
    if (m.index !== end) throw new CommandError(`error parsing jsonpath {${path}}: unrecognized character in action`);
    end = step.lastIndex;
    const [whole, deep, name, index] = m;
    if (deep !== undefined) values = values.flatMap((v) => descendants(v, deep));
    else if (name !== undefined) values = values.flatMap((v) => member(v, name.replace(/\\(.)/g, '$1')));
    else if (index === undefined) values = whole === '.*' ? values.flatMap((v) => (typeof v === 'object' && v !== null ? Object.values(v) : [])) : values;
    else if (index === '*') values = values.flatMap((v) => (typeof v === 'object' && v !== null ? Object.values(v) : []));
    else if (/^['"]/.test(index)) values = values.flatMap((v) => member(v, index.slice(1, -1)));
    else if (index.includes(':')) {
      const [a, b] = index.split(':') as [string, string];
      values = values.flatMap((v) => (Array.isArray(v) ? v.slice(Number(a || 0), b === '' ? undefined : Number(b)) : []));
    } else values = values.flatMap((v) => (Array.isArray(v) && v.at(Number(index)) !== undefined ? [v.at(Number(index))] : []));
  }
  if (end !== text.length) throw new CommandError(`error parsing jsonpath {${path}}: unrecognized character in action`);
  return values;
}

const member = (value: unknown, name: string): readonly unknown[] =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? [(value as Record<string, unknown>)[name]] : [];

function descendants(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return [...(Array.isArray(value) ? [] : member(value, name)), ...Object.values(value).flatMap((v) => descendants(v, name))];
}
