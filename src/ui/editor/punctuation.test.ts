// Full-width punctuation is found where YAML needs another character, and nowhere else.

import { describe, expect, it } from 'vitest';
import { misplacedPunctuation, withHalfWidth } from './punctuation.ts';

const fix = (text: string): string => withHalfWidth(text, misplacedPunctuation(text));

describe('punctuation', () => {
  it.each([
    ['kind：Pod', 'kind: Pod'],
    ['kind： Pod', 'kind: Pod'],
    ['　name: a', '  name: a'],
    ['- name：“web”', '- name: "web"'],
    ['command: ［“sh”，“-c”］', 'command: ["sh", "-c"]'],
    ['－ a', '- a'],
    ['＃ 注释', '# 注释'],
  ])('%s', (wrong, right) => {
    expect(fix(wrong)).toBe(right);
  });

  it.each([
    'description: 这是说明：有冒号，也有逗号',
    '# 注释：什么都可以',
    'text: |\n  第一行：内容\n  “引号”\nnext: 1',
    'note: "里面：什么都可以，【真的】"',
    'a: b # 注：意',
  ])('leaves %j alone', (text) => {
    expect(misplacedPunctuation(text)).toEqual([]);
  });
});
