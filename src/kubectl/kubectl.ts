// kubectl as a program on a machine: reads its flags, does one command over HTTP, prints, exits 0 or 1.

import { isProgrammingError } from '../cluster/client/errors.ts';
import type { Os, Program } from '../cluster/machine/process.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { APPLY_FLAGS, apply } from './apply.ts';
import { Context } from './context.ts';
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
  const [, name = '', ...rest] = os.argv;
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
