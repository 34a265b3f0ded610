// What the trace is told of HTTP: details of requests and responses, pieces of streams.

import type { Simulation } from '../sim/simulation.ts';
import type { Cause, Subject, TraceRecord } from '../sim/trace.ts';
import type { Connection } from './connection.ts';
import type { ChunkTrace, HttpRequest, HttpStream } from './http-stream.ts';

/** Detail of a request record. Frozen values by reference. */
export interface RequestDetail {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Heartbeats that nobody asked for are recorded without their content. */
export const isQuiet = (subject: Subject | undefined, cause: Cause | null): boolean =>
  subject !== undefined && subject.resource === 'leases' && (cause === null || cause.flow === 0);

/** Records a request as it is sent. */
export function emitRequest(sim: Simulation, connection: Connection, request: HttpRequest, cause: Cause | null): TraceRecord {
  const detail: RequestDetail | null = isQuiet(request.subject, cause)
    ? null
    : { method: request.method, path: request.path, query: request.query, body: request.body ?? null };
  return sim.trace.emit(cause, {
    kind: request.kind ?? 'http',
    verb: request.verb ?? request.method,
    subject: request.subject ?? null,
    detail,
    start: sim.now,
    end: connection.arrival(),
    from: connection.place,
    to: connection.peerPlace,
  });
}

function emitChunk(sim: Simulation, connection: Connection, value: unknown, trace: ChunkTrace | undefined): TraceRecord {
  return sim.trace.emit(sim.cause, {
    kind: trace?.kind ?? 'watch',
    verb: trace?.verb ?? 'chunk',
    subject: trace?.subject ?? null,
    detail: trace?.detail === undefined ? value : trace.detail,
    start: sim.now,
    end: connection.arrival(),
    from: connection.place,
    to: connection.peerPlace,
  });
}

/** Connects one end of a stream to a connection. */
export function bindStream(sim: Simulation, connection: Connection, id: number, stream: HttpStream, ended: () => void): void {
  stream.bind({
    chunk(value, trace) {
      const own = sim.cause;
      sim.cause = emitChunk(sim, connection, value, trace);
      connection.push({ type: 'chunk', id, value });
      sim.cause = own;
    },
    end() {
      connection.push({ type: 'end', id });
      ended();
    },
    cancel() {
      connection.push({ type: 'cancel', id });
      ended();
    },
  });
}
