// The bridge's end of the link to the open page. The page that connected last serves; without one every request is told so.

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { sizeOf } from '../session/bridge-link.ts';
import { type BridgeMessage, type PageMessage, REPLACED } from '../session/bridge-messages.ts';
import type { OutsideExchange, OutsideListener, OutsideRequest } from '../session/gateway.ts';
import type { Backend } from './server.ts';

const GONE = 'the page that ran the cluster has gone';
const ALIVE_EVERY = 20_000;

export class PageBackend implements Backend {
  readonly #none: string;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 256 * 1024 * 1024, perMessageDeflate: false });
  readonly #open = new Map<number, OutsideListener>();
  #page: WebSocket | null = null;
  #last = 0;

  /** `none` is told to clients while no page is connected. */
  constructor(none: string) {
    this.#none = none;
  }

  get connected(): boolean {
    return this.#page !== null;
  }

  /** Takes a page's connection; the page before it is let go. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, socket, head, (page) => {
      this.#page?.close(REPLACED, 'another page has taken over');
      this.#dropAll();
      this.#page = page;
      page.on('message', (data: Buffer) => {
        if (this.#page === page) this.#take(JSON.parse(data.toString('utf8')) as PageMessage);
      });
      const alive = setInterval(() => page.ping(), ALIVE_EVERY);
      page.on('close', () => {
        clearInterval(alive);
        if (this.#page !== page) return;
        this.#page = null;
        this.#dropAll();
      });
      page.on('error', () => page.terminate());
    });
  }

  request(request: OutsideRequest, on: OutsideListener): OutsideExchange {
    if (this.#page === null) {
      queueMicrotask(() => on.error(this.#none));
      return { send: () => undefined, finish: () => undefined, abort: () => undefined };
    }
    const id = ++this.#last;
    this.#open.set(id, on);
    this.#send({ id, type: 'request', request });
    return {
      send: (frame) => this.#send({ id, type: 'frame', frame }),
      finish: () => this.#send({ id, type: 'finish' }),
      abort: () => {
        if (this.#open.delete(id)) this.#send({ id, type: 'abort' });
      },
    };
  }

  #send(message: BridgeMessage): void {
    if (this.#page?.readyState === 1) this.#page.send(JSON.stringify(message));
  }

  #take(message: PageMessage): void {
    const { id } = message;
    const on = this.#open.get(id);
    if (on === undefined) return;
    const size = sizeOf(message);
    const taken = (): void => this.#send({ id, type: 'taken', size });
    switch (message.type) {
      case 'response':
        on.response(message.status, message.headers, message.upgraded);
        break;
      case 'chunk':
        on.chunk(message.text, taken);
        break;
      case 'frame':
        on.frame(message.frame);
        if (size > 0) taken();
        break;
      case 'end':
        this.#open.delete(id);
        on.end();
        break;
      case 'error':
        this.#open.delete(id);
        on.error(message.message);
        break;
    }
  }

  #dropAll(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const on of open) on.error(GONE);
  }
}
