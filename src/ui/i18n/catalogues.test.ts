import { expect, test } from 'vitest';
import { en } from './en.ts';
import { zhCN } from './zh-CN.ts';

type Level = { readonly [key: string]: string | Level };

const namesIn = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name as string).toSorted();
const leaves = (level: Level, path: string): [string, string][] =>
  Object.entries(level).flatMap(([key, value]) => (typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`)));

test('both catalogues put the same values into a text', () => {
  const chinese = new Map(leaves(zhCN, ''));
  for (const [key, text] of leaves(en, '')) expect([key, ...namesIn(chinese.get(key) ?? '')]).toEqual([key, ...namesIn(text)]);
});
