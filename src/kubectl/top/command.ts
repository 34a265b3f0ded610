// kubectl top and its subcommands.

import type { Command } from '../command.ts';
import { TOP_NODE } from './node.ts';
import { TOP_POD } from './pod.ts';

export const TOP: Command = {
  name: 'top',
  group: 'Cluster Management Commands:',
  use: 'top [flags]',
  short: 'Display resource (CPU/memory) usage',
  long: 'Display what nodes and Pods use, as the Metrics Server tells it. It must be installed in the cluster.',
  flags: [],
  suggestFor: ['stats'],
  subcommands: [TOP_NODE, TOP_POD],
};
