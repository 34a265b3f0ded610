// Where an HPA gets its numbers (pkg/controller/podautoscaler/metrics): the resource metrics API here, what adapters serve in
// horizontal-custom.ts.

import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, Pod } from '../api/generated/types.ts';
import { formatMilli, formatQuantity, quantityMilli } from '../api/quantity.ts';
import { ApiError } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import type { Op } from '../sim/simulation.ts';
import { type Micros, parseTime, SECOND } from '../sim/time.ts';
import { tolerancesOf } from './horizontal-behavior.ts';
import { AdapterMetrics } from './horizontal-custom.ts';
import { type Proposal, proposeReplicas, requestsOf, type Sample, type Samples } from './horizontal-replicas.ts';

export interface MetricAnswer {
  readonly replicas: number;
  /** What the metric is called in reasons. */
  readonly name: string;
  readonly status: MetricStatus;
}

/** A metric that could not be had: `reason` is that of the condition ScalingActive. */
export class MetricError extends Error {
  readonly reason: string;
  /** What the metric's value is called in the summary. */
  readonly kind: string;

  constructor(reason: string, kind: string, message: string) {
    super(message);
    this.reason = reason;
    this.kind = kind;
  }
}

export interface MetricContext {
  readonly hpa: HorizontalPodAutoscaler;
  readonly current: number;
  readonly pods: readonly Pod[];
  readonly selector: string;
  readonly now: Micros;
}

interface PodMetrics {
  readonly metadata: { readonly name: string };
  readonly timestamp: string;
  readonly window: string;
  readonly containers: readonly { readonly name: string; readonly usage: Readonly<Record<string, string>> }[];
}

export class HorizontalMetrics {
  readonly #client: Client;
  readonly #adapter: AdapterMetrics;

  constructor(client: Client) {
    this.#client = client;
    this.#adapter = new AdapterMetrics(client);
  }

  /** What one metric asks for. Throws MetricError. */
  *evaluate(context: MetricContext, spec: MetricSpec): Op<MetricAnswer> {
    switch (spec.type) {
      case 'Resource': {
        const { name = '', target } = spec.resource ?? { target: { type: '' } };
        return yield* this.#resource(context, target, name, '', `${name} resource`, 'FailedGetResourceMetric');
      }
      case 'ContainerResource': {
        const { name = '', container = '', target } = spec.containerResource ?? { target: { type: '' } };
        return yield* this.#resource(context, target, name, container, `${name} container resource`, 'FailedGetContainerResourceMetric');
      }
      case 'Pods':
        return yield* this.#adapter.pods(context, spec);
      case 'Object':
        return yield* this.#adapter.object(context, spec);
      default:
        return yield* this.#adapter.external(context, spec);
    }
  }

  *#resource(context: MetricContext, target: MetricTarget, resource: string, container: string, label: string, reason: string): Op<MetricAnswer> {
    const { hpa, current, pods, now } = context;
    const plain = target.averageUtilization === undefined;
    try {
      const samples = yield* this.#samples(context, resource, container);
      const wanted = plain ? quantityMilli(target.averageValue) : (target.averageUtilization ?? 0);
      const requests = plain ? null : requestsOf(pods, resource, container);
      const proposal = proposeReplicas({ current, pods, samples, resource, target: wanted, requests, tolerances: tolerancesOf(hpa), now });
      const name = plain ? label : `${label} utilization (percentage of request)`;
      return { replicas: proposal.replicas, name, status: statusOf(resource, container, proposal) };
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new MetricError(reason, `${resource} ${container === '' ? 'resource' : 'container'} metric value`, `failed to get ${resource} ${plain ? 'usage' : 'utilization'}: ${messageOf(error)}`);
    }
  }

  *#samples({ hpa, selector }: MetricContext, resource: string, container: string): Op<Samples> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${hpa.metadata.namespace}/pods`;
    let items: readonly PodMetrics[];
    try {
      const { body } = yield* this.#client.raw({ method: 'GET', path, query: { labelSelector: selector } });
      items = (body as { items?: readonly PodMetrics[] }).items ?? [];
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      // Without an answer of its own, client-go says what a 503 means.
      const down = error instanceof ApiError && error.status.code === 503;
      const text = down ? 'the server is currently unable to handle the request (get pods.metrics.k8s.io)' : messageOf(error);
      const about = text.includes('could not find the requested resource') && !text.includes('(get ') ? `${text} (get pods.metrics.k8s.io)` : text;
      throw new Error(`unable to get metrics for resource ${resource}: unable to fetch metrics from resource metrics API: ${about}`);
    }
    if (items.length === 0) throw new Error(`unable to get metrics for resource ${resource}: no metrics returned from resource metrics API`);
    const samples = new Map<string, Sample>();
    for (const item of items) {
      const used = item.containers.filter((c) => container === '' || c.name === container);
      if (used.length === 0 || used.some((c) => c.usage[resource] === undefined)) continue;
      let value = 0;
      for (const c of used) value += quantityMilli(c.usage[resource]);
      samples.set(item.metadata.name, { value, time: parseTime(item.timestamp) ?? 0, window: secondsOf(item.window) });
    }
    return samples;
  }
}

/** `15.023s` as the metrics server writes windows. */
function secondsOf(text: string): Micros {
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|m|s)/g)) seconds += Number(amount) * (unit === 'h' ? 3600 : unit === 'm' ? 60 : 1);
  return Math.round(seconds * SECOND);
}

function statusOf(resource: string, container: string, { utilization, average }: Proposal): MetricStatus {
  // Memory in whole bytes, CPU in thousandths.
  const averageValue = resource === 'cpu' ? formatMilli(average) : formatQuantity(Math.trunc(average / 1000), 'DecimalSI');
  const current = { ...(utilization === undefined ? {} : { averageUtilization: utilization }), averageValue };
  if (container !== '') return { type: 'ContainerResource', containerResource: { name: resource, container, current } };
  return { type: 'Resource', resource: { name: resource, current } };
}
