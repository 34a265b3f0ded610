// What bash adds to the words of a script: `[[ … ]]`, and assignments to arrays.

import type { Op } from '../../sim/simulation.ts';
import type { Assignment, Test } from './ast.ts';
import { calculate, expandPattern, expandText, expandWords, type Substitute } from './expand.ts';
import { matchesPattern } from './pattern.ts';
import type { Shell } from './shell.ts';
import { testExpression } from './test-expression.ts';

/** What stands between `[[` and `]]`. Throws ShellError. */
export function* evaluateTest(shell: Shell, test: Test, substitute: Substitute): Op<boolean> {
  switch (test.type) {
    case 'and':
      return (yield* evaluateTest(shell, test.left, substitute)) && (yield* evaluateTest(shell, test.right, substitute));
    case 'or':
      return (yield* evaluateTest(shell, test.left, substitute)) || (yield* evaluateTest(shell, test.right, substitute));
    case 'not':
      return !(yield* evaluateTest(shell, test.test, substitute));
    case 'unary': {
      const text = yield* expandText(shell, test.word, substitute);
      if (test.operator === '-v') return shell.get(text) !== undefined || shell.arrays.has(text);
      return testExpression([test.operator, text], shell.os.files, (path) => shell.path(path));
    }
    case 'binary': {
      const left = yield* expandText(shell, test.left, substitute);
      if (test.operator === '=~') {
        const m = new RegExp(yield* expandText(shell, test.right, substitute)).exec(left);
        if (m) shell.arrays.set('BASH_REMATCH', m.map((group) => group ?? ''));
        return m !== null;
      }
      if (['=', '==', '!='].includes(test.operator)) return matchesPattern(yield* expandPattern(shell, test.right, substitute), left) === (test.operator !== '!=');
      const right = yield* expandText(shell, test.right, substitute);
      // Numbers may be arithmetic here.
      const numeric = /^-(eq|ne|lt|le|gt|ge)$/.test(test.operator);
      const pair = numeric ? [left, right].map((text) => String(calculate(shell, text))) : [left, right];
      return testExpression([pair[0] as string, test.operator, pair[1] as string], shell.os.files, (path) => shell.path(path));
    }
  }
}

/** The text that a variable is to hold; null: an array has been changed. */
export function* assignedText(shell: Shell, { name, value, index, elements, append }: Assignment, substitute: Substitute): Op<string | null> {
  const old = shell.arrays.get(name);
  if (elements !== undefined) {
    const added = yield* expandWords(shell, elements, substitute);
    shell.variables.delete(name);
    shell.arrays.set(name, append ? [...(old ?? []), ...added] : added);
    return null;
  }
  const text = yield* expandText(shell, value, substitute);
  if (index !== undefined) {
    const at = calculate(shell, yield* expandText(shell, index, substitute));
    const array = [...(old ?? (shell.get(name) === undefined ? [] : [shell.get(name) as string]))];
    while (array.length < at) array.push('');
    array[at < 0 ? array.length + at : at] = append ? (array[at] ?? '') + text : text;
    shell.variables.delete(name);
    shell.arrays.set(name, array);
    return null;
  }
  return append ? (shell.get(name) ?? '') + text : text;
}
