// kubectl exec: a command in a container (kubectl/pkg/cmd/exec).

import type { Pod } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { containerFor, mustContainer } from './containers.ts';
import { asPodArguments, attachable, podRunningTimeout, podRunningTimeoutFlag, podTarget } from './pods.ts';
import { type RemoteStreams, runRemote, streamQuery, streamsFor, terminalFor } from './remote.ts';

export const EXEC: Command = {
  name: 'exec',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'exec (POD | TYPE/NAME) [-c CONTAINER] [flags] -- COMMAND [args...]',
  short: 'Execute a command in a container',
  long: 'Execute a command in a container.',
  examples: 'kubectl exec web-1 -- date\nkubectl exec web-1 -c app -i -t -- sh\nkubectl exec deploy/web -- ls /',
  flags: [
    flag.string('container', 'The container. Default: the one that the annotation kubectl.kubernetes.io/default-container names, or the first.', { short: 'c' }),
    flag.slice('filename', 'The Pod, or what has Pods, from a file.', { short: 'f' }),
    podRunningTimeoutFlag('1m0s'),
    flag.bool('quiet', 'Only what the command prints.', { short: 'q' }),
    flag.bool('stdin', 'Hand stdin on to the container.', { short: 'i' }),
    flag.bool('tty', 'Stdin is a terminal.', { short: 't' }),
  ],
  complete: (context, _flags, toComplete) => completeNames(context, 'pods', toComplete),
  run: exec,
};

function* exec(context: Context, flags: Flags): Op<void> {
  const { args, dashAt } = flags;
  const files = flags.list('filename');
  const name = args.length > 0 && dashAt !== 0 ? args[0] : undefined;
  let command: readonly string[] = [];
  if (dashAt === 0 || dashAt === 1) command = args.slice(dashAt);
  else if (args.length > 1 || (args.length > 0 && files.length > 0)) throw context.usageError('exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead');
  const timeout = podRunningTimeout(context, flags);
  if (name === undefined && files.length === 0) throw new CommandError('pod, type/name or --filename must be specified');
  if (command.length === 0) throw new CommandError('you must specify at least one command for the container');
  const { pod } = yield* attachable(context, name === undefined ? [] : asPodArguments(name), timeout, files, 'cannot exec into multiple objects at a time');
  mustBeAlive(pod, 'exec into a container in');
  const quiet = flags.is('quiet');
  const asked = flags.text('container');
  const { container } = asked === '' ? containerFor(context, pod, '', quiet) : mustContainer(pod, asked);
  const terminal = terminalFor(context, flags.is('stdin'), flags.is('tty'), quiet);
  yield* execIn(context, pod, container.name, command, streamsFor(context, terminal));
}

export function mustBeAlive(pod: Pod, doing: string): void {
  const phase = pod.status?.phase ?? '';
  if (phase === 'Succeeded' || phase === 'Failed') throw new CommandError(`cannot ${doing} a completed pod; current phase is ${phase}`);
}

/** Runs a command in a container with the given streams. Throws Exit for another exit code than 0. */
export function* execIn(context: Context, pod: Pod, container: string, command: readonly string[], streams: RemoteStreams): Op<void> {
  context.io.flush();
  const target = yield* podTarget(context, pod.metadata.namespace ?? '', pod.metadata.name);
  yield* runRemote(context, { ...target, subresource: 'exec' }, { command: command.join('\u0000'), ...streamQuery(container, streams) }, streams);
}
