// Requests and answers of the Gateway API's own conformance tests for HTTPRoute (kubernetes-sigs/gateway-api, conformance/tests/httproute-*.{go,yaml},
// v1.5) against the configuration that the control plane makes and the nginx that runs it.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Service } from '../../api/generated/types.ts';
import type { Seen } from '../nginx/testbed.ts';
import { NginxBed } from '../nginx/testbed.ts';
import { gatewayNginx, NGINX_CONF } from './data-plane.ts';
import { graphOf, type World } from './graph.ts';
import { nginxFiles } from './nginx-config.ts';
import type { Gateway, HTTPRoute } from './types.ts';

interface Case {
  readonly host?: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly backend?: string;
  /** What the server behind is asked. */
  readonly upstreamPath?: string;
  readonly upstreamHost?: string;
  readonly status?: number;
  readonly redirect?: { readonly scheme?: string; readonly host?: string; readonly port?: string; readonly path?: string };
}

interface Table {
  readonly name: string;
  readonly gateways: readonly Gateway[];
  readonly routes: readonly HTTPRoute[];
  readonly cases: readonly Case[];
}

const TABLES = JSON.parse(readFileSync(fileURLToPath(new URL('./testdata/conformance.json', import.meta.url)), 'utf8')) as readonly Table[];
const NAMESPACE = 'gateway-conformance-infra';
const BACKENDS: Readonly<Record<number, string>> = { 9001: 'infra-backend-v1', 9002: 'infra-backend-v2', 9003: 'infra-backend-v3' };

function worldOf({ gateways, routes }: Table): World {
  const named = <T extends Gateway | HTTPRoute>(o: T, i: number): T => ({ ...o, metadata: { ...o.metadata, namespace: NAMESPACE, uid: String(i), creationTimestamp: `2026-05-04T00:00:0${i}Z` } });
  return {
    className: 'nginx',
    gateways: gateways.map((g, i) => named({ ...g, spec: { ...g.spec, gatewayClassName: 'nginx' } }, i)),
    routes: routes.map((r, i) => named(r, i)),
    grants: [],
    service: (_, name) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: NAMESPACE }, spec: { ports: [{ port: 8080 }] }, status: {} }) as unknown as Service,
    endpoints: (service) => [{ address: '127.0.0.1', port: Object.entries(BACKENDS).find(([, b]) => b === service.metadata.name)?.[0] ?? '0' }],
    certificate: () => undefined,
    labelsOf: () => ({}),
  };
}

/** What came of a request, in the terms of the case. */
function told(bed: NginxBed, asked: Case): Case {
  const { status, headers, body } = bed.ask(asked);
  const base = { ...asked };
  if (asked.redirect) {
    const url = new URL(headers['location'] ?? 'about:blank');
    const parts = { scheme: url.protocol.slice(0, -1), host: url.hostname, port: url.port, path: url.pathname };
    const redirect = Object.fromEntries(Object.keys(asked.redirect).map((key) => [key, parts[key as keyof typeof parts]]));
    return { ...base, redirect, ...(asked.status === undefined ? {} : { status }) };
  }
  if (asked.backend !== undefined) {
    const seen = body as Seen | undefined;
    const upstreamPath = asked.upstreamPath === undefined ? {} : { upstreamPath: seen?.path ?? '' };
    const upstreamHost = asked.upstreamHost === undefined ? {} : { upstreamHost: seen?.headers?.['host'] ?? '' };
    return { ...base, ...upstreamPath, ...upstreamHost, backend: seen?.backend ?? `status ${status}` };
  }
  return { ...base, status };
}

let count = 0;

for (const table of TABLES) {
  test(`${table.name}: ${table.cases.length} requests`, () => {
    const { gateways } = graphOf(worldOf(table));
    const beds = gateways.map((state) => new NginxBed(gatewayNginx, { '/etc/nginx/nginx.conf': NGINX_CONF, ...nginxFiles(state) }, BACKENDS));
    const [bed, all] = beds as [NginxBed, NginxBed | undefined];
    for (const asked of table.cases) {
      count++;
      const first = told(bed, asked);
      // The second Gateway of the one table that has two takes every hostname.
      if (all && JSON.stringify(first) !== JSON.stringify(asked)) expect(told(all, asked)).toEqual(asked);
      else expect(first).toEqual(asked);
    }
  });
}

test('138 requests of 16 tables', () => {
  expect([count, TABLES.length]).toEqual([138, 16]);
});
