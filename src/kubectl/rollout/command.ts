// kubectl rollout (kubectl/pkg/cmd/rollout/rollout.go).

import type { Command } from '../command.ts';
import { PAUSE, RESTART, RESUME } from './change.ts';
import { HISTORY } from './history.ts';
import { STATUS } from './status.ts';
import { UNDO } from './undo.ts';

export const ROLLOUT: Command = {
  name: 'rollout',
  group: 'Deploy Commands:',
  use: 'rollout SUBCOMMAND',
  short: 'Manage the rollout of a resource',
  long: 'Manage the rollouts of workloads.\n\nValid resource types include:\n\n   *  deployments\n   *  daemonsets\n   *  statefulsets',
  examples: '# Back to the last deployment\nkubectl rollout undo deployment/web\n\n# How the rollout of a daemon set goes\nkubectl rollout status daemonset/agent\n\n# Restart a deployment\nkubectl rollout restart deployment/web',
  flags: [],
  subcommands: [HISTORY, PAUSE, RESUME, UNDO, STATUS, RESTART],
};
