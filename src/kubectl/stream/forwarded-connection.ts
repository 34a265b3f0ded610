// One TCP connection to a forwarded port: what the client here says goes to the Pod as bytes, what comes back goes to the client.
// Clients of the model speak HTTP in frames or plain text; the stream carries bytes for both.

import { type Frame, HttpStream } from '../../cluster/network/http-stream.ts';
import { requestText, ResponseReader } from '../../cluster/network/http1-client.ts';
import type { Connection } from '../../cluster/network/socket.ts';
import type { Simulation } from '../../cluster/sim/simulation.ts';

export class ForwardedConnection {
  readonly #sim: Simulation;
  readonly #connection: Connection;
  readonly #send: (data: string) => void;
  readonly #reader = new ResponseReader();
  readonly #closed: () => void;
  /** Requests without an answer, in order. */
  #asked: number[] = [];
  #http = false;

  /** `send` takes bytes for the Pod; `closed` hears that the client has gone. */
  constructor(sim: Simulation, connection: Connection, send: (data: string) => void, closed: () => void) {
    this.#sim = sim;
    this.#connection = connection;
    this.#send = send;
    this.#closed = closed;
    connection.onMessage = (message) => this.#take(message);
    connection.onClose = () => this.#closed();
  }

  /** Bytes from the Pod. */
  receive(data: string): void {
    if (!this.#http) {
      this.#connection.push(data);
      return;
    }
    this.#reader.push(data);
    for (let part = this.#reader.take(); part !== undefined; part = this.#reader.take()) {
      const id = this.#asked[0] ?? 0;
      if ('status' in part) {
        const { body } = part;
        const response = body === undefined ? { ...part, stream: new HttpStream(this.#sim) } : part;
        this.#connection.push({ type: 'response', id, response });
        if (body !== undefined) this.#asked.shift();
      } else if ('chunk' in part) this.#connection.push({ type: 'chunk', id, value: part.chunk });
      else {
        this.#connection.push({ type: 'end', id });
        this.#asked.shift();
      }
    }
  }

  /** The Pod has closed. */
  close(): void {
    this.#connection.close();
  }

  #take(message: unknown): void {
    if (typeof message === 'string') {
      this.#send(message);
      return;
    }
    this.#http = true;
    const frame = message as Frame;
    if (frame.type === 'hello') this.#connection.push({ type: 'welcome', certificate: null });
    else if (frame.type === 'request') {
      this.#asked.push(frame.id);
      const { address, port } = this.#connection.local;
      this.#send(requestText(frame.request, `${address}:${port}`));
    }
  }
}
