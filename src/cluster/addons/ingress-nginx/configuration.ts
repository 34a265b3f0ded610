// From Ingresses to servers, locations and backends: internal/ingress/controller/controller.go (createUpstreams, createServers,
// getBackendServers, mergeAlternativeBackends) and location.go.

import type { Ingress, IngressBackend, Service } from '../../api/generated/types.ts';
import { readCertificate } from '../../api/pki.ts';
import { type Annotations, annotationsOf } from './annotations.ts';
import { type Backend, DEFAULT_BACKEND, DEFAULT_SERVER, type Endpoint, type Location, type Model, type PathType, type Server, type World } from './model.ts';

type Read = { readonly ingress: Ingress; readonly annotations: Annotations };
type ServiceBackend = NonNullable<IngressBackend['service']>;

const keyOf = ({ metadata }: Ingress): string => `${metadata.namespace ?? ''}/${metadata.name}`;

function upstreamName(namespace: string, { name, port }: ServiceBackend): string {
  return port?.number ? `${namespace}-${name}-${port.number}` : port?.name ? `${namespace}-${name}-${port.name}` : `${namespace}-INVALID`;
}

const portOf = ({ port }: ServiceBackend): string => (port?.number ? String(port.number) : (port?.name ?? ''));

/** Everything that nginx has to know. */
export function modelOf(world: World): Model {
  const read = world.ingresses.map((ingress) => ({ ingress, annotations: annotationsOf(ingress) }));
  const backends = createBackends(world, read);
  const servers = createServers(world, read, backends);
  addLocations(read, backends, servers);
  if (read.some((r) => r.annotations.canary === null)) for (const one of read) if (one.annotations.canary) mergeCanary(world, one.ingress, backends, servers);
  for (const server of servers.values()) {
    server.locations = withExactLocations(sorted(server.locations));
  }
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return {
    backends: [...backends.values()].toSorted((a, b) => byName(a.name, b.name)),
    servers: [...servers.values()].toSorted((a, b) => byName(a.hostname, b.hostname)),
  };
}

/** The longest path first, equally long ones from z to a. */
export function sorted(locations: readonly Location[]): Location[] {
  return locations.toSorted((a, b) => b.path.length - a.path.length || (a.path < b.path ? 1 : a.path > b.path ? -1 : 0));
}

const needsRewrite = ({ annotations, path }: Location): boolean => annotations.rewriteTarget !== '' && annotations.rewriteTarget !== path;

/** A server with one regular expression has only such. */
export const enforcesRegex = (locations: readonly Location[]): boolean => locations.some((l) => needsRewrite(l) || l.annotations.useRegex);

/** updateServerLocations: a Prefix `/foo` is the prefix `/foo/` and the exact `/foo`. */
export function withExactLocations(locations: readonly Location[]): Location[] {
  const exact = new Set(locations.filter((l) => l.pathType === 'Exact').map((l) => l.path));
  const out: Location[] = [];
  for (const location of locations) {
    if (location.path === '/' || location.pathType !== 'Prefix' || needsRewrite(location) || location.annotations.useRegex) {
      out.push(location);
      continue;
    }
    out.push({ ...location, path: location.path.endsWith('/') ? location.path : `${location.path}/` });
    if (!exact.has(location.path)) out.push({ ...location, pathType: 'Exact' });
  }
  return out;
}

// ---- backends

function createBackends(world: World, read: readonly Read[]): Map<string, Backend> {
  const backends = new Map<string, Backend>([[DEFAULT_BACKEND, defaultBackend(world)]]);
  for (const { ingress, annotations } of read) {
    const { namespace = '' } = ingress.metadata;
    const add = (service: ServiceBackend, isDefault: boolean): void => {
      const name = upstreamName(namespace, service);
      if (!isDefault && backends.has(name)) return;
      const backend = newBackend(name, portOf(service), annotations);
      backends.set(name, backend);
      const object = world.service(namespace, service.name);
      if (object === undefined) {
        const key = `${namespace}/${service.name}`;
        world.warn('controller.go:1135', `Error obtaining Endpoints for Service "${key}": no object matching key "${key}" in local store`);
        return;
      }
      backend.service = object;
      backend.endpoints = annotations.serviceUpstream ? clusterEndpoint(object, portOf(service)) : endpointsOf(world, object, portOf(service));
    };
    const { defaultBackend: own, rules = [] } = ingress.spec ?? {};
    if (own?.service) add(own.service, true);
    for (const { http } of rules) for (const path of http?.paths ?? []) if (path.backend.service) add(path.backend.service, false);
    if (annotations.defaultBackend !== '') {
      const service = world.service(namespace, annotations.defaultBackend);
      const [port] = service?.spec.ports ?? [];
      const name = customDefault(namespace, annotations.defaultBackend);
      if (service && port && world.endpoints(service, port).length > 0) {
        backends.set(name, { ...newBackend(name, String(port.port), annotations), service, endpoints: world.endpoints(service, port) });
      }
    }
  }
  return backends;
}

const customDefault = (namespace: string, name: string): string => `custom-default-backend-${namespace}-${name}`;

function newBackend(name: string, port: string, { loadBalance, hashBy, canary }: Annotations): Backend {
  return { name, port, service: undefined, endpoints: [], loadBalance: loadBalance || 'round_robin', hashBy, affinity: null, noServer: canary !== null, canary, alternatives: [] };
}

/** Without --default-backend-service it is nginx' own server on port 8181. */
function defaultBackend(world: World): Backend {
  const own: readonly Endpoint[] = [{ address: '127.0.0.1', port: '8181' }];
  const made = { name: DEFAULT_BACKEND, port: '0', service: undefined, endpoints: own, loadBalance: 'round_robin', hashBy: '', affinity: null, noServer: false, canary: null, alternatives: [] };
  const [namespace = '', name = ''] = world.defaultService.split('/');
  const service = name === '' ? undefined : world.service(namespace, name);
  const [port] = service?.spec.ports ?? [];
  if (!service || !port) return made;
  const found = world.endpoints(service, port);
  if (found.length === 0) world.warn('controller.go:625', `Service "${world.defaultService}" does not have any active Endpoint`);
  return { ...made, service, endpoints: found.length === 0 ? own : found };
}

function endpointsOf(world: World, service: Service, wanted: string): readonly Endpoint[] {
  const key = `${service.metadata.namespace ?? ''}/${service.metadata.name}`;
  const none = (): void => world.warn('controller.go:1241', `Service "${key}" does not have any active Endpoint.`);
  const { type, ports = [] } = service.spec;
  if (type === 'ExternalName') {
    const port = ports.find((p) => String(p.port) === wanted || p.name === wanted);
    return [{ address: service.spec.externalName ?? '', port: String(port?.targetPort ?? port?.port ?? wanted) }];
  }
  const port = ports.find((p) => String(p.port) === wanted || String(p.targetPort) === wanted || p.name === wanted);
  if (!port) return [];
  const found = world.endpoints(service, port);
  if (found.length === 0) none();
  return found;
}

function clusterEndpoint({ spec }: Service, wanted: string): readonly Endpoint[] {
  const port = spec.ports?.find((p) => String(p.port) === wanted || p.name === wanted);
  return port && spec.clusterIP && spec.clusterIP !== 'None' ? [{ address: spec.clusterIP, port: String(port.port) }] : [];
}

// ---- servers

function createServers(world: World, read: readonly Read[], backends: ReadonlyMap<string, Backend>): Map<string, Server> {
  const servers = new Map<string, Server>();
  const root = (backend: string, ingress: Ingress | undefined, annotations: Annotations): Location => ({
    path: '/', ingressPath: '/', pathType: 'Prefix', isDefault: true, backend, service: backends.get(backend)?.service, port: '', ingress, annotations,
  });
  const nothing = annotationsOf({ metadata: { name: '' } } as Ingress);
  const catchAll: Server = { hostname: DEFAULT_SERVER, aliases: [], locations: [root(DEFAULT_BACKEND, undefined, { ...nothing, sslRedirect: false, accessLog: false })], certificate: world.fake, fromToWww: false };
  servers.set(DEFAULT_SERVER, catchAll);
  const usual = read.filter((r) => r.annotations.canary === null);
  for (const { ingress, annotations } of usual) {
    let name = DEFAULT_BACKEND;
    const own = ingress.spec?.defaultBackend?.service;
    const rules = ingress.spec?.rules ?? [];
    if (own) {
      name = upstreamName(ingress.metadata.namespace ?? '', own);
      const [first] = catchAll.locations;
      if (first?.isDefault && rules.length === 0) {
        catchAll.locations[0] = { ...root(name, ingress, { ...annotations, rewriteTarget: '', redirect: null, appRoot: '' }), isDefault: false, port: portOf(own) };
      }
    }
    for (const { host: given } of rules) {
      const host = given || DEFAULT_SERVER;
      if (!servers.has(host)) servers.set(host, { hostname: host, aliases: [], locations: [root(name, ingress, annotations)], certificate: null, fromToWww: false });
    }
  }
  for (const { ingress, annotations } of usual) {
    for (const { host: given } of ingress.spec?.rules ?? []) {
      const server = servers.get(given || DEFAULT_SERVER) as Server;
      if (server.aliases.length === 0) server.aliases = annotations.aliases.filter((a) => !servers.has(a));
      server.certificate ??= certificateOf(world, ingress, server.hostname);
    }
  }
  return servers;
}

function certificateOf(world: World, ingress: Ingress, host: string): Server['certificate'] {
  const tls = ingress.spec?.tls ?? [];
  if (tls.length === 0) return null;
  const { namespace = '' } = ingress.metadata;
  const matches = (name: string): boolean => name === host || (name.startsWith('*.') && host.split('.').slice(1).join('.') === name.slice(2));
  // A Secret without a list of hosts counts where its certificate is for the host (extractTLSSecretName).
  const entry =
    tls.find((t) => (t.hosts ?? []).some(matches)) ??
    tls.find((t) => {
      const found = t.secretName ? world.certificate(namespace, t.secretName) : '';
      return typeof found !== 'string' && namesIn(found.pem).some(matches);
    });
  if (!entry) return null;
  if (!entry.secretName) return world.fake;
  const key = `${namespace}/${entry.secretName}`;
  const found = world.certificate(namespace, entry.secretName);
  if (typeof found === 'string') {
    world.warn('controller.go:1468', `Error getting SSL certificate "${key}": ${found}. Using default certificate`);
    return world.fake;
  }
  const facts = readCertificate(found.pem);
  if (facts && !namesIn(found.pem).some(matches)) {
    const { sans, subject } = facts;
    const problem = sans.length === 0 ? 'x509: certificate is not valid for any names, but wanted to match' : `x509: certificate is valid for ${sans.join(', ')}, not`;
    world.warn('controller.go:1482', `Unexpected error validating SSL certificate "${key}" for server "${host}": ${problem} ${host}`);
    world.warn('controller.go:1483', 'Validating certificate against DNS names. This will be deprecated in a future version');
    if (!matches(subject.commonName)) {
      world.warn('controller.go:1488', `SSL certificate "${key}" does not contain a Common Name or Subject Alternative Name for server "${host}": x509: certificate is valid for ${subject.commonName}, not ${host}`);
      world.warn('controller.go:1489', 'Using default certificate');
      return world.fake;
    }
  }
  if (facts && facts.notAfter < world.now) world.warn('controller.go:1499', `SSL certificate for server "${host}" expired (${facts.notAfter})`);
  return found;
}

function namesIn(pem: string): readonly string[] {
  const facts = readCertificate(pem);
  return facts ? [...facts.sans, facts.subject.commonName] : [];
}

function addLocations(read: readonly Read[], backends: ReadonlyMap<string, Backend>, servers: ReadonlyMap<string, Server>): void {
  for (const { ingress, annotations } of read) {
    for (const { host, http } of ingress.spec?.rules ?? []) {
      const server = servers.get(host || DEFAULT_SERVER) ?? (servers.get(DEFAULT_SERVER) as Server);
      for (const { path: given, pathType, backend: wanted } of http?.paths ?? []) {
        if (!wanted.service) continue;
        const backend = backends.get(upstreamName(ingress.metadata.namespace ?? '', wanted.service));
        if (!backend || backend.noServer) continue;
        place(server, given || '/', pathTypeOf(pathType), backend, portOf(wanted.service), ingress, annotations, backends);
        backend.affinity ??= annotations.affinity;
        if (annotations.fromToWww) server.fromToWww = true;
      }
    }
  }
}

/** ImplementationSpecific is Prefix to ingress-nginx (SetDefaultNGINXPathType). */
const pathTypeOf = (type: string | undefined): PathType => (type === 'Exact' ? 'Exact' : 'Prefix');

function place(server: Server, path: string, pathType: PathType, backend: Backend, port: string, ingress: Ingress, annotations: Annotations, backends: ReadonlyMap<string, Backend>): void {
  const custom = customDefault(ingress.metadata.namespace ?? '', annotations.defaultBackend);
  const name = backend.endpoints.length === 0 && annotations.defaultBackend !== '' && backends.has(custom) ? custom : backend.name;
  const made: Location = { path, ingressPath: path, pathType, isDefault: false, backend: name, service: backend.service, port, ingress, annotations };
  // Of those with one path and one type the oldest Ingress wins; the server's own root gives way to anybody.
  const same = server.locations.findIndex((l) => l.path === path);
  const before = server.locations[same];
  if (before === undefined || before.pathType !== pathType) server.locations.push(made);
  else if (before.isDefault) server.locations[same] = made;
}

// ---- canary

function mergeCanary(world: World, ingress: Ingress, backends: Map<string, Backend>, servers: ReadonlyMap<string, Server>): void {
  const { namespace = '' } = ingress.metadata;
  for (const { host, http } of ingress.spec?.rules ?? []) {
    const server = servers.get(host || DEFAULT_SERVER);
    for (const { path = '/', pathType, backend } of http?.paths ?? []) {
      if (!backend.service) continue;
      const name = upstreamName(namespace, backend.service);
      const alternative = backends.get(name);
      if (!alternative) continue;
      if (!server) {
        world.warn('controller.go:1680', `cannot merge alternative backend ${name} into hostname ${host ?? ''} that does not exist`);
        continue;
      }
      let merged = false;
      for (const location of server.locations) {
        const primary = backends.get(location.backend);
        if (!primary) continue;
        if (primary.name === name) {
          world.warn('controller.go:1696', `alternative upstream ${name} in Ingress ${keyOf(ingress)} is primary upstream in Other Ingress for location ${server.hostname}${location.path}!`);
          break;
        }
        if (primary.noServer || primary.name === DEFAULT_BACKEND || location.path !== path || location.pathType !== pathTypeOf(pathType)) continue;
        if (!primary.alternatives.includes(name)) primary.alternatives.push(name);
        merged = true;
      }
      if (!merged) {
        world.warn('controller.go:1710', `unable to find real backend for alternative backend ${name}. Deleting.`);
        backends.delete(name);
      }
    }
  }
}
