// What this server serves: /api, /apis and the lists below them, in the legacy form (pkg/endpoints/discovery) and
// aggregated with an ETag (KEP-3352). Documents are made when first asked for and kept until a kind comes or goes.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { bytesToBase64 } from '../../api/base64.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import { noSuchPath } from '../../api/status.ts';
import type { HttpResponse } from '../../network/http.ts';
import { serveOpenApi } from '../openapi/serve.ts';
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
  '/apis/',
  '/healthz',
  '/healthz/etcd',
  '/healthz/ping',
  '/livez',
  '/livez/etcd',
  '/livez/ping',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/readyz',
  '/readyz/etcd',
  '/readyz/ping',
  '/version',
];

/** The document at a discovery or OpenAPI path, or null when the path is none. @throws ApiError 404 for an unknown group or version */
export function discover(x: Exchange): HttpResponse | null {
  const path = x.info.path.length > 1 && x.info.path.endsWith('/') ? x.info.path.slice(0, -1) : x.info.path;
  if (path === '/version') return json(VERSION);
  if (path.startsWith('/openapi/')) return serveOpenApi(x, path);
  if (path === '/') return json({ paths: paths(x) });
  if (path === '/api' || path === '/apis') return aggregated(x, path) ?? json(path === '/api' ? coreVersions(x) : groupList(x));
  const parts = path.split('/').slice(1);
  if (parts[0] === 'api' && parts.length === 2) return json(resourceList(x, parts[1] as string));
  if (parts[0] === 'apis' && parts.length === 2) return json(group(x, parts[1] as string));
  if (parts[0] === 'apis' && parts.length === 3) return json(resourceList(x, `${parts[1]}/${parts[2]}`));
  return null;
}

const json = (body: unknown): HttpResponse => ({ status: 200, headers: JSON_HEADERS, body });

function paths(x: Exchange): readonly string[] {
  const groups = x.server.kinds.groupVersions().filter((gv) => gv.includes('/'));
  const all = groups.flatMap((gv) => [`/apis/${gv.slice(0, gv.indexOf('/'))}`, `/apis/${gv}`]);
  return [...new Set([...NON_RESOURCE_PATHS, ...all])].sort();
}

/** What one state of a server's kinds makes. */
interface Book {
  readonly revision: number;
  /** Group versions by group, in the order of preference; '' is the core. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
  /** Aggregated lists by path, their ETags, legacy lists by group version. */
  readonly aggregated: Map<string, { readonly items: readonly object[]; readonly etag: string }>;
  readonly lists: Map<string, object>;
}

const books = new WeakMap<object, Book>();

function bookOf(x: Exchange): Book {
  const { kinds } = x.server;
  const known = books.get(kinds);
  if (known?.revision === kinds.revision) return known;
  const groups = new Map<string, string[]>();
  for (const gv of kinds.groupVersions()) {
    const name = gv.includes('/') ? gv.slice(0, gv.indexOf('/')) : '';
    const list = groups.get(name);
    if (list) list.push(gv);
    else groups.set(name, [gv]);
  }
  const made = { revision: kinds.revision, groups, aggregated: new Map(), lists: new Map() };
  books.set(kinds, made);
  return made;
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
    const { items, etag } = aggregatedItems(x, path);
    const headers = {
      'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      'cache-control': 'public',
      etag: `"${etag}"`,
      vary: 'Accept',
    };
    if (x.http.headers['if-none-match'] === headers.etag) return { status: 304, headers, body: '' };
    const body = { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
    return { status: 200, headers, body };
  }
  return null;
}

function aggregatedItems(x: Exchange, path: string): { readonly items: readonly object[]; readonly etag: string } {
  const book = bookOf(x);
  const known = book.aggregated.get(path);
  if (known) return known;
  const names = path === '/api' ? [''] : [...book.groups.keys()].filter((name) => name !== '');
  const items = names.map((name) => aggregatedGroup(x, name, book.groups.get(name) ?? []));
  const etag = bytesToHex(sha256(utf8ToBytes(JSON.stringify(items)))).toUpperCase();
  const made = { items, etag };
  book.aggregated.set(path, made);
  return made;
}

const byPlural = (a: ResourceKind, b: ResourceKind): number => (a.plural < b.plural ? -1 : 1);

const kindsOf = (x: Exchange, groupVersion: string): readonly ResourceKind[] =>
  x.server.kinds
    .all()
    .filter((k) => k.apiVersion === groupVersion)
    .sort(byPlural);

function aggregatedGroup(x: Exchange, name: string, groupVersions: readonly string[]): object {
  const versions = groupVersions.map((gv) => ({
    version: gv.slice(gv.indexOf('/') + 1),
    resources: kindsOf(x, gv).map(aggregatedResource),
    freshness: x.server.kinds.isStale(gv) ? 'Stale' : 'Current',
  }));
  return { metadata: { ...(name === '' ? {} : { name }), creationTimestamp: null }, versions };
}

function aggregatedResource(kind: ResourceKind): object {
  return {
    resource: kind.plural,
    responseKind: kind.custom ? responseKind(kind.apiVersion, kind.kind) : { group: '', version: '', kind: kind.kind },
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
            responseKind: s.apiVersion === kind.apiVersion ? { group: '', version: '', kind: s.kind } : responseKind(s.apiVersion, s.kind),
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

function groupList(x: Exchange): object {
  const { groups } = bookOf(x);
  const named = [...groups.keys()].filter((name) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map((name) => groupEntry(name, groups.get(name) ?? [])) };
}

function group(x: Exchange, name: string): object {
  const versions = bookOf(x).groups.get(name);
  if (name === '' || !versions) throw noSuchPath();
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupEntry(name, versions) };
}

function groupEntry(name: string, groupVersions: readonly string[]): object {
  const versions = groupVersions.map((gv) => ({ groupVersion: gv, version: gv.slice(gv.indexOf('/') + 1) }));
  return { name, versions, preferredVersion: versions[0] };
}

function resourceList(x: Exchange, groupVersion: string): object {
  const book = bookOf(x);
  const known = book.lists.get(groupVersion);
  if (known) return known;
  const kinds = kindsOf(x, groupVersion);
  if (kinds.length === 0) throw noSuchPath();
  const made = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: kinds.flatMap(legacyResources) };
  book.lists.set(groupVersion, made);
  return made;
}

/** Kinds that are stored in the shape of another version or group. */
const STORED_AS: Readonly<Record<string, string>> = {
  'events.events.k8s.io': '/v1/Event',
  'horizontalpodautoscalers.autoscaling': 'autoscaling/v2/HorizontalPodAutoscaler',
};

/** First eight bytes of the hash of group, version and kind in storage; '' for what is not stored. */
function storageVersionHash(kind: ResourceKind): string {
  if (!kind.verbs.includes('update') && !kind.verbs.includes('patch')) return '';
  const stored = kind.custom
    ? `${kind.custom.storedApiVersion}/${kind.kind}`
    : (STORED_AS[kind.key] ?? `${kind.group}/${kind.version}/${kind.kind}`);
  return bytesToBase64(sha256(utf8ToBytes(stored)).slice(0, 8));
}

function legacyResources(kind: ResourceKind): object[] {
  const hash = storageVersionHash(kind);
  const own = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: kind.verbs,
    ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
    ...(kind.categories.length === 0 ? {} : { categories: kind.categories }),
    ...(hash === '' ? {} : { storageVersionHash: hash }),
  };
  const below = kind.subresources.map((s) => {
    const foreign = s.apiVersion === kind.apiVersion ? {} : responseKind(s.apiVersion, s.kind);
    return { name: `${kind.plural}/${s.name}`, singularName: '', namespaced: kind.namespaced, ...foreign, kind: s.kind, verbs: s.verbs };
  });
  return [own, ...below];
}
