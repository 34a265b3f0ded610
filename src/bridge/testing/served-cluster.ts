// A headless cluster behind TLS on a free port, as `npm start` serves one, for tests that are clients from outside.

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { type Credentials, makeCredentials, writeKubeconfig } from '../credentials.ts';
import { Headless, type HeadlessOptions } from '../headless.ts';
import { serveBridge } from '../server.ts';
import { takeUpgrade } from '../upgrade.ts';

export interface ServedCluster {
  readonly cluster: Headless;
  readonly port: number;
  readonly credentials: Credentials;
  /** Of the kubeconfig file, and what it says. */
  readonly path: string;
  readonly config: KubeConfig;
  /** What went wrong inside the model. */
  readonly faults: readonly unknown[];
  stop(): void;
}

export async function serveCluster(options: HeadlessOptions): Promise<ServedCluster> {
  const cluster = new Headless(options);
  const faults: unknown[] = [];
  cluster.onFault = (error) => faults.push(error);
  const credentials = await makeCredentials();
  const { server, port } = await serveBridge({ port: 0, backend: cluster, tls: credentials, upgrade: takeUpgrade });
  const path = writeKubeconfig(port, credentials, join(mkdtempSync(join(tmpdir(), 'orrery-test-')), 'kubeconfig'));
  const config = new KubeConfig();
  config.loadFromFile(path);
  if (!(await cluster.boot())) throw new Error('the cluster did not become ready');
  cluster.start();
  const stop = (): void => {
    cluster.stop();
    server.closeAllConnections();
    server.close();
  };
  return { cluster, port, credentials, path, config, faults, stop };
}

export async function eventually<T>(look: () => Promise<T | false | undefined> | T | false | undefined, limit = 20_000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
