// kubectl run: one Pod, with a Service if wanted (kubectl/pkg/cmd/run/run.go). What follows when somebody attaches is given by the
// one who builds the command.

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { saveConfigFlag } from '../create.ts';
import { targetOf, withSavedConfig } from '../create/generator.ts';
import { overridden, overrideFlags } from '../expose/override.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags } from '../global-flags.ts';
import { recorded, recordFlag } from '../mutate/record.ts';
import { type DryRun, dryRunOf, operationText, writeQuery } from '../mutation.ts';
import { throwAll } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { printerOf } from '../print/printer.ts';
import type { LiveObject } from '../rest.ts';
import { checkImage, checkPullPolicy, podOf, restartPolicyOf, serviceOfRun } from './pod.ts';

export interface Attachment {
  readonly pod: LiveObject;
  /** What --rm removes at the end. */
  readonly created: readonly LiveObject[];
  readonly restartPolicy: string;
}

/** Attaches to the Pod that has been made, and removes what was made with --rm. Returns the exit code. */
export type AttachToRun = (context: Context, flags: Flags, attachment: Attachment) => Op<void | number>;

export const runCommand = (attach: AttachToRun): Command => ({
  name: 'run',
  group: 'Basic Commands (Beginner):',
  use: 'run NAME --image=image [--env="key=value"] [--port=port] [--dry-run=server|client] [--overrides=inline-json] [--command] -- [COMMAND] [args...]',
  short: 'Run a particular image on the cluster',
  long: 'Run an image in a pod.',
  examples: '# A pod\nkubectl run web --image=nginx\n\n# With a port and variables\nkubectl run web --image=nginx --port=80 --env="MODE=debug" --labels="app=web,tier=front"\n\n# What would be made\nkubectl run web --image=nginx --dry-run=client -o yaml\n\n# A shell, gone when it ends\nkubectl run -i -t shell --image=busybox --restart=Never --rm\n\n# Another command and its arguments\nkubectl run idle --image=busybox --command -- sleep infinity',
  flags: [
    ...filenameFlags('to use to replace the resource.'),
    ...printFlags(),
    flag.array('annotations', 'An annotation of the pod, KEY=VALUE.'),
    flag.bool('attach', 'Wait for the pod to run and attach to it. Default with -i. With --restart=Never the exit code of the container is returned.'),
    flag.string('cascade', 'background, orphan or foreground: what happens to dependents.', { value: 'background', alone: 'background' }),
    flag.bool('command', 'The arguments are the command of the container, not its arguments.'),
    flag.string('detach-keys', 'The keys that detach from a container.', { value: 'ctrl-p,ctrl-q' }),
    dryRunFlag,
    flag.array('env', 'A variable of the container, KEY=VALUE.'),
    flag.bool('expose', 'Make a service for the pod, too. Needs --port.'),
    fieldManagerFlag('kubectl-run'),
    flag.bool('force', 'Remove the objects from the API at once.'),
    flag.int('grace-period', 'Seconds that the pod gets to end by itself.', { value: '-1' }),
    flag.string('image', 'The image of the container.', { required: true }),
    flag.string('image-pull-policy', 'When to pull the image; default: the server decides.'),
    flag.string('labels', 'Labels of the pod, KEY=VALUE,….', { short: 'l' }),
    flag.bool('leave-stdin-open', 'Leave stdin open after the first one who attached has gone.'),
    ...overrideFlags,
    flag.duration('pod-running-timeout', 'How long to wait until the pod runs.', { value: '1m0s' }),
    flag.string('port', 'The port that the container serves.'),
    flag.bool('privileged', 'Run the container with all privileges.'),
    flag.bool('quiet', 'Leave out prompts.', { short: 'q' }),
    recordFlag,
    flag.string('restart', 'The restart policy: Always, OnFailure or Never.', { value: 'Always' }),
    flag.bool('rm', 'Delete the pod when it has ended. Only when attached.'),
    saveConfigFlag,
    flag.bool('stdin', "Keep the container's stdin open.", { short: 'i' }),
    flag.duration('timeout', 'How long to wait for a deletion.'),
    flag.bool('tty', 'Give the container a terminal.', { short: 't' }),
    flag.bool('wait', 'Wait until what is deleted is gone.'),
  ],
  run: (context, flags) => run(context, flags, attach),
});

function checkFlags(context: Context, flags: Flags, dry: DryRun, attached: boolean): void {
  if (flags.args.length === 0 || flags.dashAt === 0) throw context.usageError('NAME is required for run');
  if (flags.duration('pod-running-timeout') <= 0) throw context.usageError('--pod-running-timeout must be higher than zero');
  checkImage(flags.text('image'));
  if (flags.is('tty') && !flags.is('stdin')) throw context.usageError('-i/--stdin is required for containers with -t/--tty=true');
  if (flags.is('expose') && flags.text('port') === '') throw context.usageError('--port must be set when exposing a service');
  restartPolicyOf(context, flags);
  if (!attached && flags.is('rm')) throw context.usageError('--rm should only be used for attached containers');
  if (attached && dry !== 'none') throw context.usageError("--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)");
  checkPullPolicy(context, flags);
}

function* run(context: Context, flags: Flags, attach: AttachToRun): Op<void | number> {
  const dry = dryRunOf(context, flags);
  const print = printerOf(context, flags, operationText('created', dry), [], true);
  const attached = flags.given('attach') ? flags.is('attach') : flags.is('stdin');
  checkFlags(context, flags, dry, attached);
  const name = flags.args[0] as string;
  const pod = yield* create(context, flags, overridden(flags, podOf(flags, name)), dry);
  const created = [pod];
  const errors: unknown[] = [];
  if (flags.is('expose')) {
    try {
      const service = yield* create(context, flags, serviceOfRun(flags, name), dry);
      created.push(service);
      print?.({ object: service });
      // Upstream writes one separator here, and its printer another.
      if (flags.text('output') === 'yaml') context.print('---');
    } catch (error) {
      errors.push(error);
    }
  }
  if (attached) return yield* attach(context, flags, { pod, created, restartPolicy: restartPolicyOf(context, flags) });
  print?.({ object: pod });
  throwAll(errors);
}

/** The object as the server answers it, or as it would be sent. */
function* create(context: Context, flags: Flags, made: LiveObject, dry: DryRun): Op<LiveObject> {
  const object = recorded(context, flags, made);
  if (dry === 'client') return asStruct(context.namespaceGiven ? { ...object, metadata: { ...object.metadata, namespace: context.namespace } } : object);
  const body = asStruct(flags.is('save-config') ? withSavedConfig(object) : object);
  return asStruct(yield* context.rest.create(yield* targetOf(context, body), body, writeQuery(flags.text('field-manager'), '', dry)));
}
