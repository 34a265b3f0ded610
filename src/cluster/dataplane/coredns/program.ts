// CoreDNS (github.com/coredns/coredns 1.14): reads its Corefile, waits for the API, then answers on port 53.

import { Client } from '../../client/client.ts';
import { InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import { serveDns } from '../../network/dns.ts';
import { serveHttp } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import { type Directive, parseCorefile, type ServerBlock } from './corefile.ts';
import { informerRecords } from './records.ts';
import { DnsServer } from './server.ts';

const DNS_PORT = 53;
const HEALTH_PORT = 8080;
const READY_PORT = 8181;
/** How long CoreDNS waits for the API before it serves with what it has. */
const API_PATIENCE: Micros = 5 * SECOND;

/** `/coredns -conf /etc/coredns/Corefile`. */
export const coreDnsProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const blocks = parseCorefile(os.files.read(argument(os, '-conf') ?? 'Corefile'));
  const block = blocks[0];
  if (!block) throw new Error('Corefile: no server block');
  const factory = new InformerFactory(os, new Client(os, inClusterConfig(os)));
  const records = informerRecords(factory);
  factory.start();
  const synced = os.go('wait-for-api', () => factory.waitForSync());
  const ready = (): boolean => synced.ended;

  serveState(os, block, ready);
  os.log('[INFO] plugin/kubernetes: waiting for Kubernetes API before starting server');
  yield* awaitApi(os, ready);
  if (!ready()) os.log('[WARNING] plugin/kubernetes: starting server with unsynced Kubernetes API');
  const server = new DnsServer(os, block, records);
  serveDns(os, DNS_PORT, (query, from, protocol) => server.answer(query, `${from.address}:${from.port}`, protocol));
  os.log(`${block.zones.join(' ')}`);
  os.log('CoreDNS-1.14.2');
  os.log('linux/amd64, go1.26.1');

  yield* stop.receive();
  os.log('[INFO] SIGTERM: Shutting down servers then terminating');
  const lameduck = pluginOf(block, 'health')?.block.find((d) => d.name === 'lameduck')?.args[0];
  if (lameduck) {
    os.log(`[INFO] plugin/health: Going into lameduck mode for ${lameduck}`);
    yield* os.sleep(Number(lameduck.replace('s', '')) * SECOND);
  }
  return 0;
};

function* awaitApi(os: Os, ready: () => boolean): Op<void> {
  const deadline = os.sim.now + API_PATIENCE;
  while (!ready() && os.sim.now < deadline) yield* os.sleep(SECOND / 10);
}

/** Plug-ins health and ready. */
function serveState(os: Os, block: ServerBlock, ready: () => boolean): void {
  const text = { 'content-type': 'text/plain' };
  if (pluginOf(block, 'health')) {
    serveHttp(os, { port: HEALTH_PORT }, function* ({ path }) {
      return path === '/health' ? { status: 200, headers: text, body: 'OK' } : { status: 404, headers: text, body: '404 page not found' };
    });
  }
  if (pluginOf(block, 'ready')) {
    serveHttp(os, { port: READY_PORT }, function* () {
      return ready() ? { status: 200, headers: text, body: 'OK' } : { status: 503, headers: text, body: 'kubernetes' };
    });
  }
}

const pluginOf = (block: ServerBlock, name: string): Directive | undefined => block.plugins.find((p) => p.name === name);

function argument(os: Os, name: string): string | undefined {
  const at = os.argv.indexOf(name);
  return at < 0 ? undefined : os.argv[at + 1];
}
