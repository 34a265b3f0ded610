// Services, their Endpoints and EndpointSlices (kubectl/pkg/describe describeService, describeEndpoints, describeEndpointSliceV1).

import type { Endpoint, EndpointAddress, Endpoints, EndpointSlice, LoadBalancerIngress, Service } from '../../cluster/api/generated/types.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { labelsText } from '../../cluster/api/table/format.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { hostPort } from './containers.ts';
import { head, labelsAndAnnotations, row } from './metadata.ts';
import { type Page, typeOf } from './page.ts';
import type { Writer } from './writer.ts';

const SLICES = typeOf('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', true);
const SHOWN = 3;

export const slicesOf = (page: Page, namespace: string, service: string): Op<EndpointSlice[]> =>
  page.list<EndpointSlice>(SLICES, namespace, { labelSelector: `kubernetes.io/service-name=${service}` }, false);

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready ?? true;

/** The ready addresses of one port, three of them. */
export function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  if (slices.length === 0) return '<none>';
  const list: string[] = [];
  let more = false;
  let count = 0;
  const add = (endpoints: readonly Endpoint[] | undefined, text: (address: string) => string): void => {
    for (const endpoint of endpoints ?? []) {
      if (list.length === SHOWN) more = true;
      if (!isReady(endpoint)) continue;
      if (!more) list.push(text(endpoint.addresses[0] ?? ''));
      count++;
    }
  };
  for (const { ports, endpoints } of slices) {
    if (!ports?.length) add(endpoints, (address) => address);
    else for (const { name = '', port = 0 } of ports) if (name === portName) add(endpoints, (address) => hostPort(address, port));
  }
  return more ? `${list.join(',')} + ${count - SHOWN} more...` : list.join(',');
}

const ingressText = (list: readonly LoadBalancerIngress[]): string =>
  list.map(({ ip, ipMode, hostname }) => (ip ? `${ip}${ipMode === undefined ? '' : ` (${ipMode})`}` : (hostname ?? ''))).join(', ');

export function* describeService(page: Page, service: Service): Op<void> {
  const { metadata, spec, status } = service;
  let slices: EndpointSlice[] = [];
  try {
    slices = yield* slicesOf(page, metadata.namespace ?? '', metadata.name);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
  const given = (title: string, value: string | number | undefined): void => {
    if (value) page.write(0, `${title}:\t${value}\n`);
  };
  head(page, metadata);
  labelsAndAnnotations(page, metadata);
  page.write(0, `Selector:\t${labelsText(spec.selector)}\n`);
  page.write(0, `Type:\t${spec.type ?? ''}\n`);
  given('IP Family Policy', spec.ipFamilyPolicy);
  page.write(0, `IP Families:\t${spec.ipFamilies?.join(',') || '<none>'}\n`);
  page.write(0, `IP:\t${spec.clusterIP ?? ''}\n`);
  page.write(0, `IPs:\t${spec.clusterIPs?.join(',') || '<none>'}\n`);
  given('External IPs', spec.externalIPs?.join(','));
  given('Desired LoadBalancer IP', spec.loadBalancerIP);
  given('External Name', spec.externalName);
  given('LoadBalancer Ingress', ingressText(status.loadBalancer?.ingress ?? []));
  ports(page, service, slices);
  page.write(0, `Session Affinity:\t${spec.sessionAffinity ?? ''}\n`);
  given('External Traffic Policy', spec.externalTrafficPolicy);
  given('Internal Traffic Policy', spec.internalTrafficPolicy);
  given('HealthCheck NodePort', spec.healthCheckNodePort);
  given('LoadBalancer Source Ranges', spec.loadBalancerSourceRanges?.join(','));
  given('Traffic Distribution', spec.trafficDistribution);
  yield* page.events(service);
}

function ports(w: Writer, { spec }: Service, slices: readonly EndpointSlice[]): void {
  for (const { name = '', port, protocol = '', targetPort = 0, appProtocol, nodePort } of spec.ports ?? []) {
    w.write(0, `Port:\t${name || '<unset>'}\t${port}/${protocol}\n`);
    w.write(0, `TargetPort:\t${targetPort}/${protocol}\n`);
    if (appProtocol !== undefined) w.write(0, `AppProtocol:\t${appProtocol}\n`);
    if (nodePort) w.write(0, `NodePort:\t${name || '<unset>'}\t${nodePort}/${protocol}\n`);
    w.write(0, `Endpoints:\t${endpointsText(slices, name)}\n`);
  }
}

export function* describeEndpoints(page: Page, endpoints: Endpoints): Op<void> {
  const addresses = (list: readonly EndpointAddress[] | undefined): string => (list ?? []).map((a) => a.ip).join(',') || '<none>';
  head(page, endpoints.metadata);
  labelsAndAnnotations(page, endpoints.metadata);
  page.write(0, 'Subsets:\n');
  for (const subset of endpoints.subsets ?? []) {
    page.write(1, `Addresses:\t${addresses(subset.addresses)}\n`);
    page.write(1, `NotReadyAddresses:\t${addresses(subset.notReadyAddresses)}\n`);
    if (subset.ports?.length) {
      page.write(1, 'Ports:\n');
      page.write(2, 'Name\tPort\tProtocol\n');
      page.write(2, '----\t----\t--------\n');
      for (const port of subset.ports) page.write(2, row(port.name || '<unset>', port.port, port.protocol));
    }
    page.write(0, '\n');
  }
  yield* page.events(endpoints);
}

export function* describeEndpointSlice(page: Page, slice: EndpointSlice): Op<void> {
  head(page, slice.metadata);
  labelsAndAnnotations(page, slice.metadata);
  page.write(0, `AddressType:\t${slice.addressType}\n`);
  if (!slice.ports?.length) page.write(0, 'Ports: <unset>\n');
  else {
    page.write(0, 'Ports:\n');
    page.write(1, 'Name\tPort\tProtocol\n');
    page.write(1, '----\t----\t--------\n');
    for (const port of slice.ports) page.write(1, row(port.name || '<unset>', port.port ?? '<unset>', port.protocol));
  }
  if (!slice.endpoints?.length) page.write(0, 'Endpoints: <none>\n');
  else {
    page.write(0, 'Endpoints:\n');
    for (const endpoint of slice.endpoints) endpointLines(page, endpoint);
  }
  yield* page.events(slice);
}

function endpointLines(w: Writer, { addresses, conditions, hostname, targetRef, nodeName, zone }: Endpoint): void {
  w.write(1, `- Addresses:\t${(addresses ?? []).join(', ') || '<none>'}\n`);
  w.write(2, 'Conditions:\n');
  w.write(3, `Ready:\t${conditions?.ready ?? '<unset>'}\n`);
  w.write(2, `Hostname:\t${hostname ?? '<unset>'}\n`);
  if (targetRef) w.write(2, `TargetRef:\t${targetRef.kind ?? ''}/${targetRef.name ?? ''}\n`);
  w.write(2, `NodeName:\t${nodeName ?? '<unset>'}\n`);
  w.write(2, `Zone:\t${zone ?? '<unset>'}\n`);
}
