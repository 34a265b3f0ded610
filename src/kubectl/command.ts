// A command of kubectl's tree, as spf13/cobra has it: names, help, flags, subcommands and what it does.

import type { Op } from '../cluster/sim/simulation.ts';
import type { Context } from './context.ts';
import type { Flags, FlagSet } from './flag-set.ts';

export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** The usage line without `kubectl` and the parents: `get [(-o|--output=)…] (TYPE …) [flags]`. */
  readonly use: string;
  /** One line, for the list of commands. */
  readonly short: string;
  /** Default: `short`. */
  readonly long?: string;
  /** Lines, not indented. */
  readonly examples?: string;
  readonly flags: FlagSet;
  /** Flags that the subcommands take too. */
  readonly persistentFlags?: FlagSet;
  readonly subcommands?: readonly Command[];
  /** Returns the exit code; nothing is 0. Throws CommandError, ApiError, … */
  run?(context: Context, flags: Flags): Op<void | number>;
  readonly hidden?: boolean;
  /** The heading of `kubectl --help` that it stands under; none: Other Commands. */
  readonly group?: Group;
  /** Words that people type when they mean this. */
  readonly suggestFor?: readonly string[];
  /** What the next argument may be; default: nothing (the shell offers files). */
  readonly complete?: (context: Context, flags: Flags, toComplete: string) => Op<readonly string[]>;
}

export const GROUPS = [
  'Basic Commands (Beginner):',
  'Basic Commands (Intermediate):',
  'Deploy Commands:',
  'Cluster Management Commands:',
  'Troubleshooting and Debugging Commands:',
  'Advanced Commands:',
  'Settings Commands:',
] as const;

export type Group = (typeof GROUPS)[number];

/** A command that only has subcommands: it prints its help, and complains about words that it does not know. */
export const isParent = (command: Command): boolean => command.subcommands !== undefined && command.run === undefined;

export const calls = (command: Command, word: string): boolean => command.name === word || (command.aliases ?? []).includes(word);
