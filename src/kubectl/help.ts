// `--help` as kubectl's templates lay it out (kubectl/pkg/util/templates): description, examples, commands, options, usage.

import { type Command, GROUPS } from './command.ts';
import type { FlagDef, FlagSet } from './flag-set.ts';

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

function flagText({ name, short, type, value, help, deprecated }: FlagDef): string {
  const shown = type === 'string' ? `'${value}'` : value;
  return `    ${short ? `-${short}, ` : ''}--${name}=${shown}:\n\t${help}${deprecated ? ` (DEPRECATED: ${deprecated})` : ''}\n`;
}

export const flagsText = (flags: FlagSet): string =>
  [...flags]
    .filter((f) => !f.hidden && !f.deprecated && f.name !== 'help')
    .sort(byName)
    .map(flagText)
    .join('\n');

const NAME_PADDING = 11;

function section(title: string, commands: readonly Command[], padding: number): string {
  return [title, ...commands.filter((c) => !c.hidden).map((c) => `  ${c.name.padEnd(padding)}   ${c.short}`)].join('\n');
}

function commandsText(command: Command, root: boolean): string {
  const all = command.subcommands ?? [];
  const padding = Math.max(NAME_PADDING, ...all.map((c) => c.name.length));
  const listed = all.filter((c) => c.name !== 'options' && !c.hidden);
  if (!root) return section('Available Commands:', [...listed].sort(byName), padding);
  const groups = GROUPS.map((group) => section(group, listed.filter((c) => c.group === group), padding));
  const others = [...listed].filter((c) => c.group === undefined).sort(byName);
  return [...groups, 'Subcommands provided by plugins:', section('Other Commands:', others, padding)].join('\n\n');
}

/** The help of a command; `path` are the commands from the root to it. */
export function helpText(path: readonly Command[]): string {
  const command = path.at(-1) as Command;
  const root = path.length === 1;
  const names = path.map((c) => c.name).join(' ');
  const parent = path.slice(0, -1).map((c) => c.name).join(' ');
  const parts: string[] = [(command.long ?? command.short).trim()];
  if (command.aliases?.length) parts.push(`Aliases:\n${[command.name, ...command.aliases].join(', ')}`);
  if (command.examples) parts.push(`Examples:\n${command.examples.trim().split('\n').map((line) => `  ${line}`).join('\n')}`);
  if (command.subcommands?.length) parts.push(commandsText(command, root));
  const options = root ? '' : flagsText(command.flags).trimEnd();
  if (options !== '') parts.push(`Options:\n${options}`);
  const use = root ? 'kubectl [flags]' : `${parent} ${command.use}`;
  parts.push(`Usage:\n  ${use.includes('[options]') ? use : `${use} [options]`}`);
  const tips: string[] = [];
  if (command.subcommands?.length) tips.push(`Use "${names} <command> --help" for more information about a given command.`);
  tips.push('Use "kubectl options" for a list of global command-line options (applies to all commands).');
  return `${parts.join('\n\n')}\n\n${tips.join('\n')}\n`;
}

/** Commands that were probably meant, as cobra finds them: two letters away, or this is their beginning. */
export function suggestions(parent: Command, typed: string): string[] {
  return (parent.subcommands ?? [])
    .filter((c) => !c.hidden || c.name === 'options')
    .filter((c) => distance(typed.toLowerCase(), c.name.toLowerCase()) <= 2 || c.name.toLowerCase().startsWith(typed.toLowerCase()) || (c.suggestFor ?? []).some((s) => s.toLowerCase() === typed.toLowerCase()))
    .map((c) => c.name);
}

/** Levenshtein's. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      next.push(same ? (row[j - 1] as number) : 1 + Math.min(row[j] as number, row[j - 1] as number, next[j - 1] as number));
    }
    row = next;
  }
  return row[b.length] as number;
}
