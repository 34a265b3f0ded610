// A request to an aggregated API goes on to its Service, with the user in headers that the other server believes because
// of the certificate shown (kube-aggregator/pkg/apiserver/handler_proxy.go).

import type { Service } from '../../api/generated/types.ts';
import { mustResource } from '../../api/kinds.ts';
import type { HttpRequest, HttpResponse } from '../../network/http.ts';
import { relayStreams } from '../../network/relay.ts';
import type { Op } from '../../sim/simulation.ts';
import { MINUTE } from '../../sim/time.ts';
import { type Exchange, stage } from '../server.ts';
import type { Remote } from './aggregator.ts';
import { clientOf, isNetworkError } from './availability.ts';

const COST = 60;
const DROPPED = ['authorization', 'host', 'content-length'];
const TEXT = Object.freeze({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });

const unavailable = (message: string): HttpResponse => ({ status: 503, headers: TEXT, body: `${message}\n` });

export function* proxyToRemote(x: Exchange, { service, available }: Remote): Op<HttpResponse> {
  stage(x, 'aggregate', COST, () => ({ service: service.spec.service }));
  yield* x.meter.settle();
  if (!available) return unavailable('service unavailable');
  const { server, http, subject } = x;
  const { namespace = '', name = '', port = 443 } = service.spec.service ?? {};
  const target = server.store.cached({ kind: mustResource('services'), namespace, name }) as unknown as Service | undefined;
  const host = target?.spec.clusterIP ?? '';
  if (host === '' || host === 'None') return unavailable('service unavailable');
  const request: HttpRequest = {
    method: http.method,
    path: x.info.path,
    query: http.query,
    headers: headersOf(x),
    ...(http.body === undefined ? {} : { body: http.body }),
    ...(subject ? { subject } : {}),
  };
  try {
    const response = yield* clientOf(server, host, port).request(request, http.query['watch'] ? undefined : MINUTE);
    return response.stream ? { ...response, stream: relayStreams(server.os, null, response.stream, subject) } : response;
  } catch (error) {
    if (!isNetworkError(error)) throw error;
    return unavailable(`error trying to reach service: ${error.message}`);
  }
}

function headersOf({ http, user }: Exchange): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const key in http.headers) {
    if (DROPPED.includes(key) || key.startsWith('x-remote-') || key.startsWith('impersonate-')) continue;
    headers[key] = http.headers[key] as string;
  }
  headers['x-remote-user'] = user.name;
  if (user.uid !== '') headers['x-remote-uid'] = user.uid;
  headers['x-remote-group'] = user.groups.join(',');
  for (const key in user.extra) headers[`x-remote-extra-${key.toLowerCase()}`] = (user.extra[key] ?? []).join(',');
  return headers;
}
