// One probe (kubelet/prober/prober.go and pkg/probe/*): an HTTP request, a TCP connection, a command or a gRPC health check,
// really made from the node.

import type { Container, Pod, Probe } from '../api/generated/types.ts';
import { HttpClient, HttpTimeout } from '../network/http.ts';
import { dial, SocketError } from '../network/socket.ts';
import { type ContainerStatus, CriError } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { type Context, podSubject } from './context.ts';
import type { ProbeVerdict } from './probe-results.ts';

export interface ProbeOutcome {
  readonly verdict: ProbeVerdict;
  readonly output: string;
}

/** Runs `probe` once, within its timeout. */
export function* runProbe(context: Context, pod: Pod, container: Container, status: ContainerStatus, probe: Probe, podIp: string): Op<ProbeOutcome> {
  const timeout = (probe.timeoutSeconds ?? 1) * SECOND;
  if (probe.exec) return yield* execProbe(context, pod, status, probe.exec.command ?? [], timeout);
  if (probe.httpGet) return yield* httpProbe(context, pod, container, probe, podIp, timeout);
  if (probe.tcpSocket) return yield* tcpProbe(context, probe.tcpSocket.host || podIp, portOf(container, probe.tcpSocket.port), timeout);
  if (probe.grpc) return yield* grpcProbe(context, pod, podIp, probe.grpc.port, probe.grpc.service ?? '', timeout);
  return { verdict: 'success', output: '' };
}

/** A port by number or by the name that the container gives it; -1 when there is none of that name. */
export function portOf(container: Container, port: number | string): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find((p) => p.name === port);
  return named ? named.containerPort : Number.isInteger(Number(port)) ? Number(port) : -1;
}

function* execProbe(context: Context, pod: Pod, status: ContainerStatus, command: readonly string[], timeout: Micros): Op<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = yield* context.runtime.execSync(status.id, command, timeout, podSubject(pod));
    const output = stdout !== '' && stderr !== '' ? `${stdout}\n${stderr}` : stdout + stderr;
    return { verdict: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    if (error.code === 'DeadlineExceeded') return { verdict: 'failure', output: `command timed out: "${command.join(' ')}" timed out after ${timeout / SECOND}s` };
    return { verdict: 'unknown', output: error.text };
  }
}

const HEADERS: Readonly<Record<string, string>> = Object.freeze({ 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' });
const NO_QUERY: Readonly<Record<string, string>> = Object.freeze({});

function headersWith(more: readonly { readonly name: string; readonly value: string }[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { ...HEADERS };
  for (const { name, value } of more) headers[name.toLowerCase()] = value;
  return headers;
}

function* httpProbe(context: Context, pod: Pod, container: Container, probe: Probe, podIp: string, timeout: Micros): Op<ProbeOutcome> {
  const action = probe.httpGet;
  if (!action) return { verdict: 'unknown', output: '' };
  const port = portOf(container, action.port);
  const host = action.host || podIp;
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const full = action.path === undefined || action.path === '' ? '/' : action.path.startsWith('/') ? action.path : `/${action.path}`;
  if (port <= 0) return { verdict: 'unknown', output: `couldn't find port: ${String(action.port)}` };
  const url = (): string => `${scheme}://${host}:${port}${full}`;
  const mark = full.indexOf('?');
  const headers = action.httpHeaders === undefined || action.httpHeaders.length === 0 ? HEADERS : headersWith(action.httpHeaders);
  const http = new HttpClient(context.os, scheme === 'https' ? { host, port, keepAlive: false, tls: {} } : { host, port, keepAlive: false });
  try {
    const response = yield* http.request(
      {
        method: 'GET', path: mark < 0 ? full : full.slice(0, mark), query: mark < 0 ? NO_QUERY : queryOf(full.slice(mark + 1)),
        headers, subject: podSubject(pod), kind: 'probe', verb: 'GET',
      },
      timeout,
    );
    if (response.status >= 200 && response.status < 400) return { verdict: 'success', output: String(response.body ?? '') };
    return { verdict: 'failure', output: `HTTP probe failed with statuscode: ${response.status}` };
  } catch (error) {
    if (error instanceof HttpTimeout) return { verdict: 'failure', output: `Get "${url()}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)` };
    if (error instanceof SocketError) return { verdict: 'failure', output: `Get "${url()}": ${error.message}` };
    throw error;
  } finally {
    http.close();
  }
}

/** The parameters of a query. */
export function queryOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(text.split('&').map((pair) => {
    const [key = '', value = ''] = pair.split('=');
    return [decodeURIComponent(key), decodeURIComponent(value)];
  }));
}

function* tcpProbe(context: Context, host: string, port: number, timeout: Micros): Op<ProbeOutcome> {
  try {
    const connection = yield* dial(context.os, host, port, { timeout });
    connection.close();
    return { verdict: 'success', output: '' };
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return { verdict: 'failure', output: error.message };
  }
}

function* grpcProbe(context: Context, pod: Pod, host: string, port: number, service: string, timeout: Micros): Op<ProbeOutcome> {
  const http = new HttpClient(context.os, { host, port, keepAlive: false });
  try {
    const response = yield* http.request(
      {
        method: 'POST', path: '/grpc.health.v1.Health/Check', query: {}, headers: { 'content-type': 'application/grpc', 'user-agent': 'kube-probe/1.36' },
        body: { service }, subject: podSubject(pod), kind: 'probe', verb: 'Check',
      },
      timeout,
    );
    const answer = response.body as { status?: unknown } | undefined;
    if (response.status === 200 && answer?.status === 'SERVING') return { verdict: 'success', output: 'service healthy' };
    return { verdict: 'failure', output: `service unhealthy (responded with "${String(answer?.status ?? 'UNKNOWN')}")` };
  } catch (error) {
    const limit = timeout / SECOND;
    if (error instanceof HttpTimeout) return { verdict: 'failure', output: `timeout: health rpc did not complete within ${limit}s` };
    if (error instanceof SocketError) return { verdict: 'failure', output: `timeout: failed to connect service "${host}:${port}" within ${limit}s: context deadline exceeded` };
    throw error;
  } finally {
    http.close();
  }
}
