// A command that runs as a process of its own: what it gets, what it gives back.

import type { Os } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import type { LineReader, Writer } from './streams.ts';

export interface AppletContext {
  readonly os: Os;
  /** As it was called: `wget`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly stdin: LineReader;
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs another command of the same image with the given input and output: xargs, timeout, nohup … */
  run(argv: readonly string[], stdin: LineReader, stdout: Writer): Op<number>;
}

/** Returns the exit code. */
export type Applet = (context: AppletContext) => Op<number>;

/** An applet's way out with a message: `cat: …` on stderr. */
export class AppletError extends Error {
  readonly code: number;

  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

export interface Flags {
  readonly has: (flag: string) => boolean;
  readonly value: (flag: string) => string | undefined;
  /** All the values of one that may be given several times. */
  readonly all: (flag: string) => readonly string[];
  readonly rest: readonly string[];
}

/**
 * Reads options as getopt does. `spec` is getopt's: letters, a colon after those that take a value. Long options are those
 * in `long` (`post-data:` takes a value). Throws AppletError for unknown ones.
 */
export function parseFlags(args: readonly string[], spec: string, long: readonly string[] = []): Flags {
  const values = new Map<string, string[]>();
  const take = (flag: string, value: string): void => void values.set(flag, [...(values.get(flag) ?? []), value]);
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      rest.push(...args.slice(i + 1));
      break;
    }
    if (arg.startsWith('--')) {
      const equals = arg.indexOf('=');
      const name = arg.slice(2, equals < 0 ? undefined : equals);
      const takes = long.includes(`${name}:`);
      if (!takes && !long.includes(name)) throw new AppletError(`unrecognized option '${arg}'`);
      take(name, takes ? (equals < 0 ? (args[++i] ?? '') : arg.slice(equals + 1)) : '');
    } else if (arg.startsWith('-') && arg.length > 1) {
      for (let j = 1; j < arg.length; j++) {
        const letter = arg[j] as string;
        const at = letter === ':' ? -1 : spec.indexOf(letter);
        if (at < 0) throw new AppletError(`invalid option -- '${letter}'`);
        if (spec[at + 1] !== ':') {
          take(letter, '');
          continue;
        }
        const inline = arg.slice(j + 1);
        if (inline === '' && args[i + 1] === undefined) throw new AppletError(`option requires an argument -- '${letter}'`);
        take(letter, inline === '' ? (args[++i] as string) : inline);
        break;
      }
    } else rest.push(arg);
  }
  return { has: (flag) => values.has(flag), value: (flag) => values.get(flag)?.at(-1), all: (flag) => values.get(flag) ?? [], rest };
}
