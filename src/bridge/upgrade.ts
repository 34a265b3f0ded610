// Connections that want to be more than HTTP: WebSocket and SPDY/3.1 for exec, attach and port-forward. The cluster is asked first, so
// that a refusal is an ordinary answer.

import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { OutsideExchange } from '../session/gateway.ts';
import { type ClientEnd, COMMAND_PROTOCOLS, commandOverSpdy, commandOverWebSocket, SPDY_COMMAND_PROTOCOLS } from './command-channels.ts';
import { forwardOverSpdy, forwardOverWebSocket } from './forward-channels.ts';
import { openRemote } from './remote.ts';
import { outsideRequest, type UpgradeContext } from './server.ts';
import { statusBody } from './status.ts';

const CONNECT_PATH = /\/pods\/[^/]+\/(exec|attach|portforward)$/;
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';
const PORT_FORWARD = 'portforward.k8s.io';

/** The rest of the handshake, when the cluster has agreed; gives back what talks to the client. */
type Begin = (exchange: OutsideExchange) => ClientEnd;

export function takeUpgrade(context: UpgradeContext): void {
  const { request, socket } = context;
  const url = request.url ?? '';
  const path = url.split('?')[0] as string;
  const kind = CONNECT_PATH.exec(path)?.[1];
  const wanted = (request.headers.upgrade ?? '').toLowerCase();
  if (kind === undefined || (wanted !== 'websocket' && wanted !== 'spdy/3.1')) {
    refuse(socket, 400, { 'content-type': 'application/json' }, Buffer.from(statusBody(400, 'BadRequest', 'unable to upgrade: unsupported path or protocol')));
    return;
  }
  const begin = wanted === 'websocket' ? webSocket(context, kind, url) : spdy(context, kind);
  if (typeof begin === 'string') {
    refuse(socket, 403, { 'content-type': 'text/plain; charset=utf-8' }, Buffer.from(begin));
    return;
  }
  connect(context, begin);
}

/** Asks the cluster, then shakes hands with the client. */
function connect(context: UpgradeContext, begin: Begin): void {
  const { request, socket, backend, admin } = context;
  const outside = outsideRequest(request, Buffer.alloc(0), admin);
  if (typeof outside === 'string') {
    refuse(socket, 400, { 'content-type': 'application/json' }, Buffer.from(outside));
    return;
  }
  let client: ClientEnd | null = null;
  const exchange = openRemote(backend, outside, {
    open() {
      client = begin(exchange);
    },
    frame: (frame) => client?.frame(frame),
    end: (problem) => client?.end(problem),
    refused: (status, headers, body) => refuse(socket, status, headers, body),
  });
  socket.on('close', () => exchange.abort());
}

function refuse(socket: Duplex, status: number, headers: Readonly<Record<string, string>>, body: Buffer): void {
  if (socket.destroyed) return;
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Status'}`, 'Connection: close', `Content-Length: ${body.length}`];
  for (const [name, value] of Object.entries(headers)) if (name !== 'content-length' && name !== 'connection') lines.push(`${name}: ${value}`);
  socket.end(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]));
}

// ---- WebSocket

const server = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024, perMessageDeflate: false });
/** The protocol that was chosen for a request whose handshake is on. */
const chosen = new WeakMap<object, string>();
server.on('headers', (headers, request) => {
  const protocol = chosen.get(request);
  if (protocol !== undefined && protocol !== '') headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
});

function webSocket(context: UpgradeContext, kind: string, url: string): Begin | string {
  const offered = (context.request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const forward = kind === 'portforward';
  const protocol = offered.find((name) => (forward && name === TUNNEL) || (COMMAND_PROTOCOLS[name] !== undefined && !(forward && name.startsWith('v5'))));
  if (protocol === undefined) return `unable to upgrade: unsupported protocols ${JSON.stringify(offered)}\n`;
  return (exchange) => {
    let end: ClientEnd | null = null;
    acceptWebSocket(context, protocol, (socket) => {
      if (protocol === TUNNEL) end = tunnel(socket, exchange);
      else if (forward) end = forwardOverWebSocket(socket, protocol.includes('base64'), portsOf(url), exchange);
      else end = commandOverWebSocket(socket, protocol, exchange);
    });
    return { frame: (frame) => end?.frame(frame), end: (problem) => end?.end(problem) };
  };
}

/** `ws` takes no protocol names with a slash: it is told of none, and the answer's header is added. */
function acceptWebSocket({ request, socket, head }: UpgradeContext, protocol: string, then: (socket: WebSocket) => void): void {
  delete request.headers['sec-websocket-protocol'];
  chosen.set(request, protocol);
  server.handleUpgrade(request, socket, head, then);
}

function portsOf(url: string): number[] {
  const question = url.indexOf('?');
  const query = new URLSearchParams(question < 0 ? '' : url.slice(question + 1));
  return query.getAll('ports').flatMap((text) => text.split(',').map(Number));
}

/** SPDY inside a WebSocket: bytes cut into messages anywhere. */
function tunnel(socket: WebSocket, exchange: OutsideExchange): ClientEnd {
  const end = forwardOverSpdy(exchange, (bytes) => socket.readyState === socket.OPEN && socket.send(bytes, { binary: true }), () => socket.close(1000));
  socket.on('message', (message: Buffer) => end.push(message));
  socket.on('close', () => exchange.abort());
  socket.on('error', () => exchange.abort());
  return end;
}

// ---- SPDY

function spdy({ request, socket, head }: UpgradeContext, kind: string): Begin | string {
  const given = request.headers['x-stream-protocol-version'];
  const offered = (Array.isArray(given) ? given.join(',') : (given ?? '')).split(',').map((name) => name.trim());
  const known = kind === 'portforward' ? [PORT_FORWARD] : SPDY_COMMAND_PROTOCOLS;
  const protocol = known.find((name) => offered.includes(name)) ?? (offered.join('') === '' ? (known.at(-1) as string) : undefined);
  if (protocol === undefined) return `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server supports [${known.join(' ')}]\n`;
  return (exchange) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`);
    const write = (bytes: Buffer): void => {
      if (!socket.destroyed) socket.write(bytes);
    };
    const close = (): void => void socket.end();
    const end = kind === 'portforward' ? forwardOverSpdy(exchange, write, close) : commandOverSpdy(protocol, exchange, write, close);
    if (head.length > 0) end.push(head);
    socket.on('data', (bytes: Buffer) => end.push(bytes));
    socket.on('end', () => socket.end());
    return end;
  };
}
