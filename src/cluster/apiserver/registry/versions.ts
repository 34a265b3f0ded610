// Kinds that two APIs share over one storage: an Event is stored as core/v1, an autoscaler as autoscaling/v2.
// What is read is presented in the version asked for, what is written is turned into the stored one.

import { toBase64 } from '../../api/base64.ts';
import { mustResource, type ResourceKind } from '../../api/kinds.ts';
import type { Secret } from '../../api/generated/types.ts';
import type { ApiObject } from '../../api/meta.ts';
import { Recent } from '../../api/recent.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Unsaved } from '../storage/store.ts';

/** Any object, by field name. */
type Plain = Readonly<Record<string, unknown>>;

const presented = new Recent<object>();

/** The stored object in the version of `kind`. */
export function present<T extends VersionedObject | Unsaved>(kind: ResourceKind, object: T): T {
  if (kind.custom !== null) return kind.custom.present(object) as T;
  if (object.apiVersion === kind.apiVersion) return object;
  const known = presented.get(object);
  if (known) return known as T;
  const made = Object.freeze(convert(object as unknown as Plain, kind.apiVersion)) as unknown as T;
  presented.set(object, made);
  return made;
}

/** The kind as it is stored: what strategies, validation and keys go by. */
export function storedKind(kind: ResourceKind): ResourceKind {
  if (kind.key === 'events.events.k8s.io') return mustResource('events');
  return kind.apiVersion === 'autoscaling/v1' ? mustResource(kind.key) : kind;
}

/** What a client has sent, in the version that is stored. */
export function toStored(kind: ResourceKind, object: Unsaved): Unsaved {
  if (kind.apiVersion === 'events.k8s.io/v1') return eventToCore(object as unknown as Plain) as unknown as Unsaved;
  if (kind.apiVersion === 'autoscaling/v1' && kind.kind === 'HorizontalPodAutoscaler')
    return autoscalerToV2(object as unknown as Plain) as unknown as Unsaved;
  return kind.key === 'secrets' ? secretToStored(object) : object;
}

/** What stringData says is written into data; it is never stored itself. */
function secretToStored(object: ApiObject): ApiObject {
  const { stringData, ...secret } = object as Secret;
  if (stringData === undefined) return object;
  const data: Record<string, string> = { ...secret.data };
  for (const [key, value] of Object.entries(stringData)) data[key] = toBase64(value);
  return { ...secret, data } as ApiObject;
}

function convert(object: Plain, apiVersion: string): Plain {
  if (apiVersion === 'events.k8s.io/v1') return eventToNew(object);
  if (apiVersion === 'autoscaling/v1') return autoscalerToV1(object);
  return { ...object, apiVersion };
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

interface CpuMetric {
  readonly type: string;
  readonly resource?: {
    readonly name: string;
    readonly target?: { readonly averageUtilization?: number };
    readonly current?: { readonly averageUtilization?: number };
  };
}

const isCpu = (m: CpuMetric): boolean => m.type === 'Resource' && m.resource?.name === 'cpu';

/** Only CPU utilisation has a place in v1; upstream keeps the rest in annotations, here it is left out of the view. */
function autoscalerToV1(object: Plain): Plain {
  const spec = (object['spec'] ?? {}) as Plain;
  const status = (object['status'] ?? {}) as Plain;
  const { metrics, behavior: _b, ...restSpec } = spec;
  const { currentMetrics, conditions: _c, ...restStatus } = status;
  const target = (metrics as readonly CpuMetric[] | undefined)?.find(isCpu)?.resource?.target?.averageUtilization;
  const current = (currentMetrics as readonly CpuMetric[] | undefined)?.find(isCpu)?.resource?.current?.averageUtilization;
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    spec: { ...restSpec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...restStatus, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  };
}

function autoscalerToV2(object: Plain): Plain {
  const { targetCPUUtilizationPercentage, ...spec } = (object['spec'] ?? {}) as Plain;
  const metrics = [
    {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetCPUUtilizationPercentage ?? 80 } },
    },
  ];
  const { currentCPUUtilizationPercentage: _c, ...status } = (object['status'] ?? {}) as Plain;
  return { ...object, apiVersion: 'autoscaling/v2', spec: { ...spec, metrics }, status };
}
