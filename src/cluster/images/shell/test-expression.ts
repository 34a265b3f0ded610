// test(1): what stands between `[` and `]`.

import type { Files } from '../../machine/files.ts';
import { ShellError } from './shell.ts';

const UNARY = new Set(['-e', '-f', '-d', '-r', '-w', '-x', '-s', '-h', '-L', '-z', '-n', '-t', '-p', '-S']);
const BINARY = new Set(['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot']);

/** Throws ShellError in ash's words. */
export function testExpression(args: readonly string[], files: Files, path: (text: string) => string): boolean {
  let at = 0;

  const or = (): boolean => {
    let value = and();
    while (args[at] === '-o') {
      at++;
      const right = and();
      value = value || right;
    }
    return value;
  };
  const and = (): boolean => {
    let value = not();
    while (args[at] === '-a') {
      at++;
      const right = not();
      value = value && right;
    }
    return value;
  };
  const not = (): boolean => {
    if (args[at] === '!' && at + 1 < args.length) {
      at++;
      return !not();
    }
    return primary();
  };
  const primary = (): boolean => {
    const first = args[at];
    if (first === undefined) return false;
    const operator = args[at + 1];
    if (operator !== undefined && BINARY.has(operator) && args[at + 2] !== undefined) {
      const right = args[at + 2] as string;
      at += 3;
      return compare(first, operator, right, files, path);
    }
    if (first === '(') {
      at++;
      const value = or();
      if (args[at] !== ')') throw new ShellError('closing paren expected');
      at++;
      return value;
    }
    if (UNARY.has(first) && operator !== undefined) {
      at += 2;
      return unary(first, operator, files, path);
    }
    at++;
    return first !== '';
  };

  if (args.length === 0) return false;
  const value = or();
  if (at < args.length) throw new ShellError(`${args[at] ?? ''}: unknown operand`);
  return value;
}

function unary(operator: string, text: string, files: Files, path: (text: string) => string): boolean {
  if (operator === '-z') return text === '';
  if (operator === '-n') return text !== '';
  if (operator === '-t' || operator === '-p' || operator === '-S') return false;
  const full = path(text);
  if (operator === '-h' || operator === '-L') return files.exists(full) && files.stat(full, false).kind === 'symlink';
  if (!files.exists(full)) return false;
  const stat = files.stat(full);
  if (operator === '-f') return stat.kind === 'file';
  if (operator === '-d') return stat.kind === 'directory';
  if (operator === '-s') return stat.size > 0;
  if (operator === '-x') return (stat.mode & 0o111) !== 0;
  return true;
}

function compare(a: string, operator: string, b: string, files: Files, path: (text: string) => string): boolean {
  switch (operator) {
    case '=':
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '-nt':
    case '-ot': {
      const [x, y] = [a, b].map((text) => (files.exists(path(text)) ? files.stat(path(text)).modified : -1)) as [number, number];
      return operator === '-nt' ? x > y : x < y;
    }
  }
  const [x, y] = [integer(a), integer(b)];
  switch (operator) {
    case '-eq':
      return x === y;
    case '-ne':
      return x !== y;
    case '-lt':
      return x < y;
    case '-le':
      return x <= y;
    case '-gt':
      return x > y;
    default:
      return x >= y;
  }
}

function integer(text: string): number {
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new ShellError(`${text === '' ? "''" : text}: bad number`);
  return Number(text);
}
