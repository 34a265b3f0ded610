// kubectl's flags, as pflag reads them: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`; flags and
// arguments in any order; `--` ends the flags.

import { CommandError } from './print/error.ts';

/** 'yes' = a flag that takes no value unless given by `=`; 'value' = one that needs a value; 'list' = may be repeated. */
export type FlagSpec = Readonly<Record<string, { readonly short?: string; readonly takes: 'yes' | 'value' | 'list'; readonly alone?: string }>>;

export class Flags {
  readonly args: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(args: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.args = args;
    this.#values = values;
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return (this.#values.get(name) ?? []).flatMap((value) => value.split(','));
  }

  /** A boolean flag; throws CommandError when its value is no boolean. */
  is(name: string, otherwise = false): boolean {
    const value = this.text(name);
    if (value === undefined) return otherwise;
    if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
    if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
    throw new CommandError(`invalid argument "${value}" for "--${name}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`);
  }

  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^[+-]?\d+$/.test(value)) {
      throw new CommandError(`invalid argument "${value}" for "--${name}" flag: strconv.ParseInt: parsing "${value}": invalid syntax`);
    }
    return Number(value);
  }
}

/** Reads a command's flags and arguments; throws CommandError for unknown flags and missing values. */
export function parseFlags(given: readonly string[], spec: FlagSpec): Flags {
  const argv = [...given];
  const values = new Map<string, string[]>();
  const args: string[] = [];
  const add = (name: string, value: string): void => void (values.get(name) ?? values.set(name, []).get(name))?.push(value);
  const byShort = new Map(Object.entries(spec).flatMap(([name, f]) => (f.short ? [[f.short, name] as const] : [])));
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] as string;
    if (arg === '--') {
      args.push(...argv.slice(i + 1));
      break;
    }
    if (arg === '-' || !arg.startsWith('-')) {
      args.push(arg);
      continue;
    }
    const long = arg.startsWith('--');
    const equals = arg.indexOf('=');
    const word = long ? arg.slice(2, equals < 0 ? undefined : equals) : arg[1] === undefined ? '' : arg[1];
    const name = long ? word : byShort.get(word);
    const flag = name === undefined || !Object.hasOwn(spec, name) ? undefined : spec[name];
    if (name === undefined || !flag) {
      throw new CommandError(long ? `unknown flag: --${word}` : `unknown shorthand flag: '${word}' in ${arg}`);
    }
    let value = equals >= 0 ? arg.slice(equals + 1) : undefined;
    if (!long && equals < 0 && arg.length > 2) {
      if (flag.takes === 'yes') {
        // -Ao yaml and its like: the rest are flags of their own
        add(name, flag.alone ?? 'true');
        argv[i--] = `-${arg.slice(2)}`;
        continue;
      }
      value = arg.slice(2);
    }
    if (value === undefined && flag.takes === 'yes') value = flag.alone ?? 'true';
    if (value === undefined && flag.alone !== undefined) value = flag.alone;
    if (value === undefined) {
      value = argv[++i];
      if (value === undefined) throw new CommandError(`flag needs an argument: ${long ? `--${word}` : `'${word}' in ${arg}`}`);
    }
    add(name, value);
  }
  return new Flags(args, values);
}
