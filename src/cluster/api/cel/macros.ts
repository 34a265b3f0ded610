// Macros that the engine lacks: has() on any path, optMap and optFlatMap, comprehensions with two variables.

import { type Environment, Optional } from '@marcbachmann/cel-js';
import type { CheckContext, CheckedType, Checker, EvalContext, Evaluator, Macro, Node } from './ast.ts';
import { walk } from './ast.ts';
import { fault } from './library/opaque.ts';

/** Exchanges the engine's has(), which knows only plain paths, for one that takes any expression before the last dot. */
export function fixHas(root: Node): void {
  walk(root, (node) => {
    const { macro } = node.meta;
    if (!macro || node.op !== 'call' || (node.args as readonly unknown[])[0] !== 'has') return;
    macro.typeCheck = checkHas;
    macro.evaluate = evaluateHas;
  });
}

function checkHas(checker: Checker, macro: Macro, context: CheckContext): CheckedType {
  const field = macro.args[0] as Node;
  if (field.op !== '.' && field.op !== '.?') throw checker.createError('invalid_macro_argument', 'has() invalid argument', field);
  const owner = checker.check((field.args as readonly Node[])[0] as Node, context);
  checker.checkAccessOnType(field, context, owner.kind === 'optional' && owner.valueType ? owner.valueType : owner);
  return checker.getType('bool');
}

function evaluateHas(evaluator: Evaluator, macro: Macro, context: EvalContext): boolean {
  const [ownerNode, name] = (macro.args[0] as Node).args as readonly [Node, string];
  let owner = evaluator.run(ownerNode, context);
  if (owner instanceof Optional) {
    if (!owner.hasValue()) return false;
    owner = owner.value();
  }
  if (typeof owner !== 'object' || owner === null || Array.isArray(owner)) throw fault('no such overload');
  if (owner instanceof Map) return owner.has(name);
  return Object.hasOwn(owner, name) && (owner as Record<string, unknown>)[name] !== undefined;
}

interface MacroParts {
  readonly args: readonly Node[];
  readonly receiver: Node;
}

type Made = Macro & { bound?: EvalContext };

export function registerMacros(env: Environment): void {
  const macro = (signature: string, make: (parts: MacroParts) => Made): void => {
    env.registerFunction(signature, make as unknown as (...args: unknown[]) => unknown);
  };
  macro('optional.optMap(ast, ast): optional<dyn>', (parts) => onValue(parts, true));
  macro('optional.optFlatMap(ast, ast): optional<dyn>', (parts) => onValue(parts, false));
  env.registerFunction('OptionalNamespace.ofNonZeroValue(A): optional<A>', (_: unknown, value: unknown) =>
    isZero(value) ? Optional.none() : Optional.of(value),
  );
  macro('list.all(ast, ast, ast): bool', (parts) => pairs(parts, 'bool', (each) => each((holds) => holds !== true) === undefined));
  macro('list.exists(ast, ast, ast): bool', (parts) => pairs(parts, 'bool', (each) => each((holds) => holds === true) !== undefined));
  macro('list.existsOne(ast, ast, ast): bool', (parts) => pairs(parts, 'bool', (each) => count(each) === 1));
  macro('list.transformList(ast, ast, ast): list<dyn>', (parts) => pairs(parts, 'list', transformed));
  macro('list.transformMap(ast, ast, ast): map<dyn, dyn>', (parts) => pairs(parts, 'map', transformedMap));
}

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === 0n || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0;
}

function nameOf(node: Node): string {
  if (node.op !== 'id') throw fault('argument must be a simple name');
  return node.args as string;
}

function onValue({ args, receiver }: MacroParts, wrap: boolean): Made {
  const name = nameOf(args[0] as Node);
  const body = args[1] as Node;
  let bound: EvalContext;
  return {
    args,
    receiver,
    typeCheck(checker, _, context) {
      const of = checker.check(receiver, context);
      bound = context.forkWithVariable(name, of.valueType ?? checker.getType('dyn'));
      const type = checker.check(body, bound);
      return wrap ? checker.getType(`optional<${type.name}>`) : type;
    },
    evaluate(evaluator, _, context) {
      const optional = evaluator.run(receiver, context);
      if (!(optional instanceof Optional)) throw fault('no such overload');
      if (!optional.hasValue()) return Optional.none();
      const result = evaluator.run(body, bound.reuse(context).setIterValue(optional.value(), evaluator));
      return wrap ? Optional.of(result) : result;
    },
  };
}

/** Runs the body for index and value of a list, or key and value of a map, until `stop` says so; gives the pair where it stopped. */
type Each = (stop: (result: unknown, key: unknown) => boolean) => unknown;

function pairs({ args, receiver }: MacroParts, result: 'bool' | 'list' | 'map', run: (each: Each) => unknown): Made {
  const [first, second] = [nameOf(args[0] as Node), nameOf(args[1] as Node)];
  const body = args[2] as Node;
  let outer: EvalContext;
  let inner: EvalContext;
  return {
    args,
    receiver,
    typeCheck(checker, _, context) {
      const of = checker.check(receiver, context);
      const dyn = checker.getType('dyn');
      outer = context.forkWithVariable(first, of.kind === 'list' ? checker.getType('int') : (of.keyType ?? dyn));
      inner = outer.forkWithVariable(second, of.valueType ?? dyn);
      const type = checker.check(body, inner);
      return result === 'bool'
        ? checker.getType('bool')
        : result === 'list'
          ? checker.getType(`list<${type.name}>`)
          : checker.getType('map');
    },
    evaluate(evaluator, _, context) {
      const of = evaluator.run(receiver, context);
      if (typeof of !== 'object' || of === null) throw fault('no such overload');
      const entries: (readonly [unknown, unknown])[] = Array.isArray(of) ? of.map((v, i) => [BigInt(i), v] as const) : Object.entries(of);
      return run((stop) => {
        for (const [key, value] of entries) {
          const at = outer.reuse(context).setIterValue(key, evaluator);
          if (stop(evaluator.run(body, inner.reuse(at).setIterValue(value, evaluator)), key)) return [key, value];
        }
        return undefined;
      });
    },
  };
}

function count(each: Each): number {
  let n = 0;
  each((holds) => {
    if (holds === true) n++;
    return false;
  });
  return n;
}

function transformed(each: Each): readonly unknown[] {
  const out: unknown[] = [];
  each((value) => {
    out.push(value);
    return false;
  });
  return out;
}

function transformedMap(each: Each): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  each((value, key) => {
    out[String(key)] = value;
    return false;
  });
  return out;
}
