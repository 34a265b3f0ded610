// Arithmetic with lists of quantities by resource name, and their text in error messages (apiserver/pkg/quota/v1/resources.go).

import { addQuantity, compareQuantity, parseQuantity, subtractQuantity } from '../quantity.ts';

export type ResourceList = Readonly<Record<string, string>>;
type Growing = Record<string, string>;

export const NONE: ResourceList = Object.freeze({});

export function addLists(a: ResourceList, b: ResourceList): ResourceList {
  const out: Growing = { ...a };
  for (const name in b) out[name] = name in out ? addQuantity(out[name] as string, b[name] as string) : (b[name] as string);
  return out;
}

/** a − b; what b has and a has not becomes negative. */
export function subtractLists(a: ResourceList, b: ResourceList): ResourceList {
  const out: Growing = { ...a };
  for (const name in b) out[name] = subtractQuantity(out[name] ?? '0', b[name] as string);
  return out;
}

/** a − b, where nothing falls below zero and only a's names stay. */
export function subtractNonNegative(a: ResourceList, b: ResourceList): ResourceList {
  const out: Growing = {};
  for (const name in a) {
    const left = name in b ? subtractQuantity(a[name] as string, b[name] as string) : (a[name] as string);
    out[name] = left.startsWith('-') ? '0' : left;
  }
  return out;
}

/** The larger of both, name by name. */
export function maxLists(a: ResourceList, b: ResourceList): ResourceList {
  const out: Growing = { ...a };
  for (const name in b) {
    if (!(name in out) || compareQuantity(b[name] as string, out[name] as string) > 0) out[name] = b[name] as string;
  }
  return out;
}

export function mask(list: ResourceList, names: readonly string[]): ResourceList {
  const out: Growing = {};
  for (const name of names) if (name in list) out[name] = list[name] as string;
  return out;
}

export function withoutZeros(list: ResourceList): ResourceList {
  const out: Growing = {};
  for (const name in list) if (parseQuantity(list[name] as string).nanos !== 0n) out[name] = list[name] as string;
  return out;
}

/** Names of which `used` has more than `hard`. */
export function exceeding(used: ResourceList, hard: ResourceList): readonly string[] {
  const out: string[] = [];
  for (const name in used) {
    const limit = hard[name];
    if (limit !== undefined && compareQuantity(used[name] as string, limit) > 0) out.push(name);
  }
  return out;
}

export function negative(list: ResourceList): readonly string[] {
  const out: string[] = [];
  for (const name in list) if ((list[name] as string).startsWith('-')) out.push(name);
  return out;
}

export function isEmpty(list: ResourceList): boolean {
  for (const _ in list) return false;
  return true;
}

export function sameLists(a: ResourceList, b: ResourceList): boolean {
  for (const name in a) if (!(name in b) || compareQuantity(a[name] as string, b[name] as string) !== 0) return false;
  for (const name in b) if (!(name in a)) return false;
  return true;
}

/** `cpu=1,memory=1Gi`, by name. */
export function printList(list: ResourceList): string {
  return Object.keys(list)
    .sort()
    .map((name) => `${name}=${parseQuantity(list[name] as string).text}`)
    .join(',');
}
