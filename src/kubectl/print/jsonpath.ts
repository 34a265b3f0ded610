// Evaluates JSONPath templates as kubectl's -o jsonpath does (client-go util/jsonpath/jsonpath.go).

import { CommandError } from './error.ts';
import { goJson, goJsonIndent, goNumber, goPrint } from './json.ts';
import { type List, type Node, parseTemplate } from './jsonpath-parse.ts';

export interface JsonPathOptions {
  readonly allowMissing: boolean;
  /** -o jsonpath-as-json. */
  readonly asJson?: boolean;
}

type Values = readonly unknown[];
type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const sortedValues = (fields: Fields): unknown[] => Object.keys(fields).sort().map((key) => fields[key]);

const goTypeOf = (value: unknown): string =>
  typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? (Number.isInteger(value) ? 'int64' : 'float64') : Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';

export class JsonPath {
  readonly #root: List;
  readonly #options: JsonPathOptions;
  #beginRange = 0;
  #inRange = 0;
  #endRange = 0;
  #lastEnd = -1;

  /** Throws Error when the template does not parse. */
  constructor(template: string, options: JsonPathOptions) {
    this.#root = parseTemplate(template);
    this.#options = options;
  }

  /** The template's text for a value. Throws CommandError. */
  print(value: unknown): string {
    return this.results(value).map((group) => this.#text(group)).join('');
  }

  /** The values that each action of the template finds. Throws CommandError. */
  results(value: unknown): Values[] {
    this.#beginRange = this.#inRange = this.#endRange = 0;
    return this.#block(value, 0);
  }

  /** The nodes from `from` on, to the end or to the `{end}` of this range. */
  #block(value: unknown, from: number): Values[] {
    const { nodes } = this.#root;
    const found: Values[] = [];
    for (let i = from; i < nodes.length; i++) {
      const results = this.#walk([value], nodes[i] as Node);
      if (this.#endRange > 0 && this.#endRange <= this.#inRange) {
        this.#endRange--;
        this.#lastEnd = i;
        break;
      }
      if (this.#beginRange > 0) {
        this.#beginRange--;
        this.#inRange++;
        this.#lastEnd = -1;
        if (results.length > 0) for (const one of results) found.push(...this.#block(one, i + 1));
        else this.#block(null, i + 1);
        this.#inRange--;
        i = this.#lastEnd > i ? this.#lastEnd : nodes.length;
        continue;
      }
      found.push(results);
    }
    return found;
  }

  #walk(input: Values, node: Node): Values {
    switch (node.type) {
      case 'list':
        return node.nodes.reduce<Values>((values, inner) => this.#walk(values, inner), input);
      case 'text':
        return [node.text];
      case 'literal':
        return input.map(() => node.value);
      case 'field':
        return this.#field(input, node.name);
      case 'identifier':
        return this.#identifier(input, node.name);
      case 'wildcard':
        return input.flatMap((v) => (Array.isArray(v) ? (v as unknown[]) : isFields(v) ? sortedValues(v) : []));
      case 'recursive':
        return input.flatMap(descend);
      case 'union':
        return node.lists.flatMap((inner) => this.#walk(input, inner));
      case 'array':
        return input.flatMap((v) => sliceOf(v, node.params));
      case 'filter':
        return input.flatMap((v) => this.#filter(v, node));
    }
  }

  #identifier(input: Values, name: string): Values {
    if (name === 'range') this.#beginRange++;
    else if (name !== 'end') throw new CommandError(`unrecognized identifier ${name}`);
    else if (this.#inRange > 0) this.#endRange++;
    else throw new CommandError('not in range, nothing to end');
    return input;
  }

  #field(input: Values, name: string): Values {
    const found = input.flatMap((v) => (isFields(v) && Object.hasOwn(v, name) ? [v[name]] : []));
    if (input.length > 0 && found.length === 0 && !this.#options.allowMissing) throw new CommandError(`${name} is not found`);
    return found;
  }

  #filter(value: unknown, { left, right, operator }: Extract<Node, { type: 'filter' }>): Values {
    if (value === null || value === undefined) return [];
    if (!Array.isArray(value)) throw new CommandError(`${goPrint(value)} is not array or slice and cannot be filtered`);
    return (value as unknown[]).filter((element) => {
      let lefts: Values = [];
      try {
        lefts = this.#walk([element], left);
      } catch (error) {
        if (operator !== 'exists') throw error;
      }
      if (operator === 'exists') return lefts.length > 0;
      if (lefts.length === 0) return false;
      if (lefts.length > 1) throw new CommandError('can only compare one element at a time');
      const rights = this.#walk([element], right);
      if (rights.length === 0) return false;
      if (rights.length > 1) throw new CommandError('can only compare one element at a time');
      return compare(lefts[0], rights[0], operator);
    });
  }

  #text(results: Values): string {
    if (this.#options.asJson) return `${goJsonIndent(results)}\n`;
    return results.map((v) => (typeof v === 'object' && v !== null ? goJson(v) : v === null || v === undefined ? 'null' : typeof v === 'number' ? goNumber(v) : String(v))).join(' ');
  }
}

function descend(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Array.isArray(value) ? (value as unknown[]) : sortedValues(value as Fields);
  return inner.length === 0 ? [] : [value, ...inner.flatMap(descend)];
}

function sliceOf(value: unknown, [first, second, third]: Extract<Node, { type: 'array' }>['params']): Values {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new CommandError(`${goTypeOf(value)} is not array or slice`);
  const { length } = value;
  let from = first.known ? first.value : 0;
  if (from < 0) from += length;
  let to = second.known ? second.value : length;
  if (to < 0 || (to === 0 && second.derived)) to += length;
  if (to === from) return [];
  if (from >= length || from < 0) throw new CommandError(`array index out of bounds: index ${from}, length ${length}`);
  if (to > length || to < 0) throw new CommandError(`array index out of bounds: index ${to - 1}, length ${length}`);
  if (from > to) throw new CommandError(`starting index ${from} is greater than ending index ${to}`);
  if (third.known && third.value <= 0) throw new CommandError('step must be > 0');
  const step = third.known ? third.value : 1;
  return (value as unknown[]).slice(from, to).filter((_, i) => i % step === 0);
}

function compare(left: unknown, right: unknown, operator: string): boolean {
  const [a, b] = [left as number, right as number];
  const kind = goTypeOf(left);
  if (left === null || right === null || typeof left === 'object' || typeof right === 'object') throw new CommandError('invalid type for comparison');
  if (kind !== goTypeOf(right)) throw new CommandError('incompatible types for comparison');
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    default:
      throw new CommandError(`unrecognized filter operator ${operator}`);
  }
}

/** `{.x}`, `.x`, `x` or `{x}` → `{.x}` (get's RelaxedJSONPathExpression). Throws CommandError. */
export function relaxedPath(expression: string): string {
  if (expression === '') return expression;
  const m = /^\{\.?([^{}]+)\}$|^\.?([^{}]+)$/.exec(expression);
  if (!m) throw new CommandError(`unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'`);
  const spec = m[1] ?? m[2] ?? '';
  return `{.${spec}}`;
}
