// The servers of healthCheckNodePorts (pkg/proxy/healthcheck/service_health.go): a load balancer asks each node whether it
// has endpoints of its own.

import type { Os } from '../../machine/process.ts';
import { type HttpResponse, type HttpServer, serveHttp } from '../../network/http.ts';
import { SocketError } from '../../network/socket-error.ts';
import type { Op } from '../../sim/simulation.ts';

interface Check {
  readonly port: number;
  readonly server: HttpServer | null;
  endpoints: number;
}

export class ServiceHealth {
  readonly #os: Os;
  readonly #healthy: () => boolean;
  readonly #checks = new Map<string, Check>();

  /** `healthy`: whether the proxy itself is. */
  constructor(os: Os, healthy: () => boolean) {
    this.#os = os;
    this.#healthy = healthy;
  }

  /** A Service's health check port (0: none), and how many ready endpoints this node has. */
  set(key: string, port: number, endpoints: number): void {
    const old = this.#checks.get(key);
    if (old?.port === port) {
      old.endpoints = endpoints;
      return;
    }
    if (old) {
      old.server?.close();
      this.#checks.delete(key);
    }
    if (port === 0) return;
    let server: HttpServer | null = null;
    try {
      server = serveHttp(this.#os, { port }, () => this.#answer(key));
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      this.#os.logError(`"Failed to start healthcheck" err="${error.message}" service="${key}" port=${port}`);
    }
    this.#checks.set(key, { port, server, endpoints });
  }

  *#answer(key: string): Op<HttpResponse> {
    const endpoints = this.#checks.get(key)?.endpoints ?? 0;
    const healthy = this.#healthy();
    const slash = key.indexOf('/');
    return {
      status: endpoints > 0 && healthy ? 200 : 503,
      headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'x-load-balancing-endpoint-weight': String(endpoints) },
      body: `{\n\t"service": {\n\t\t"namespace": "${key.slice(0, slash)}",\n\t\t"name": "${key.slice(slash + 1)}"\n\t},\n\t"localEndpoints": ${endpoints},\n\t"serviceProxyHealthy": ${healthy}\n}`,
    };
  }
}
