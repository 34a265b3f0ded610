// kubectl options: the flags that every command takes. The program prints them, as it knows them.

import type { Command } from './command.ts';

export const OPTIONS: Command = {
  name: 'options',
  use: 'options',
  short: 'Print the list of flags inherited by all commands',
  flags: [],
  examples: '# Print flags inherited by all commands\nkubectl options',
  *run() {},
};
