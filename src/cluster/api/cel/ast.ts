// The engine's syntax tree as far as it is looked into: macros that are exchanged before checking, and work that is counted.

import type { CelBudget } from './cel.ts';
import { fault } from './library/opaque.ts';

type Evaluate = (evaluator: Evaluator, node: unknown, context: unknown) => unknown;

export interface Evaluator {
  run(node: Node, context: unknown): unknown;
}

/** What checks types; contexts are the engine's own. */
export interface Checker {
  check(node: Node, context: CheckContext): CheckedType;
  checkAccessOnType(node: Node, context: CheckContext, type: CheckedType, allowMissing?: boolean): CheckedType;
  getType(name: string): CheckedType;
  createError(code: string, message: string, node: Node): Error;
}

export interface CheckedType {
  readonly kind: string;
  readonly name: string;
  readonly valueType?: CheckedType;
  readonly keyType?: CheckedType;
}

export interface CheckContext {
  forkWithVariable(name: string, type: CheckedType): EvalContext;
}

export interface EvalContext extends CheckContext {
  reuse(parent: unknown): EvalContext;
  setIterValue(value: unknown, evaluator: unknown): EvalContext;
}

export interface Macro {
  args: readonly Node[];
  receiver?: Node;
  typeCheck(checker: Checker, macro: Macro, context: CheckContext): CheckedType;
  evaluate(evaluator: Evaluator, macro: Macro, context: EvalContext): unknown;
}

export interface Node {
  readonly op: string;
  readonly args: unknown;
  readonly start: number;
  readonly end: number;
  readonly meta: { alternate?: Node; macro?: Macro; evaluate: Evaluate };
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'meta' in value && 'op' in value;

/** Every node of a tree, also those that macros made. */
export function walk(root: Node, visit: (node: Node) => void): void {
  const seen = new Set<object>();
  const go = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) return value.forEach(go);
    if (!isNode(value)) {
      for (const part of Object.values(value)) if (isNode(part) || Array.isArray(part)) go(part);
      return;
    }
    visit(value);
    go(value.args);
    go(value.meta.alternate);
    go(value.meta.macro);
  };
  go(root);
}

/** Makes every step of the checked program take from the budget that `current` names. */
export function countWork(root: Node, current: () => CelBudget): void {
  walk(root, ({ meta }) => {
    if (meta.alternate) return;
    const { macro } = meta;
    if (macro) {
      const run = macro.evaluate.bind(macro);
      macro.evaluate = (evaluator, node, context) => {
        spend(current());
        return run(evaluator, node, context);
      };
      return;
    }
    const run = meta.evaluate;
    meta.evaluate = (evaluator, node, context) => {
      spend(current());
      return run(evaluator, node, context);
    };
  });
}

function spend(budget: CelBudget): void {
  if (--budget.remaining < 0) throw fault('operation cancelled: actual cost limit exceeded');
}
