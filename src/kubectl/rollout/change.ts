// kubectl rollout pause, resume and restart (kubectl/pkg/cmd/rollout, polymorphichelpers/object{pauser,resumer,restarter}.go).

import { ApiError } from '../../cluster/api/status.ts';
import { messageOf } from '../../cluster/client/errors.ts';
import { formatTime } from '../../cluster/sim/time.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import type { Flags, FlagSet } from '../flag-set.ts';
import { fieldManagerFlag, filenameFlags, printFlags, selectorFlag } from '../global-flags.ts';
import { writeQuery } from '../mutation.ts';
import { CommandError, ManyErrors } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { printerOf } from '../print/printer.ts';
import { filesOf, find, type Found, type Info } from '../resource/builder.ts';
import { groupResource } from '../resource/mapper.ts';
import type { LiveObject } from '../rest.ts';
import { hasFiles, patchOf } from '../set/changes.ts';
import { withAt } from '../set/pod-spec.ts';

const RESTARTED = 'kubectl.kubernetes.io/restartedAt';

export const rolloutFlags: FlagSet = [...filenameFlags('to work on.'), selectorFlag];

const changeFlags: FlagSet = [...rolloutFlags, ...printFlags(), fieldManagerFlag('kubectl-rollout')];

/** The objects that a command line of `rollout` names: a type alone means all of them. */
export function* rolloutObjects(context: Context, flags: Flags): Op<Found> {
  const selector = flags.text('selector');
  return yield* find(context, { ...filesOf(flags), args: flags.args, emptySelector: true, latest: true, ...(selector === '' ? {} : { selector }) });
}

export function mustName(flags: Flags): void {
  if (flags.args.length === 0 && !hasFiles(flags)) throw new CommandError('required resource not specified');
}

type Deployment = LiveObject & { readonly spec?: { readonly paused?: boolean } };

const isPaused = (object: LiveObject): boolean => (object as Deployment).spec?.paused === true;

interface Work {
  readonly done: string;
  /** What is said of an object that the change leaves as it is. Throws CommandError when that is no good. */
  readonly unchanged: (info: Info) => string;
  /** Throws CommandError when it cannot be done. */
  readonly change: (context: Context, object: LiveObject) => LiveObject;
}

function* changeAll(context: Context, flags: Flags, work: Work): Op<void> {
  mustName(flags);
  const { infos, errors: missing } = yield* rolloutObjects(context, flags);
  const errors: unknown[] = [...missing];
  if (infos.length === 0 && errors.length === 0) context.printError(`No resources found in ${context.namespace} namespace.`);
  for (const info of infos) {
    try {
      yield* changeOne(context, flags, info, work);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new ManyErrors(errors);
}

function* changeOne(context: Context, flags: Flags, info: Info, work: Work): Op<void> {
  let after: LiveObject;
  try {
    after = work.change(context, info.object);
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(`error: ${groupResource(info.mapping)} ${JSON.stringify(info.name)} ${messageOf(error)}`) : error;
  }
  const patch = patchOf(info, after);
  if (patch === null) {
    printerOf(context, flags, work.unchanged(info), [], true)?.({ object: asStruct(info.object) });
    return;
  }
  let answer: LiveObject;
  try {
    answer = yield* context.rest.patch(info, 'strategic', patch, writeQuery(flags.text('field-manager'), '', 'none'));
  } catch (error) {
    throw error instanceof ApiError ? new CommandError(`failed to patch: ${error.message}`) : error;
  }
  printerOf(context, flags, work.done, [], true)?.({ object: asStruct(answer) });
}

const isDeployment = ({ kind, apiVersion }: LiveObject): boolean => kind === 'Deployment' && apiVersion === 'apps/v1';

export const PAUSE: Command = {
  name: 'pause',
  use: 'pause RESOURCE',
  short: 'Mark the provided resource as paused',
  long: 'Mark a resource as paused.\n\n Controllers leave a paused resource alone until "kubectl rollout resume". Only deployments can be paused.',
  examples: '# Changes of the deployment wait until it is resumed\nkubectl rollout pause deployment/web',
  flags: changeFlags,
  complete: completeResources,
  run: (context, flags) =>
    changeAll(context, flags, {
      done: 'paused',
      unchanged: () => 'already paused',
      change: (_context, object) => {
        if (!isDeployment(object)) throw new CommandError('pausing is not supported');
        if (isPaused(object)) throw new CommandError('is already paused');
        return withAt(object, ['spec', 'paused'], () => true) as LiveObject;
      },
    }),
};

export const RESUME: Command = {
  name: 'resume',
  use: 'resume RESOURCE',
  short: 'Resume a paused resource',
  long: 'Resume a paused resource: controllers see to it again. Only deployments can be resumed.',
  examples: '# Resume a paused deployment\nkubectl rollout resume deployment/web',
  flags: changeFlags,
  complete: completeResources,
  run: (context, flags) =>
    changeAll(context, flags, {
      done: 'resumed',
      unchanged: () => 'already resumed',
      change: (_context, object) => {
        if (!isDeployment(object)) throw new CommandError('resuming is not supported');
        if (!isPaused(object)) throw new CommandError('is not paused');
        const { paused: _paused, ...spec } = (object as Deployment).spec as { readonly paused?: boolean };
        return { ...object, spec } as LiveObject;
      },
    }),
};

export const RESTART: Command = {
  name: 'restart',
  use: 'restart RESOURCE',
  short: 'Restart a resource',
  long: 'Restart a resource: its pods are replaced as in a rollout.\n\nValid resource types include:\n\n   *  deployments\n   *  daemonsets\n   *  statefulsets',
  examples: '# All deployments of a namespace\nkubectl rollout restart deployment -n shop\n\n# One deployment\nkubectl rollout restart deployment/web\n\n# Deployments with a label\nkubectl rollout restart deployment --selector=app=web',
  flags: changeFlags,
  complete: completeResources,
  run: (context, flags) =>
    changeAll(context, flags, {
      done: 'restarted',
      unchanged: ({ name }) => {
        throw new CommandError(`failed to create patch for ${name}: if restart has already been triggered within the past second, please wait before attempting to trigger another`);
      },
      change: (_context, object) => {
        if (object.apiVersion !== 'apps/v1' || !['Deployment', 'DaemonSet', 'StatefulSet'].includes(object.kind ?? '')) throw new CommandError('restarting is not supported');
        if (isDeployment(object) && isPaused(object)) throw new CommandError("can't restart paused deployment (run rollout resume first)");
        const { sim } = context.os;
        return withAt(object, ['spec', 'template', 'metadata', 'annotations', RESTARTED], () => formatTime(sim.epoch + sim.now)) as LiveObject;
      },
    }),
};
