// HorizontalPodAutoscalers (kubectl/pkg/describe describeHorizontalPodAutoscalerV2).

import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../cluster/api/generated/types.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { head, labelsAndAnnotations, row } from './metadata.ts';
import type { Page } from './page.ts';
import { dateText, type Writer } from './writer.ts';

const UNKNOWN = '<unknown>';

export function* describeAutoscaler(page: Page, autoscaler: HorizontalPodAutoscaler): Op<void> {
  const { metadata, spec, status } = autoscaler;
  const { scaleTargetRef: target, behavior } = spec;
  head(page, metadata);
  labelsAndAnnotations(page, metadata);
  page.write(0, `CreationTimestamp:\t${dateText(metadata.creationTimestamp)}\n`);
  page.write(0, `Reference:\t${target.kind}/${target.name}\n`);
  page.write(0, 'Metrics:\t( current / target )\n');
  for (const [i, metric] of (spec.metrics ?? []).entries()) page.write(1, metricText(metric, status?.currentMetrics?.[i]));
  page.write(0, `Min replicas:\t${spec.minReplicas ?? '<unset>'}\n`);
  page.write(0, `Max replicas:\t${spec.maxReplicas}\n`);
  if (behavior) {
    page.write(0, 'Behavior:\n');
    rules(page, 'Scale Up', behavior.scaleUp);
    rules(page, 'Scale Down', behavior.scaleDown);
  }
  page.write(0, `${target.kind} pods:\t${status?.currentReplicas ?? 0} current / ${status?.desiredReplicas ?? 0} desired\n`);
  const conditions = status?.conditions ?? [];
  if (conditions.length > 0) {
    page.write(0, 'Conditions:\n');
    page.write(1, 'Type\tStatus\tReason\tMessage\n');
    page.write(1, '----\t------\t------\t-------\n');
    for (const c of conditions) page.write(1, row(c.type, c.status, c.reason, c.message));
  }
  yield* page.events(autoscaler);
}

/** A quantity that may not be there, as its String method prints it. */
const amount = (quantity: string | undefined): string => quantity ?? '<nil>';

function metricText(metric: MetricSpec, now: MetricStatus | undefined): string {
  const { external, pods, object, resource, containerResource } = metric;
  if (metric.type === 'External' && external) {
    const { target } = external;
    const name = JSON.stringify(external.metric.name);
    if (target.averageValue !== undefined) return `${name} (target average value):\t${now?.external?.current.averageValue ?? UNKNOWN} / ${target.averageValue}\n`;
    return `${name} (target value):\t${now?.external ? amount(now.external.current.value) : UNKNOWN} / ${amount(target.value)}\n`;
  }
  if (metric.type === 'Pods' && pods) {
    return `${JSON.stringify(pods.metric.name)} on pods:\t${now?.pods ? amount(now.pods.current.averageValue) : UNKNOWN} / ${amount(pods.target.averageValue)}\n`;
  }
  if (metric.type === 'Object' && object) {
    const { describedObject, target } = object;
    const current = now?.object?.current;
    const average = target.type === 'AverageValue';
    const values = average ? `${current ? amount(current.averageValue) : UNKNOWN} / ${amount(target.averageValue)}` : `${current ? amount(current.value) : UNKNOWN} / ${amount(target.value)}`;
    return `"${object.metric.name}" on ${describedObject.kind}/${describedObject.name} (target ${average ? 'average ' : ''}value):\t${values}\n`;
  }
  if (metric.type === 'Resource' && resource) return `resource ${resource.name} on pods${resourceText(resource.target, now?.resource?.current)}`;
  if (metric.type === 'ContainerResource' && containerResource) {
    const { name, container, target } = containerResource;
    return `resource ${name} of container "${container}" on pods${resourceText(target, now?.containerResource?.current)}`;
  }
  return `<unknown metric type ${JSON.stringify(metric.type)}>\n`;
}

function resourceText(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `:\t${current ? amount(current.averageValue) : UNKNOWN} / ${target.averageValue}\n`;
  const used = current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}% (${amount(current.averageValue)})`;
  const wanted = target.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`;
  return `  (as a percentage of request):\t${used} / ${wanted}\n`;
}

function rules(w: Writer, direction: string, given: HPAScalingRules | undefined): void {
  if (!given) return;
  w.write(1, `${direction}:\n`);
  if (given.stabilizationWindowSeconds !== undefined) w.write(2, `Stabilization Window: ${given.stabilizationWindowSeconds} seconds\n`);
  if (!given.policies?.length) return;
  w.write(2, `Select Policy: ${given.selectPolicy ?? 'Max'}\n`);
  w.write(2, 'Policies:\n');
  for (const { type, value, periodSeconds } of given.policies) w.write(3, `- Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds\n`);
}
