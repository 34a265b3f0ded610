// kubectl rollout undo (kubectl/pkg/cmd/rollout/rollout_undo.go, polymorphichelpers/rollback.go).

import type { PodTemplateSpec } from '../../cluster/api/generated/types.ts';
import { semanticEqual } from '../../cluster/api/meta.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { LAST_APPLIED } from '../apply/last-applied.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, printFlags } from '../global-flags.ts';
import { type DryRun, dryRunOf, operationText } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { printerOf } from '../print/printer.ts';
import type { Info } from '../resource/builder.ts';
import type { PatchType } from '../rest.ts';
import { mustName, rolloutFlags, rolloutObjects } from './change.ts';
import { templateText } from './history.ts';
import { groupKind, type History, historyOf, mustHaveHistory, REVISION, type Revision } from './revisions.ts';

export const UNDO: Command = {
  name: 'undo',
  use: 'undo (TYPE NAME | TYPE/NAME) [flags]',
  short: 'Undo a previous rollout',
  long: 'Go back to an earlier rollout.',
  examples: '# Back to the last revision of a deployment\nkubectl rollout undo deployment/web\n\n# Back to revision 3 of a daemon set\nkubectl rollout undo daemonset/agent --to-revision=3\n\n# What the server would say\nkubectl rollout undo --dry-run=server deployment/web',
  flags: [...rolloutFlags, ...printFlags(), dryRunFlag, flag.int64('to-revision', 'The revision to go back to; 0 is the last one.')],
  complete: completeResources,
  run: undo,
};

const HASH = 'pod-template-hash';
/** Annotations of a Deployment that a rollback leaves alone. */
const KEPT = new Set([LAST_APPLIED, REVISION, 'deployment.kubernetes.io/revision-history', 'deployment.kubernetes.io/desired-replicas', 'deployment.kubernetes.io/max-replicas', 'deprecated.deployment.rollback.to']);

const notFound = (revision: number): CommandError => new CommandError(`unable to find specified revision ${revision} in history`);

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [HASH]: _hash, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } } as PodTemplateSpec;
}

/** The revision before the last one, or the one asked for. */
function deploymentRevision({ workload, revisions }: History, to: number): Revision {
  if (to > 0) {
    const found = revisions.find((r) => r.number === to);
    if (!found) throw notFound(to);
    return found;
  }
  const previous = [...revisions].sort((a, b) => b.number - a.number)[1];
  if (!previous) throw new CommandError(`no rollout history found for deployment ${JSON.stringify(workload.metadata?.name ?? '')}`);
  return previous;
}

function controllerRevision({ revisions }: History, to: number): Revision {
  if (to === 0 && revisions.length <= 1) throw new CommandError('no last revision to roll back to');
  const found = to === 0 ? [...revisions].sort((a, b) => a.number - b.number).at(-2) : revisions.find((r) => r.number === to);
  if (!found) throw notFound(to);
  return found;
}

interface Rollback {
  readonly type: PatchType;
  readonly patch: unknown;
}

/** Null: the workload is as it was then. */
function deploymentRollback({ workload }: History, { template, annotations }: Revision): Rollback | null {
  if (workload.spec.paused) throw new CommandError("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again");
  const value = withoutHash(template);
  if (semanticEqual(value, withoutHash(workload.spec.template))) return null;
  const own = Object.entries(workload.metadata?.annotations ?? {}).filter(([key]) => KEPT.has(key));
  const old = Object.entries(annotations).filter(([key]) => !KEPT.has(key));
  return {
    type: 'json',
    patch: [
      { op: 'replace', path: '/spec/template', value },
      { op: 'replace', path: '/metadata/annotations', value: Object.fromEntries([...own, ...old]) },
    ],
  };
}

const controllerRollback = ({ workload }: History, { template, patch }: Revision): Rollback | null => (semanticEqual(template, workload.spec.template) ? null : { type: 'strategic', patch });

/** What has been done, for behind the name. */
function* rollBack(context: Context, info: Info, to: number, dry: DryRun): Op<string> {
  if (to < 0) throw notFound(to);
  const history = yield* historyOf(context, info);
  const deployment = groupKind(info.mapping) === 'Deployment.apps';
  const revision = deployment ? deploymentRevision(history, to) : controllerRevision(history, to);
  if (dry === 'client') return `${deployment ? '' : 'will roll back to '}${templateText(revision.template)}`;
  const rollback = deployment ? deploymentRollback(history, revision) : controllerRollback(history, revision);
  if (rollback === null) return `skipped rollback (current template already matches revision ${to})`;
  try {
    yield* context.rest.patch(info, rollback.type, rollback.patch, dry === 'server' ? { dryRun: 'All' } : {});
  } catch (error) {
    throw error instanceof ApiError ? new CommandError(`failed restoring revision ${to}: ${error.message}`) : error;
  }
  return 'rolled back';
}

function* undo(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  mustName(flags);
  const { infos, errors } = yield* rolloutObjects(context, flags);
  const failed: unknown[] = [...errors];
  for (const info of infos) {
    try {
      if (info.object.metadata?.annotations?.[LAST_APPLIED] !== undefined) {
        context.warn(
          `resource ${info.mapping.resource}/${info.name} was previously managed with 'kubectl apply'. Rolling back will not update the ${LAST_APPLIED} annotation, ` +
            "which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.",
        );
      }
      mustHaveHistory(info.mapping, 'rollbacker');
      const done = yield* rollBack(context, info, flags.integer('to-revision'), dry);
      printerOf(context, flags, operationText(done, dry), [], true)?.({ object: asStruct(info.object) });
    } catch (error) {
      failed.push(error);
    }
  }
  throwAll(failed);
}
