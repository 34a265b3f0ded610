// kubectl attach: the streams of a container's running process (kubectl/pkg/cmd/attach); `run -i` and `debug` use it, too.

import type { Pod } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeNames } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { containerFor, type FoundContainer } from './containers.ts';
import { DetachError, detachable } from './detach.ts';
import { mustBeAlive } from './exec.ts';
import { asPodArguments, attachable, podRunningTimeout, podRunningTimeoutFlag, podTarget } from './pods.ts';
import { inputOf, runRemote, streamQuery, streamsFor, terminalFor } from './remote.ts';

export const ATTACH: Command = {
  name: 'attach',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'attach (POD | TYPE/NAME) -c CONTAINER',
  short: 'Attach to a running container',
  long: 'Attach to a process that is already running inside an existing container.',
  examples: 'kubectl attach web-1\nkubectl attach web-1 -c app -i -t\nkubectl attach rs/web',
  flags: [
    flag.string('container', 'The container. Default: the one that the annotation kubectl.kubernetes.io/default-container names, or the first.', { short: 'c' }),
    flag.string('detach-keys', 'The keys that end the session.', { value: 'ctrl-p,ctrl-q' }),
    podRunningTimeoutFlag('1m0s'),
    flag.bool('quiet', 'Only what the container prints.', { short: 'q' }),
    flag.bool('stdin', 'Hand stdin on to the container.', { short: 'i' }),
    flag.bool('tty', 'Stdin is a terminal.', { short: 't' }),
  ],
  complete: (context, _flags, toComplete) => completeNames(context, 'pods', toComplete),
  run: attach,
};

function* attach(context: Context, flags: Flags): Op<void> {
  const { args } = flags;
  const timeout = podRunningTimeout(context, flags);
  if (args.length === 0) throw new CommandError('at least 1 argument is required for attach');
  if (args.length > 2) throw new CommandError(`expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw ${args.length}: [${args.join(' ')}]`);
  const { pod } = yield* attachable(context, args.length === 1 ? asPodArguments(args[0] as string) : args, timeout);
  mustBeAlive(pod, 'attach a container in');
  const asked = { container: flags.text('container'), stdin: flags.is('stdin'), tty: flags.is('tty'), quiet: flags.is('quiet'), detachKeys: flags.text('detach-keys') };
  yield* attachTo(context, pod, asked);
}

export interface AttachOptions {
  readonly container: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly quiet: boolean;
  readonly detachKeys?: string;
  /** What stands in the hint how to come back; default: this command. */
  readonly commandPath?: string;
}

function chosen(context: Context, pod: Pod, { container, quiet }: AttachOptions): FoundContainer {
  try {
    return containerFor(context, pod, container, quiet);
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(`cannot attach to the container: ${error.message}`) : error;
  }
}

/** Attaches to a container of a running Pod until the session ends. Throws what went wrong there. */
export function* attachTo(context: Context, pod: Pod, options: AttachOptions): Op<void> {
  const { quiet, stdin } = options;
  const { container, kind } = chosen(context, pod, options);
  const { name, namespace = '' } = pod.metadata;
  if (options.tty && !container.tty && !quiet) context.printError(`error: Unable to use a TTY - container ${container.name} did not allocate one`);
  const terminal = terminalFor(context, stdin, container.tty === true, quiet);
  if (!quiet) {
    context.printError('All commands and output from this session will be recorded in container logs, including credentials and sensitive information passed through the command prompt.');
    context.printError("If you don't see a command prompt, try pressing enter.");
  }
  context.io.flush();
  const { raw } = terminal;
  const input = inputOf(context);
  const detaching = raw === null ? null : detachable(context.os.sim, input, options.detachKeys || 'ctrl-p,ctrl-q');
  const streams = streamsFor(context, terminal, { redraw: raw !== null, input: detaching?.read ?? input });
  const target = yield* podTarget(context, namespace, name);
  try {
    yield* runRemote(context, { ...target, subresource: 'attach' }, streamQuery(container.name, streams), streams, detaching?.detached);
  } catch (error) {
    if (!(error instanceof DetachError)) throw error;
  }
  if (quiet || !stdin || raw === null) return;
  const back = `'${options.commandPath ?? context.commandPath} ${name} -c ${container.name} -n ${namespace} -i -t'`;
  context.print(
    kind === 'ephemeralContainers'
      ? `Session ended, the ephemeral container will not be restarted but may be reattached using ${back} if it is still running`
      : `Session ended, resume using ${back} command`,
  );
}
