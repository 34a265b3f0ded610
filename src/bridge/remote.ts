// The cluster's side of an upgraded connection: opens it and hands frames over, or tells why it was refused before any byte was sent.

import { bytesOf } from '../cluster/api/bytes.ts';
import type { OutsideExchange, OutsideFrame, OutsideRequest } from '../session/gateway.ts';
import type { Backend } from './server.ts';
import { noAnswer } from './status.ts';

export interface RemoteListener {
  /** The cluster agrees; frames follow. */
  open(): void;
  frame(frame: OutsideFrame): void;
  /** No more frames; `problem` when it broke. */
  end(problem: string | null): void;
  /** An ordinary answer instead. */
  refused(status: number, headers: Readonly<Record<string, string>>, body: Buffer): void;
}

/** Asks the cluster for a stream. */
export function openRemote(backend: Backend, request: OutsideRequest, on: RemoteListener): OutsideExchange {
  let status = 0;
  let headers: Readonly<Record<string, string>> = {};
  let text = '';
  let opened = false;
  return backend.request(
    { ...request, method: 'POST', upgrade: true },
    {
      response(code, given, upgraded) {
        status = code;
        headers = given;
        opened = upgraded;
        if (upgraded) on.open();
      },
      chunk(piece) {
        text += piece;
      },
      frame: (frame) => on.frame(frame),
      end() {
        if (opened) on.end(null);
        else on.refused(status, headers, Buffer.from(bytesOf(text)));
      },
      error(message) {
        if (opened) on.end(message);
        else on.refused(503, { 'content-type': 'application/json' }, Buffer.from(noAnswer(message)));
      },
    },
  );
}
