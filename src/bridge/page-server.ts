// What `npm start` adds to the server of the page: the Kubernetes API of the cluster in the open page, and the door by which the page
// connects to it.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { makeCredentials, writeKubeconfig } from './credentials.ts';
import { isAllowed } from './guard.ts';
import { PageBackend } from './page.ts';
import { serveBridge } from './server.ts';
import { takeUpgrade } from './upgrade.ts';

const DOOR = '/orrery-bridge';

export interface PageBridge {
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  readonly port: number;
  /** For the page's head: tells it where the door is. */
  readonly meta: string;
  /** Lets the page in by the server that serves it. */
  attach(server: Server, origins: ReadonlySet<string>): void;
}

export interface PageBridgeOptions {
  /** 0 for any. */
  readonly port: number;
  /** Plain HTTP without a token, as kubectl proxy. */
  readonly proxy: boolean;
  readonly kubeconfig?: string;
}

/** Serves the API; falls back to any free port when the wanted one is taken. */
export async function servePageBridge(options: PageBridgeOptions): Promise<PageBridge> {
  const key = randomBytes(24).toString('base64url');
  const backend = new PageBackend('no page is open: open the address that npm start printed, and the API of its cluster is served here');
  const credentials = options.proxy ? null : await makeCredentials();
  const serve = (port: number) => serveBridge({ port, backend, ...(credentials === null ? {} : { tls: credentials }), upgrade: takeUpgrade });
  const { port } = await serve(options.port).catch(() => serve(0));
  return {
    kubeconfig: writeKubeconfig(port, credentials, options.kubeconfig),
    port,
    meta: `<meta name="orrery-bridge" content="${DOOR}?key=${key}" />`,
    attach(server, origins) {
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page');
        if (pathname !== DOOR) return;
        socket.on('error', () => socket.destroy());
        if (isAllowed(request, origins) && searchParams.get('key') === key) backend.accept(request, socket, head);
        else socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      });
    },
  };
}
