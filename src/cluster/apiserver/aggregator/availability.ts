// Whether an APIService's server can be reached (controllers/status/remote): Service, port, endpoints, and its discovery.

import type { APIService, EndpointSlice, Service } from '../../api/generated/types.ts';
import { mustResource } from '../../api/kinds.ts';
import { HttpClient } from '../../network/http.ts';
import { SocketError } from '../../network/socket-error.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { Server } from '../server.ts';

const TIMEOUT = 5 * SECOND;
const DEFAULT_PORT = 443;

export interface Verdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  /** The discovery document of its group version, when it has answered. */
  readonly document: unknown;
}

const no = (reason: string, message: string): Verdict => ({ status: 'False', reason, message, document: null });

export function* checkAvailability(server: Server, service: APIService): Op<Verdict> {
  const { namespace = '', name = '', port = DEFAULT_PORT } = service.spec.service ?? {};
  const kind = mustResource('services');
  const target = server.store.cached({ kind, namespace, name }) as unknown as Service | undefined;
  if (!target) return no('ServiceNotFound', `service/${name} in "${namespace}" is not present`);
  if ((target.spec.type ?? 'ClusterIP') === 'ClusterIP') {
    const found = target.spec.ports?.find((p) => p.port === port);
    if (!found) return no('ServicePortError', `service/${name} in "${namespace}" is not listening on port ${port}`);
    const slices = slicesOf(server, namespace, name);
    if (slices.length === 0) return no('EndpointsNotFound', `cannot find endpointslices for service/${name} in "${namespace}"`);
    const portName = found.name ?? '';
    if (!slices.some((slice) => isActive(slice, portName))) {
      return no(
        'MissingEndpoints',
        `endpointslices for service/${name} in "${namespace}" have no addresses with port name ${JSON.stringify(portName)}`,
      );
    }
  }
  const path = `/apis/${service.spec.group ?? ''}/${service.spec.version ?? ''}`;
  const url = `https://${target.spec.clusterIP}:${port}${path}`;
  const headers = { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': 'system:masters', accept: 'application/json' };
  try {
    const response = yield* clientOf(server, target.spec.clusterIP ?? '', port).request(
      { method: 'GET', path, query: {}, headers },
      TIMEOUT,
    );
    if (response.status < 200 || response.status >= 300) {
      return no('FailedDiscoveryCheck', `failing or missing response from ${url}: bad status from ${url}: ${response.status}`);
    }
    return { status: 'True', reason: 'Passed', message: 'all checks passed', document: response.body };
  } catch (error) {
    if (!isNetworkError(error)) throw error;
    return no('FailedDiscoveryCheck', `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${error.message}`);
  }
}

export const isNetworkError = (error: unknown): error is Error =>
  error instanceof SocketError || (error instanceof Error && error.name === 'HttpTimeout');

/** A client that shows the front proxy's certificate (--proxy-client-cert-file). */
export function clientOf(server: Server, host: string, port: number): HttpClient {
  const { os, flags } = server;
  const file = flags.proxyClientCertFile;
  const clientCertificate = file !== '' && os.files.exists(file) ? os.files.read(file) : '';
  return new HttpClient(os, { host, port, keepAlive: false, tls: clientCertificate === '' ? {} : { clientCertificate } });
}

function slicesOf(server: Server, namespace: string, name: string): EndpointSlice[] {
  const slices: EndpointSlice[] = [];
  server.store.cache.ofKey('endpointslices.discovery.k8s.io').objects.walk(`${namespace}/`, `${namespace}0`, (object) => {
    const slice = object as unknown as EndpointSlice;
    if (slice.metadata.labels?.['kubernetes.io/service-name'] === name) slices.push(slice);
  });
  return slices;
}

const isActive = (slice: EndpointSlice, portName: string): boolean =>
  (slice.endpoints ?? []).some((e) => e.conditions?.ready !== false) &&
  (slice.ports ?? []).some((p) => (p.name ?? '') === portName && p.port !== undefined);
