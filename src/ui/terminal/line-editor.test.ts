// What a person presses, and the line that stands there then (^ marks the cursor).

import { describe, expect, it } from 'vitest';
import { columnsOf, keysOf, LineEditor } from './line-editor.ts';

const LEFT = '\u001b[D';
const UP = '\u001b[A';
const DOWN = '\u001b[B';

function typed(...data: string[]): string {
  const editor = new LineEditor();
  const entered: string[] = [];
  for (const key of data.flatMap(keysOf)) {
    const edited = editor.key(key);
    if (edited.type === 'enter') entered.push(edited.text);
  }
  const { text, cursor } = editor.line;
  const characters = [...text];
  return [...entered.map((e) => `${e}⏎`), `${characters.slice(0, cursor).join('')}^${characters.slice(cursor).join('')}`].join(' ');
}

describe('the command line', () => {
  it.each([
    ['types', ['kubectl get po'], 'kubectl get po^'],
    ['inserts before the cursor', ['gt', LEFT, 'e'], 'ge^t'],
    ['erases', ['getx\u007f'], 'get^'],
    ['goes to both ends', ['get\u0001kubectl \u0005 po'], 'kubectl get po^'],
    ['kills and yanks', ['a b c\u0017\u0017\u0015x\u0019'], 'xa ^'],
    ['kills to the end', ['abc', LEFT, LEFT, '\u000b'], 'a^'],
    ['walks by words', ['kubectl get-all', '\u001bb', '\u001bb', '!'], 'kubectl !^get-all'],
    ['enters', ['ls\r', 'pwd\r'], 'ls⏎ pwd⏎ ^'],
    ['recalls', ['ls\r', 'pwd\r', 'dra', UP, UP, DOWN], 'ls⏎ pwd⏎ pwd^'],
    ['keeps the draft', ['ls\r', 'dra', UP, DOWN], 'ls⏎ dra^'],
    ['takes CJK as characters', ['节点', LEFT, '的'], '节的^点'],
    ['ignores keys without a meaning', ['a\u001b[15~b'], 'ab^'],
  ])('%s', (_name, data, expected) => {
    expect(typed(...data)).toBe(expected);
  });

  it('counts columns', () => {
    expect([columnsOf('abc'), columnsOf('节点'), columnsOf('é')]).toEqual([3, 4, 1]);
  });
});
