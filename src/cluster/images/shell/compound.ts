// Compound commands (POSIX 2.9.4): lists in braces and brackets, if, while, for, case, and bash's own.

import type { Op } from '../../sim/simulation.ts';
import type { Compound, List, Word } from './ast.ts';
import { evaluateTest } from './bash-words.ts';
import { calculate, expandPattern, expandText, expandWords } from './expand.ts';
import type { Interpreter } from './interpreter.ts';
import { matchesPattern } from './pattern.ts';
import { LoopJump, type Streams } from './shell.ts';

export function* runCompound(interpreter: Interpreter, command: Compound, streams: Streams): Op<void> {
  const { shell } = interpreter;
  switch (command.type) {
    case 'group':
      yield* interpreter.list(command.body, streams);
      return;
    case 'subshell':
      shell.status = yield* interpreter.subshell(command.body, streams);
      return;
    case 'if':
      for (const branch of command.branches) {
        if (!(yield* holds(interpreter, branch.condition, streams))) continue;
        yield* interpreter.list(branch.body, streams);
        return;
      }
      shell.status = 0;
      if (command.otherwise) yield* interpreter.list(command.otherwise, streams);
      return;
    case 'while':
      yield* loop(interpreter, function* (): Op<boolean> {
        return (yield* holds(interpreter, command.condition, streams)) !== command.until;
      }, command.body, streams);
      return;
    case 'for': {
      const values = command.words === null ? [...shell.parameters] : yield* expandWords(shell, command.words, interpreter.substitute(streams));
      let next = 0;
      shell.status = 0;
      yield* loop(interpreter, function* (): Op<boolean> {
        const value = values[next++];
        if (value === undefined) return false;
        shell.set(command.name, value);
        return true;
      }, command.body, streams);
      return;
    }
    case 'conditional':
      if (shell.toolbox.dialect.name === 'dash') {
        yield* interpreter.complain(streams, '[[: not found');
        shell.status = 127;
        return;
      }
      shell.status = (yield* evaluateTest(shell, command.test, interpreter.substitute(streams))) ? 0 : 1;
      return;
    case 'arithmetic':
      shell.status = calculate(shell, yield* expandText(shell, command.expression, interpreter.substitute(streams))) === 0 ? 1 : 0;
      return;
    case 'counting': {
      const value = (word: Word): Op<number> => number(interpreter, word, streams);
      if (command.start.length > 0) yield* value(command.start);
      let first = true;
      yield* loop(interpreter, function* (): Op<boolean> {
        if (!first && command.step.length > 0) yield* value(command.step);
        first = false;
        return command.condition.length === 0 || (yield* value(command.condition)) !== 0;
      }, command.body, streams);
      return;
    }
    case 'case': {
      const substitute = interpreter.substitute(streams);
      const word = yield* expandText(shell, command.word, substitute);
      shell.status = 0;
      for (const { patterns, body } of command.cases) {
        for (const pattern of patterns) {
          if (!matchesPattern(yield* expandPattern(shell, pattern, substitute), word)) continue;
          yield* interpreter.list(body, streams);
          return;
        }
      }
    }
  }
}

function* number(interpreter: Interpreter, word: Word, streams: Streams): Op<number> {
  return calculate(interpreter.shell, yield* expandText(interpreter.shell, word, interpreter.substitute(streams)));
}

function* holds(interpreter: Interpreter, condition: List, streams: Streams): Op<boolean> {
  const { shell } = interpreter;
  shell.guarded++;
  try {
    yield* interpreter.list(condition, streams);
  } finally {
    shell.guarded--;
  }
  return shell.status === 0;
}

function* loop(interpreter: Interpreter, more: () => Op<boolean>, body: List, streams: Streams): Op<void> {
  const { shell } = interpreter;
  shell.loops++;
  let status = 0;
  try {
    while (yield* more()) {
      try {
        yield* interpreter.list(body, streams);
        status = shell.status;
      } catch (error) {
        if (!(error instanceof LoopJump)) throw error;
        status = 0;
        if (error.levels > 1) throw new LoopJump(error.kind, error.levels - 1);
        if (error.kind === 'break') break;
      }
      yield* shell.spend();
    }
  } finally {
    shell.loops--;
  }
  shell.status = status;
}
