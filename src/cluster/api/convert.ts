// Kinds that are served in two shapes over one storage: HorizontalPodAutoscaler (autoscaling/v1 and v2) and Event
// (v1 and events.k8s.io/v1). Models pkg/apis/autoscaling/v1 and pkg/apis/events/v1 conversion.
// Simplification: metrics that autoscaling/v1 cannot name are left out of it instead of travelling in an annotation.

import type {
  Event,
  EventsV1Event,
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  V1HorizontalPodAutoscaler,
} from './generated/types.ts';
import { kindOf, type ResourceKind } from './kinds.ts';
import { type ApiObject, deepFreeze } from './meta.ts';
import { Recent } from './recent.ts';

const STORED: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  'autoscaling/v1 HorizontalPodAutoscaler': ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  'events.k8s.io/v1 Event': ['v1', 'Event'],
};

/** The kind in whose shape objects of this kind are stored: itself, but for the second shapes. */
export function storageKind(kind: ResourceKind): ResourceKind {
  const stored = STORED[`${kind.apiVersion} ${kind.kind}`];
  return stored === undefined ? kind : (kindOf(...stored) ?? kind);
}

/** An object of `kind` in the shape in which it is stored; frozen. The object itself where the shapes are one. */
export function toStored(kind: ResourceKind, object: ApiObject): ApiObject {
  if (storageKind(kind) === kind) return object;
  return deepFreeze(kind.kind === 'Event' ? toCoreEvent(object as EventsV1Event) : toAutoscalerV2(object as V1HorizontalPodAutoscaler));
}

const shown = new Recent<ApiObject>();

/** A stored object in the shape of `kind`; frozen and remembered. */
export function fromStored(kind: ResourceKind, object: ApiObject): ApiObject {
  if (storageKind(kind) === kind) return object;
  const known = shown.get(object);
  if (known) return known;
  const made = deepFreeze(kind.kind === 'Event' ? toNewEvent(object as Event) : toAutoscalerV1(object as HorizontalPodAutoscaler));
  shown.set(object, made);
  return made;
}

/** The object without the fields that are undefined. */
function present<T extends object>(object: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

function toCoreEvent(e: EventsV1Event): Event {
  const {
    note,
    regarding,
    reportingController,
    deprecatedCount,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedSource,
    ...same
  } = e;
  return present<Event>({
    ...same,
    apiVersion: 'v1',
    involvedObject: regarding ?? {},
    message: note,
    reportingComponent: reportingController ?? '',
    reportingInstance: e.reportingInstance ?? '',
    count: deprecatedCount,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    source: deprecatedSource,
  } as Event);
}

function toNewEvent(e: Event): EventsV1Event {
  const { message, involvedObject, reportingComponent, count, firstTimestamp, lastTimestamp, source, ...same } = e;
  return present<EventsV1Event>({
    ...same,
    apiVersion: 'events.k8s.io/v1',
    regarding: involvedObject,
    note: message,
    reportingController: reportingComponent,
    deprecatedCount: count,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedSource: source,
  } as EventsV1Event);
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
    spec: present({ scaleTargetRef, minReplicas, maxReplicas, targetCPUUtilizationPercentage: target }),
    status: present({ observedGeneration, lastScaleTime, currentReplicas, desiredReplicas, currentCPUUtilizationPercentage: current }),
  } as V1HorizontalPodAutoscaler;
}
