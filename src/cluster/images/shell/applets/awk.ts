// awk, as far as one-liners go: `[BEGIN|END|/expression/|comparison] { print … }`, fields, NR, NF, -F.

import { type Applet, AppletError, parseFlags } from '../applet.ts';
import { unescape } from '../format.ts';
import { LineReader, TextReader } from '../streams.ts';
import { readInput } from './files.ts';
import { expression } from './text.ts';

interface Rule {
  readonly when: 'BEGIN' | 'END' | ((fields: readonly string[], n: number) => boolean);
  readonly print: readonly string[];
}

function parse(program: string): Rule[] {
  const rules: Rule[] = [];
  const pattern = /\s*(BEGIN|END|\/(?:\\.|[^/])*\/|[^{]*?)\s*(\{([^}]*)\}|$)/y;
  while (pattern.lastIndex < program.length) {
    const m = pattern.exec(program);
    if (!m || m[0] === '') break;
    const condition = (m[1] as string).trim();
    if (condition === '' && m[3] === undefined) break;
    rules.push({ when: conditionOf(condition), print: (m[3] ?? 'print').split(/[;\n]/).map((s) => s.trim()).filter((s) => s !== '') });
  }
  return rules;
}

function conditionOf(text: string): Rule['when'] {
  if (text === 'BEGIN' || text === 'END') return text;
  if (text === '') return () => true;
  if (text.startsWith('/')) {
    const test = expression(text.slice(1, -1), true);
    return (fields) => test.test(fields[0] as string);
  }
  const m = /^(\$?\w+)\s*(==|!=|<=|>=|<|>|~|!~)\s*(.+)$/.exec(text);
  if (!m) throw new AppletError(`cmd. line:1: Unexpected token`);
  const [left, operator, right] = [m[1] as string, m[2] as string, m[3] as string];
  return (fields, n) => {
    const a = valueOf(left, fields, n);
    if (operator.endsWith('~')) return expression(right.replace(/^\/|\/$/g, ''), true).test(a) === (operator === '~');
    const b = valueOf(right, fields, n);
    const numeric = a !== '' && b !== '' && !Number.isNaN(Number(a)) && !Number.isNaN(Number(b));
    const order = numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;
    if (operator === '==') return order === 0;
    if (operator === '!=') return order !== 0;
    if (operator === '<') return order < 0;
    if (operator === '<=') return order <= 0;
    return operator === '>' ? order > 0 : order >= 0;
  };
}

function valueOf(term: string, fields: readonly string[], n: number): string {
  const text = term.trim();
  if (text.startsWith('"')) return unescape(text.slice(1, -1));
  if (text === 'NR') return String(n);
  if (text === 'NF') return String(fields.length - 1);
  if (text === '$NF') return fields.at(-1) ?? '';
  if (/^\$\d+$/.test(text)) return fields[Number(text.slice(1))] ?? '';
  return /^-?\d+(\.\d+)?$/.test(text) ? text : '';
}

/** `"a" $1 "b", $2` */
function printed(statement: string, fields: readonly string[], n: number): string {
  const m = /^print\b(.*)$/.exec(statement);
  if (!m) throw new AppletError('cmd. line:1: Unexpected token');
  const list = (m[1] as string).trim();
  if (list === '') return fields[0] ?? '';
  const parts: string[] = [''];
  for (const token of list.match(/"(?:\\.|[^"])*"|\$?\w+|,/g) ?? []) {
    if (token === ',') parts.push('');
    else parts[parts.length - 1] += valueOf(token, fields, n);
  }
  return parts.join(' ');
}

export const awk: Applet = function* (c) {
  const flags = parseFlags(c.args, 'F:v:');
  const program = flags.rest[0];
  if (program === undefined) throw new AppletError('no program text');
  const rules = parse(program);
  const separator = flags.value('F');
  const fieldsOf = (line: string): string[] => [
    line,
    ...(separator === undefined || separator === ' ' ? line.trim().split(/\s+/).filter((f) => f !== '') : line.split(separator.length > 1 ? expression(separator, true) : separator)),
  ];
  let n = 0;
  for (const rule of rules) if (rule.when === 'BEGIN') for (const s of rule.print) yield* c.stdout.write(`${printed(s, [''], n)}\n`);
  if (rules.every((rule) => rule.when === 'BEGIN')) return 0;
  for (const path of flags.rest.length > 1 ? flags.rest.slice(1) : ['-']) {
    const reader = path === '-' ? c.stdin : new LineReader(new TextReader(yield* readInput(c, path)));
    for (let line = yield* reader.line(); line !== undefined; line = yield* reader.line()) {
      n++;
      const fields = fieldsOf(line);
      for (const rule of rules) {
        if (typeof rule.when === 'string' || !rule.when(fields, n)) continue;
        for (const s of rule.print) yield* c.stdout.write(`${printed(s, fields, n)}\n`);
      }
    }
  }
  for (const rule of rules) if (rule.when === 'END') for (const s of rule.print) yield* c.stdout.write(`${printed(s, [''], n)}\n`);
  return 0;
};
