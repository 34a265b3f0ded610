// What a StatefulSet loses on its way in (pkg/registry/apps/statefulset, dropStatefulSetDisabledFields): maxUnavailable of its rolling
// update, as the feature MaxUnavailableStatefulSet is off in 1.36; a set that has it already keeps it. Its Pods are updated one by one.

import type { StatefulSet } from '../generated/types.ts';

export function withoutMaxUnavailable(set: StatefulSet, old?: StatefulSet): StatefulSet {
  const { updateStrategy } = set.spec;
  const rolling = updateStrategy?.rollingUpdate;
  if (rolling?.maxUnavailable === undefined || old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable !== undefined) return set;
  const { maxUnavailable: _, ...rollingUpdate } = rolling;
  return { ...set, spec: { ...set.spec, updateStrategy: { ...updateStrategy, rollingUpdate } } };
}
