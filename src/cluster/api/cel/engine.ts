// Kubernetes' environment of the language on @marcbachmann/cel-js: its libraries, typed variables, programs kept per text.
// Reached only through provideCel: nothing that a cluster needs to boot may import this file.

import { Environment } from '@marcbachmann/cel-js';
import { countWork, type Node, walk } from './ast.ts';
import { CALL_COST_LIMIT, type CelBudget, type CelEngine, type CelEnvironment, CelError, type CelProgram, type CelType } from './cel.ts';
import { compileError, runtimeMessage, typeName } from './errors.ts';
import { registerAuthorizer } from './library/authorizer.ts';
import { registerFormats } from './library/formats.ts';
import { equal, registerLists } from './library/lists.ts';
import { registerNetwork } from './library/network.ts';
import { registerQuantity, registerSemver } from './library/quantity.ts';
import { registerStrings } from './library/strings.ts';
import { fixHas, registerMacros } from './macros.ts';
import { withoutConstructors } from './constructors.ts';
import { type Reader, readerOf, toJson } from './values.ts';

const PROGRAMS_LIMIT = 2_000;

let base: Environment | null = null;

function baseEnvironment(): Environment {
  if (base) return base;
  base = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const register of [
    registerLists,
    registerStrings,
    registerQuantity,
    registerSemver,
    registerNetwork,
    registerFormats,
    registerAuthorizer,
    registerMacros,
  ]) {
    register(base);
  }
  return base;
}

/** Names of all functions and macros, to tell a misspelt one from a misused one. */
let functions: ReadonlySet<string> | null = null;
const isFunction = (name: string): boolean => {
  functions ??= new Set(
    baseEnvironment()
      .getDefinitions()
      .functions.map((f) => f.name),
  );
  return functions.has(name);
};

type Bag = Record<string, unknown>;

/** One set of variables: the engine's environment for it, and how their values are read. */
class Prepared {
  readonly environment: Environment;
  readonly readers: readonly [string, Reader][];
  readonly programs = new Map<string, CelProgram | CelError>();
  readonly #classes = new Map<object, { name: string; Class: new () => Bag }>();
  #budget: CelBudget = { remaining: 0 };

  constructor({ variables }: CelEnvironment) {
    const env = baseEnvironment().clone();
    this.readers = Object.keys(variables).map((name) => {
      const type = variables[name] as CelType;
      env.registerVariable(name, this.#typeText(env, type));
      return [name, remembering(readerOf(type, (object) => (this.#classes.get(object) as { Class: new () => Bag }).Class))];
    });
    this.environment = env;
  }

  compile(source: string): CelProgram | CelError {
    const text = withoutConstructors(source);
    try {
      const parsed = this.environment.parse(text);
      const root = parsed.ast as unknown as Node;
      fixHas(root);
      const checked = parsed.check();
      if (!checked.valid) return compileError(source, checked.error, isFunction);
      countWork(root, () => this.#budget);
      const named = new Set<unknown>();
      walk(root, (node) => void (node.op === 'id' && named.add(node.args)));
      const readers = this.readers.filter(([name]) => named.has(name));
      return {
        source,
        type: typeName(checked.type ?? 'dyn'),
        evaluate: (variables, budget) => this.#evaluate(parsed, readers, variables, budget),
      };
    } catch (error) {
      return compileError(source, error, isFunction);
    }
  }

  #evaluate(
    run: (context: Bag) => unknown,
    readers: readonly (readonly [string, Reader])[],
    variables: Readonly<Bag>,
    budget: CelBudget = { remaining: CALL_COST_LIMIT },
  ): unknown {
    const context: Bag = {};
    for (const [name, read] of readers) {
      const value = variables[name];
      context[name] = value === undefined || value === null ? null : read(value);
    }
    const before = this.#budget;
    this.#budget = budget;
    try {
      return run(context);
    } catch (error) {
      return new CelError(runtimeMessage(error));
    } finally {
      this.#budget = before;
    }
  }

  #typeText(env: Environment, type: CelType): string {
    if (typeof type === 'string')
      return type === 'timestamp' ? 'google.protobuf.Timestamp' : type === 'duration' ? 'google.protobuf.Duration' : type;
    if ('opaque' in type) return type.opaque;
    if ('list' in type) return `list<${this.#typeText(env, type.list)}>`;
    if ('map' in type) return `map<string, ${this.#typeText(env, type.map)}>`;
    const known = this.#classes.get(type);
    if (known) return known.name;
    const name = uniqueName(type.object);
    const Class = class extends Object {} as unknown as new () => Bag;
    this.#classes.set(type, { name, Class });
    const fields: Record<string, string> = {};
    for (const field in type.fields) fields[field] = this.#typeText(env, type.fields[field] as CelType);
    env.registerType({ name, ctor: Class, fields });
    env.registerOperator(`${name} == ${name}`, equal);
    return name;
  }
}

/** Several expressions look at one object: it is read once. */
function remembering(read: Reader): Reader {
  let last: unknown;
  let result: unknown;
  return (value) => {
    if (value !== last || typeof value !== 'object') {
      result = read(value);
      last = value;
    }
    return result;
  };
}

let names = 0;
/** The engine shares the names of types among all environments. Never seen: messages drop the number. */
const uniqueName = (name: string): string => `${name.replace(/[^\w.]/g, '_') || 'object'}.T${++names}`;

const prepared = new WeakMap<CelEnvironment, Prepared>();

export const celEngine: CelEngine = {
  compile(source, environment) {
    let known = prepared.get(environment);
    if (!known) prepared.set(environment, (known = new Prepared(environment)));
    const before = known.programs.get(source);
    if (before) return before;
    if (known.programs.size >= PROGRAMS_LIMIT) known.programs.clear();
    const made = known.compile(source);
    known.programs.set(source, made);
    return made;
  },
  toJson,
};
