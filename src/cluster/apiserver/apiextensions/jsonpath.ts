// The JSONPath of printer columns and selectable fields (client-go/util/jsonpath, without templates): fields, indices,
// wildcards and filters such as `.status.conditions[?(@.type=="Ready")].status`.

import { isPlain } from './schema.ts';

type Step = (values: readonly unknown[]) => unknown[];

export interface JsonPath {
  /** What lies at the path; empty when nothing does. */
  find(object: unknown): readonly unknown[];
}

/** The path, or null when it cannot be read. */
export function parseJsonPath(path: string): JsonPath | null {
  const steps = parseSteps(path);
  if (!steps) return null;
  return { find: (object) => steps.reduce<readonly unknown[]>((values, step) => step(values), [object]) };
}

function parseSteps(text: string): Step[] | null {
  const steps: Step[] = [];
  let rest = text.replace(/^\$/, '');
  while (rest !== '' && rest !== '.') {
    const field = /^\.((?:\\.|[^.[\]\s])+)/.exec(rest);
    if (field) {
      const name = (field[1] as string).replaceAll(/\\(.)/g, '$1');
      steps.push(name === '*' ? everything : child(name));
      rest = rest.slice(field[0].length);
      continue;
    }
    const end = rest.startsWith('[') ? closing(rest) : -1;
    if (end < 0) return null;
    const step = parseBracket(rest.slice(1, end).trim());
    if (!step) return null;
    steps.push(step);
    rest = rest.slice(end + 1);
  }
  return steps;
}

/** The bracket that closes the first one; quoted ones do not count. */
function closing(text: string): number {
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (quote !== '') {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '[') depth++;
    else if (c === ']' && --depth === 0) return i;
  }
  return -1;
}

function parseBracket(inside: string): Step | null {
  if (inside === '*') return everything;
  const quoted = /^(['"])(.*)\1$/.exec(inside);
  if (quoted) return child((quoted[2] as string).replaceAll(/\\(.)/g, '$1'));
  if (/^-?\d+$/.test(inside)) return items((list) => [list.at(Number(inside))].filter((v) => v !== undefined));
  const slice = /^(-?\d*):(-?\d*)$/.exec(inside);
  if (slice) return items((list) => list.slice(slice[1] === '' ? 0 : Number(slice[1]), slice[2] === '' ? undefined : Number(slice[2])));
  const filter = /^\?\((.*)\)$/.exec(inside);
  return filter ? parseFilter(filter[1] as string) : null;
}

const child =
  (name: string): Step =>
  (values) =>
    values.flatMap((v) => (isPlain(v) && v[name] !== undefined ? [v[name]] : []));
const items =
  (pick: (list: readonly unknown[]) => readonly unknown[]): Step =>
  (values) =>
    values.flatMap((v) => (Array.isArray(v) ? pick(v) : []));
const everything: Step = (values) => values.flatMap((v) => (Array.isArray(v) ? v : isPlain(v) ? Object.values(v) : []));

function parseFilter(text: string): Step | null {
  const match = /^\s*@((?:\.[^\s=!<>]+|\[[^\]]*\])*)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/.exec(text);
  const left = match && parseSteps(match[1] ?? '');
  if (!match || !left) return null;
  const [, , operator, literal] = match;
  const right = operator === undefined ? undefined : literalOf(literal as string);
  const holds = (item: unknown): boolean => {
    const [found] = left.reduce<readonly unknown[]>((values, step) => step(values), [item]);
    return operator === undefined ? found !== undefined : found !== undefined && compare(found, operator, right);
  };
  return items((list) => list.filter(holds));
}

function literalOf(text: string): unknown {
  const quoted = /^(['"])(.*)\1$/.exec(text);
  if (quoted) return quoted[2];
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) return false;
  const [a, b] = [left as string, right as string];
  switch (operator) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}
