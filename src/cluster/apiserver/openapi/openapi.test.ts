// The OpenAPI documents: what kubectl looks for in them, how they are cached, and that the pool is the official one.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { KINDS } from '../../api/kinds.ts';
import { ApiError } from '../../api/status.ts';
import { discover } from '../discovery/discovery.ts';
import { ServerKinds } from '../kinds.ts';
import type { Exchange } from '../server.ts';
import { definitionName, type OpenApiPool, provideOpenApi, type Schema } from './pool.ts';

const POOL = 'src/cluster/api/generated/openapi.json';
const OFFICIAL = join(import.meta.dirname, '../../../../../shared/openapi/swagger-v1.36.json');
const server = {
  kinds: new ServerKinds(),
  flags: { advertiseAddress: '192.0.2.1', securePort: 6443 },
  sim: { epoch: 1_795_000_000_000_000, now: 0 },
};

function ask(path: string, query: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const answer = discover({ server, info: { path }, query, http: { headers } } as unknown as Exchange);
  if (!answer) throw new Error(`nothing at ${path}`);
  return { ...answer, body: answer.body as never };
}

const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce((v, key) => (v as Record<string, unknown> | undefined)?.[key], value);

test('without the texts the server says that it has none yet', () => {
  provideOpenApi(null);
  expect(() => ask('/openapi/v3')).toThrow(ApiError);
});

test('every kind has a definition, and a list unless it cannot be listed', () => {
  const pool = JSON.parse(readFileSync(POOL, 'utf8')) as OpenApiPool;
  provideOpenApi(pool);
  for (const { group, version, kind, verbs } of KINDS) {
    expect(definitionName(pool, group, version, kind)).toBeDefined();
    if (verbs.includes('list')) expect(definitionName(pool, group, version, `${kind}List`)).toBeDefined();
  }
});

test('a document is found through the index and kept for a year', () => {
  const index = ask('/openapi/v3').body as { paths: Record<string, { serverRelativeURL: string }> };
  expect(Object.keys(index.paths)).toContain('apis/resource.k8s.io/v1');
  const url = new URL(index.paths['apis/apps/v1']?.serverRelativeURL ?? '', 'http://x');
  const hash = url.searchParams.get('hash') ?? '';
  const { headers, body, status } = ask(url.pathname, { hash });
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'cache-control': 'public, immutable',
    etag: `"${hash}"`,
    vary: 'Accept',
    expires: 'Thu, 18 Nov 2027 11:06:40 UTC',
  });
  expect(ask(url.pathname, { hash: 'OLD' })).toMatchObject({ status: 301, headers: { location: `${url.pathname}?hash=${hash}` } });
  expect(ask(url.pathname, { hash }, { 'if-none-match': `"${hash}"` }).status).toBe(304);
  const patch = at(body, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}', 'patch');
  expect(at(patch, 'x-kubernetes-group-version-kind')).toEqual({ group: 'apps', version: 'v1', kind: 'Deployment' });
  expect(Object.keys(at(patch, 'requestBody', 'content') as object)).toContain('application/strategic-merge-patch+json');
  expect((at(patch, 'parameters') as { name: string }[]).map((p) => p.name)).toEqual([
    'dryRun',
    'fieldManager',
    'fieldValidation',
    'force',
  ]);
  const deployment = at(body, 'components', 'schemas', 'io.k8s.api.apps.v1.Deployment');
  expect(at(deployment, 'properties', 'metadata')).toMatchObject({
    allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }],
    default: {},
  });
  expect(at(deployment, 'x-kubernetes-group-version-kind')).toEqual([{ group: 'apps', kind: 'Deployment', version: 'v1' }]);
  const ports = at(body, 'components', 'schemas', 'io.k8s.api.core.v1.Container', 'properties', 'ports');
  expect(ports).toMatchObject({
    'x-kubernetes-patch-merge-key': 'containerPort',
    'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
  });
});

test('every reference of every document leads somewhere', () => {
  const documents = Object.keys((ask('/openapi/v3').body as { paths: object }).paths).map((entry) => ask(`/openapi/v3/${entry}`).body);
  for (const document of [...documents, ask('/openapi/v2').body]) {
    const text = JSON.stringify(document);
    const names = new Set(Object.keys((at(document, 'components', 'schemas') ?? at(document, 'definitions') ?? {}) as object));
    for (const [, name] of text.matchAll(/"\$ref":"#\/(?:components\/schemas|definitions)\/([^"]*)"/g)) expect(names).toContain(name);
  }
});

test('discovery is aggregated for those who ask, with an ETag, and legacy for others', () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
  const { headers, body } = ask('/apis', {}, { accept });
  const items = (body as { items: { metadata: { name: string } }[] }).items.map((i) => i.metadata.name);
  expect(items.slice(0, 4)).toEqual(['apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io']);
  expect(ask('/apis', {}, { accept, 'if-none-match': headers['etag'] ?? '' }).status).toBe(304);
  const core = ask('/api/v1').body as { resources: { name: string; storageVersionHash?: string }[] };
  expect(core.resources.find((r) => r.name === 'pods')?.storageVersionHash).toBe('xPOwRZ+Yhw8=');
  expect(core.resources.map((r) => r.name)).toEqual(core.resources.map((r) => r.name).sort());
});

test.skipIf(!existsSync(OFFICIAL))('the pool has the structure of the official document', () => {
  const { definitions } = JSON.parse(readFileSync(POOL, 'utf8')) as OpenApiPool;
  const official = (JSON.parse(readFileSync(OFFICIAL, 'utf8')) as { definitions: Record<string, Schema> }).definitions;
  const wrong = Object.keys(definitions).filter((name) => !isDeepStrictEqual(bare(definitions[name]), bare(official[name])));
  expect(wrong).toEqual([]);
});

/** Without descriptions. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key, v]) => key !== 'description' || typeof v !== 'string');
  return Object.fromEntries(kept.map(([key, v]) => [key, bare(v)]));
}
