// Services, Ingresses, endpoints, network policies (pkg/apis/core, networking, discovery validation).

import type { EndpointSlice, HTTPIngressPath, Ingress, IngressBackend, NetworkPolicy, Service, ServicePort } from '../generated/types.ts';
import { checkPort, PROTOCOLS } from './container.ts';
import { duplicate, type Errors, forbiddenField, IMMUTABLE, invalidValue, required, tooMany } from './errors.ts';
import { checkLabelSelector, checkLabels } from './meta.ts';
import { ipErrors, label1035Errors, label1123Errors, portNumberErrors, subdomain1123Errors } from './names.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

export function checkService(errors: Errors, s: Service): void {
  const { spec } = s;
  const ports = spec.ports ?? [];
  const headless = spec.clusterIP === 'None';
  if (ports.length === 0 && !headless && spec.type !== 'ExternalName') errors.add(required('spec.ports'));
  if (spec.type === 'LoadBalancer' && headless) {
    errors.add(invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"));
  }
  if (spec.type === 'NodePort' && headless) {
    errors.add(invalidValue('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"));
  }
  if (spec.type === 'ExternalName') checkExternalName(errors, spec.externalName, spec.clusterIP);
  checkServicePorts(errors, ports, headless);
  checkLabels(errors, 'spec.selector', spec.selector);
  errors.oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  errors.oneOf('spec.type', spec.type, TYPES);
  const outside = spec.externalIPs ?? [];
  for (let i = 0; i < outside.length; i++) errors.rule(`spec.externalIPs[${i}]`, outside[i], ipErrors(outside[i] as string));
  if (spec.type === 'ClusterIP') {
    for (let i = 0; i < ports.length; i++) {
      if ((ports[i]?.nodePort ?? 0) !== 0)
        errors.add(forbiddenField(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    }
  }
  checkDuplicates(errors, ports);
  errors.oneOfIfSet('spec.externalTrafficPolicy', spec.externalTrafficPolicy, ['Cluster', 'Local']);
  errors.oneOfIfSet('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']);
  if (spec.externalTrafficPolicy !== undefined && spec.type === 'ClusterIP' && outside.length === 0) {
    errors.add(
      invalidValue('spec.externalTrafficPolicy', spec.externalTrafficPolicy, 'may only be set for externally-accessible services'),
    );
  }
  if (spec.clusterIP !== undefined && spec.clusterIP !== '' && !headless && spec.type !== 'ExternalName') {
    errors.rule('spec.clusterIPs[0]', spec.clusterIP, ipErrors(spec.clusterIP));
  }
}

function checkExternalName(errors: Errors, name: string | undefined, clusterIP: string | undefined): void {
  if (clusterIP !== undefined && clusterIP !== '')
    errors.add(forbiddenField('spec.clusterIPs', 'may not be set when `type` is ExternalName'));
  const bare = name?.endsWith('.') ? name.slice(0, -1) : (name ?? '');
  if (bare === '') errors.add(required('spec.externalName'));
  else errors.rule('spec.externalName', bare, subdomain1123Errors(bare));
}

function checkServicePorts(errors: Errors, ports: readonly ServicePort[], headless: boolean): void {
  const names = new Set<string>();
  for (let i = 0; i < ports.length; i++) {
    const p = ports[i] as ServicePort;
    const at = `spec.ports[${i}]`;
    if (p.name === undefined || p.name === '') {
      if (ports.length > 1) errors.add(required(`${at}.name`));
    } else {
      errors.rule(`${at}.name`, p.name, label1123Errors(p.name));
      if (names.has(p.name)) errors.add(duplicate(`${at}.name`, p.name));
      names.add(p.name);
    }
    errors.rule(`${at}.port`, p.port, portNumberErrors(p.port));
    errors.oneOf(`${at}.protocol`, p.protocol, PROTOCOLS);
    if (p.targetPort !== undefined) checkPort(errors, `${at}.targetPort`, p.targetPort);
    if (headless && typeof p.targetPort === 'number' && p.targetPort !== p.port && p.targetPort === 0) {
      errors.add(invalidValue(`${at}.targetPort`, p.targetPort, "must be equal to the value of 'port' when clusterIP = None"));
    }
  }
}

function checkDuplicates(errors: Errors, ports: readonly ServicePort[]): void {
  const nodePorts = new Set<string>();
  const seen = new Set<string>();
  for (let i = 0; i < ports.length; i++) {
    const { nodePort = 0, protocol, port } = ports[i] as ServicePort;
    const at = `spec.ports[${i}]`;
    const node = `${protocol} ${nodePort}`;
    if (nodePort !== 0 && nodePorts.has(node)) errors.add(duplicate(`${at}.nodePort`, nodePort));
    nodePorts.add(node);
    const id = `${protocol} ${port}`;
    if (seen.has(id)) errors.add(duplicate(at, { protocol, port }));
    seen.add(id);
  }
}

/** Addresses stay for life, as long as the type needs them. */
export function checkServiceUpdate(errors: Errors, s: Service, old: Service): void {
  const [now, before] = [s.spec.clusterIP ?? '', old.spec.clusterIP ?? ''];
  if (s.spec.type === 'ExternalName' || old.spec.type === 'ExternalName' || before === '' || now === before) return;
  errors.add(invalidValue('spec.clusterIPs[0]', s.spec.clusterIPs ?? [now], 'may not change once set'));
}

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

export function checkIngress(errors: Errors, { spec }: Ingress): void {
  const rules = spec.rules ?? [];
  if (rules.length === 0 && spec.defaultBackend === undefined) {
    errors.add(invalidValue('spec', {}, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (spec.defaultBackend !== undefined) checkBackend(errors, 'spec.defaultBackend', spec.defaultBackend);
  for (let i = 0; i < rules.length; i++) {
    const { host, http } = rules[i] as (typeof rules)[number];
    const at = `spec.rules[${i}]`;
    if (host !== undefined && host !== '') checkHost(errors, `${at}.host`, host);
    if (http === undefined) continue;
    if (http.paths.length === 0) errors.add(required(`${at}.http.paths`));
    for (let j = 0; j < http.paths.length; j++) checkPath(errors, `${at}.http.paths[${j}]`, http.paths[j] as HTTPIngressPath);
  }
  if (spec.ingressClassName !== undefined)
    errors.rule('spec.ingressClassName', spec.ingressClassName, subdomain1123Errors(spec.ingressClassName));
}

function checkHost(errors: Errors, field: string, host: string): void {
  if (ipErrors(host).length === 0) errors.add(invalidValue(field, host, 'must be a DNS name, not an IP address'));
  else errors.rule(field, host, subdomain1123Errors(host.startsWith('*.') ? host.slice(2) : host));
}

function checkPath(errors: Errors, at: string, p: HTTPIngressPath): void {
  const path = p.path ?? '';
  if (p.pathType === undefined) errors.add(required(`${at}.pathType`, 'pathType must be specified'));
  else if (p.pathType === 'Exact' || p.pathType === 'Prefix') {
    if (!path.startsWith('/')) errors.add(invalidValue(`${at}.path`, path, 'must be an absolute path'));
    for (const bad of ['//', '/./', '/../', '%2f', '%2F']) {
      if (path.includes(bad)) errors.add(invalidValue(`${at}.path`, path, `must not contain '${bad}'`));
    }
  } else if (p.pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) errors.add(invalidValue(`${at}.path`, path, 'must be an absolute path'));
  } else errors.oneOf(`${at}.pathType`, p.pathType, PATH_TYPES);
  checkBackend(errors, `${at}.backend`, p.backend);
}

function checkBackend(errors: Errors, at: string, { service, resource }: IngressBackend): void {
  if (service !== undefined && resource !== undefined) {
    errors.add(invalidValue(at, '', 'cannot set both resource and service backends'));
  } else if (service !== undefined) {
    if (errors.needed(`${at}.service.name`, service.name)) errors.rule(`${at}.service.name`, service.name, label1035Errors(service.name));
    const { name, number } = service.port ?? {};
    if (name !== undefined && name !== '' && number !== undefined && number !== 0) {
      errors.add(invalidValue(at, '', 'cannot set both port name & port number'));
    } else if (number !== undefined && number !== 0) errors.rule(`${at}.service.port.number`, number, portNumberErrors(number));
    else if (name === undefined || name === '') errors.add(required(at, 'port name or number is required'));
  } else if (resource === undefined) errors.add(required(at, 'must provide service or resource backend'));
}

const ADDRESS_TYPES = ['IPv4', 'IPv6', 'FQDN'];
const MAX_ENDPOINTS = 1_000;

export function checkEndpointSlice(errors: Errors, e: EndpointSlice): void {
  errors.oneOf('addressType', e.addressType, ADDRESS_TYPES);
  const endpoints = e.endpoints ?? [];
  if (endpoints.length > MAX_ENDPOINTS) errors.add(tooMany('endpoints', endpoints.length, MAX_ENDPOINTS));
  for (let i = 0; i < endpoints.length; i++) {
    const { addresses } = endpoints[i] as (typeof endpoints)[number];
    if (addresses.length === 0) errors.add(required(`endpoints[${i}].addresses`, 'must contain at least 1 address'));
    if (e.addressType !== 'IPv4') continue;
    for (let j = 0; j < addresses.length; j++)
      errors.rule(`endpoints[${i}].addresses[${j}]`, addresses[j], ipErrors(addresses[j] as string));
  }
}

export function checkEndpointSliceUpdate(errors: Errors, e: EndpointSlice, old: EndpointSlice): void {
  if (e.addressType !== old.addressType) errors.add(invalidValue('addressType', e.addressType, IMMUTABLE));
}

export function checkNetworkPolicy(errors: Errors, { spec }: NetworkPolicy): void {
  checkLabelSelector(errors, 'spec.podSelector', spec?.podSelector);
  for (const direction of ['ingress', 'egress'] as const) {
    const rules = spec?.[direction] ?? [];
    for (let i = 0; i < rules.length; i++) {
      const ports = rules[i]?.ports ?? [];
      for (let j = 0; j < ports.length; j++) {
        const at = `spec.${direction}[${i}].ports[${j}]`;
        errors.oneOfIfSet(`${at}.protocol`, ports[j]?.protocol, PROTOCOLS);
        const port = ports[j]?.port;
        if (port !== undefined) checkPort(errors, `${at}.port`, port);
      }
    }
  }
}
