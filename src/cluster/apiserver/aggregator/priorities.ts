// The order of the API server's own groups (pkg/controlplane/apiserver/aggregator.go): priorities of their APIServices.

export interface Priority {
  readonly group: number;
  readonly version: number;
}

const OWN: Readonly<Record<string, readonly [group: number, version: number]>> = {
  v1: [18_000, 1],
  'apps/v1': [17_800, 15],
  'events.k8s.io/v1': [17_750, 15],
  'authentication.k8s.io/v1': [17_700, 15],
  'authorization.k8s.io/v1': [17_600, 15],
  'autoscaling/v1': [17_500, 15],
  'autoscaling/v2': [17_500, 30],
  'batch/v1': [17_400, 15],
  'certificates.k8s.io/v1': [17_300, 15],
  'networking.k8s.io/v1': [17_200, 15],
  'policy/v1': [17_100, 15],
  'rbac.authorization.k8s.io/v1': [17_000, 15],
  'storage.k8s.io/v1': [16_800, 15],
  'apiextensions.k8s.io/v1': [16_700, 15],
  'admissionregistration.k8s.io/v1': [16_700, 15],
  'scheduling.k8s.io/v1': [16_600, 15],
  'coordination.k8s.io/v1': [16_500, 15],
  'node.k8s.io/v1': [16_300, 15],
  'discovery.k8s.io/v1': [16_200, 15],
  'flowcontrol.apiserver.k8s.io/v1': [16_100, 21],
  'resource.k8s.io/v1': [15_900, 15],
};

/** Custom resources share one. */
const CUSTOM: Priority = { group: 1_000, version: 100 };

/** Null for the aggregator's own group, which has no APIService. */
export function priorityOf(groupVersion: string, custom: boolean): Priority | null {
  if (custom) return CUSTOM;
  const own = OWN[groupVersion];
  return own ? { group: own[0], version: own[1] } : null;
}
