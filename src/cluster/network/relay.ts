// A hop in the middle of an upgraded connection: what either end says is handed on to the other, and so is its end.

import type { Os } from '../machine/process.ts';
import type { Subject } from '../sim/trace.ts';
import { HttpStream } from './http-stream.ts';
import { SocketError } from './socket-error.ts';

/**
 * Joins what the client of a request writes (`near`, the request's stream; null when the request was no upgrade) with the response's
 * stream of the server behind (`far`). Returns the stream to answer with.
 */
export function relayStreams(os: Os, near: HttpStream | null, far: HttpStream, subject: Subject | null): HttpStream {
  const answer = new HttpStream(os.sim);
  const trace = (verb: string) => ({ verb, subject, kind: 'http' as const });
  answer.onClose(() => far.cancel());
  near?.onClose(() => far.cancel());
  os.go('relay', function* () {
    try {
      for (let piece = yield* far.read(); piece !== undefined; piece = yield* far.read()) answer.write(piece, trace('stream'));
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
    answer.close();
  });
  if (near !== null) {
    os.go('relay', function* () {
      try {
        for (let piece = yield* near.read(); piece !== undefined; piece = yield* near.read()) far.write(piece, trace('stream'));
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
      }
      far.close();
    });
  }
  return answer;
}
