// /healthz, /livez, /readyz with ?verbose and ?exclude, and a single check below them.

import type { HttpResponse } from '../../network/http.ts';
import type { Exchange } from '../server.ts';

const TEXT = Object.freeze({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });

const ALIVE = [
  'ping',
  'log',
  'etcd',
  'poststarthook/start-apiserver-admission-initializer',
  'poststarthook/rbac/bootstrap-roles',
  'poststarthook/scheduling/bootstrap-system-priority-classes',
  'poststarthook/start-system-namespaces-controller',
  'poststarthook/bootstrap-controller',
  'autoregister-completion',
];
const READY_ONLY = ['informer-sync', 'shutdown'];

/** The answer at a health path, or null when the path is none. */
export function health(x: Exchange): HttpResponse | null {
  const [, root = '', ...rest] = x.info.path.split('/');
  if (root !== 'healthz' && root !== 'livez' && root !== 'readyz') return null;
  const checks = root === 'readyz' ? [...ALIVE, ...READY_ONLY] : ALIVE;
  const single = rest.join('/');
  if (single !== '') {
    if (!checks.includes(single)) return { status: 404, headers: TEXT, body: '404 page not found\n' };
    return passes(x, root, single)
      ? { status: 200, headers: TEXT, body: 'ok' }
      : { status: 500, headers: TEXT, body: 'internal server error: not finished\n' };
  }
  const exclude = x.query['exclude'];
  const failed = checks.filter((check) => check !== exclude && !passes(x, root, check));
  if (failed.length === 0 && x.query['verbose'] === undefined) return { status: 200, headers: TEXT, body: 'ok' };
  const lines = checks.map((c) =>
    c === exclude ? `[+]${c} excluded: ok` : failed.includes(c) ? `[-]${c} failed: reason withheld` : `[+]${c} ok`,
  );
  const verdict = failed.length === 0 ? 'passed' : 'failed';
  return { status: failed.length === 0 ? 200 : 500, headers: TEXT, body: `${lines.join('\n')}\n${root} check ${verdict}\n` };
}

/** Before the start hooks are through, the server is not ready; it lives as soon as it answers. */
function passes(x: Exchange, root: string, check: string): boolean {
  if (check.startsWith('poststarthook/') || check === 'informer-sync') return x.server.ready || root === 'livez';
  return true;
}
