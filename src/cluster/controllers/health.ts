// The manager's own endpoints on :10257, which the kubelet's probes of its static Pod ask.

import type { Os } from '../machine/process.ts';
import { type HttpResponse, serveHttp } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';

export interface Health {
  /** The controllers run. */
  ready: boolean;
}

/** Serves /healthz, /livez and /readyz on the loopback address. */
export function serveHealth(os: Os, port: number): Health {
  const health: Health = { ready: false };
  serveHttp(os, { port, address: '127.0.0.1', tls: { certificate: '' } }, function* ({ path }): Op<HttpResponse> {
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    if (path === '/healthz' || path === '/livez' || path === '/readyz') return { status: 200, headers, body: 'ok' };
    return { status: 404, headers, body: '404 page not found\n' };
  });
  return health;
}
