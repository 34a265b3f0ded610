// The Python of one-line programs in manifests: print, if, for, while, os.environ, sys.exit, time.sleep and what is needed between
// them. Anything else is a PythonError of kind 'unknown', found before the program runs where that is possible.

import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { AppletContext } from './applet.ts';
import { type Expression, parseProgram, PythonError, type Statement, type Value } from './python-parser.ts';

export { PythonError } from './python-parser.ts';

class SystemExit extends Error {
  readonly code: number;

  constructor(code: number) {
    super('exit');
    this.code = code;
  }
}

type Flow = 'break' | 'continue' | null;

const MODULES = new Set(['os', 'sys', 'time', 'random', 'socket', 'datetime', 'logging', 'math', 'os.path']);

/** Runs a program to its end; returns the exit code. */
export function* runPython(context: AppletContext, source: string, args: readonly string[]): Op<number> {
  const program = parseProgram(source);
  const machine = new Machine(context, args);
  try {
    yield* machine.block(program);
    return 0;
  } catch (error) {
    if (error instanceof SystemExit) return error.code;
    throw error;
  }
}

class Machine {
  readonly #c: AppletContext;
  readonly #args: readonly string[];
  readonly #names = new Map<string, Value>();
  #line = 0;

  constructor(context: AppletContext, args: readonly string[]) {
    this.#c = context;
    this.#args = ['-c', ...args];
  }

  *block(statements: readonly Statement[]): Op<Flow> {
    for (const statement of statements) {
      const flow = yield* this.#statement(statement);
      if (flow !== null) return flow;
    }
    return null;
  }

  *#statement(s: Statement): Op<Flow> {
    this.#line = s.line;
    switch (s.type) {
      case 'import':
        for (const name of s.names) if (!MODULES.has(name)) throw new PythonError('unknown', s.line, `import ${name}`);
        return null;
      case 'assign': {
        const value = yield* this.#value(s.value);
        const old = s.operator === '' ? value : this.#binary(s.operator, this.#names.get(s.name) ?? null, value);
        this.#names.set(s.name, old);
        return null;
      }
      case 'if':
        for (const { condition, body } of s.branches) if (condition === null || truthy(yield* this.#value(condition))) return yield* this.block(body);
        return null;
      case 'while':
        while (truthy(yield* this.#value(s.condition))) {
          const flow = yield* this.block(s.body);
          if (flow === 'break') break;
          yield* this.#c.os.sleep(20);
        }
        return null;
      case 'for': {
        const items = yield* this.#value(s.items);
        for (const item of Array.isArray(items) ? items : typeof items === 'string' ? [...items] : []) {
          this.#names.set(s.name, item as Value);
          if ((yield* this.block(s.body)) === 'break') break;
        }
        return null;
      }
      case 'expression':
        yield* this.#value(s.value);
        return null;
      case 'break':
      case 'continue':
        return s.type;
      case 'pass':
        return null;
    }
  }

  *#value(e: Expression): Op<Value> {
    switch (e.type) {
      case 'literal':
        return e.value;
      case 'name': {
        const value = this.#names.get(e.name);
        if (value === undefined) throw new PythonError('raised', this.#line, `NameError: name '${e.name}' is not defined`);
        return value;
      }
      case 'format': {
        let text = '';
        for (const part of e.parts) text += typeof part === 'string' ? part : display(yield* this.#value(part));
        return text;
      }
      case 'list': {
        const out: Value[] = [];
        for (const item of e.items) out.push(yield* this.#value(item));
        return out;
      }
      case 'not':
        return !truthy(yield* this.#value(e.value));
      case 'logic': {
        const left = yield* this.#value(e.left);
        return truthy(left) === (e.operator === 'or') ? left : yield* this.#value(e.right);
      }
      case 'binary':
        return this.#binary(e.operator, yield* this.#value(e.left), yield* this.#value(e.right));
      case 'index': {
        const from = e.target.type === 'path' && e.target.path === 'os.environ' ? null : yield* this.#value(e.target);
        const at = yield* this.#value(e.index);
        if (from === null) return this.#environment(display(at));
        const found = (from as readonly Value[] | string)[Number(at) < 0 ? (from as string).length + Number(at) : Number(at)];
        if (found === undefined) throw new PythonError('raised', this.#line, 'IndexError: list index out of range');
        return found;
      }
      case 'path':
        if (e.path === 'sys.argv') return this.#args;
        if (e.path === 'os.environ') return null;
        throw new PythonError('unknown', this.#line, e.path);
      case 'call':
        return yield* this.#call(e.path, e.target, e.args, e.named);
    }
  }

  #environment(name: string): string {
    const value = this.#c.env[name];
    if (value === undefined) throw new PythonError('raised', this.#line, `KeyError: '${name}'`);
    return value;
  }

  *#call(path: string, target: Expression | null, argumentsOf: readonly Expression[], named: ReadonlyMap<string, Expression>): Op<Value> {
    const args: Value[] = [];
    for (const a of argumentsOf) args.push(yield* this.#value(a));
    if (target !== null) return this.#method(path, yield* this.#value(target), args);
    const { os, env, stdout, cwd } = this.#c;
    const first = args[0] ?? null;
    switch (path) {
      case 'print': {
        const end = named.has('end') ? display(yield* this.#value(named.get('end') as Expression)) : '\n';
        yield* stdout.write(args.map(display).join(' ') + end);
        return null;
      }
      case 'int': {
        const number = typeof first === 'boolean' ? Number(first) : Number.parseInt(display(first), 10);
        if (first === null) throw new PythonError('raised', this.#line, "TypeError: int() argument must be a string, a bytes-like object or a real number, not 'NoneType'");
        if (Number.isNaN(number)) throw new PythonError('raised', this.#line, `ValueError: invalid literal for int() with base 10: ${repr(first)}`);
        return number;
      }
      case 'float': return Number(first);
      case 'str': return display(first);
      case 'len': return (first as string | readonly Value[]).length;
      case 'range': {
        const [from, to, step] = args.length === 1 ? [0, Number(first), 1] : [Number(first), Number(args[1]), Number(args[2] ?? 1)];
        const out: number[] = [];
        for (let n = from as number; (step as number) > 0 ? n < (to as number) : n > (to as number); n += step as number) out.push(n);
        return out;
      }
      case 'os.environ.get':
      case 'os.getenv': return env[display(first)] ?? args[1] ?? null;
      case 'os.path.exists': return os.files.exists(display(first).startsWith('/') ? display(first) : `${cwd}/${display(first)}`);
      case 'os.getpid': return os.process.isolatePids ? 1 : os.process.pid;
      case 'socket.gethostname': return env['HOSTNAME'] ?? os.machine.name;
      case 'time.time': return (os.sim.epoch + os.sim.now) / SECOND;
      case 'time.sleep':
        stdout.flush();
        yield* os.sleep(Math.round(Number(first) * SECOND));
        return null;
      case 'sys.stdout.flush': return null;
      case 'random.randint': return Number(first) + os.sim.random(`python/${os.place}/${os.process.pid}/${os.sim.now}`).int(Number(args[1]) - Number(first) + 1);
      case 'sys.exit':
      case 'exit':
      case 'os._exit': {
        if (typeof first === 'string') yield* this.#c.stderr.write(`${first}\n`);
        throw new SystemExit(typeof first === 'string' ? 1 : Number(first ?? 0));
      }
      case 'Exception':
      case 'RuntimeError':
      case 'ValueError': return `${path}: ${display(first)}`;
      case 'raise': throw new PythonError('raised', this.#line, display(first));
      default: throw new PythonError('unknown', this.#line, path);
    }
  }

  #method(name: string, on: Value, args: readonly Value[]): Value {
    if (typeof on !== 'string') throw new PythonError('unknown', this.#line, name);
    switch (name) {
      case 'format': {
        let next = 0;
        return on.replace(/\{\}/g, () => display(args[next++] ?? null));
      }
      case 'upper': return on.toUpperCase();
      case 'lower': return on.toLowerCase();
      case 'strip': return on.trim();
      case 'split': return args[0] === undefined ? on.trim().split(/\s+/) : on.split(display(args[0]));
      case 'join': return (args[0] as readonly Value[]).map(display).join(on);
      case 'startswith': return on.startsWith(display(args[0] ?? null));
      case 'endswith': return on.endsWith(display(args[0] ?? null));
      default: throw new PythonError('unknown', this.#line, name);
    }
  }

  #binary(operator: string, a: Value, b: Value): Value {
    switch (operator) {
      case '==': return a === b;
      case '!=': return a !== b;
      case '<': return (a as number) < (b as number);
      case '>': return (a as number) > (b as number);
      case '<=': return (a as number) <= (b as number);
      case '>=': return (a as number) >= (b as number);
      case 'is': return a === b;
      case 'is not': return a !== b;
      case 'in': return (b as string | readonly Value[]).includes(a as never);
      case 'not in': return !(b as string | readonly Value[]).includes(a as never);
      case '+':
        if (typeof a !== typeof b) throw new PythonError('raised', this.#line, 'TypeError: can only concatenate str (not "int") to str');
        return typeof a === 'string' ? a + (b as string) : (a as number) + (b as number);
      case '-': return (a as number) - (b as number);
      case '*': return typeof a === 'string' ? a.repeat(Math.max(0, b as number)) : typeof b === 'string' ? b.repeat(Math.max(0, a as number)) : (a as number) * (b as number);
      case '**': return (a as number) ** (b as number);
      case '%':
      case '//':
      case '/':
        if (b === 0) throw new PythonError('raised', this.#line, 'ZeroDivisionError: division by zero');
        if (operator === '%') return typeof a === 'string' ? a.replace(/%[sd]/, display(b)) : (((a as number) % (b as number)) + (b as number)) % (b as number);
        return operator === '/' ? (a as number) / (b as number) : Math.floor((a as number) / (b as number));
      default: throw new PythonError('unknown', this.#line, operator);
    }
  }
}

const truthy = (value: Value): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));
const display = (value: Value): string => (value === null ? 'None' : value === true ? 'True' : value === false ? 'False' : Array.isArray(value) ? `[${value.map((v) => repr(v as Value)).join(', ')}]` : String(value));
const repr = (value: Value): string => (typeof value === 'string' ? `'${value}'` : display(value));
