// What this server serves: /api, /apis and the lists below them, in the legacy form and aggregated (KEP-3352).

import { GROUP_VERSIONS, KINDS, type ResourceKind } from '../../api/kinds.ts';
import { noSuchPath } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Exchange } from '../server.ts';
import { JSON_HEADERS } from '../registry/responses.ts';

export const VERSION = Object.freeze({
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.0',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-04-22T00:00:00Z',
  goVersion: 'go1.26.2',
  compiler: 'gc',
  platform: 'linux/amd64',
});

const NON_RESOURCE_PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/healthz/etcd',
  '/healthz/ping',
  '/livez',
  '/livez/etcd',
  '/livez/ping',
  '/openid/v1/jwks',
  '/readyz',
  '/readyz/etcd',
  '/readyz/ping',
  '/version',
];

/** The document at a discovery path, or null when the path is none. @throws ApiError 404 for an unknown group or version */
export function discover(x: Exchange): HttpResponse | null {
  const path = x.info.path.length > 1 && x.info.path.endsWith('/') ? x.info.path.slice(0, -1) : x.info.path;
  if (path === '/version') return json(VERSION);
  if (path === '/')
    return json({ paths: [...NON_RESOURCE_PATHS, ...GROUP_VERSIONS.filter((gv) => gv !== 'v1').map((gv) => `/apis/${gv}`)].sort() });
  if (path === '/api' || path === '/apis') return aggregated(x, path) ?? json(path === '/api' ? coreVersions(x) : groupList());
  const parts = path.split('/').slice(1);
  if (parts[0] === 'api' && parts.length === 2) return json(resourceList(parts[1] as string));
  if (parts[0] === 'apis' && parts.length === 2) return json(group(parts[1] as string));
  if (parts[0] === 'apis' && parts.length === 3) return json(resourceList(`${parts[1]}/${parts[2]}`));
  return null;
}

const json = (body: unknown): HttpResponse => ({ status: 200, headers: JSON_HEADERS, body });

/** Group versions by group, in the order of preference; '' is the core. */
const byGroup = new Map<string, string[]>();
for (const gv of GROUP_VERSIONS) {
  const name = gv.includes('/') ? gv.slice(0, gv.indexOf('/')) : '';
  const list = byGroup.get(name);
  if (list) list.push(gv);
  else byGroup.set(name, [gv]);
}

const AGGREGATED = /g=apidiscovery\.k8s\.io;v=(v2|v2beta1);as=APIGroupDiscoveryList/;

/** The aggregated list, when the Accept header asks for it before plain JSON. */
function aggregated(x: Exchange, path: string): HttpResponse | null {
  for (const media of (x.http.headers['accept'] ?? '').split(',')) {
    const match = AGGREGATED.exec(media);
    if (!match) {
      if (media.trim().startsWith('application/json')) return null;
      continue;
    }
    const version = match[1] as string;
    const groups = path === '/api' ? [''] : [...byGroup.keys()].filter((name) => name !== '');
    const headers = { ...JSON_HEADERS, 'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList` };
    const body = {
      kind: 'APIGroupDiscoveryList',
      apiVersion: `apidiscovery.k8s.io/${version}`,
      metadata: {},
      items: groups.map(aggregatedGroup),
    };
    return { status: 200, headers, body };
  }
  return null;
}

function aggregatedGroup(name: string): object {
  const versions = (byGroup.get(name) as string[]).map((gv) => ({
    version: gv.slice(gv.indexOf('/') + 1),
    freshness: 'Current',
    resources: KINDS.filter((k) => k.apiVersion === gv).map(aggregatedResource),
  }));
  return { metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null }, versions };
}

function aggregatedResource(kind: ResourceKind): object {
  return {
    resource: kind.plural,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    ...(kind.subresources.length === 0
      ? {}
      : {
          subresources: kind.subresources.map((s) => ({
            subresource: s.name,
            responseKind: responseKind(s.apiVersion, s.kind),
            verbs: s.verbs,
          })),
        }),
  };
}

function responseKind(apiVersion: string, kind: string): object {
  const slash = apiVersion.indexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind };
}

function coreVersions(x: Exchange): object {
  const { advertiseAddress, securePort } = x.server.flags;
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: `${advertiseAddress}:${securePort}` }],
  };
}

function groupList(): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...byGroup.keys()].filter((name) => name !== '').map(groupEntry) };
}

function group(name: string): object {
  if (name === '' || !byGroup.has(name)) throw noSuchPath();
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(name) };
}

function groupEntry(name: string): object {
  const versions = (byGroup.get(name) as string[]).map((gv) => ({ groupVersion: gv, version: gv.slice(gv.indexOf('/') + 1) }));
  return { name, versions, preferredVersion: versions[0] };
}

function resourceList(groupVersion: string): object {
  const kinds = KINDS.filter((k) => k.apiVersion === groupVersion);
  if (kinds.length === 0) throw noSuchPath();
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: kinds.flatMap(legacyResources) };
}

function legacyResources(kind: ResourceKind): object[] {
  const own = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
  };
  const below = kind.subresources.map((s) => {
    const foreign = s.apiVersion === kind.apiVersion ? {} : responseKind(s.apiVersion, s.kind);
    return { name: `${kind.plural}/${s.name}`, singularName: '', namespaced: kind.namespaced, ...foreign, kind: s.kind, verbs: s.verbs };
  });
  return [own, ...below];
}
