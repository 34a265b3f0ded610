// Unary gRPC calls over a unix socket, as CSI drivers and the kubelet's plug-in registration speak it; messages travel by reference.

import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { CALL, DETAIL, type Subject } from '../sim/trace.ts';
import type { Connection } from './connection.ts';
import { SocketError } from './socket-error.ts';
import { dialUnix, listenUnix, type UnixListener } from './unix.ts';

export type RpcCode = 'Internal' | 'InvalidArgument' | 'NotFound' | 'FailedPrecondition' | 'ResourceExhausted' | 'OutOfRange' | 'Unavailable' | 'Unimplemented' | 'DeadlineExceeded';

/** What a call ends with instead of an answer; the text is Go's of a gRPC status. */
export class RpcError extends Error {
  readonly code: RpcCode;

  constructor(code: RpcCode, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`);
    this.name = 'RpcError';
    this.code = code;
  }
}

/** By method name. A handler answers, or throws RpcError. */
export type RpcService = Readonly<Record<string, (request: never) => Op<unknown>>>;

interface Call {
  readonly method: string;
  readonly request: unknown;
  readonly subject: Subject | null;
  readonly quiet: boolean;
}

type Answer = { readonly response: unknown } | { readonly error: RpcError };

/** Listens on a socket file until the process ends. Throws SocketError EADDRINUSE. */
export function serveGrpc(os: Os, path: string, service: RpcService): UnixListener {
  const listener = listenUnix(os, path);
  listener.onConnection = (connection) => void os.go('grpc', () => serve(connection, service));
  return listener;
}

function* serve(connection: Connection, service: RpcService): Op<void> {
  try {
    for (let message = yield* connection.receive(); message !== undefined; message = yield* connection.receive()) {
      const call = message as Call;
      const answer = yield* answered(call, service);
      const detail = 'error' in answer ? { error: answer.error.message } : answer.response;
      connection.send(answer, undefined, { kind: 'http', verb: 'response', subject: call.subject, detail, level: call.quiet ? DETAIL : CALL });
    }
  } catch (error) {
    // The caller has gone.
    if (!(error instanceof SocketError)) throw error;
  }
}

function* answered({ method, request }: Call, service: RpcService): Op<Answer> {
  const handler = service[method];
  if (handler === undefined) return { error: new RpcError('Unimplemented', `unknown method ${method}`) };
  try {
    return { response: yield* handler(request as never) };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { error };
  }
}

export interface CallOptions {
  readonly subject?: Subject | null;
  /** For those alone who look closely. */
  readonly quiet?: boolean;
}

/** Calls a method of who listens on the socket file. Throws RpcError. */
export function* callGrpc<T>(os: Os, path: string, method: string, request: unknown, options: CallOptions = {}): Op<T> {
  const { subject = null, quiet = false } = options;
  const cause = os.sim.cause;
  let connection: Connection;
  try {
    connection = yield* dialUnix(os, path);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw new RpcError('Unavailable', `connection error: desc = "transport: Error while dialing: ${error.message}"`);
  }
  try {
    os.sim.cause = cause;
    const call: Call = { method, request, subject, quiet };
    connection.send(call, undefined, { kind: 'http', verb: method, subject, detail: request, level: quiet ? DETAIL : CALL });
    const answer = (yield* connection.receive()) as Answer | undefined;
    if (answer === undefined) throw new RpcError('Unavailable', 'error reading from server: EOF');
    if ('error' in answer) throw answer.error;
    return answer.response as T;
  } catch (error) {
    if (error instanceof SocketError) throw new RpcError('Unavailable', 'error reading from server: EOF');
    throw error;
  } finally {
    os.sim.cause = cause;
    connection.close();
  }
}
