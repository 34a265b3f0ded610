// /healthz, /livez, /readyz with ?verbose and ?exclude, and a single check below them (apiserver/pkg/server/healthz).

import type { HttpResponse } from '../../network/http.ts';
import type { Exchange } from '../server.ts';

const TEXT = Object.freeze({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });

const HOOKS = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'start-cluster-authentication-info-controller',
  'start-kube-apiserver-identity-lease-controller',
  'start-kube-apiserver-identity-lease-garbage-collector',
  'start-legacy-token-tracking-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
].map((hook) => `poststarthook/${hook}`);
const LATE = ['autoregister-completion', 'poststarthook/apiservice-openapi-controller', 'poststarthook/apiservice-openapiv3-controller'];
const ALIVE = ['ping', 'log', 'etcd', ...HOOKS, ...LATE];
const READY = ['ping', 'log', 'etcd', 'etcd-readiness', 'informer-sync', ...HOOKS, ...LATE, 'shutdown'];

/** What must be through before the server is ready; it lives as soon as it answers. */
const AWAITED = new Set([
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/bootstrap-controller',
  'poststarthook/priority-and-fairness-config-producer',
]);

/** The answer at a health path, or null when the path is none. */
export function health(x: Exchange): HttpResponse | null {
  const [, root = '', ...rest] = x.info.path.split('/');
  if (root !== 'healthz' && root !== 'livez' && root !== 'readyz') return null;
  const checks = root === 'readyz' ? READY : ALIVE;
  const single = rest.join('/');
  if (single === '') return all(x, root, checks);
  if (!checks.includes(single)) return { status: 404, headers: TEXT, body: '404 page not found\n' };
  return passes(x, root, single)
    ? { status: 200, headers: TEXT, body: 'ok' }
    : { status: 500, headers: TEXT, body: 'internal server error: not finished\n' };
}

function all(x: Exchange, root: string, checks: readonly string[]): HttpResponse {
  const excluded = x.query['exclude'] === undefined ? [] : x.query['exclude'].split(',');
  const failed = checks.filter((check) => !excluded.includes(check) && !passes(x, root, check));
  if (failed.length === 0 && x.query['verbose'] === undefined) return { status: 200, headers: TEXT, body: 'ok' };
  const lines = checks.map((check) =>
    excluded.includes(check)
      ? `[+]${check} excluded: ok`
      : failed.includes(check)
        ? `[-]${check} failed: reason withheld`
        : `[+]${check} ok`,
  );
  const unknown = excluded.filter((name) => !checks.includes(name)).sort();
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  const verdict = failed.length === 0 ? 'passed' : 'failed';
  return { status: failed.length === 0 ? 200 : 500, headers: TEXT, body: `${lines.join('\n')}\n${root} check ${verdict}\n` };
}

function passes(x: Exchange, root: string, check: string): boolean {
  return x.server.ready || root === 'livez' || !AWAITED.has(check);
}
