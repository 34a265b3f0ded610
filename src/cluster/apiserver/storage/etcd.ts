// The API server's client of etcd: calls over HTTP, failures as the Status that a client of the API sees.

import { ApiError, internalError } from '../../api/status.ts';
import type { LeaseGrantRequest, RangeRequest, RangeResponse, TxnRequest, TxnResponse, WatchCreateRequest } from '../../etcd/messages.ts';
import type { Os } from '../../machine/process.ts';
import { HttpClient, type HttpRequest, type HttpStream } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import type { Subject } from '../../sim/trace.ts';

export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
  readonly certificate?: string;
  readonly tls: boolean;
}

const TIMEOUT: Micros = 10 * SECOND;
const HEADERS = Object.freeze({ 'content-type': 'application/grpc' });
const NO_QUERY = Object.freeze({});

export class EtcdClient {
  readonly #os: Os;
  readonly #clients: readonly HttpClient[];
  /** The endpoint in use; the next one is tried when it fails. */
  #current = 0;
  /** None for the member on this machine: when it dies the connection breaks at once. */
  readonly #timeout: Micros | undefined;

  constructor(os: Os, endpoints: readonly EtcdEndpoint[]) {
    this.#os = os;
    this.#timeout = endpoints.every((e) => e.host === '127.0.0.1') ? undefined : TIMEOUT;
    this.#clients = endpoints.map(
      ({ host, port, certificate, tls }) =>
        new HttpClient(os, { host, port, ...(tls ? { tls: certificate === undefined ? {} : { clientCertificate: certificate } } : {}) }),
    );
  }

  range(request: RangeRequest, subject: Subject | null = null): Op<RangeResponse> {
    return this.#call('/etcdserverpb.KV/Range', 'range', request, subject) as Op<RangeResponse>;
  }

  txn(request: TxnRequest, subject: Subject | null = null): Op<TxnResponse> {
    return this.#call('/etcdserverpb.KV/Txn', 'txn', request, subject) as Op<TxnResponse>;
  }

  *compact(revision: number): Op<void> {
    yield* this.#call('/etcdserverpb.KV/Compact', 'compact', { revision }, null);
  }

  /** Returns the lease's id. */
  *grantLease(ttlSeconds: number): Op<number> {
    const request: LeaseGrantRequest = { ttl: ttlSeconds, id: 0 };
    return ((yield* this.#call('/etcdserverpb.Lease/LeaseGrant', 'lease-grant', request, null)) as { readonly id: number }).id;
  }

  /** A stream of WatchResponses. */
  *watch(createRequests: readonly WatchCreateRequest[]): Op<HttpStream> {
    const client = this.#clients[this.#current] as HttpClient;
    const response = yield* client.request({
      method: 'POST',
      path: '/etcdserverpb.Watch/Watch',
      query: NO_QUERY,
      headers: HEADERS,
      body: { createRequests },
      kind: 'etcd',
      verb: 'watch',
    });
    if (!response.stream) throw internalError('etcd did not open a watch');
    return response.stream;
  }

  *#call(path: string, verb: string, body: object, subject: Subject | null): Op<unknown> {
    const client = this.#clients[this.#current] as HttpClient;
    const request: HttpRequest = subject
      ? { method: 'POST', path, query: NO_QUERY, headers: HEADERS, body, kind: 'etcd', verb, subject }
      : { method: 'POST', path, query: NO_QUERY, headers: HEADERS, body, kind: 'etcd', verb };
    let response: { readonly status: number; readonly body?: unknown };
    try {
      response = yield* client.request(request, this.#timeout);
    } catch (error) {
      this.#current = (this.#current + 1) % this.#clients.length;
      throw unavailable(error instanceof Error ? error.message : String(error));
    }
    if (response.status === 200) return response.body;
    const failure = response.body as { readonly code: number; readonly message: string };
    if (failure.message.includes('compacted')) throw new CompactedError(failure.message);
    throw unavailable(failure.message);
  }

  get os(): Os {
    return this.#os;
  }
}

/** A revision that etcd no longer has. */
export class CompactedError extends Error {}

/** What a client sees when etcd does not answer: a 500 with etcd's words and no reason. */
function unavailable(message: string): ApiError {
  return new ApiError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 });
}
