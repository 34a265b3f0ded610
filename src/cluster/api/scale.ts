// The scale subresource: the replicas of a workload as an autoscaling/v1 Scale.

import type { LabelSelector, Scale } from './generated/types.ts';
import type { ApiObject } from './meta.ts';
import { selectorOf, selectorOfMap, selectorText } from './selector.ts';

interface Scalable extends ApiObject {
  readonly spec: { readonly replicas?: number; readonly selector?: unknown };
  readonly status: { readonly replicas?: number };
}

/** The Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController. */
export function scaleOf(object: ApiObject): Scale {
  const { metadata, spec, status, kind } = object as Scalable;
  const compiled =
    kind === 'ReplicationController'
      ? selectorOfMap(spec.selector as Readonly<Record<string, string>> | undefined)
      : selectorOf(spec.selector as LabelSelector | undefined);
  return makeScale(metadata, spec.replicas ?? 0, { replicas: status.replicas ?? 0, selector: selectorText(compiled) });
}

/** A Scale under the name of the object that it is of. */
export function makeScale({ name, namespace, uid, resourceVersion, creationTimestamp }: ApiObject['metadata'], replicas: number, status: Scale['status']): Scale {
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas },
    status,
  };
}

/** The workload with the replicas that a Scale asks for. */
export function withScale<T extends ApiObject>(object: T, scale: Scale): T {
  const replicas = scale.spec.replicas ?? 0;
  const { spec } = object as unknown as Scalable;
  return spec.replicas === replicas ? object : { ...object, spec: { ...spec, replicas } };
}
