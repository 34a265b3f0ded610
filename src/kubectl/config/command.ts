// kubectl config and its subcommands.

import type { Command } from '../command.ts';
import { CHANGE } from './change.ts';
import { SHOW } from './show.ts';

export const CONFIG: Command = {
  name: 'config',
  use: 'config SUBCOMMAND',
  short: 'Modify kubeconfig files',
  long: 'Modify kubeconfig files using subcommands like "kubectl config set current-context my-context".\n\n Which files are read:\n\n  1.  With --kubeconfig only that file.\n  2.  Else the files that $KUBECONFIG lists, merged. A value is changed in the file that has it; a new one goes into the first file that exists.\n  3.  Else ${HOME}/.kube/config.',
  flags: [],
  subcommands: [...SHOW, ...CHANGE],
};
