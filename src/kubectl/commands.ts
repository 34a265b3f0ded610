// All commands of kubectl, in the order of its help. Adding one: see the head of command.ts and the neighbours.

import type { Command } from './command.ts';
import { AUTOSCALE } from './autoscale.ts';
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
import { CORDON, UNCORDON } from './node/cordon.ts';
import { DRAIN } from './node/drain.ts';
import { TAINT } from './node/taint.ts';
import { EXPOSE } from './expose/expose.ts';
import { ANNOTATE } from './mutate/annotate.ts';
import { LABEL } from './mutate/label.ts';
import { PATCH } from './mutate/patch.ts';
import { OPTIONS } from './options.ts';
import { PLUGIN } from './plugin.ts';
import { REPLACE } from './replace.ts';
import { ROLLOUT } from './rollout/command.ts';
import { attachToRun } from './run/attached.ts';
import { runCommand } from './run/run.ts';
import { SCALE } from './scale.ts';
import { ATTACH } from './stream/attach.ts';
import { CP } from './stream/cp.ts';
import { EXEC } from './stream/exec.ts';
import { LOGS } from './stream/logs.ts';
import { PORT_FORWARD } from './stream/port-forward.ts';
import { SET } from './set/command.ts';
import { EDIT } from './edit/edit.ts';
import { TOP } from './top/command.ts';
import { CERTIFICATE } from './certificate/certificate.ts';
import { DEBUG } from './debug/debug.ts';
import { PROXY } from './stream/proxy.ts';
import { WAIT } from './wait/wait.ts';

const RUN = runCommand(attachToRun);

export const ROOT: Command = {
  name: 'kubectl',
  use: 'kubectl',
  short: 'kubectl controls the Kubernetes cluster manager',
  long: 'kubectl controls the Kubernetes cluster manager.\n\n Find more information at: https://kubernetes.io/docs/reference/kubectl/',
  flags: [],
  subcommands: [
    CREATE, EXPOSE, RUN, SET, EXPLAIN, GET, EDIT, DELETE, ROLLOUT, SCALE, AUTOSCALE, CERTIFICATE, CLUSTER_INFO, TOP,
    CORDON, UNCORDON, DRAIN, TAINT, DESCRIBE, LOGS, ATTACH, EXEC, PORT_FORWARD, PROXY, CP, AUTH, DEBUG, EVENTS, DIFF,
    APPLY, PATCH, REPLACE, WAIT, KUSTOMIZE, LABEL, ANNOTATE, COMPLETION, CONFIG, PLUGIN, API_RESOURCES, API_VERSIONS,
    VERSION_COMMAND, OPTIONS,
  ],
};
