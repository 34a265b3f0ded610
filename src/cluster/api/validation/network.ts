// Services, Ingresses, endpoints, network policies (pkg/apis/core, networking, discovery validation).

import type {
  EndpointSlice,
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyIngressRule,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Service,
  ServicePort,
} from '../generated/types.ts';
import { checkPort, PROTOCOLS } from './container.ts';
import { duplicate, type Errors, forbiddenField, IMMUTABLE, invalidValue, notSupported, required, tooMany } from './errors.ts';
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
  checkAffinity(errors, spec);
  checkBalancer(errors, spec);
  errors.oneOfIfSet('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']);
  (spec.ipFamilies ?? []).forEach((family, i) => errors.oneOf(`spec.ipFamilies[${i}]`, family, ['IPv4', 'IPv6']));
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

const LONGEST_AFFINITY = 86_400;

function checkAffinity(errors: Errors, spec: Service['spec']): void {
  const at = 'spec.sessionAffinityConfig';
  const config = spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'None' && config !== undefined) {
    errors.add(forbiddenField(at, 'must not be set when session affinity is None'));
  }
  const seconds = config?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity !== 'ClientIP' || seconds === undefined || (seconds > 0 && seconds <= LONGEST_AFFINITY)) return;
  errors.add(invalidValue(`${at}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${LONGEST_AFFINITY}`));
}

/** What only load balancers may have. */
function checkBalancer(errors: Errors, spec: Service['spec']): void {
  const only = "may only be used when `type` is 'LoadBalancer'";
  (spec.loadBalancerSourceRanges ?? []).forEach((range, i) => checkCidr(errors, `spec.loadBalancerSourceRanges[${i}]`, range.trim()));
  if (spec.type === 'LoadBalancer') return;
  if ((spec.loadBalancerSourceRanges ?? []).length > 0) errors.add(forbiddenField('spec.loadBalancerSourceRanges', only));
  if (spec.allocateLoadBalancerNodePorts !== undefined) errors.add(forbiddenField('spec.allocateLoadBalancerNodePorts', only));
  if (spec.loadBalancerClass !== undefined) errors.add(forbiddenField('spec.loadBalancerClass', only));
}

/** An address range such as 10.0.0.0/8. */
function checkCidr(errors: Errors, field: string, value: string): boolean {
  const slash = value.indexOf('/');
  const bits = Number(value.slice(slash + 1));
  const widest = value.includes(':') ? 128 : 32;
  const good = slash > 0 && ipErrors(value.slice(0, slash)).length === 0 && Number.isInteger(bits) && bits >= 0 && bits <= widest;
  if (!good) errors.add(invalidValue(field, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  return good;
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
    // The message shows Go's internal struct.
    if (seen.has(id))
      errors.add(duplicate(at, { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 }));
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
  (spec.tls ?? []).forEach(({ hosts, secretName }, i) => {
    (hosts ?? []).forEach((host, j) => {
      errors.rule(`spec.tls[${i}].hosts[${j}]`, host, host.includes('*') ? wildcardErrors(host) : subdomain1123Errors(host));
    });
    if ((secretName ?? '') !== '') errors.rule(`spec.tls[${i}].secretName`, secretName, subdomain1123Errors(secretName ?? ''));
  });
  if (spec.ingressClassName !== undefined)
    errors.rule('spec.ingressClassName', spec.ingressClassName, subdomain1123Errors(spec.ingressClassName));
}

const WILDCARD =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const wildcardErrors = (host: string): readonly string[] =>
  host.startsWith('*.') && subdomain1123Errors(host.slice(2)).length === 0 ? [] : [WILDCARD];

function checkHost(errors: Errors, field: string, host: string): void {
  if (ipErrors(host).length === 0) errors.add(invalidValue(field, host, 'must be a DNS name, not an IP address'));
  else errors.rule(field, host, host.includes('*') ? wildcardErrors(host) : subdomain1123Errors(host));
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
    for (let j = 0; j < addresses.length; j++) {
      const wrong = ipErrors(addresses[j] as string);
      if (wrong.length > 0) errors.rule(`endpoints[${i}].addresses[${j}]`, addresses[j], wrong);
    }
  }
}

export function checkEndpointSliceUpdate(errors: Errors, e: EndpointSlice, old: EndpointSlice): void {
  if (e.addressType !== old.addressType) errors.add(invalidValue('addressType', e.addressType, IMMUTABLE));
}

export function checkNetworkPolicy(errors: Errors, { spec }: NetworkPolicy): void {
  checkLabelSelector(errors, 'spec.podSelector', spec?.podSelector);
  for (const [direction, side] of [['ingress', 'from'] as const, ['egress', 'to'] as const]) {
    (spec?.[direction] ?? []).forEach((rule, i) => {
      const at = `spec.${direction}[${i}]`;
      (rule.ports ?? []).forEach((port, j) => checkPolicyPort(errors, `${at}.ports[${j}]`, port));
      const peers = (side === 'from' ? (rule as NetworkPolicyIngressRule).from : (rule as NetworkPolicyEgressRule).to) ?? [];
      peers.forEach((peer, j) => checkPeer(errors, `${at}.${side}[${j}]`, peer));
    });
  }
  const types = spec?.policyTypes ?? [];
  if (types.length > 2) {
    errors.add(invalidValue('spec.policyTypes', types, 'may not specify more than two policyTypes'));
    return;
  }
  types.forEach((type, i) => {
    if (type !== 'Ingress' && type !== 'Egress') errors.add(notSupported(`spec.policyTypes[${i}]`, type, ['Egress', 'Ingress']));
  });
}

function checkPolicyPort(errors: Errors, at: string, { protocol, port, endPort }: NetworkPolicyPort): void {
  if (protocol !== undefined && !(PROTOCOLS as readonly string[]).includes(protocol))
    errors.add(notSupported(`${at}.protocol`, protocol, PROTOCOLS));
  if (port === undefined) {
    if (endPort !== undefined) errors.add(required(`${at}.port`, 'must be specified when endPort is specified'));
    return;
  }
  checkPort(errors, `${at}.port`, port);
  if (endPort === undefined) return;
  if (typeof port === 'string') errors.add(invalidValue(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric'));
  else if (endPort < port) errors.add(invalidValue(`${at}.endPort`, endPort, 'must be greater than or equal to `port`'));
  errors.rule(`${at}.endPort`, endPort, portNumberErrors(endPort));
}

function checkPeer(errors: Errors, at: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): void {
  checkLabelSelector(errors, `${at}.podSelector`, podSelector);
  checkLabelSelector(errors, `${at}.namespaceSelector`, namespaceSelector);
  if (ipBlock !== undefined) {
    if (errors.needed(`${at}.ipBlock.cidr`, ipBlock.cidr)) checkCidr(errors, `${at}.ipBlock.cidr`, ipBlock.cidr);
    (ipBlock.except ?? []).forEach((range, i) => checkCidr(errors, `${at}.ipBlock.except[${i}]`, range));
    if (podSelector !== undefined || namespaceSelector !== undefined)
      errors.add(forbiddenField(at, 'may not specify both ipBlock and another peer'));
  } else if (podSelector === undefined && namespaceSelector === undefined) errors.add(required(at, 'must specify a peer'));
}
