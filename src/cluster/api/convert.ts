// Kinds that are served in two shapes over one storage: HorizontalPodAutoscaler (autoscaling/v1 and v2) and Event
// (v1 and events.k8s.io/v1). Models pkg/apis/autoscaling/v1 and pkg/apis/events/v1 conversion.
// Simplification: metrics that autoscaling/v1 cannot name are left out of it instead of travelling in an annotation.

import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, V1HorizontalPodAutoscaler } from './generated/types.ts';
import { mustResource, type ResourceKind } from './kinds.ts';
import { type ApiObject, deepFreeze } from './meta.ts';
import { Recent } from './recent.ts';

/** Any object, by field name. */
type Plain = Readonly<Record<string, unknown>>;

const isNewEvent = (kind: ResourceKind): boolean => kind.key === 'events.events.k8s.io';
const isOldAutoscaler = (kind: ResourceKind): boolean => kind.apiVersion === 'autoscaling/v1' && kind.kind === 'HorizontalPodAutoscaler';

/** The kind in whose shape objects of this kind are stored: itself, but for the second shapes. */
export function storageKind(kind: ResourceKind): ResourceKind {
  if (isNewEvent(kind)) return mustResource('events');
  return isOldAutoscaler(kind) ? mustResource(kind.key) : kind;
}

/** An object of `kind` in the shape in which it is stored. The object itself where the shapes are one. */
export function toStored<T extends object>(kind: ResourceKind, object: T): T {
  if (isNewEvent(kind)) return eventToCore(object as Plain) as T;
  return isOldAutoscaler(kind) ? (toAutoscalerV2(object as unknown as V1HorizontalPodAutoscaler) as unknown as T) : object;
}

const shown = new Recent<object>();

/** A stored object in the shape of `kind`; frozen and remembered. */
export function fromStored<T extends object>(kind: ResourceKind, object: T): T {
  const { apiVersion } = object as { readonly apiVersion?: string };
  if (apiVersion === kind.apiVersion) return object;
  const known = shown.get(object);
  if (known) return known as T;
  const made = isNewEvent(kind)
    ? Object.freeze(eventToNew(object as Plain))
    : isOldAutoscaler(kind)
      ? deepFreeze(toAutoscalerV1(object as unknown as HorizontalPodAutoscaler) as unknown as ApiObject)
      : Object.freeze({ ...object, apiVersion: kind.apiVersion });
  shown.set(object, made);
  return made as unknown as T;
}

function eventToNew(event: Plain): Plain {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, reportingComponent, ...rest } = event;
  return {
    ...rest,
    apiVersion: 'events.k8s.io/v1',
    reportingController: reportingComponent,
    regarding: involvedObject,
    note: message,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
  };
}

function eventToCore(event: Plain): Plain {
  const {
    regarding,
    note,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    reportingController,
    ...rest
  } = event;
  return {
    ...rest,
    apiVersion: 'v1',
    involvedObject: regarding,
    message: note,
    source: deprecatedSource ?? {},
    firstTimestamp: deprecatedFirstTimestamp ?? null,
    lastTimestamp: deprecatedLastTimestamp ?? null,
    ...(deprecatedCount === undefined ? {} : { count: deprecatedCount }),
    reportingComponent: reportingController ?? '',
  };
}

/** The object without the fields that are undefined. */
function withoutHoles<T extends object>(object: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

const isCpu = (m: MetricSpec): boolean =>
  m.type === 'Resource' && m.resource?.name === 'cpu' && m.resource.target.averageUtilization !== undefined;

function toAutoscalerV2({ metadata, spec, status }: V1HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const { targetCPUUtilizationPercentage: target, ...same } = spec;
  const { currentCPUUtilizationPercentage: current, ...state } = status;
  const wanted = (averageUtilization: number): MetricSpec => ({
    type: 'Resource',
    resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
  });
  const seen = (averageUtilization: number): MetricStatus => ({
    type: 'Resource',
    resource: { name: 'cpu', current: { averageUtilization } },
  });
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: { ...same, ...(target === undefined ? {} : { metrics: [wanted(target)] }) },
    status: { ...state, ...(current === undefined ? {} : { currentMetrics: [seen(current)] }) },
  };
}

function toAutoscalerV1({ metadata, spec, status }: HorizontalPodAutoscaler): V1HorizontalPodAutoscaler {
  const target = spec.metrics?.find(isCpu)?.resource?.target.averageUtilization;
  const current = status.currentMetrics?.find((m) => m.resource?.name === 'cpu')?.resource?.current.averageUtilization;
  const { minReplicas, maxReplicas, scaleTargetRef } = spec;
  const { observedGeneration, lastScaleTime, desiredReplicas } = status;
  const currentReplicas = status.currentReplicas ?? 0;
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: withoutHoles({ scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage: target }),
    status: withoutHoles({ observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentCPUUtilizationPercentage: current }),
  } as V1HorizontalPodAutoscaler;
}
