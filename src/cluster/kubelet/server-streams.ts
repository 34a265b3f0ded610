// /exec, /attach and /portForward: the kubelet asks the runtime where the stream waits and joins the client with it
// (pkg/kubelet/server/server.go getExec and its like, with the proxying streaming server).

import type { Pod } from '../api/generated/types.ts';
import { HttpClient, type HttpRequest, type HttpResponse } from '../network/http.ts';
import { relayStreams } from '../network/relay.ts';
import { SocketError } from '../network/socket-error.ts';
import { CriError, type StreamOptions } from '../runtime/cri.ts';
import type { Op } from '../sim/simulation.ts';
import { type Context, podSubject, podUid } from './context.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const text = (status: number, body: string): HttpResponse => ({ status, headers: TEXT, body });

/** Answers an upgraded request of one of the three kinds. */
export function* stream(context: Context, kind: 'exec' | 'attach' | 'portForward', pod: Pod, container: string, request: HttpRequest): Op<HttpResponse> {
  const { cache, runtime } = context;
  const state = cache.get(podUid(pod));
  const subject = podSubject(pod);
  if (request.stream === undefined) return text(400, 'Upgrade request required');
  const { query } = request;
  const options: StreamOptions = { stdin: isSet(query, 'input', 'stdin'), stdout: isSet(query, 'output', 'stdout'), stderr: isSet(query, 'error', 'stderr') && !isSet(query, 'tty'), tty: isSet(query, 'tty') };
  try {
    let url: string;
    if (kind === 'portForward') {
      const sandbox = state.sandboxes.find((s) => s.state === 'READY');
      if (sandbox === undefined) return text(500, `sandbox for pod ${JSON.stringify(pod.metadata.name)} not found`);
      url = yield* runtime.portForward(sandbox.id, subject);
    } else {
      const status = state.containers.find((c) => c.name === container && c.state === 'RUNNING');
      if (status === undefined) return text(500, `container not found (${JSON.stringify(container)})`);
      if (!options.stdin && !options.stdout && !options.stderr) return text(400, 'you must specify at least 1 of stdin, stdout, stderr');
      url =
        kind === 'exec'
          ? yield* runtime.exec(status.id, (query['command'] ?? '').split('\u0000'), options, subject)
          : yield* runtime.attach(status.id, options, subject);
    }
    return yield* join(context, url, request, kind);
  } catch (error) {
    if (error instanceof CriError) return text(500, error.text);
    if (error instanceof SocketError) return text(502, error.message);
    throw error;
  }
}

const isSet = (query: Readonly<Record<string, string>>, ...names: readonly string[]): boolean =>
  names.some((name) => query[name] === '1' || query[name] === 'true');

function* join({ os }: Context, url: string, request: HttpRequest, verb: string): Op<HttpResponse> {
  const [authority = '', ...path] = url.slice('http://'.length).split('/');
  const [host = '', port = ''] = authority.split(':');
  const client = new HttpClient(os, { host, port: Number(port), keepAlive: false });
  const subject = request.subject ?? null;
  const response = yield* client.request({ method: 'POST', path: `/${path.join('/')}`, query: {}, headers: {}, upgrade: true, verb, ...(subject === null ? {} : { subject }) });
  if (response.stream === undefined) return response;
  return { ...response, stream: relayStreams(os, request.stream ?? null, response.stream, subject) };
}
