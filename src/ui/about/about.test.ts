// Both catalogues of the dialog tell the same, each in its own language.

import { describe, expect, it } from 'vitest';
import { en } from './en.ts';
import { zh } from './zh.ts';

const rooms = (text: typeof zh): [string, string][] =>
  Object.entries(text.simplified.rooms).flatMap(([room, { facts }]) => Object.entries(facts).map(([key, fact]): [string, string] => [`${room}.${key}`, fact]));

describe('what is simplified', () => {
  it('is the same list in both languages, in the same order', () => {
    expect(rooms(zh).map(([key]) => key)).toEqual(rooms(en).map(([key]) => key));
  });

  it.each(rooms(en))('%s is a sentence', (_key, fact) => {
    expect(fact).toMatch(/^[\w"].*\.$/);
    expect(fact).not.toMatch(/[\u4e00-\u9fff]/);
  });

  it.each(rooms(zh))('%s is a Chinese sentence that keeps the nouns of Kubernetes', (_key, fact) => {
    expect(fact).toMatch(/[\u4e00-\u9fff].*。$/);
    expect(fact).not.toMatch(/部署|副本集|守护进程集|命名空间|服务账户|容器组/);
  });
});

it('keys have no two caps of the same name', () => {
  for (const text of [en, zh]) {
    for (const { keys } of Object.values(text.keys.list)) {
      const caps = keys.split(' ');
      expect(new Set(caps).size).toBe(caps.length);
    }
  }
});
