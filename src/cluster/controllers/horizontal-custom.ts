// Metrics of an HPA that an adapter serves (pkg/controller/podautoscaler/metrics/client.go): of Pods and of one object by the
// custom metrics API, of things outside the cluster by the external one. Where nobody serves the API, that is what is said.

import type { MetricSpec, MetricTarget } from '../api/generated/types.ts';
import { kindOf } from '../api/kinds.ts';
import { formatMilli, quantityMilli } from '../api/quantity.ts';
import { selectorOf, selectorText } from '../api/selector.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { Op } from '../sim/simulation.ts';
import { parseTime, SECOND } from '../sim/time.ts';
import { tolerancesOf } from './horizontal-behavior.ts';
import { type MetricAnswer, type MetricContext, MetricError } from './horizontal-metrics.ts';
import { proposeByShare, proposeByValue, proposeReplicas, type Sample } from './horizontal-replicas.ts';

interface MetricValue {
  readonly describedObject?: { readonly name: string };
  readonly timestamp: string;
  readonly windowSeconds?: number;
  readonly value: string;
}

const CUSTOM = { group: 'custom.metrics.k8s.io', name: 'custom metrics API' };
const EXTERNAL = { group: 'external.metrics.k8s.io', name: 'external metrics API' };
type Api = typeof CUSTOM;

export class AdapterMetrics {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** The average of the Pods against a target for each. */
  *pods(context: MetricContext, { pods: spec }: MetricSpec): Op<MetricAnswer> {
    const { hpa, current, pods, selector, now } = context;
    const name = spec?.metric.name ?? '';
    const about = `unable to get metric ${name}`;
    return yield* this.#guard('FailedGetPodsMetric', 'pods metric value', `${about}: `, function* (this: AdapterMetrics): Op<MetricAnswer> {
      const values = yield* this.#values(CUSTOM, `namespaces/${hpa.metadata.namespace}/pods/*/${name}`, { labelSelector: selector });
      const samples = new Map<string, Sample>();
      for (const v of values) {
        samples.set(v.describedObject?.name ?? '', { value: quantityMilli(v.value), time: parseTime(v.timestamp) ?? now, window: (v.windowSeconds ?? 60) * SECOND });
      }
      const target = quantityMilli(spec?.target.averageValue);
      const { replicas, average } = proposeReplicas({ current, pods, samples, resource: '', target, requests: null, tolerances: tolerancesOf(hpa), now });
      const metric = spec?.metric ?? { name };
      return { replicas, name: `pods metric ${name}`, status: { type: 'Pods', pods: { metric, current: { averageValue: formatMilli(average) } } } };
    });
  }

  /** One value of one object. */
  *object(context: MetricContext, { object: spec }: MetricSpec): Op<MetricAnswer> {
    const { namespace = '' } = context.hpa.metadata;
    const { kind, name: objectName, apiVersion = 'v1' } = spec?.describedObject ?? { kind: '', name: '' };
    const metric = spec?.metric ?? { name: '' };
    const about = `unable to get metric ${metric.name}: ${kind} on ${namespace} ${objectName}/`;
    return yield* this.#guard('FailedGetObjectMetric', 'object metric value', `${about} `, function* (this: AdapterMetrics): Op<MetricAnswer> {
      const known = kindOf(apiVersion, kind);
      const resource = known ? (known.group === '' ? known.plural : `${known.plural}.${known.group}`) : `${kind.toLowerCase()}s`;
      const [first] = yield* this.#values(CUSTOM, `namespaces/${namespace}/${resource}/${objectName}/${metric.name}`, {});
      if (first === undefined) throw new Error(`no metrics returned from ${CUSTOM.name}`);
      const { replicas, current } = against(context, spec?.target, quantityMilli(first.value));
      return { replicas, name: `${kind} metric ${metric.name}`, status: { type: 'Object', object: { metric, describedObject: spec?.describedObject ?? { kind, name: objectName }, current } } };
    });
  }

  /** The sum of what the selector finds. */
  *external(context: MetricContext, { external: spec }: MetricSpec): Op<MetricAnswer> {
    const { namespace = '' } = context.hpa.metadata;
    const metric = spec?.metric ?? { name: '' };
    const labelSelector = selectorText(selectorOf(metric.selector));
    const shown = metric.selector === undefined ? 'nil' : `&LabelSelector{${labelSelector}}`;
    const about = `unable to get external metric ${namespace}/${metric.name}/${shown}`;
    return yield* this.#guard('FailedGetExternalMetric', `${metric.name} external metric value`, `${about}: `, function* (this: AdapterMetrics): Op<MetricAnswer> {
      const values = yield* this.#values(EXTERNAL, `namespaces/${namespace}/${metric.name}`, metric.selector === undefined ? {} : { labelSelector });
      const { replicas, current } = against(context, spec?.target, values.reduce((sum, v) => sum + quantityMilli(v.value), 0));
      return { replicas, name: `external metric ${metric.name}(${shown})`, status: { type: 'External', external: { metric, current } } };
    });
  }

  *#values(api: Api, rest: string, query: Readonly<Record<string, string>>): Op<readonly MetricValue[]> {
    let values: readonly MetricValue[];
    try {
      const version = yield* this.#version(api);
      const { body } = yield* this.#client.raw({ method: 'GET', path: `/apis/${version}/${rest}`, query });
      values = (body as { items?: readonly MetricValue[] }).items ?? [];
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new Error(`unable to fetch metrics from ${api.name}: ${messageOf(error)}`);
    }
    if (values.length === 0) throw new Error(`no metrics returned from ${api.name}`);
    return values;
  }

  *#version({ group, name }: Api): Op<string> {
    try {
      const { body } = yield* this.#client.raw({ method: 'GET', path: `/apis/${group}` });
      return (body as { preferredVersion?: { groupVersion?: string } }).preferredVersion?.groupVersion ?? `${group}/v1beta1`;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new Error(`no ${name} (${group}) registered`);
    }
  }

  *#guard(reason: string, kind: string, about: string, evaluate: (this: AdapterMetrics) => Op<MetricAnswer>): Op<MetricAnswer> {
    try {
      return yield* evaluate.call(this);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new MetricError(reason, kind, `${about}${messageOf(error)}`);
    }
  }
}

/** A value against a target for all or for each Pod. */
function against({ hpa, current, pods }: MetricContext, target: MetricTarget | undefined, value: number): { replicas: number; current: { value?: string; averageValue?: string } } {
  const tolerances = tolerancesOf(hpa);
  if (target?.averageValue === undefined) {
    return { replicas: proposeByValue(value, quantityMilli(target?.value), current, pods, tolerances), current: { value: formatMilli(value) } };
  }
  const { replicas, average } = proposeByShare(value, quantityMilli(target.averageValue), current, tolerances);
  return { replicas, current: { averageValue: formatMilli(average) } };
}
