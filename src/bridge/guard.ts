// Who may speak to the bridge: loopback clients that name a loopback host, as kubectl proxy filters them (FilterServer), and no
// page of another origin.

import type { IncomingMessage } from 'node:http';

/** kubectl proxy's --accept-hosts: ^localhost$,^127\.0\.0\.1$,^\[::1\]$ */
const ACCEPTED_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Whether the request may pass; `origins` are those of the project's own pages. */
export function isAllowed(request: IncomingMessage, origins: ReadonlySet<string> = NO_ORIGINS): boolean {
  const { host = '', origin } = request.headers;
  if (!ACCEPTED_HOST.test(host)) return false;
  const site = request.headers['sec-fetch-site'];
  if (origin !== undefined) return origins.has(origin);
  return site === undefined || site === 'same-origin' || site === 'none';
}

const NO_ORIGINS: ReadonlySet<string> = new Set();
