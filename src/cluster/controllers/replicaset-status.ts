// The status of a ReplicaSet from its Pods (pkg/controller/replicaset/replica_set_utils.go).

import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus, ReplicationController } from '../api/generated/types.ts';
import { conditionOf } from '../api/meta.ts';
import { messageOf } from '../client/errors.ts';
import type { Micros } from '../sim/time.ts';
import { nonZero } from './nonzero.ts';
import { isPodAvailable, isPodReady } from './pods.ts';

/** `now` is since 1970, `time` the same as metav1.Time. `failure` is what creating or deleting Pods threw. */
export type StatusArguments = readonly [
  set: ReplicaSet | ReplicationController,
  active: readonly Pod[],
  terminating: number,
  failure: unknown,
  now: Micros,
  time: string,
];

export function replicaSetStatus(...[set, active, terminating, failure, now, time]: StatusArguments): ReplicaSetStatus {
  const templateLabels = Object.entries(set.spec.template?.metadata?.labels ?? {});
  const minReady = set.spec.minReadySeconds ?? 0;
  let labelled = 0;
  let ready = 0;
  let available = 0;
  for (const pod of active) {
    const labels = pod.metadata.labels;
    if (templateLabels.every(([name, value]) => labels?.[name] === value)) labelled++;
    if (!isPodReady(pod)) continue;
    ready++;
    if (isPodAvailable(pod, minReady, now)) available++;
  }
  const conditions = withFailure(set, active.length, failure, time);
  return {
    replicas: active.length,
    terminatingReplicas: terminating,
    ...nonZero({ availableReplicas: available, fullyLabeledReplicas: labelled, readyReplicas: ready }),
    ...nonZero({ observedGeneration: set.metadata.generation }),
    ...(conditions === undefined || conditions.length === 0 ? {} : { conditions }),
  };
}

function withFailure(set: ReplicaSet | ReplicationController, active: number, failure: unknown, time: string): readonly ReplicaSetCondition[] | undefined {
  const conditions = set.status.conditions;
  const present = conditionOf(conditions, 'ReplicaFailure');
  if (failure !== undefined && present === undefined) {
    const reason = active < (set.spec.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
    const condition = { type: 'ReplicaFailure', status: 'True', reason, message: messageOf(failure), lastTransitionTime: time };
    return [...(conditions ?? []), condition];
  }
  if (failure === undefined && present !== undefined) return conditions?.filter((condition) => condition !== present);
  return conditions;
}
