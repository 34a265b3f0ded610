// Lists, sets and regular expressions: apiserver/pkg/cel/library/{lists,regex}.go, cel-go ext/sets.go.

import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import type { Environment } from '@marcbachmann/cel-js';
import { fault } from './opaque.ts';
import { regexOf } from './text.ts';
import { timestampMillis } from './time.ts';

/** Namespaces of functions are constants of a class of their own. */
class Sets {}

/** Less than zero, zero, more. */
function order(a: unknown, b: unknown): number {
  const [x, y] = [plain(a), plain(b)];
  if (typeof x !== typeof y && !(isNumber(x) && isNumber(y))) throw fault('no such overload');
  return x < y ? -1 : x > y ? 1 : 0;
}

type Comparable = string | number | bigint | boolean;
const isNumber = (v: unknown): boolean => typeof v === 'number' || typeof v === 'bigint';

function plain(value: unknown): Comparable {
  const time = timestampMillis(value);
  if (time !== undefined) return time;
  const v = value instanceof UnsignedInt ? value.valueOf() : typeof value === 'object' && value !== null ? value.valueOf() : value;
  if (typeof v === 'object' || v === null || v === undefined) throw fault('no such overload');
  return v as Comparable;
}

/** Equality across types: numbers by value, structures by content. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNumber(a) && isNumber(b)) return a == b; // oxlint-disable-line eqeqeq -- int and double by value
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((v, i) => equal(v, b[i]));
  const time = timestampMillis(a);
  if (time !== undefined) return time === timestampMillis(b);
  if (a instanceof UnsignedInt) return b instanceof UnsignedInt && a.valueOf() === b.valueOf();
  if (Array.isArray(b) || a.constructor !== b.constructor) return false;
  const keys = Object.keys(a);
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>];
  if (keys.length === 0 && 'text' in x) return x['text'] === y['text'];
  return keys.length === Object.keys(b).length && keys.every((key) => key in y && equal(x[key], y[key]));
}

type Items = readonly unknown[];

function extreme(list: Items, name: string, sign: number): unknown {
  if (list.length === 0) throw fault(`${name} called on empty list`);
  return list.reduce((best, item) => (order(item, best) * sign > 0 ? item : best));
}

function sum(list: Items): unknown {
  let total: bigint | number | null = null;
  for (const item of list) {
    if (typeof item !== 'bigint' && typeof item !== 'number') throw fault('no such overload');
    if (total === null) total = item;
    else if (typeof total === 'bigint' && typeof item === 'bigint') total += item;
    else total = Number(total) + Number(item);
  }
  return total ?? 0n;
}

export function registerLists(env: Environment): void {
  const method = (signature: string, handler: (...args: never[]) => unknown): void => void env.registerFunction(signature, handler, SYNC);
  method(`list<A>.isSorted(): bool`, (list: Items) => list.every((item, i) => i === 0 || order(list[i - 1], item) <= 0));
  method(`list<A>.min(): A`, (list: Items) => extreme(list, 'min', -1));
  method(`list<A>.max(): A`, (list: Items) => extreme(list, 'max', 1));
  method(`list<A>.sum(): A`, (list: Items) => sum(list));
  method(`list<A>.indexOf(A): int`, (list: Items, wanted: unknown) => BigInt(list.findIndex((item) => equal(item, wanted))));
  method(`list<A>.lastIndexOf(A): int`, (list: Items, wanted: unknown) => BigInt(list.findLastIndex((item) => equal(item, wanted))));
  method('string.find(string): string', (text: string, pattern: string) => regexOf(pattern).exec(text)?.[0] ?? '');
  method('string.findAll(string): list<string>', (text: string, pattern: string) => findAll(text, pattern, -1));
  method('string.findAll(string, int): list<string>', (text: string, pattern: string, most: bigint) =>
    findAll(text, pattern, Number(most)),
  );
  registerSets(env, method);
}

export const SYNC = { async: false } as const;

function findAll(text: string, pattern: string, most: number): readonly string[] {
  const regex = regexOf(pattern);
  const all = [...text.matchAll(new RegExp(regex.source, `${regex.flags}g`))].map((m) => m[0]);
  return most < 0 ? all : all.slice(0, most);
}

function registerSets(env: Environment, method: (signature: string, handler: (...args: never[]) => unknown) => void): void {
  env.registerType('SetsNamespace', Sets);
  env.registerConstant('sets', 'SetsNamespace', new Sets());
  const has = (list: Items, wanted: unknown): boolean => list.some((item) => equal(item, wanted));
  const containsAll = (list: Items, wanted: Items): boolean => wanted.every((item) => has(list, item));
  method('SetsNamespace.contains(list<A>, list<A>): bool', (_: Sets, a: Items, b: Items) => containsAll(a, b));
  method('SetsNamespace.equivalent(list<A>, list<A>): bool', (_: Sets, a: Items, b: Items) => containsAll(a, b) && containsAll(b, a));
  method('SetsNamespace.intersects(list<A>, list<A>): bool', (_: Sets, a: Items, b: Items) => b.some((item) => has(a, item)));
}
