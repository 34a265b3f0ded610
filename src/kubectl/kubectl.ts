// kubectl as a program on a machine: reads its flags, does one command over HTTP, prints, exits 0 or 1.

import { isProgrammingError } from '../cluster/client/errors.ts';
import type { Os, Program } from '../cluster/machine/process.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { APPLY_FLAGS, apply } from './apply.ts';
import { Context, GLOBAL_FLAGS } from './context.ts';
import { CREATE_FLAGS, create } from './create.ts';
import { DELETE_FLAGS, deleteObjects } from './delete.ts';
import { type Flags, type FlagSpec, parseFlags } from './flags.ts';
import { GET_FLAGS, get } from './get.ts';
import { CommandError, errorLines } from './print/error.ts';
import { SCALE_FLAGS, scale } from './scale.ts';

interface Command {
  readonly flags: FlagSpec;
  readonly run: (context: Context, flags: Flags) => Op<void>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  apply: { flags: APPLY_FLAGS, run: apply },
  create: { flags: CREATE_FLAGS, run: create },
  delete: { flags: DELETE_FLAGS, run: deleteObjects },
  get: { flags: GET_FLAGS, run: get },
  scale: { flags: SCALE_FLAGS, run: scale },
};

export const kubectlProgram: Program = function* (os: Os): Op<number> {
  const { name, rest } = splitCommand(os.argv.slice(1));
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  let server = '';
  try {
    if (!command) throw new CommandError(`unknown command "${name}" for "kubectl"`);
    const flags = parseFlags(rest, command.flags);
    const context = new Context(os, flags);
    server = context.server;
    yield* command.run(context, flags);
    return 0;
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    for (const line of errorLines(error, server)) os.logError(line);
    return 1;
  }
};

/** The command's name and everything else: global flags may stand before it. */
function splitCommand(argv: readonly string[]): { readonly name: string; readonly rest: readonly string[] } {
  const needsValue = new Set(Object.entries(GLOBAL_FLAGS).flatMap(([flag, { short }]) => (short ? [`--${flag}`, `-${short}`] : [`--${flag}`])));
  let at = 0;
  while (argv[at]?.startsWith('-')) at += needsValue.has(argv[at] as string) ? 2 : 1;
  return { name: argv[at] ?? '', rest: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}
