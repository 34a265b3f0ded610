// The status of a Deployment and its conditions (pkg/controller/deployment/sync.go, progress.go, util). Pure.

import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../api/generated/types.ts';
import { conditionOf } from '../api/meta.ts';
import type { Micros } from '../sim/time.ts';
import {
  availableReplicas,
  hasProgressDeadline,
  isComplete,
  isProgressing,
  isTimedOut,
  maxUnavailable,
  readyReplicas,
  specReplicas,
  statusReplicas,
  terminatingReplicas,
  wantedOf,
} from './deployment-arithmetic.ts';
import { nonZero } from './nonzero.ts';

/** An instant, as a number since 1970 and as metav1.Time. */
export interface Instant {
  readonly micros: Micros;
  readonly text: string;
}

export function condition(type: string, status: string, reason: string, message: string, now: Instant): DeploymentCondition {
  return { type, status, reason, message, lastUpdateTime: now.text, lastTransitionTime: now.text };
}

/** Sets a condition unless it says the same already; a change of reason alone is no transition. */
export function withCondition(status: DeploymentStatus, next: DeploymentCondition): DeploymentStatus {
  const present = conditionOf(status.conditions, next.type);
  if (present && present.status === next.status && present.reason === next.reason) return status;
  const lastTransitionTime = present?.status === next.status ? present.lastTransitionTime : next.lastTransitionTime;
  const transitioned = lastTransitionTime === undefined ? next : { ...next, lastTransitionTime };
  return { ...status, conditions: [...others(status, next.type), transitioned] };
}

export function withoutCondition(status: DeploymentStatus, type: string): DeploymentStatus {
  return conditionOf(status.conditions, type) ? { ...status, conditions: others(status, type) } : status;
}

const others = (status: DeploymentStatus, type: string): DeploymentCondition[] => (status.conditions ?? []).filter((c) => c.type !== type);

/** Counts, and whether enough Pods are available. */
export function calculateStatus(d: Deployment, all: readonly ReplicaSet[], newSet: ReplicaSet | undefined, now: Instant): DeploymentStatus {
  const available = availableReplicas(all);
  const terminating = terminatingReplicas(all);
  const counts: DeploymentStatus = {
    ...nonZero({
      observedGeneration: d.metadata.generation,
      replicas: statusReplicas(all),
      updatedReplicas: newSet ? statusReplicas([newSet]) : 0,
      readyReplicas: readyReplicas(all),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, specReplicas(all) - available),
    }),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(d.status.collisionCount === undefined ? {} : { collisionCount: d.status.collisionCount }),
    ...(d.status.conditions === undefined ? {} : { conditions: d.status.conditions }),
  };
  const enough = available >= wantedOf(d) - maxUnavailable(d);
  return withCondition(
    counts,
    enough
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
      : condition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', now),
  );
}

/** The status during a rollout: also tells whether it goes on, is done or is stuck. */
export function rolloutStatus(d: Deployment, all: readonly ReplicaSet[], newSet: ReplicaSet | undefined, now: Instant): DeploymentStatus {
  let status = calculateStatus(d, all, newSet, now);
  if (!hasProgressDeadline(d)) status = withoutCondition(status, 'Progressing');
  const present = conditionOf(d.status.conditions, 'Progressing');
  const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && present?.reason === 'NewReplicaSetAvailable';
  if (hasProgressDeadline(d) && !wasComplete) {
    const who = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${d.metadata.name}"`;
    if (isComplete(d, status)) {
      status = withCondition(status, condition('Progressing', 'True', 'NewReplicaSetAvailable', `${who} has successfully progressed.`, now));
    } else if (isProgressing(d, status)) {
      // Here the same reason again is news: it moves lastUpdateTime, from which the deadline counts.
      const next = condition('Progressing', 'True', 'ReplicaSetUpdated', `${who} is progressing.`, now);
      const since = present?.status === 'True' ? present.lastTransitionTime : undefined;
      status = withCondition(withoutCondition(status, 'Progressing'), since === undefined ? next : { ...next, lastTransitionTime: since });
    } else if (isTimedOut(d, status, now.micros)) {
      status = withCondition(status, condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${who} has timed out progressing.`, now));
    }
  }
  const failure = replicaFailure(all, newSet);
  return failure ? withCondition(status, failure) : withoutCondition(status, 'ReplicaFailure');
}

/** A set's failure to make Pods is the Deployment's; the new set's before others'. */
function replicaFailure(all: readonly ReplicaSet[], newSet: ReplicaSet | undefined): DeploymentCondition | undefined {
  for (const set of newSet ? [newSet, ...all] : all) {
    const failed = conditionOf(set.status.conditions, 'ReplicaFailure');
    if (failed) return { ...failed, ...(failed.lastTransitionTime === undefined ? {} : { lastUpdateTime: failed.lastTransitionTime }) };
  }
  return undefined;
}
