// All commands of kubectl, in the order of its help. Adding one: see the head of command.ts and the neighbours.

import type { Command } from './command.ts';
import { APPLY } from './apply/command.ts';
import { AUTH } from './auth/command.ts';
import { COMPLETION } from './completion/command.ts';
import { CONFIG } from './config/command.ts';
import { CREATE } from './create/command.ts';
import { DELETE } from './delete.ts';
import { DESCRIBE } from './describe/command.ts';
import { GET } from './get/get.ts';
import { DIFF } from './diff/diff.ts';
import { EXPLAIN } from './explain/explain.ts';
import { KUSTOMIZE } from './kustomize/command.ts';
import { API_RESOURCES, API_VERSIONS } from './inspect/api-resources.ts';
import { CLUSTER_INFO } from './inspect/cluster-info.ts';
import { EVENTS } from './inspect/events.ts';
import { VERSION_COMMAND } from './inspect/version.ts';
import { OPTIONS } from './options.ts';
import { PLUGIN } from './plugin.ts';
import { REPLACE } from './replace.ts';
import { SCALE } from './scale.ts';
import { WAIT } from './wait/wait.ts';

export const ROOT: Command = {
  name: 'kubectl',
  use: 'kubectl',
  short: 'kubectl controls the Kubernetes cluster manager',
  long: 'kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/',
  flags: [],
  subcommands: [CREATE, EXPLAIN, GET, DELETE, SCALE, CLUSTER_INFO, DESCRIBE, AUTH, EVENTS, DIFF, APPLY, REPLACE, WAIT, KUSTOMIZE, COMPLETION, CONFIG, PLUGIN, API_RESOURCES, API_VERSIONS, VERSION_COMMAND, OPTIONS],
};
