import { expect, test } from 'vitest';
import { en } from './en.ts';
import { translator } from './translate.ts';
import { zhCN } from './zh-CN.ts';

const namesIn = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name as string).toSorted();

type Level = { readonly [key: string]: string | Level };
const leaves = (level: Level, path: string): [string, string][] =>
  Object.entries(level).flatMap(([key, value]) => (typeof value === 'string' ? [[`${path}${key}`, value]] : leaves(value, `${path}${key}.`)));

test('values stand where the text names them, as they are', () => {
  const t = translator(en);
  expect(t('top.version', { version: '$& <b>' })).toBe('Kubernetes $& <b>');
  expect(t('booting')).toBe(en.booting);
});

test('both catalogues put the same values into a text', () => {
  const chinese = new Map(leaves(zhCN, ''));
  for (const [key, text] of leaves(en, '')) expect([key, ...namesIn(chinese.get(key) ?? '')]).toEqual([key, ...namesIn(text)]);
});
