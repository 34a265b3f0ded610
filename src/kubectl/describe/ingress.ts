// Ingresses, IngressClasses, ServiceCIDRs and IPAddresses (kubectl/pkg/describe describeIngressV1, …).

import type { EndpointSlice, Ingress, IngressBackend, IngressClass, IPAddress, Service, ServiceCIDR } from '../../cluster/api/generated/types.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { annotations, byText, head, labels, labelsAndAnnotations, row } from './metadata.ts';
import { type Page, typeOf } from './page.ts';
import { endpointsText, slicesOf } from './services.ts';
import { dateText } from './writer.ts';

const SERVICES = typeOf('v1', 'Service', 'services', true);

function* backendText(page: Page, namespace: string, { service, resource }: IngressBackend): Op<string> {
  if (!service) return resource ? `APIGroup: ${resource.apiGroup ?? '<none>'}, Kind: ${resource.kind}, Name: ${resource.name}` : '';
  const { number = 0, name: portName = '' } = service.port ?? {};
  const named = `${service.name}:${number === 0 ? portName : number}`;
  let slices: EndpointSlice[];
  let found: Service;
  try {
    slices = yield* slicesOf(page, namespace, service.name);
    found = yield* page.get<Service>(SERVICES, namespace, service.name);
  } catch (error) {
    if (error instanceof ApiError) return `${named} (<error: ${error.message}>)`;
    throw error;
  }
  const port = found.spec.ports?.findLast((p) => (number !== 0 && number === p.port) || (portName !== '' && portName === p.name));
  return `${named} (${endpointsText(slices, port?.name ?? '')})`;
}

export function* describeIngress(page: Page, ingress: Ingress): Op<void> {
  const { metadata, spec, status } = ingress;
  const namespace = metadata.namespace ?? '';
  page.write(0, `Name:\t${metadata.name}\n`);
  labels(page, 'Labels', metadata.labels);
  page.write(0, `Namespace:\t${namespace}\n`);
  const addresses = new Set((status?.loadBalancer?.ingress ?? []).map((i) => i.ip || i.hostname || '').filter((a) => a !== ''));
  page.write(0, `Address:\t${[...addresses].sort(byText).join(',')}\n`);
  page.write(0, `Ingress Class:\t${spec.ingressClassName ?? '<none>'}\n`);
  const fallback = spec.defaultBackend ? yield* backendText(page, namespace, spec.defaultBackend) : '<default>';
  page.write(0, `Default backend:\t${fallback}\n`);
  if (spec.tls?.length) {
    page.write(0, 'TLS:\n');
    for (const { secretName, hosts = [] } of spec.tls) page.write(1, `${secretName ? `${secretName} terminates` : 'SNI routes'} ${hosts.join(',')}\n`);
  }
  page.write(0, 'Rules:\n  Host\tPath\tBackends\n');
  page.write(1, '----\t----\t--------\n');
  const rules = (spec.rules ?? []).filter((rule) => rule.http);
  for (const { host, http } of rules) {
    page.write(1, `${host || '*'}\t\n`);
    for (const path of http?.paths ?? []) page.write(2, `\t${path.path ?? ''} \t${yield* backendText(page, namespace, path.backend)}\n`);
  }
  if (rules.length === 0) page.write(1, row('*', '*', fallback));
  annotations(page, 'Annotations', metadata.annotations);
  yield* page.events(ingress);
}

export function* describeIngressClass(page: Page, ingressClass: IngressClass): Op<void> {
  const { metadata, spec } = ingressClass;
  head(page, metadata, false);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Controller:\t${spec?.controller ?? ''}\n`);
  const parameters = spec?.parameters;
  if (parameters) {
    page.write(0, 'Parameters:\n');
    if (parameters.apiGroup !== undefined) page.write(1, `APIGroup:\t${parameters.apiGroup}\n`);
    page.write(1, `Kind:\t${parameters.kind}\n`);
    page.write(1, `Name:\t${parameters.name}\n`);
  }
  yield* page.events(ingressClass);
}

export function* describeServiceCidr(page: Page, cidr: ServiceCIDR): Op<void> {
  const conditions = cidr.status?.conditions ?? [];
  head(page, cidr.metadata, false);
  labelsAndAnnotations(page, cidr.metadata);
  page.write(0, `CIDRs:\t${(cidr.spec?.cidrs ?? []).join(', ')}\n`);
  if (conditions.length > 0) {
    page.write(0, 'Status:\n');
    page.write(0, 'Conditions:\n');
    page.write(1, 'Type\tStatus\tLastTransitionTime\tReason\tMessage\n');
    page.write(1, '----\t------\t------------------\t------\t-------\n');
    for (const c of conditions) page.write(1, row(c.type, c.status, dateText(c.lastTransitionTime), c.reason, c.message));
  }
  yield* page.events(cidr);
}

export function* describeIpAddress(page: Page, address: IPAddress): Op<void> {
  head(page, address.metadata, false);
  labelsAndAnnotations(page, address.metadata);
  const parent = address.spec?.parentRef;
  if (parent) {
    page.write(0, 'Parent Reference:\n');
    page.write(1, `Group:\t${parent.group ?? ''}\n`);
    page.write(1, `Resource:\t${parent.resource}\n`);
    page.write(1, `Namespace:\t${parent.namespace ?? ''}\n`);
    page.write(1, `Name:\t${parent.name}\n`);
  }
  yield* page.events(address);
}
