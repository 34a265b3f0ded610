// `kubectl __complete <words…>`: what the shell offers for the last word: commands, flags, resource types, names (cobra's protocol).

import type { Op } from '../../cluster/sim/simulation.ts';
import { Context } from '../context.ts';
import { Flags, parseFlags } from '../flag-set.ts';
import { findCommand, flagsOf } from '../tree.ts';
import { completeNames } from './resources.ts';

/** cobra's ShellCompDirective bits. */
const NO_SPACE = 2;
const NO_FILES = 4;

function readable(words: readonly string[], path: ReturnType<typeof findCommand>['path']): Flags {
  try {
    return parseFlags(words, flagsOf(path));
  } catch {
    return new Flags(words.filter((word) => !word.startsWith('-')), -1, new Map(), new Map());
  }
}

/** Prints a line for each candidate and the directive, as the shell's script reads them. */
export function* complete(outer: Context, words: readonly string[], describe: boolean): Op<number> {
  const toComplete = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { path, rest } = findCommand(before);
  const flags = readable(rest, path);
  const command = path.at(-1);
  const context = new Context(outer.os, flags, path.map((c) => c.name).join(' '));
  let directive = NO_FILES;
  const lines: string[] = [];
  const add = (name: string, text: string): void => void lines.push(describe && text !== '' ? `${name}\t${text}` : name);
  const last = before.at(-1) ?? '';
  const defs = flagsOf(path);
  const pending = last.startsWith('-') && !last.includes('=') ? defs.find((f) => (last === `--${f.name}` || (f.short !== undefined && last === `-${f.short}`)) && f.alone === undefined) : undefined;
  const valued = pending ?? (toComplete.startsWith('--') && toComplete.includes('=') ? defs.find((f) => toComplete.startsWith(`--${f.name}=`)) : undefined);
  if (valued) {
    const prefix = pending ? toComplete : toComplete.slice(toComplete.indexOf('=') + 1);
    if (valued.name === 'namespace') for (const name of yield* completeNames(context, 'namespaces', prefix)) add(name, '');
    else if (valued.name === 'output') for (const name of ['json', 'yaml', 'name', 'wide', 'jsonpath=', 'custom-columns=', 'go-template=']) if (name.startsWith(prefix)) add(name, '');
    if (valued.name === 'filename' || valued.name === 'kustomize') directive = 0;
  } else if (toComplete.startsWith('-')) {
    for (const f of [...defs].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (f.hidden || flags.given(f.name)) continue;
      const name = `--${f.name}${f.alone === undefined ? '=' : ''}`;
      if (name.startsWith(toComplete)) add(name, f.help);
      if (f.short && `-${f.short}`.startsWith(toComplete)) add(`-${f.short}`, f.help);
    }
    if (lines.every((line) => line.split('\t')[0]?.endsWith('='))) directive |= NO_SPACE;
  } else {
    if (flags.args.length === 0) for (const c of [...(command?.subcommands ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1))) if (!c.hidden && c.name.startsWith(toComplete)) add(c.name, c.short);
    const found = command?.complete ? yield* command.complete(context, flags, toComplete) : [];
    for (const name of found) add(name, '');
    if (found.length > 0 && found.every((name) => name.endsWith('/'))) directive |= NO_SPACE;
    if (!command?.complete && !command?.subcommands) directive = 0;
  }
  for (const line of lines) outer.print(line);
  outer.print(`:${directive}`);
  return 0;
}
