// Which Service an Ingress' request reaches: the tables of the Kubernetes documentation (concepts/services-networking/ingress: path types,
// multiple matches, hostname wildcards) and of ingress-nginx' own tests (template_test.go, test/e2e/ingress/pathtype_*.go), through
// the configuration that the controller makes and the nginx that runs it.

import { describe, expect, test } from 'vitest';
import type { Ingress, Service } from '../../api/generated/types.ts';
import { NginxBed, type Seen } from '../nginx/testbed.ts';
import { modelOf } from './configuration.ts';
import type { World } from './model.ts';
import { ingressNginx } from './program.ts';
import { FAKE_CERTIFICATE, NGINX_CONF, nginxConf } from './template.ts';

type PathOf = readonly [type: 'Exact' | 'Prefix' | 'ImplementationSpecific', path: string];

/** Each path has a Service of its own, `s0`, `s1` …, at 127.0.0.1:9000 and up; `s9` is the default backend. */
function bedOf(paths: readonly PathOf[], more: { readonly host?: string; readonly annotations?: Readonly<Record<string, string>>; readonly fallback?: boolean } = {}): NginxBed {
  const backend = (n: number) => ({ service: { name: `s${n}`, port: { number: 80 } } });
  const annotations = Object.fromEntries(Object.entries(more.annotations ?? {}).map(([k, v]) => [`nginx.ingress.kubernetes.io/${k}`, v]));
  const rule = { ...(more.host === undefined ? {} : { host: more.host }), http: { paths: paths.map(([pathType, path], n) => ({ pathType, path, backend: backend(n) })) } };
  const ingress = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'web', namespace: 'default', annotations }, spec: { rules: [rule], ...(more.fallback ? { defaultBackend: backend(9) } : {}) } } as unknown as Ingress;
  const world: World = {
    ingresses: [ingress],
    service: (namespace, name) => ({ metadata: { name, namespace }, spec: { ports: [{ port: 80, targetPort: 80 }] } }) as unknown as Service,
    endpoints: (service) => [{ address: '127.0.0.1', port: `900${service.metadata.name.slice(1)}` }],
    certificate: () => 'none',
    fake: { name: 'fake', pem: '' },
    now: '2026-05-04T00:00:00Z',
    defaultService: '',
    warn: () => undefined,
  };
  const model = modelOf(world);
  const backends = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [9000 + n, `s${n}`]));
  const bed = new NginxBed(ingressNginx, { [NGINX_CONF]: nginxConf(model, { workers: 1, fakeSha: '', config: {} }), [FAKE_CERTIFICATE]: 'fake' }, backends);
  bed.post(10_246, '/configuration/backends', model.backends.map((b) => ({ ...b, external: false })));
  return bed;
}

/** `s0`, or the status. */
function reached(bed: NginxBed, path: string, host?: string): string {
  const { status, body, headers } = bed.ask({ path, ...(host === undefined ? {} : { host }) });
  if (headers['location'] !== undefined) return `${status} ${headers['location']}`;
  return status === 200 ? (body as Seen).backend : String(status);
}

/** Paths, the request's path, who answers. */
const DOCUMENTATION: readonly (readonly [paths: readonly PathOf[], request: string, expected: string])[] = [
  [[['Prefix', '/']], '/anything/at/all', 's0'],
  [[['Exact', '/foo']], '/foo', 's0'],
  [[['Exact', '/foo']], '/bar', '404'],
  [[['Exact', '/foo']], '/foo/', '404'],
  [[['Exact', '/foo/']], '/foo', '404'],
  [[['Prefix', '/foo']], '/foo', 's0'],
  [[['Prefix', '/foo']], '/foo/', 's0'],
  [[['Prefix', '/foo/']], '/foo/', 's0'],
  [[['Prefix', '/aaa/bb']], '/aaa/bbb', '404'],
  [[['Prefix', '/aaa/bbb']], '/aaa/bbb', 's0'],
  [[['Prefix', '/aaa/bbb']], '/aaa/bbb/', 's0'],
  [[['Prefix', '/aaa/bbb']], '/aaa/bbb/ccc', 's0'],
  [[['Prefix', '/aaa/bbb']], '/aaa/bbbxyz', '404'],
  [[['Prefix', '/'], ['Prefix', '/aaa']], '/aaa/ccc', 's1'],
  [[['Prefix', '/'], ['Prefix', '/aaa'], ['Prefix', '/aaa/bbb']], '/aaa/bbb', 's2'],
  [[['Prefix', '/'], ['Prefix', '/aaa'], ['Prefix', '/aaa/bbb']], '/ccc', 's0'],
  [[['Prefix', '/aaa']], '/ccc', '404'],
  [[['Prefix', '/foo'], ['Exact', '/foo']], '/foo', 's1'],
];

/** Where nginx differs from the documentation's table: a prefix with a slash at its end redirects who leaves it out. */
const NGINX_ITSELF: typeof DOCUMENTATION = [
  [[['Prefix', '/foo/']], '/foo', '301 http://192.168.66.21/foo/'],
  [[['Prefix', '/aaa/bbb/']], '/aaa/bbb', '301 http://192.168.66.21/aaa/bbb/'],
];

/** pathtype_mixed.go, pathtype_exact.go, pathtype_prefix.go. */
const END_TO_END: typeof DOCUMENTATION = [
  [[['Exact', '/'], ['Prefix', '/']], '/', 's0'],
  [[['Exact', '/'], ['Prefix', '/']], '/bar', 's1'],
  [[['Exact', '/foo'], ['Prefix', '/foo'], ['Prefix', '/']], '/foo', 's0'],
  [[['Exact', '/foo'], ['Prefix', '/foo'], ['Prefix', '/']], '/foo/bar', 's1'],
  [[['Exact', '/foo'], ['Prefix', '/foo'], ['Prefix', '/']], '/foobar', 's2'],
  [[['Exact', '/foo'], ['Prefix', '/foo/']], '/foo', 's0'],
  [[['Exact', '/foo'], ['Prefix', '/foo/']], '/foo/bar', 's1'],
  [[['Prefix', '/aaa']], '/aaa/bbb', 's0'],
  [[['Prefix', '/aaa']], '/aaa-bbb', '404'],
  [[['ImplementationSpecific', '/aaa']], '/aaa/xyz', 's0'],
  [[['ImplementationSpecific', '/aaa']], '/aaaxyz', '404'],
];

/** Host of the rule, of the request, whether it is for it. */
const WILDCARDS: readonly (readonly [rule: string, asked: string, matches: boolean])[] = [
  ['*.foo.com', 'bar.foo.com', true],
  ['*.foo.com', 'baz.bar.foo.com', false],
  ['*.foo.com', 'foo.com', false],
  ['bar.foo.com', 'bar.foo.com:8080', true],
  ['bar.foo.com', 'BAR.foo.com', true],
];

/** rewrite-target, the path, what is asked for, what the Service sees ('' for nobody). */
const REWRITES: readonly (readonly [target: string, path: string, asked: string, seen: string])[] = [
  ['/', '/app', '/app', '/'],
  ['/', '/app', '/app/page', '/'],
  ['/$2', '/something(/|$)(.*)', '/something', '/'],
  ['/$2', '/something(/|$)(.*)', '/something/', '/'],
  ['/$2', '/something(/|$)(.*)', '/something/new', '/new'],
  ['/$2', '/something(/|$)(.*)', '/SOMETHING/new', '/new'],
  ['/$1', '/foo/(.+)', '/foo/bar/baz', '/bar/baz'],
  ['/$1', '/foo/(.+)', '/foo/', ''],
  ['/something', '/', '/any', '/something'],
  ['/something', '/there', '/there', '/something'],
];

describe('who answers', () => {
  for (const [name, table] of [['the documentation', DOCUMENTATION], ['nginx itself', NGINX_ITSELF], ['ingress-nginx end to end', END_TO_END]] as const) {
    test(`${name}: ${table.length} requests`, () => {
      const made = new Map<string, NginxBed>();
      for (const [paths, request, expected] of table) {
        const key = JSON.stringify(paths);
        const bed = made.get(key) ?? bedOf(paths);
        made.set(key, bed);
        expect([paths, request, reached(bed, request)]).toEqual([paths, request, expected]);
      }
    });
  }

  test('the default backend of the Ingress takes what no path takes', () => {
    const bed = bedOf([['Prefix', '/aaa']], { host: 'foo.com', fallback: true });
    expect([reached(bed, '/aaa', 'foo.com'), reached(bed, '/ccc', 'foo.com')]).toEqual(['s0', 's9']);
  });

  test(`wildcards: ${WILDCARDS.length} hosts`, () => {
    for (const [rule, asked, matches] of WILDCARDS) expect([rule, asked, reached(bedOf([['Prefix', '/']], { host: rule }), '/', asked)]).toEqual([rule, asked, matches ? 's0' : '404']);
  });

  test(`rewrite-target: ${REWRITES.length} requests`, () => {
    for (const [target, path, asked, seen] of REWRITES) {
      const { status, body } = bedOf([['ImplementationSpecific', path]], { annotations: { 'rewrite-target': target } }).ask({ path: asked });
      expect([target, path, asked, status === 200 ? (body as Seen).path : '']).toEqual([target, path, asked, seen]);
    }
  });

  test('what the Service is told about the client', () => {
    const { headers } = bedOf([['Prefix', '/']], { host: 'foo.com' }).ask({ path: '/x', host: 'foo.com', headers: { 'X-Forwarded-For': '9.9.9.9' } }).body as Seen;
    const told = ['host', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-scheme', 'x-original-forwarded-for'];
    expect(Object.fromEntries(told.map((name) => [name, headers[name]]))).toEqual({
      'host': 'foo.com', 'x-real-ip': '127.0.0.1', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': 'foo.com', 'x-forwarded-port': '80', 'x-forwarded-proto': 'http', 'x-scheme': 'http', 'x-original-forwarded-for': '9.9.9.9',
    });
  });
});
