// Which Pods back which Services, as the two endpoint controllers need it (pkg/controller/util/endpoint,
// endpointslice/util): selection both ways, ports, and what change of a Pod matters.

import type { Container, Pod, Service, ServicePort } from '../api/generated/types.ts';
import { isDeleting, jsonEqual, keyOf } from '../api/meta.ts';
import { matchLabels, selectorOfMap } from '../api/selector.ts';
import type { Informer } from '../client/informer.ts';
import { isPodReady, isPodTerminal } from './pods.ts';

/** Services by one pair of their selector, so that a Pod finds its Services by its own labels. */
const BY_SELECTOR = 'selector';

export function indexBySelector(services: Informer<Service>): void {
  services.addIndex(BY_SELECTOR, (service) => {
    const pair = firstPair(service.spec.selector);
    return pair === undefined ? [] : [`${service.metadata.namespace ?? ''}/${pair}`];
  });
}

function firstPair(selector: Readonly<Record<string, string>> | undefined): string | undefined {
  if (selector === undefined) return undefined;
  for (const name in selector) return `${name}=${selector[name]}`;
  return undefined;
}

/** Keys of the Services that select the Pod. */
export function servicesOf(services: Informer<Service>, pod: Pod): string[] {
  const keys: string[] = [];
  const labels = pod.metadata.labels;
  for (const name in labels) {
    for (const service of services.index(BY_SELECTOR, `${pod.metadata.namespace ?? ''}/${name}=${labels[name]}`)) {
      if (matchLabels(selectorOfMap(service.spec.selector), labels)) keys.push(keyOf(service));
    }
  }
  return keys;
}

/** Keys of the Services whose endpoints a change of a Pod may change: none, when it does not matter to endpoints. */
export function servicesToUpdate(services: Informer<Service>, before: Pod, after: Pod): string[] {
  const relabelled =
    (before.metadata.labels !== after.metadata.labels && !jsonEqual(before.metadata.labels, after.metadata.labels)) ||
    before.spec.hostname !== after.spec.hostname ||
    before.spec.subdomain !== after.spec.subdomain;
  if (!relabelled) return endpointChanged(before, after) ? servicesOf(services, after) : [];
  return [...new Set([...servicesOf(services, before), ...servicesOf(services, after)])];
}

function endpointChanged(before: Pod, after: Pod): boolean {
  return (
    isDeleting(before) !== isDeleting(after) ||
    isPodReady(before) !== isPodReady(after) ||
    isPodTerminal(before) !== isPodTerminal(after) ||
    before.spec.nodeName !== after.spec.nodeName ||
    before.status.podIP !== after.status.podIP ||
    (before.status.podIPs !== after.status.podIPs && !jsonEqual(before.status.podIPs, after.status.podIPs))
  );
}

/** The Pod has, or will have, an endpoint of the Service. */
export function isBehind(pod: Pod, service: Service): boolean {
  const hasAddress = pod.status.podIP !== undefined || (pod.status.podIPs ?? []).length > 0;
  return hasAddress && !isPodTerminal(pod) && selects(service, pod);
}

export const selects = (service: Service, pod: Pod): boolean => matchLabels(selectorOfMap(service.spec.selector), pod.metadata.labels);

/** The Pod's address of that family. */
export function addressOf(pod: Pod, family: 'IPv4' | 'IPv6'): string | undefined {
  const fits = (ip: string): boolean => ip.includes(':') === (family === 'IPv6');
  const found = pod.status.podIPs?.find(({ ip }) => fits(ip))?.ip;
  return found ?? (pod.status.podIP !== undefined && fits(pod.status.podIP) ? pod.status.podIP : undefined);
}

/** The number of the container port that a Service port leads to; undefined when the Pod has none of that name. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return namedPort(pod.spec.containers, target, port.protocol) ?? namedPort(sidecars, target, port.protocol);
}

function namedPort(containers: readonly Container[], name: string, protocol = 'TCP'): number | undefined {
  for (const container of containers) {
    for (const port of container.ports ?? []) {
      if (port.name === name && (port.protocol ?? 'TCP') === protocol) return port.containerPort;
    }
  }
  return undefined;
}

/** The name under which a headless Service's DNS knows the Pod. */
export function hostnameFor(pod: Pod, service: Service): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

export const isHeadless = (service: Service): boolean => service.spec.clusterIP === 'None';
