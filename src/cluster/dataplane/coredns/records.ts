// Where CoreDNS' kubernetes plug-in looks names up: the informers' stores, through indexes.

import type { EndpointSlice, Pod, Service } from '../../api/generated/types.ts';
import type { InformerFactory } from '../../client/informer.ts';
import type { Records } from './kubernetes.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const ownerOf = (slice: EndpointSlice): string => `${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`;

/** Asks the factory for the informers that the plug-in needs, and reads from them. `pods` is only wanted by `pods verified`. */
export function informerRecords(factory: InformerFactory, pods: boolean): Records {
  const services = factory.informer('services');
  const slices = factory.informer('endpointslices.discovery.k8s.io');
  const namespaces = factory.informer('namespaces');
  const podInformer = pods ? factory.informer('pods') : undefined;
  services.addIndex('ip', (service: Service) => service.spec?.clusterIP);
  slices.addIndex('service', ownerOf);
  return {
    service: (namespace, name) => services.get(namespace, name),
    slices: (namespace, name) => slices.index('service', `${namespace}/${name}`),
    hasNamespace: (name) => namespaces.get('', name) !== undefined,
    serviceByIp: (ip) => services.index('ip', ip)[0] ?? services.list().find((service) => service.spec?.clusterIPs?.includes(ip)),
    // Reverse questions are rare, and slices change with each Pod: no index.
    slicesByIp: (ip) => slices.list().filter((slice) => (slice.endpoints ?? []).some((endpoint) => endpoint.addresses.includes(ip))),
    hasPod: (namespace, ip) => podInformer?.list(namespace).some((pod: Pod) => pod.status?.podIP === ip) ?? false,
  };
}
