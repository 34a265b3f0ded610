// Command lines: a table of flags with their short forms, `--flag value`, `--flag=value`, `-abc`; what is no flag is an argument.

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** A flag that stands for itself; else it takes a value. */
  readonly bool?: boolean;
}

/** Cannot be understood: the text says why. */
export class UsageError extends Error {}

export class Arguments {
  readonly #values = new Map<string, string[]>();
  readonly rest: string[] = [];

  is(name: string): boolean {
    return this.#values.get(name)?.at(-1) === 'true';
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string {
    return this.#values.get(name)?.at(-1) ?? '';
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  add(name: string, value: string): void {
    this.#values.set(name, [...(this.#values.get(name) ?? []), value]);
  }
}

export interface ReadingStyle {
  /** Flags end at the first argument (exec, urfave/cli). */
  readonly argumentsEndFlags?: boolean;
  /** The words for a flag that is not known. */
  readonly unknown: (flag: string) => string;
}

/** Throws UsageError. */
export function readArguments(args: readonly string[], specs: readonly FlagSpec[], { argumentsEndFlags = false, unknown }: ReadingStyle): Arguments {
  const result = new Arguments();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      result.rest.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      result.rest.push(arg);
      if (!argumentsEndFlags) continue;
      result.rest.push(...args.slice(i + 1));
      break;
    }
    const equals = arg.indexOf('=');
    const word = arg.replace(/^--?/, '').slice(0, equals < 0 ? undefined : equals - (arg.startsWith('--') ? 2 : 1));
    const spec = specs.find((s) => s.name === word || (s.short === word && !arg.startsWith('--')));
    if (spec !== undefined) {
      if (equals >= 0) result.add(spec.name, arg.slice(equals + 1));
      else if (spec.bool) result.add(spec.name, 'true');
      else if (args[i + 1] === undefined) throw new UsageError(`flag needs an argument: ${arg}`);
      else result.add(spec.name, args[++i] as string);
      continue;
    }
    if (arg.startsWith('--')) throw new UsageError(unknown(arg));
    // -abc: each a flag of its own; the last may take what follows.
    const letters = [...arg.slice(1)];
    for (const [at, letter] of letters.entries()) {
      const one = specs.find((s) => s.short === letter);
      if (one === undefined) throw new UsageError(unknown(`-${letter}`));
      if (one.bool) {
        result.add(one.name, 'true');
        continue;
      }
      const inline = letters.slice(at + 1).join('');
      if (inline === '' && args[i + 1] === undefined) throw new UsageError(`flag needs an argument: -${letter}`);
      result.add(one.name, inline === '' ? (args[++i] as string) : inline);
      break;
    }
  }
  return result;
}
