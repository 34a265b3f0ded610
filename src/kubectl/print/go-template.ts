// Runs Go templates over decoded JSON (text/template/exec.go), for -o go-template.

import type { Context } from '../context.ts';
import { CommandError } from './error.ts';
import { goJson } from './json.ts';
import { FUNCTIONS, FunctionError, Int, isTrue, show, typeName } from './go-template-functions.ts';
import { type Command, type Operand, Parser, type Pipe, type Pos, type Statement, TemplateError } from './go-template-parse.ts';
import type { Printer } from './printer.ts';

const NAME = 'output';
const NAMES: ReadonlySet<string> = new Set(Object.keys(FUNCTIONS));

class Break extends Error {}
class Continue extends Error {}

const pathText = (path: readonly string[]): string => path.map((p) => `.${p}`).join('');

function operandText(o: Operand): string {
  switch (o.type) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'field':
      return pathText(o.path);
    case 'variable':
      return o.name + pathText(o.path);
    case 'bool':
      return String(o.value);
    case 'function':
      return o.name;
    case 'pipe':
      return `(${pipeText(o.pipe)})${pathText(o.path)}`;
    default:
      return o.text;
  }
}

const commandText = (c: Command): string => c.operands.map(operandText).join(' ');
const pipeText = (p: Pipe): string => (p.declare.length > 0 ? `${p.declare.join(', ')} ${p.assign ? '=' : ':='} ` : '') + p.commands.map(commandText).join(' | ');

class Run {
  readonly #templates: ReadonlyMap<string, readonly Statement[]>;
  readonly #missing: boolean;
  #variables: { name: string; value: unknown }[] = [];
  #name = NAME;
  out = '';

  constructor(templates: ReadonlyMap<string, readonly Statement[]>, missing: boolean) {
    this.#templates = templates;
    this.#missing = missing;
  }

  start(name: string, dot: unknown): void {
    const [outer, outerName] = [this.#variables, this.#name];
    this.#variables = [{ name: '$', value: dot }];
    this.#name = name;
    this.#walk(this.#templates.get(name) ?? [], dot);
    this.#variables = outer;
    this.#name = outerName;
  }

  #fail(pos: Pos, at: string, message: string): TemplateError {
    const shown = at.length > 20 ? `${at.slice(0, 20)}...` : at;
    return new TemplateError(`template: ${NAME}:${pos.line}:${pos.column}: executing ${JSON.stringify(this.#name)} at <${at.length > 45 ? shown : at}>: ${message}`);
  }

  #walk(statements: readonly Statement[], dot: unknown): void {
    for (const s of statements) {
      const known = this.#variables.length;
      switch (s.type) {
        case 'text':
          this.out += s.text;
          break;
        case 'action': {
          const value = this.#pipe(s.pipe, dot);
          if (s.pipe.declare.length === 0) this.out += show(value);
          break;
        }
        case 'if':
        case 'with': {
          const value = this.#pipe(s.pipe, dot);
          if (isTrue(value)) this.#walk(s.body, s.type === 'with' ? value : dot);
          else this.#walk(s.otherwise, dot);
          this.#variables.length = known;
          break;
        }
        case 'range':
          this.#range(s, dot);
          this.#variables.length = known;
          break;
        case 'template':
          if (!this.#templates.has(s.name)) throw this.#fail(s.pos, `{{template ${JSON.stringify(s.name)}}}`, `template ${JSON.stringify(s.name)} not defined`);
          this.start(s.name, s.pipe ? this.#pipe(s.pipe, dot) : undefined);
          break;
        case 'break':
          throw new Break();
        case 'continue':
          throw new Continue();
      }
    }
  }

  #range(s: Extract<Statement, { readonly body: readonly Statement[] }>, dot: unknown): void {
    const value = this.#pipe({ ...s.pipe, declare: [] }, dot);
    let pairs: [unknown, unknown][];
    if (Array.isArray(value)) pairs = value.map((v, i) => [new Int(i), v]);
    else if (value instanceof Int) pairs = Array.from({ length: Math.max(0, value.value) }, (_, i) => [new Int(i), new Int(i)]);
    else if (typeof value === 'object' && value !== null) pairs = Object.keys(value).sort().map((k) => [k, (value as Record<string, unknown>)[k]]);
    else if (value === undefined || value === null) pairs = [];
    else throw this.#fail(s.pipe.pos, pipeText(s.pipe), `range can't iterate over ${show(value)}`);
    if (pairs.length === 0) return this.#walk(s.otherwise, dot);
    const known = this.#variables.length;
    const [first, second] = s.pipe.declare;
    for (const [key, element] of pairs) {
      if (first !== undefined) this.#variables.push({ name: first, value: second === undefined ? element : key });
      if (second !== undefined) this.#variables.push({ name: second, value: element });
      try {
        this.#walk(s.body, element);
      } catch (stop) {
        if (stop instanceof Break) return;
        if (!(stop instanceof Continue)) throw stop;
      } finally {
        this.#variables.length = known;
      }
    }
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown;
    for (const [i, command] of pipe.commands.entries()) value = this.#command(command, dot, i > 0, value);
    for (const name of pipe.declare) {
      const known = pipe.assign ? this.#variables.findLast((v) => v.name === name) : undefined;
      if (known) known.value = value;
      else this.#variables.push({ name, value });
    }
    return value;
  }

  #command(command: Command, dot: unknown, piped: boolean, last: unknown): unknown {
    const [first, ...rest] = command.operands as [Operand, ...Operand[]];
    if (first.type === 'function') {
      const lazy = first.name === 'and' || first.name === 'or';
      const args: unknown[] = [];
      for (const operand of rest) {
        args.push(this.#operand(operand, dot, command));
        if (lazy && isTrue(args.at(-1)) === (first.name === 'or')) return args.at(-1);
      }
      if (piped) args.push(last);
      const wanted = first.name === 'not' || first.name === 'len' || first.name === 'base64decode' ? 1 : 'ne lt le gt ge'.split(' ').includes(first.name) ? 2 : -1;
      if (wanted >= 0 && args.length !== wanted) throw this.#fail(command.pos, first.name, `wrong number of args for ${first.name}: want ${wanted} got ${args.length}`);
      try {
        return FUNCTIONS[first.name]?.(args);
      } catch (error) {
        if (!(error instanceof FunctionError)) throw error;
        throw this.#fail(command.pos, commandText(command), `error calling ${first.name}: ${error.message}`);
      }
    }
    if (rest.length > 0 || piped) {
      const what = operandText(first);
      if (first.type === 'field' || first.type === 'variable') throw this.#fail(command.pos, what, `${(first.path.at(-1) ?? what)} is not a method but has arguments`);
      throw this.#fail(command.pos, what, `can't give argument to non-function ${what}`);
    }
    return this.#operand(first, dot, command);
  }

  #operand(o: Operand, dot: unknown, command: Command): unknown {
    switch (o.type) {
      case 'dot':
        return dot;
      case 'nil':
        throw this.#fail(command.pos, 'nil', 'nil is not a command');
      case 'field':
        return this.#fields(dot, o.path, o, command);
      case 'variable':
        return this.#fields(this.#variables.findLast((v) => v.name === o.name)?.value, o.path, o, command);
      case 'int':
        return new Int(o.value);
      case 'function':
        return this.#command({ operands: [o], pos: command.pos }, dot, false, undefined);
      case 'pipe':
        return this.#fields(this.#pipe(o.pipe, dot), o.path, o, command);
      default:
        return o.value;
    }
  }

  #fields(value: unknown, path: readonly string[], o: Operand, command: Command): unknown {
    let at = value;
    const pos = (o.type === 'field' || o.type === 'variable' ? o.pos : undefined) ?? command.pos;
    for (const name of path) {
      if (at === undefined || at === null) {
        if (at === undefined) throw this.#fail(pos, operandText(o), `nil data; no entry for key ${JSON.stringify(name)}`);
        throw this.#fail(pos, operandText(o), `nil pointer evaluating interface {}.${name}`);
      }
      if (typeof at !== 'object' || Array.isArray(at) || at instanceof Int) throw this.#fail(pos, operandText(o), `can't evaluate field ${name} in type ${at instanceof Int ? 'int' : 'interface {}'}`);
      if (!Object.hasOwn(at, name)) {
        if (!this.#missing) throw this.#fail(pos, operandText(o), `map has no entry for key ${JSON.stringify(name)}`);
        at = undefined;
      } else at = (at as Record<string, unknown>)[name];
    }
    return at;
  }
}

/** The printer of -o go-template. Throws CommandError when the template does not parse. */
export function goTemplatePrinter(context: Context, text: string, missing: boolean, typed: boolean): Printer {
  let parser: Parser;
  try {
    parser = new Parser(NAME, text, NAMES);
  } catch (error) {
    throw new CommandError(`error parsing template ${text}, ${error instanceof Error ? error.message : typeName(error)}\n`);
  }
  return ({ object }) => {
    const run = new Run(parser.templates, missing);
    try {
      run.start(NAME, object);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      context.write(
        `${run.out}Error executing template: ${error.message}. Printing more information for debugging the template:\n\ttemplate was:\n\t\t${text}\n\traw data was:\n\t\t${typed ? JSON.stringify(object) : goJson(object)}\n\tobject given to template engine was:\n\t\t${show(object)}\n\n`,
      );
      throw new CommandError(`error executing template ${JSON.stringify(text)}: ${error.message}`);
    }
    context.write(run.out);
  };
}
