// kubectl rollout status: tells of a rollout until it is done (kubectl/pkg/cmd/rollout/rollout_status.go,
// polymorphichelpers/rollout_status.go).

import type { DaemonSet, Deployment, StatefulSet } from '../../cluster/api/generated/types.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError, throwAll } from '../print/error.ts';
import type { Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { expiring } from '../wait/deletion.ts';
import { mustName, rolloutFlags, rolloutObjects } from './change.ts';
import { groupKind } from './revisions.ts';

export const STATUS: Command = {
  name: 'status',
  use: 'status (TYPE NAME | TYPE/NAME) [flags]',
  short: 'Show the status of the rollout',
  long: 'Show the status of the last rollout until it is done.\n\n Use --watch=false to see it once, and --revision to insist on a revision: the command ends when another one has begun.',
  examples: '# The rollout of a deployment\nkubectl rollout status deployment/web',
  flags: [
    ...rolloutFlags,
    flag.int64('revision', 'The revision to look at; 0 is the last one.'),
    flag.duration('timeout', 'How long to watch; zero means for ever.'),
    flag.bool('watch', 'Watch until the rollout is done.', { short: 'w', value: 'true' }),
  ],
  complete: completeResources,
  run: status,
};

interface Told {
  readonly text: string;
  readonly done: boolean;
}

const waiting = (text: string): Told => ({ text, done: false });
const finished = (text: string): Told => ({ text, done: true });

function deploymentStatus({ metadata, spec, status: now }: Deployment, revision: number): Told {
  const { name } = metadata;
  if (revision > 0) {
    const running = Number(metadata.annotations?.['deployment.kubernetes.io/revision'] ?? 0);
    if (running !== revision) throw new CommandError(`desired revision (${revision}) is different from the running revision (${running})`);
  }
  if ((metadata.generation ?? 0) > (now.observedGeneration ?? 0)) return waiting('Waiting for deployment spec update to be observed...');
  if (now.conditions?.find((c) => c.type === 'Progressing')?.reason === 'ProgressDeadlineExceeded') throw new CommandError(`deployment ${JSON.stringify(name)} exceeded its progress deadline`);
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = now;
  const begin = `Waiting for deployment ${JSON.stringify(name)} rollout to finish:`;
  if (spec.replicas !== undefined && updated < spec.replicas) return waiting(`${begin} ${updated} out of ${spec.replicas} new replicas have been updated...`);
  if (replicas > updated) return waiting(`${begin} ${replicas - updated} old replicas are pending termination...`);
  if (available < updated) return waiting(`${begin} ${available} of ${updated} updated replicas are available...`);
  return finished(`deployment ${JSON.stringify(name)} successfully rolled out`);
}

const notRolling = (): CommandError => new CommandError('rollout status is only available for RollingUpdate strategy type');

function daemonSetStatus({ metadata, spec, status: now }: DaemonSet): Told {
  if (spec.updateStrategy?.type !== 'RollingUpdate') throw notRolling();
  if ((metadata.generation ?? 0) > (now?.observedGeneration ?? 0)) return waiting('Waiting for daemon set spec update to be observed...');
  const { updatedNumberScheduled: updated = 0, desiredNumberScheduled: desired, numberAvailable: available = 0 } = now;
  const begin = `Waiting for daemon set ${JSON.stringify(metadata.name)} rollout to finish:`;
  if (updated < desired) return waiting(`${begin} ${updated} out of ${desired} new pods have been updated...`);
  if (available < desired) return waiting(`${begin} ${available} of ${desired} updated pods are available...`);
  return finished(`daemon set ${JSON.stringify(metadata.name)} successfully rolled out`);
}

function statefulSetStatus({ metadata, spec, status: now }: StatefulSet): Told {
  if (spec.updateStrategy?.type !== 'RollingUpdate') throw notRolling();
  const observed = now?.observedGeneration ?? 0;
  if (observed === 0 || (metadata.generation ?? 0) > observed) return waiting('Waiting for statefulset spec update to be observed...');
  const { readyReplicas: ready = 0, updatedReplicas: updated = 0, currentReplicas: current = 0, updateRevision = '', currentRevision = '' } = now ?? {};
  const { replicas } = spec;
  if (replicas !== undefined && ready < replicas) return waiting(`Waiting for ${replicas - ready} pods to be ready...`);
  const rolling = spec.updateStrategy.rollingUpdate;
  if (rolling !== undefined) {
    const wanted = (replicas ?? 0) - (rolling.partition ?? 0);
    if (replicas !== undefined && rolling.partition !== undefined && updated < wanted) return waiting(`Waiting for partitioned roll out to finish: ${updated} out of ${wanted} new pods have been updated...`);
    return finished(`partitioned roll out complete: ${updated} new pods have been updated...`);
  }
  if (updateRevision !== currentRevision) return waiting(`waiting for statefulset rolling update to complete ${updated} pods at revision ${updateRevision}...`);
  return finished(`statefulset rolling update complete ${current} pods at revision ${currentRevision}...`);
}

type Viewer = (object: LiveObject, revision: number) => Told;

const VIEWERS: Readonly<Record<string, Viewer>> = {
  'Deployment.apps': (object, revision) => deploymentStatus(object as Deployment, revision),
  'DaemonSet.apps': (object) => daemonSetStatus(object as DaemonSet),
  'StatefulSet.apps': (object) => statefulSetStatus(object as StatefulSet),
};

function* status(context: Context, flags: Flags): Op<void> {
  mustName(flags);
  const revision = flags.integer('revision');
  if (revision < 0) throw new CommandError(`revision must be a positive integer: ${revision}`);
  const { infos, errors } = yield* rolloutObjects(context, flags);
  for (const info of infos) yield* watchOne(context, flags, info, revision);
  throwAll(errors);
  if (infos.length === 0) context.printError(`No resources found in ${context.namespace} namespace.`);
}

/** Tells of every state of the object until its rollout is done, or once without --watch. */
function* watchOne(context: Context, flags: Flags, info: Info, revision: number): Op<void> {
  const view = VIEWERS[groupKind(info.mapping)];
  if (view === undefined) throw new CommandError(`no status viewer has been implemented for ${groupKind(info.mapping)}`);
  const end = (object: LiveObject): boolean => {
    const { text, done } = view(object, revision);
    context.print(text);
    return done || !flags.is('watch');
  };
  const timeout = flags.duration('timeout');
  const deadline = timeout > 0 ? context.os.sim.now + timeout : Infinity;
  const query = { fieldSelector: `metadata.name=${info.name}` };
  let version = '';
  while (context.os.sim.now < deadline) {
    if (version === '') {
      const live = yield* context.rest.find(info);
      if (live !== undefined && end(live)) return;
      version = live?.metadata?.resourceVersion ?? '0';
    }
    const stream = yield* context.rest.watch(info, { ...query, resourceVersion: version }, { subjectName: info.name });
    const timer = expiring(context, stream, deadline - context.os.sim.now);
    try {
      for (let event = yield* stream.read(); event !== undefined; event = yield* stream.read()) {
        const { type, object } = event as { readonly type: string; readonly object: LiveObject };
        if (type === 'DELETED') throw new CommandError('object has been deleted');
        if (type === 'ERROR') break;
        version = object.metadata?.resourceVersion ?? version;
        if (type !== 'BOOKMARK' && end(object)) return;
      }
      version = '';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      version = '';
    } finally {
      stream.cancel();
      timer?.kill();
    }
  }
  throw new CommandError('timed out waiting for the condition');
}
