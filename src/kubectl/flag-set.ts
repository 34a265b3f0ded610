// A command's flags as spf13/pflag defines and parses them: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`,
// grouped short flags, flags and arguments in any order, `--` ends the flags; errors in pflag's words.

import { parseDuration } from './duration.ts';
import { CommandError } from './print/error.ts';

export type FlagType = 'bool' | 'string' | 'int' | 'int32' | 'int64' | 'duration' | 'stringSlice' | 'stringArray' | 'text';

export interface FlagDef {
  readonly name: string;
  readonly short?: string;
  /** 'text' is a string whose help shows no quotes; a slice splits at commas, an array does not. */
  readonly type: FlagType;
  /** As the help shows it: `false`, `[]`, `0s`, … */
  readonly value: string;
  /** The value of the flag when it stands alone. */
  readonly alone?: string;
  readonly help: string;
  readonly hidden?: boolean;
  readonly deprecated?: string;
  readonly required?: boolean;
}

export type FlagSet = readonly FlagDef[];

type More = Partial<Pick<FlagDef, 'short' | 'value' | 'alone' | 'hidden' | 'deprecated' | 'required'>>;

const define = (type: FlagType, otherwise: string) => (name: string, help: string, more: More = {}): FlagDef => ({ name, type, value: otherwise, help, ...(type === 'bool' ? { alone: 'true' } : {}), ...more });

/** One flag of each type: name, help text, and what is not usual about it. */
export const flag = {
  bool: define('bool', 'false'),
  string: define('string', ''),
  int: define('int', '0'),
  int32: define('int32', '0'),
  int64: define('int64', '0'),
  duration: define('duration', '0s'),
  slice: define('stringSlice', '[]'),
  array: define('stringArray', '[]'),
};

/** `-o, --output` as errors name a flag. */
const named = (def: FlagDef): string => (def.short ? `-${def.short}, --${def.name}` : `--${def.name}`);

const invalidArgument = (value: string, def: FlagDef, why: string): CommandError =>
  new CommandError(`invalid argument ${JSON.stringify(value)} for ${JSON.stringify(named(def))} flag: ${why}`);

const TRUE = /^(1|t|T|TRUE|true|True)$/;
const FALSE = /^(0|f|F|FALSE|false|False)$/;

/** Throws CommandError when the text is no value of the flag's type. */
function check(def: FlagDef, value: string): void {
  const quoted = JSON.stringify(value);
  if (def.type === 'bool' && !TRUE.test(value) && !FALSE.test(value)) throw invalidArgument(value, def, `strconv.ParseBool: parsing ${quoted}: invalid syntax`);
  if (def.type === 'int' || def.type === 'int32' || def.type === 'int64') {
    if (!/^[+-]?(0[xX][\da-fA-F_]+|[\d_]+)$/.test(value)) throw invalidArgument(value, def, `strconv.ParseInt: parsing ${quoted}: invalid syntax`);
    const limit = def.type === 'int32' ? 2 ** 31 : 2 ** 63;
    if (Math.abs(Number(value)) >= limit) throw invalidArgument(value, def, `strconv.ParseInt: parsing ${quoted}: value out of range`);
  }
  if (def.type === 'duration') {
    const parsed = parseDuration(value);
    if (typeof parsed === 'string') throw invalidArgument(value, def, parsed);
  }
}

/** The fields of one line of CSV, as encoding/csv reads a slice flag. */
function fieldsOf(value: string): string[] {
  if (!value.includes('"')) return value === '' ? [] : value.split(',');
  const fields: string[] = [];
  const pattern = /("(?:[^"]|"")*"|[^,]*)(,|$)/gy;
  for (let m = pattern.exec(value); m; m = pattern.exec(value)) {
    const text = m[1] as string;
    fields.push(text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);
    if (m[2] === '') break;
  }
  return fields;
}

/** What a command line says: the values of flags (or their defaults) and the other words. */
export class Flags {
  readonly args: readonly string[];
  /** How many arguments stand before `--`; -1 without one. */
  readonly dashAt: number;
  readonly #values: ReadonlyMap<string, readonly string[]>;
  readonly #defs: ReadonlyMap<string, FlagDef>;

  constructor(args: readonly string[], dashAt: number, values: ReadonlyMap<string, readonly string[]>, defs: ReadonlyMap<string, FlagDef>) {
    this.args = args;
    this.dashAt = dashAt;
    this.#values = values;
    this.#defs = defs;
  }

  /** What the command line gives, flag by flag. */
  pairs(): readonly (readonly [name: string, value: string])[] {
    return [...this.#values].flatMap(([name, values]) => values.map((value) => [name, value] as const));
  }

  /** The flags given that kubectl would rather do without, as it warns of them. */
  deprecations(): readonly string[] {
    const given = [...this.#values.keys()].map((name) => this.#defs.get(name));
    return given.flatMap((def) => (def?.deprecated ? [`Flag --${def.name} has been deprecated, ${def.deprecated}`] : []));
  }

  /** The flag's text when it is one of these: a command may have another one of the same name. */
  textOf(name: string, defs: FlagSet): string {
    const def = this.#defs.get(name);
    return def !== undefined && defs.includes(def) ? this.text(name) : '';
  }

  /** Whether the command takes this flag. */
  has(name: string): boolean {
    return this.#defs.has(name);
  }

  /** Whether the command line gives it (pflag's Changed). */
  given(name: string): boolean {
    return this.#values.has(name);
  }

  /** The flag's text, or its default; '' for a flag that the command does not take. */
  text(name: string): string {
    return this.#values.get(name)?.at(-1) ?? this.#defs.get(name)?.value ?? '';
  }

  is(name: string): boolean {
    return TRUE.test(this.text(name));
  }

  integer(name: string): number {
    return Number(this.text(name).replaceAll('_', ''));
  }

  /** Microseconds; may be negative. */
  duration(name: string): number {
    const parsed = parseDuration(this.text(name));
    return typeof parsed === 'number' ? parsed : 0;
  }

  list(name: string): readonly string[] {
    const def = this.#defs.get(name);
    const values = this.#values.get(name);
    if (values === undefined) return !def || def.value === '[]' ? [] : def.value.replace(/^\[|\]$/g, '').split(',');
    return def?.type === 'stringArray' ? values : values.flatMap(fieldsOf);
  }
}

/** A class of its own, because the words behind it differ: `See 'kubectl get --help' for usage.` */
export class FlagError extends CommandError {}

/** Reads flags and arguments. Throws FlagError. */
export function parseFlags(given: readonly string[], defs: Iterable<FlagDef>): Flags {
  const byName = new Map<string, FlagDef>();
  const byShort = new Map<string, FlagDef>();
  for (const def of defs) {
    byName.set(def.name, def);
    if (def.short) byShort.set(def.short, def);
  }
  const values = new Map<string, string[]>();
  const args: string[] = [];
  let dashAt = -1;
  const add = (def: FlagDef, value: string): void => {
    try {
      check(def, value);
    } catch (error) {
      throw new FlagError((error as Error).message);
    }
    const known = values.get(def.name);
    if (known) known.push(value);
    else values.set(def.name, [value]);
  };
  for (let i = 0; i < given.length; i++) {
    const arg = given[i] as string;
    if (arg === '--') {
      dashAt = args.length;
      args.push(...given.slice(i + 1));
      break;
    }
    if (arg === '-' || !arg.startsWith('-')) {
      args.push(arg);
      continue;
    }
    if (arg.startsWith('--')) {
      const equals = arg.indexOf('=');
      const name = arg.slice(2, equals < 0 ? undefined : equals);
      if (name === '' || name.startsWith('-')) throw new FlagError(`bad flag syntax: ${arg}`);
      const def = byName.get(name) ?? byName.get(name.replaceAll('_', '-'));
      if (!def) throw new FlagError(`unknown flag: --${name}`);
      if (equals >= 0) add(def, arg.slice(equals + 1));
      else if (def.alone !== undefined) add(def, def.alone);
      else if (i + 1 < given.length) add(def, given[++i] as string);
      else throw new FlagError(`flag needs an argument: --${name}`);
      continue;
    }
    for (let rest = arg.slice(1); rest !== ''; ) {
      const letter = [...rest][0] as string;
      const def = byShort.get(letter);
      if (!def) throw new FlagError(`unknown shorthand flag: '${letter}' in -${rest}`);
      const tail = rest.slice(letter.length);
      if (tail.length > 1 && tail.startsWith('=')) {
        add(def, tail.slice(1));
        break;
      }
      if (def.alone !== undefined) {
        add(def, def.alone);
        rest = tail;
      } else if (tail !== '') {
        add(def, tail);
        break;
      } else if (i + 1 < given.length) {
        add(def, given[++i] as string);
        break;
      } else throw new FlagError(`flag needs an argument: '${letter}' in -${rest}`);
    }
  }
  return new Flags(args, dashAt, values, byName);
}
