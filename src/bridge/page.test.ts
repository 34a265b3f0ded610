// The cluster of an open page behind the bridge: a session, its link, and clients on the other side.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Link } from '../session/bridge-link.ts';
import type { BridgeMessage } from '../session/bridge-messages.ts';
import { NEW_SESSION, Session } from '../session/session.ts';
import { tools } from '../session/tools.ts';
import { PageBackend } from './page.ts';
import { serveBridge } from './server.ts';
import { takeUpgrade } from './upgrade.ts';

const backend = new PageBackend('no page is open');
let bridge: Awaited<ReturnType<typeof serveBridge>>;
let door: Server;
let session: Session;
let timer: NodeJS.Timeout;

/** What a page's worker does. */
async function openPage(served: Session): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${(door.address() as AddressInfo).port}/`);
  const link = new Link((message) => socket.send(JSON.stringify(message)), (request, on) => served.outside(request, on, () => false));
  socket.on('message', (data: Buffer) => link.take(JSON.parse(data.toString()) as BridgeMessage));
  socket.on('close', () => link.close());
  await new Promise((resolve) => socket.once('open', resolve));
  return socket;
}

const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`http://127.0.0.1:${bridge.port}${path}`, init);
const json = { 'content-type': 'application/json' };
const configMap = (name: string, data: Record<string, string> = {}) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

beforeAll(async () => {
  bridge = await serveBridge({ port: 0, backend, upgrade: takeUpgrade });
  door = createServer();
  door.on('upgrade', (request, socket, head) => backend.accept(request, socket, head));
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  session = new Session(NEW_SESSION, tools);
  timer = setInterval(() => session.playing && session.advance(20_000, () => false), 20);
});

afterAll(() => {
  clearInterval(timer);
  for (const server of [bridge.server, door]) {
    server.closeAllConnections();
    server.close();
  }
});

test('without a page the answer is 503 ServiceUnavailable', async () => {
  const answer = await ask('/api/v1/namespaces');
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ kind: 'Status', reason: 'ServiceUnavailable', message: 'no page is open' });
});

test('requests reach the page’s cluster and are entries of its log', async () => {
  const page = await openPage(session);
  const before = session.live;
  expect((await ask('/api/v1/namespaces/default/configmaps', { method: 'POST', headers: json, body: configMap('outside') })).status).toBe(201);
  const list = (await (await ask('/api/v1/namespaces/default/configmaps')).json()) as { items: { metadata: { name: string } }[] };
  expect(list.items.map((item) => item.metadata.name)).toContain('outside');
  expect(session.live - before).toBeLessThan(1_000_000);
  expect(session.log().inputs.map((input) => input.action.type)).toEqual(['http', 'http']);
  const replayed = new Session({ ...session.log() }, tools);
  expect(replayed.traceHash()).toBe(session.traceHash());
  page.close();
});

test('a watch comes piece by piece, a large body through a small window', async () => {
  const page = await openPage(session);
  session.play(1);
  const controller = new AbortController();
  const watch = await ask('/api/v1/namespaces/default/configmaps?watch=true', { signal: controller.signal });
  const reader = (watch.body as ReadableStream<Uint8Array>).getReader();
  const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  await next();
  const large = { text: 'x'.repeat(900_000) };
  for (const name of ['large-1', 'large-2', 'large-3']) {
    expect((await ask('/api/v1/namespaces/default/configmaps', { method: 'POST', headers: json, body: configMap(name, large) })).status).toBe(201);
  }
  let text = '';
  while (!text.includes('"large-3"')) text += await next();
  controller.abort();
  const all = (await (await ask('/api/v1/namespaces/default/configmaps')).text()).length;
  expect(all).toBeGreaterThan(2_700_000);
  session.pause();
  page.close();
});

test('the page that came last serves', async () => {
  const first = await openPage(session);
  const closed = new Promise<number>((resolve) => first.once('close', (code) => resolve(code)));
  const other = new Session({ ...NEW_SESSION, seed: 2 }, tools);
  const second = await openPage(other);
  expect(await closed).toBe(4000);
  const list = (await (await ask('/api/v1/namespaces/default/configmaps')).json()) as { items: { metadata: { name: string } }[] };
  expect(list.items.map((item) => item.metadata.name)).toEqual(['kube-root-ca.crt']);
  second.close();
});
