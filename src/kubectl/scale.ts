// kubectl scale: sets spec.replicas through the scale subresource (kubectl/pkg/cmd/scale).

import { ApiError } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import type { Command } from './command.ts';
import { completeResources } from './completion/resources.ts';
import type { Context } from './context.ts';
import { flag, type Flags } from './flag-set.ts';
import { dryRunFlag, filenameFlags, printFlags, selectorFlag } from './global-flags.ts';
import { dryRunOf, operationText } from './mutation.ts';
import { CommandError, throwAll } from './print/error.ts';
import { printerOf } from './print/printer.ts';
import { filesOf, find, type Info } from './resource/builder.ts';

export const SCALE: Command = {
  name: 'scale',
  group: 'Deploy Commands:',
  use: 'scale [--resource-version=version] [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)',
  short: 'Set a new size for a deployment, replica set, or replication controller',
  flags: [
    ...printFlags(),
    ...filenameFlags('to set a new size of.'),
    flag.bool('all', 'Select all objects of the types in the namespace.'),
    flag.int('current-replicas', 'Only scale when the current size is this. -1 means any.', { value: '-1' }),
    dryRunFlag,
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
  readonly metadata?: { readonly resourceVersion?: string };
}

function* scale(context: Context, flags: Flags): Op<void> {
  const replicas = flags.integer('replicas');
  const dry = dryRunOf(context, flags);
  if (replicas < 0) throw new CommandError('The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0');
  const found = yield* find(context, { args: flags.args, ...filesOf(flags), selector: flags.text('selector'), all: flags.is('all'), latest: true });
  if (flags.text('resource-version') !== '' && found.infos.length > 1) throw new CommandError('cannot use --resource-version with multiple resources');
  const print = printerOf(context, flags, operationText('scaled', dry));
  const errors: unknown[] = [...found.errors];
  let done = 0;
  for (const info of found.infos) {
    try {
      yield* scaleOne(context, flags, info, replicas, dry);
      done++;
      print?.({ object: info.object });
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
  if (done === 0) throw new CommandError('no objects passed to scale');
}

function* scaleOne(context: Context, flags: Flags, info: Info, replicas: number, dry: string): Op<void> {
  const target = { ...info, subresource: 'scale' };
  const current = flags.integer('current-replicas');
  const version = flags.text('resource-version');
  if (dry === 'client') return;
  const query: Record<string, string> = dry === 'server' ? { dryRun: 'All' } : {};
  if (current === -1 && version === '') {
    yield* context.rest.patch(target, 'merge', { spec: { replicas } }, query);
    return;
  }
  const live = (yield* context.rest.get(target)) as Scale;
  if (current !== -1 && live.spec?.replicas !== current) throw new CommandError(`Expected replicas to be ${current}, was ${live.spec?.replicas ?? 0}`);
  if (version !== '' && live.metadata?.resourceVersion !== version) throw new CommandError(`Expected resource version to be ${version}, was ${live.metadata?.resourceVersion ?? ''}`);
  try {
    yield* context.rest.replace(target, { ...live, spec: { ...live.spec, replicas } }, query);
  } catch (error) {
    throw error instanceof ApiError && error.reason === 'Invalid' ? new CommandError(`Scaling the resource failed with: ${error.message}; Current resource version ${live.metadata?.resourceVersion ?? ''}`) : error;
  }
}
