// kubectl scale: sets spec.replicas through the scale subresource (kubectl/pkg/cmd/scale, pkg/scale).

import { ApiError } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import type { Command } from './command.ts';
import { completeResources } from './completion/resources.ts';
import type { Context } from './context.ts';
import { flag, type Flags } from './flag-set.ts';
import { dryRunFlag, filenameFlags, printFlags, selectorFlag } from './global-flags.ts';
import { recorded, recordFlag } from './mutate/record.ts';
import { dryRunOf, operationText } from './mutation.ts';
import { CommandError, throwAll } from './print/error.ts';
import { printerOf } from './print/printer.ts';
import { filesOf, find, type Info } from './resource/builder.ts';
import type { LiveObject, Target } from './rest.ts';
import { withAt } from './set/pod-spec.ts';

const SECOND = 1e6;
const RETRY_TIMEOUT = 300 * SECOND;

export const SCALE: Command = {
  name: 'scale',
  group: 'Deploy Commands:',
  use: 'scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  short: 'Set a new size for a deployment, replica set, or replication controller',
  long: 'Set a new size for a deployment, replica set, replication controller or stateful set.\n\n With --current-replicas or --resource-version the size is only changed if these are true when the server gets to it.',
  examples: "# Three replicas\nkubectl scale --replicas=3 rs/web\n\n# What a file names\nkubectl scale --replicas=3 -f web.yaml\n\n# Only if there are two now\nkubectl scale --current-replicas=2 --replicas=3 deployment/web\n\n# Several at once\nkubectl scale --replicas=5 deployment/web deployment/shop",
  flags: [
    ...printFlags(),
    ...filenameFlags('to set a new size of.'),
    flag.bool('all', 'Select all objects of the types in the namespace.'),
    flag.int('current-replicas', 'Only scale when the current size is this. -1 means any.', { value: '-1' }),
    dryRunFlag,
    recordFlag,
    flag.int('replicas', 'The new number of replicas. Required.', { required: true }),
    flag.string('resource-version', 'Only scale when the current version is this.'),
    selectorFlag,
    flag.duration('timeout', 'How long to wait until it is done; zero means not to wait.'),
  ],
  suggestFor: ['resize'],
  complete: completeResources,
  run: scale,
};

interface Scale {
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number };
  readonly metadata?: { readonly resourceVersion?: string };
}

function* scale(context: Context, flags: Flags): Op<void> {
  const replicas = flags.integer('replicas');
  const dry = dryRunOf(context, flags);
  const print = printerOf(context, flags, operationText('scaled', dry));
  if (replicas < 0) throw new CommandError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  if (flags.integer('current-replicas') < -1) throw new CommandError('The --current-replicas must specify an integer of -1 or greater');
  const selector = flags.text('selector');
  const { infos, errors } = yield* find(context, { args: flags.args, ...filesOf(flags), emptySelector: flags.is('all'), ...(selector === '' ? {} : { selector }) });
  if (flags.text('resource-version') !== '' && infos.length > 1) throw new CommandError('cannot use --resource-version with multiple resources');
  if (infos.length === 0) {
    throwAll(errors);
    throw new CommandError('no objects passed to scale');
  }
  for (const info of infos) {
    let size = replicas;
    if (dry !== 'client') {
      const query = dry === 'server' ? { dryRun: 'All' } : {};
      size = yield* scaleOne(context, flags, info, replicas, query);
      if (dry === 'none') {
        if (flags.duration('timeout') !== 0) yield* waitForSize(context, info, replicas, flags.duration('timeout'));
        yield* record(context, flags, info);
      }
    }
    print?.({ object: sized(info, size) });
  }
  throwAll(errors);
}

/** As it is printed: only built-in workloads show the new size. */
function sized({ object, mapping }: Info, replicas: number): LiveObject {
  return mapping.group === 'apps' || mapping.group === '' ? (withAt(object, ['spec', 'replicas'], () => replicas) as LiveObject) : object;
}

/** --record is no part of the scaling: what goes wrong with it is not told. */
function* record(context: Context, flags: Flags, info: Info): Op<void> {
  if (!flags.is('record')) return;
  const { annotations } = recorded(context, flags, info.object).metadata ?? {};
  try {
    yield* context.rest.patch(info, 'merge', { metadata: { annotations } });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Sets the size, again after a conflict; returns the size that the server answers. */
function* scaleOne(context: Context, flags: Flags, info: Info, replicas: number, query: Readonly<Record<string, string>>): Op<number> {
  const target = { ...info, subresource: 'scale' };
  const deadline = context.os.sim.now + RETRY_TIMEOUT;
  for (;;) {
    try {
      return yield* attempt(context, flags, target, replicas, query);
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== 'Conflict') throw error;
      if (context.os.sim.now >= deadline) throw new CommandError('context deadline exceeded');
      yield* context.os.sleep(SECOND);
    }
  }
}

function* attempt(context: Context, flags: Flags, target: Target, replicas: number, query: Readonly<Record<string, string>>): Op<number> {
  const current = flags.integer('current-replicas');
  const version = flags.text('resource-version');
  if (current === -1 && version === '') {
    const answer = (yield* context.rest.patch(target, 'merge', { spec: { replicas } }, query)) as Scale;
    return answer.spec?.replicas ?? 0;
  }
  const live = (yield* context.rest.get(target)) as Scale;
  const [size, liveVersion] = [live.spec?.replicas ?? 0, live.metadata?.resourceVersion ?? ''];
  if (current !== -1 && size !== current) throw new CommandError(`Expected replicas to be ${current}, was ${size}`);
  if (version !== '' && liveVersion !== version) throw new CommandError(`Expected resource version to be ${version}, was ${liveVersion}`);
  const answer = (yield* context.rest.replace(target, { ...live, spec: { ...live.spec, replicas } }, query)) as Scale;
  return answer.spec?.replicas ?? 0;
}

/** Until as many are there as are wanted, or somebody wants another number. */
function* waitForSize(context: Context, info: Info, replicas: number, timeout: number): Op<void> {
  const target = { ...info, subresource: 'scale' };
  const deadline = context.os.sim.now + timeout;
  for (;;) {
    const live = (yield* context.rest.get(target)) as Scale;
    if ((live.spec?.replicas ?? 0) !== replicas || (live.status?.replicas ?? 0) === replicas) return;
    if (context.os.sim.now + SECOND > deadline) throw new CommandError(`timed out waiting for ${JSON.stringify(info.name)} to be synced`);
    yield* context.os.sleep(SECOND);
  }
}
