// Errors of the engine in cel-go's words: where, what, and the line with a caret under it.

import { EvaluationError, ParseError, TypeError as CheckError } from '@marcbachmann/cel-js';
import { CelError } from './cel.ts';
import type { Node } from './ast.ts';

const EXPRESSION_START = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** What the engine's errors tell about themselves. */
interface Detailed {
  readonly code: string;
  readonly summary: string;
  readonly range?: { readonly start: number; readonly end: number };
  readonly node?: Node;
}

/** `ERROR: <input>:1:5: message`, with the source and a caret. */
export function located(source: string, position: number, message: string): CelError {
  const at = Math.max(0, Math.min(position, source.length));
  const before = source.slice(0, at);
  const line = before.split('\n').length;
  const start = before.lastIndexOf('\n') + 1;
  const end = source.indexOf('\n', at);
  const text = source.slice(start, end < 0 ? source.length : end).replaceAll('\t', ' ');
  const column = at - start;
  return new CelError(`ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${'.'.repeat(column)}^`);
}

/** What went wrong before anything was evaluated. `isFunction` tells known functions from unknown ones. */
export function compileError(source: string, error: unknown, isFunction: (name: string) => boolean): CelError {
  if (error instanceof ParseError) return syntaxError(source, error as unknown as Detailed);
  if (!(error instanceof CheckError || error instanceof EvaluationError))
    return located(source, 0, error instanceof Error ? error.message : String(error));
  const { code, summary, range, node } = error as unknown as Detailed;
  const start = range?.start ?? 0;
  switch (code) {
    case 'unknown_variable':
      return located(source, start, `undeclared reference to '${after(summary, ': ')}' (in container '')`);
    case 'no_such_key':
      return located(source, before(source, start, '.'), `undefined field '${after(summary, ': ')}'`);
    case 'no_such_overload':
      return located(source, operatorAt(source, node, start), overload(summary));
    case 'no_matching_overload':
      return callError(source, node, start, summary, isFunction);
    case 'invalid_logical_operand':
      return located(source, start, `expected type 'bool' but found '${typeName(/got '(.*)'$/.exec(summary)?.[1] ?? 'dyn')}'`);
    case 'invalid_condition_type':
      return located(
        source,
        start,
        `found no matching overload for '_?_:_' applied to '(${typeName(/got '(.*)'$/.exec(summary)?.[1] ?? 'dyn')}, dyn, dyn)'`,
      );
    case 'incompatible_ternary_branches': {
      const [, a = '', b = ''] = /got '(.*)' and '(.*)'$/.exec(summary) ?? [];
      return located(source, start, `found no matching overload for '_?_:_' applied to '(bool, ${typeName(a)}, ${typeName(b)})'`);
    }
    case 'invalid_comprehension_range':
      return located(
        source,
        start,
        `expression of type '${typeName(/type '(.*)' cannot/.exec(summary)?.[1] ?? '')}' cannot be range of a comprehension (must be list, map, or dynamic)`,
      );
    case 'cannot_index_type':
      return located(
        source,
        before(source, start, '.'),
        `type '${typeName(/'(.*)'$/.exec(summary)?.[1] ?? '')}' does not support field selection`,
      );
    case 'heterogeneous_list_element':
    case 'heterogeneous_map_key':
    case 'heterogeneous_map_value': {
      const [, wanted = '', found = ''] = /expected type '(.*)' but found '(.*)'$/.exec(summary) ?? [];
      return located(source, start, `expected type '${typeName(wanted)}' but found '${typeName(found)}'`);
    }
    case 'invalid_macro_argument':
      return located(source, start, summary.startsWith('has') ? 'invalid argument to has() macro' : 'argument must be a simple name');
    default:
      return located(source, start, summary);
  }
}

const after = (text: string, mark: string): string => text.slice(text.indexOf(mark) + mark.length);

function before(source: string, position: number, mark: string): number {
  const found = source.lastIndexOf(mark, position);
  return found < 0 ? position : found;
}

/** Operators stand between their operands. */
function operatorAt(source: string, node: Node | undefined, fallback: number): number {
  if (!node || !Array.isArray(node.args)) return fallback;
  const left = (node.args as readonly Node[])[0];
  const found = left && typeof left.end === 'number' ? source.indexOf(node.op, left.end) : -1;
  return found < 0 ? fallback : found;
}

function overload(summary: string): string {
  const binary = /^no such overload: (.+) (==|!=|<=|>=|<|>|\+|-|\*|\/|%|in) (.+)$/.exec(summary);
  if (binary) {
    const [, left = '', op = '', right = ''] = binary;
    const name = op === 'in' ? '@in' : `_${op}_`;
    return `found no matching overload for '${name}' applied to '(${typeName(left)}, ${typeName(right)})'`;
  }
  const [, op = '', type = ''] = /^no such overload: ([-!])(.*)$/.exec(summary) ?? [];
  return `found no matching overload for '${op}_' applied to '(${typeName(type)})'`;
}

function callError(
  source: string,
  node: Node | undefined,
  start: number,
  summary: string,
  isFunction: (name: string) => boolean,
): CelError {
  const name = node && Array.isArray(node.args) ? String((node.args as readonly unknown[])[0]) : '';
  const receiver = node?.op === 'rcall' ? ((node.args as readonly unknown[])[1] as Node) : undefined;
  const from = receiver ? source.indexOf(name, receiver.end) : start;
  const open = source.indexOf('(', from + name.length);
  const at = open < 0 ? start : open;
  if (!isFunction(name)) return located(source, at, `undeclared reference to '${name}' (in container '')`);
  const [, of = '', args = ''] = /'(?:(.*)\.)?[^.(]*\((.*)\)'$/.exec(summary) ?? [];
  const list = splitTypes(args).map(typeName).join(', ');
  const types = receiver ? `${typeName(of)}.(${list})` : `(${list})`;
  return located(source, at, `found no matching overload for '${name}' applied to '${types}'`);
}

function splitTypes(text: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = text[i];
    if (c === '<') depth++;
    else if (c === '>') depth--;
    else if ((c === ',' && depth === 0) || i === text.length) {
      const part = text.slice(from, i).trim();
      if (part !== '') out.push(part);
      from = i + 1;
    }
  }
  return out;
}

/** `list<string>` of the engine is `list(string)` of cel-go. */
export function typeName(name: string): string {
  const m = /^(list|map|optional|dyn)<(.*)>$/.exec(name);
  if (m) {
    const inner = splitTypes(m[2] as string)
      .map(typeName)
      .join(', ');
    return m[1] === 'dyn' ? inner : `${m[1] === 'optional' ? 'optional_type' : m[1]}(${inner})`;
  }
  switch (name) {
    case 'list':
      return 'list(dyn)';
    case 'map':
      return 'map(dyn, dyn)';
    case 'google.protobuf.Timestamp':
      return 'timestamp';
    case 'google.protobuf.Duration':
      return 'duration';
    default:
      return name.replace(/#\d+$/, '');
  }
}

function syntaxError(source: string, { code, summary, range }: Detailed): CelError {
  const start = range?.start ?? 0;
  const found = start >= source.length ? '<EOF>' : source.slice(start, Math.max(range?.end ?? start + 1, start + 1));
  switch (code) {
    case 'unexpected_token':
      return located(source, start, `Syntax error: mismatched input '${found}' expecting ${EXPRESSION_START}`);
    case 'expected_token':
      return located(source, start, expected(summary, found, source, start));
    case 'unexpected_character':
      if (summary.startsWith("Unexpected character: '")) {
        const rest = source.slice(start + found.length).trim();
        return located(source, start, `Syntax error: ${rest === '' ? 'extraneous' : 'mismatched'} input '${found}' expecting <EOF>`);
      }
      return located(source, start, `Syntax error: token recognition error at: '${found}'`);
    case 'unterminated_string':
    case 'unterminated_triple_quoted_string':
    case 'newline_in_string':
      return located(source, start, `Syntax error: token recognition error at: '${source.slice(start)}'`);
    case 'reserved_identifier':
      return located(source, start, `reserved identifier: ${after(summary, ': ')}`);
    default:
      return located(source, start, `Syntax error: ${summary}`);
  }
}

const TOKENS: Readonly<Record<string, string>> = { RPAREN: "')'", RBRACKET: "']'", RBRACE: "'}'", COLON: "':'", IDENTIFIER: 'IDENTIFIER' };

function expected(summary: string, found: string, source: string, start: number): string {
  const wanted = TOKENS[/^Expected (\w+)/.exec(summary)?.[1] ?? ''] ?? 'IDENTIFIER';
  if (wanted === 'IDENTIFIER')
    return `Syntax error: no viable alternative at input '${source.slice(before(source, start, '.'), start)}${found === '<EOF>' ? '' : found}'`;
  return `Syntax error: missing ${wanted} at '${found}'`;
}

/** What went wrong while evaluating. */
export function runtimeMessage(error: unknown): string {
  if (!(error instanceof EvaluationError)) return error instanceof Error ? error.message : String(error);
  const { code, summary } = error as unknown as Detailed;
  switch (code) {
    case 'no_such_key':
      return `no such key: ${after(summary, ': ')}`;
    case 'index_out_of_bounds':
      return `index out of bounds: ${/index (-?\d+)/.exec(summary)?.[1] ?? ''}`;
    case 'unknown_variable':
      return `no such attribute(s): ${after(summary, ': ')}`;
    case 'modulo_by_zero':
      return 'modulus by zero';
    case 'numeric_overflow':
      return summary.startsWith('integer overflow') ? 'integer overflow' : summary;
    case 'invalid_duration':
      return `time: invalid duration ${JSON.stringify(after(summary, ': '))}`;
    case 'optional_value_missing':
      return 'optional.none() dereference';
    case 'no_such_overload':
    case 'no_matching_overload':
    case 'invalid_logical_operand':
    case 'invalid_condition_type':
    case 'variable_type_mismatch':
    case 'field_type_mismatch':
    case 'list_item_type_mismatch':
    case 'invalid_comprehension_range':
    case 'invalid_comparison_type':
      return 'no such overload';
    default:
      return summary;
  }
}
