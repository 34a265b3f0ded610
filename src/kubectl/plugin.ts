// kubectl plugin: there are no plug-ins on these machines, and it says so as kubectl does.

import type { Op } from '../cluster/sim/simulation.ts';
import type { Command } from './command.ts';
import { flag } from './flag-set.ts';
import { CommandError } from './print/error.ts';

export const PLUGIN: Command = {
  name: 'plugin',
  use: 'plugin [flags]',
  short: 'Provides utilities for interacting with plugins',
  long: 'Provides utilities for interacting with plugins.\n\n A plugin is a program in the PATH whose name begins with kubectl-.',
  flags: [],
  subcommands: [
    {
      name: 'list',
      use: 'list [flags]',
      short: 'List all visible plugin executables on a user\'s PATH',
      flags: [flag.bool('name-only', 'Only the names of the programs, without their paths.')],
      *run(): Op<void> {
        throw new CommandError('unable to find any kubectl plugins in your PATH');
      },
    },
  ],
};
