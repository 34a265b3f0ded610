// Asking a webhook: an AdmissionReview over HTTPS to a Service or a URL inside the simulated network
// (apiserver/pkg/admission/plugin/webhook/{request,util/webhook}).

import { fromBase64 } from '../../api/base64.ts';
import type { Service, Status, WebhookClientConfig } from '../../api/generated/types.ts';
import { verifyCertificate } from '../../api/pki.ts';
import { HttpClient } from '../../network/http.ts';
import { lookupHost } from '../../network/resolver.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import type { Server } from '../server.ts';
import type { AdmissionRequest } from './chain.ts';
import { admissionReviewRequest } from './review.ts';

const DEFAULT_TIMEOUT_SECONDS = 10;
const REVIEW = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1' } as const;

export interface Hook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly timeoutSeconds?: number;
}

export interface Answer {
  readonly allowed: boolean;
  readonly uid?: string;
  readonly status?: Status;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
}

/** Connections to webhooks, kept by address. */
export type Connections = Map<string, HttpClient>;

/** The answer, or why there is none: what stands after `failed calling webhook "x": `. */
export function* callWebhook(request: AdmissionRequest, hook: Hook, connections: Connections): Op<Answer | string> {
  const { server } = request;
  const { cause } = server.sim;
  const seconds = hook.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const target = targetOf(hook.clientConfig);
  const path = `${target.path}?timeout=${seconds}s`;
  const post = `failed to call webhook: Post ${JSON.stringify(`https://${target.host}${target.port === '' ? '' : `:${target.port}`}${path}`)}`;
  const uid = server.uids.uuid();
  const body = { ...REVIEW, request: admissionReviewRequest(request, uid) };
  try {
    const address = yield* addressOf(server, target);
    if (address.problem !== '') return `${post}: ${address.problem}`;
    const client = clientFor(server, address.host, Number(target.port || 443), hook.clientConfig, connections);
    const response = yield* client.request(
      {
        method: 'POST',
        path: target.path,
        query: { timeout: `${seconds}s` },
        headers: { 'content-type': 'application/json', host: target.host },
        body,
      },
      seconds * SECOND,
    );
    server.sim.cause = cause;
    if (response.status < 200 || response.status >= 300) return `failed to call webhook: ${refusal(response.status, response.body)}`;
    return read(response.body, uid);
  } catch (error) {
    server.sim.cause = cause;
    if (!(error instanceof Error)) throw error;
    return `${post}: ${error.name === 'HttpTimeout' ? 'context deadline exceeded' : error.message}`;
  }
}

interface Target {
  readonly host: string;
  readonly port: string;
  readonly path: string;
  readonly service: { readonly namespace: string; readonly name: string } | null;
}

function targetOf({ service, url }: WebhookClientConfig): Target {
  if (service) {
    const { namespace, name, path = '/', port = 443 } = service;
    return { host: `${name}.${namespace}.svc`, port: String(port), path, service: { namespace, name } };
  }
  const [, host = '', port = '', path = ''] = /^https:\/\/([^/:]+)(?::(\d+))?(\/[^?#]*)?/.exec(url ?? '') ?? [];
  return { host, port, path: path === '' ? '/' : path, service: null };
}

function* addressOf(server: Server, { service, host }: Target): Op<{ host: string; problem: string }> {
  if (!service) {
    const found = yield* lookupHost(server.os, host);
    const [address] = found ?? [];
    return address === undefined ? { host: '', problem: `dial tcp: lookup ${host}: no such host` } : { host: address, problem: '' };
  }
  const { namespace, name } = service;
  const object = server.store.cache.ofKey('services').get(`${namespace}/${name}`) as unknown as Service | undefined;
  if (!object) return { host: '', problem: `service ${JSON.stringify(name)} not found` };
  const { clusterIP = '', type, externalName = '' } = object.spec;
  if (type === 'ExternalName') return { host: (yield* lookupHost(server.os, externalName))?.[0] ?? externalName, problem: '' };
  if (clusterIP === '' || clusterIP === 'None') return { host: '', problem: `unsupported service type ${JSON.stringify(type ?? '')}` };
  return { host: clusterIP, problem: '' };
}

function clientFor(server: Server, host: string, port: number, { caBundle }: WebhookClientConfig, connections: Connections): HttpClient {
  const key = `${host}:${port} ${caBundle ?? ''}`;
  const known = connections.get(key);
  if (known) return known;
  const authority = caBundle === undefined ? '' : (fromBase64(caBundle) ?? '');
  const made = new HttpClient(server.os, {
    host,
    port,
    tls: { verify: (certificate) => (isSignedBy(certificate, authority) ? null : 'x509: certificate signed by unknown authority') },
  });
  connections.set(key, made);
  return made;
}

const isSignedBy = (certificate: string, authority: string): boolean =>
  certificate === authority || (authority !== '' && verifyCertificate(certificate, authority) !== null);

function refusal(status: number, body: unknown): string {
  const given = body as Partial<Status> | undefined;
  if (typeof given === 'object' && given?.kind === 'Status' && given.message) return given.message;
  if (status === 404) return 'the server could not find the requested resource';
  if (status === 503) return 'the server is currently unable to handle the request';
  const text = typeof body === 'string' ? body.trim() : '';
  return `an error on the server (${JSON.stringify(text === '' ? 'unknown' : text)}) has prevented the request from succeeding`;
}

function read(body: unknown, uid: string): Answer | string {
  const review = (typeof body === 'string' ? parsed(body) : body) as { apiVersion?: string; kind?: string; response?: Answer } | null;
  const invalid = 'received invalid webhook response: ';
  if (review?.apiVersion !== REVIEW.apiVersion || review.kind !== REVIEW.kind) {
    return `${invalid}expected webhook response of ${REVIEW.apiVersion}, Kind=${REVIEW.kind}, got ${review?.apiVersion ?? ''}, Kind=${review?.kind ?? ''}`;
  }
  const { response } = review;
  if (!response) return `${invalid}webhook response was absent`;
  if (response.uid !== uid) return `${invalid}expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`;
  return response;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
