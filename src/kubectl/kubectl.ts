// kubectl as a program on a machine: finds the command, reads its flags, runs it over HTTP, prints, exits as kubectl does.

import { isProgrammingError } from '../cluster/client/errors.ts';
import type { Os, Program } from '../cluster/machine/process.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { type Command, isParent } from './command.ts';
import { complete } from './completion/complete.ts';
import { Context } from './context.ts';
import { FlagError, Flags, parseFlags } from './flag-set.ts';
import { GLOBAL_FLAGS } from './global-flags.ts';
import { flagsText, helpText, suggestions } from './help.ts';
import { withPreferences } from './kuberc.ts';
import { CommandError, Exit, report } from './print/error.ts';
import { findCommand, flagsOf } from './tree.ts';

const pathText = (path: readonly Command[]): string => path.map((c) => c.name).join(' ');

function unknownCommand(path: readonly Command[], word: string): CommandError {
  const parent = path.at(-1) as Command;
  if (path.length > 1) return new CommandError(`unknown command ${JSON.stringify(word)}\nSee '${pathText(path)} -h' for help and examples`);
  const meant = suggestions(parent, word);
  const hint = meant.length === 0 ? '' : `\n\nDid you mean this?\n${meant.map((name) => `\t${name}\n`).join('')}`;
  return new CommandError(`unknown command ${JSON.stringify(word)} for "kubectl"${hint.trimEnd() === '' ? '' : hint.replace(/\n$/, '')}`);
}

function* run(context: Context, path: readonly Command[], flags: Flags): Op<number> {
  const command = path.at(-1) as Command;
  const first = flags.args[0];
  if (isParent(command)) {
    if (first !== undefined) throw unknownCommand(path, first);
    if (path.length > 1) throw new Exit(1, helpText(path));
    context.write(helpText(path));
    return 0;
  }
  const missing = flagsOf(path).filter((f) => f.required && !flags.given(f.name));
  if (missing.length > 0) throw new CommandError(`required flag(s) ${missing.map((f) => JSON.stringify(f.name)).join(', ')} not set`);
  const code = yield* command.run?.(context, flags) ?? noOp();
  const { warnings } = context;
  if (flags.is('warnings-as-errors') && warnings > 0) throw new CommandError(`${warnings} warning${warnings === 1 ? '' : 's'} received`);
  return typeof code === 'number' ? code : 0;
}

function* noOp(): Op<void> {}

function* help(context: Context, words: readonly string[]): Op<number> {
  const { path, rest } = findCommand(words);
  if (rest.length > 0 && path.length === 1) {
    context.printError(`Unknown help topic ${JSON.stringify([...words])}`.replaceAll('[', '[`').replaceAll(']', '`]'));
    return 0;
  }
  context.write(helpText(path));
  return 0;
}

export const kubectlProgram: Program = function* (os: Os): Op<number> {
  let argv: readonly string[] = os.argv.slice(1);
  let problem: unknown = null;
  try {
    argv = withPreferences(os, argv);
  } catch (error) {
    problem = error;
  }
  const { path, rest } = findCommand(argv);
  const name = pathText(path);
  let context = new Context(os, new Flags([], -1, new Map(), new Map()), name);
  try {
    if (problem !== null) throw problem;
    if (argv[0] === '__complete' || argv[0] === '__completeNoDesc') return yield* complete(context, argv.slice(1), argv[0] === '__complete');
    let flags: Flags;
    try {
      flags = parseFlags(rest, flagsOf(path));
    } catch (error) {
      if (error instanceof FlagError) throw new CommandError(`${error.message}\n${path.at(-1)?.name === 'options' ? `Run '${name}' without flags.` : `See '${name} --help' for usage.`}`);
      throw error;
    }
    context = new Context(os, flags, name);
    for (const text of flags.deprecations()) context.printError(text);
    if (flags.is('help')) {
      context.write(helpText(path));
      return 0;
    }
    if (path.length === 1 && flags.args[0] === 'help') return yield* help(context, flags.args.slice(1));
    if (path.length === 2 && path[1]?.name === 'options') {
      context.write(`The following options can be passed to any command:\n\n${flagsText(GLOBAL_FLAGS)}\n`);
      return 0;
    }
    return yield* run(context, path, flags);
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    const { text, code } = report(error, context.server);
    if (text !== '') context.printError(text.replace(/\n$/, ''));
    return code;
  } finally {
    context.io.flush();
  }
};
