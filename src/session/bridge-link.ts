// The page's end of the bridge: one WebSocket from the worker to the server that served the page, over which clients outside reach the
// session's cluster. Bodies wait here while their client is slow; a lost connection is made anew, unless another page took over.

import { type BridgeMessage, type PageMessage, REPLACED, WINDOW } from './bridge-messages.ts';
import type { OutsideExchange, OutsideListener, OutsideRequest } from './gateway.ts';

/** Begins a request in the session's cluster. */
export type Serve = (request: OutsideRequest, on: OutsideListener) => OutsideExchange;

const AGAIN = 2_000;

/** Connects for as long as the worker lives. */
export function connectBridge(url: string, serve: Serve): void {
  const socket = new WebSocket(url);
  const link = new Link((message) => socket.send(JSON.stringify(message)), serve);
  socket.onmessage = (event: MessageEvent<string>) => link.take(JSON.parse(event.data) as BridgeMessage);
  socket.onclose = ({ code }) => {
    link.close();
    if (code !== REPLACED) setTimeout(() => connectBridge(url, serve), AGAIN);
  };
}

interface Open {
  exchange: OutsideExchange | null;
  /** What may not be sent yet. */
  readonly waiting: PageMessage[];
  credit: number;
}

/** One connection's requests. */
export class Link {
  readonly #send: (message: PageMessage) => void;
  readonly #serve: Serve;
  readonly #open = new Map<number, Open>();

  constructor(send: (message: PageMessage) => void, serve: Serve) {
    this.#send = send;
    this.#serve = serve;
  }

  take(message: BridgeMessage): void {
    if (message.type === 'request') {
      this.#begin(message.id, message.request);
      return;
    }
    const open = this.#open.get(message.id);
    if (open === undefined) return;
    switch (message.type) {
      case 'frame':
        open.exchange?.send(message.frame);
        break;
      case 'finish':
        open.exchange?.finish();
        break;
      case 'abort':
        this.#open.delete(message.id);
        open.exchange?.abort();
        break;
      case 'taken':
        open.credit += message.size;
        this.#flush(message.id, open);
        break;
    }
  }

  /** The connection is gone, and with it every client. */
  close(): void {
    for (const { exchange } of this.#open.values()) exchange?.abort();
    this.#open.clear();
  }

  #begin(id: number, request: OutsideRequest): void {
    const open: Open = { exchange: null, waiting: [], credit: WINDOW };
    this.#open.set(id, open);
    const tell = (message: PageMessage): void => {
      if (this.#open.get(id) !== open) return;
      open.waiting.push(message);
      this.#flush(id, open);
    };
    open.exchange = this.#serve(request, {
      response: (status, headers, upgraded) => tell({ id, type: 'response', status, headers, upgraded }),
      chunk: (text) => tell({ id, type: 'chunk', text }),
      frame: (frame) => tell({ id, type: 'frame', frame }),
      end: () => tell({ id, type: 'end' }),
      error: (message) => tell({ id, type: 'error', message }),
    });
  }

  #flush(id: number, open: Open): void {
    while (open.waiting.length > 0 && open.credit > 0) {
      const message = open.waiting.shift() as PageMessage;
      open.credit -= sizeOf(message);
      this.#send(message);
      if (message.type === 'end' || message.type === 'error') this.#open.delete(id);
    }
  }
}

/** How much of the window a message takes. */
export const sizeOf = (message: PageMessage): number =>
  message.type === 'chunk' ? message.text.length : message.type === 'frame' && 'data' in message.frame ? message.frame.data.length : 0;
