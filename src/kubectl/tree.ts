// Finding a command in the tree from the words of a command line, and all flags that it takes (cobra's Find).

import { calls, type Command } from './command.ts';
import { ROOT } from './commands.ts';
import type { FlagDef } from './flag-set.ts';
import { GLOBAL_FLAGS, HELP_FLAG } from './global-flags.ts';

/** All flags that a command takes, its parents' included. */
export function flagsOf(path: readonly Command[]): readonly FlagDef[] {
  const command = path.at(-1) as Command;
  return [...command.flags, ...path.flatMap((c) => c.persistentFlags ?? []), HELP_FLAG, ...GLOBAL_FLAGS.filter((g) => !command.flags.some((f) => f.name === g.name || (f.short !== undefined && f.short === g.short)))];
}

/** Follows the words that are commands; flags may stand between them. `rest` is everything else, in order. */
export function findCommand(argv: readonly string[]): { readonly path: readonly Command[]; readonly rest: readonly string[] } {
  const path: Command[] = [ROOT];
  const rest = [...argv];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] as string;
    if (word === '--') break;
    const command = path.at(-1) as Command;
    if (word.startsWith('-')) {
      if (takesNextWord(word, flagsOf(path))) i++;
      continue;
    }
    const next = command.subcommands?.find((c) => calls(c, word));
    if (!next) break;
    path.push(next);
    rest.splice(i, 1);
    i--;
  }
  return { path, rest };
}

function takesNextWord(word: string, defs: readonly FlagDef[]): boolean {
  if (word.includes('=')) return false;
  const def = word.startsWith('--') ? defs.find((f) => f.name === word.slice(2)) : word.length === 2 ? defs.find((f) => f.short === word[1]) : undefined;
  return def !== undefined && def.alone === undefined;
}
