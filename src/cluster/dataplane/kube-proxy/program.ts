// kube-proxy (cmd/kube-proxy): reads its configuration, chooses a mode, serves health and metrics, and keeps the node's tables
// so that connections to a Service reach one of its endpoints.

import { Client } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import { type HttpRequest, type HttpResponse, serveHttp } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type ProxyConfiguration, readConfiguration } from './configuration.ts';
import { IptablesMode } from './iptables-mode.ts';
import { type MakeMode, otherMode } from './mode.ts';
import { Proxier } from './proxier.ts';

const HEALTHZ_PORT = 10_256;

/** `kube-proxy --config=FILE --hostname-override=NAME`. */
export const kubeProxyProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  let config: ProxyConfiguration;
  try {
    config = readConfiguration(os.files.read(flag(os.argv, 'config') ?? '/var/lib/kube-proxy/config.conf'));
  } catch (error) {
    os.logError(`"Failed to run" err="${(error as Error).message}"`);
    return 1;
  }
  const mode: MakeMode | undefined = config.mode === 'iptables' ? (options) => new IptablesMode(options) : otherMode(config.mode);
  if (mode === undefined) {
    os.logError(`"Error running ProxyServer" err="no ${config.mode} proxier in this image"`);
    return 1;
  }
  const nodeName = flag(os.argv, 'hostname-override') ?? os.machine.name;
  const client = new Client(os, { ...loadKubeconfig(os, config.kubeconfig), streamsLists: true });
  os.logError(`"Successfully retrieved node IP(s)" node="${nodeName}"`);
  os.logError(`"Using ${config.mode} Proxier"`);
  const proxier = new Proxier({ os, client, nodeName, config, mode });
  proxier.start();
  serveHttp(os, { port: HEALTHZ_PORT }, (request) => health(os, proxier, request));
  serveHttp(os, config.metrics, (request) => metrics(config, request));
  new EventRecorder(os, client, { component: 'kube-proxy', host: nodeName }).event(
    { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, namespace: '', uid: nodeName } },
    'Normal',
    'Starting',
    '',
  );
  yield* stop.receive();
  return 0;
};

/** /healthz fails when changes have waited too long, or when the Node is about to go; /livez only for the first. */
function* health(os: Os, proxier: Proxier, { path }: HttpRequest): Op<HttpResponse> {
  if (path !== '/healthz' && path !== '/livez') return { status: 404, headers: {}, body: '404 page not found' };
  const { sim } = os;
  const eligible = proxier.isNodeEligible();
  const healthy = proxier.isHealthy() && (eligible || path === '/livez');
  const body = { lastUpdated: sim.time(proxier.lastUpdated), currentTime: sim.time(), ...(path === '/livez' ? {} : { nodeEligible: eligible }) };
  return { status: healthy ? 200 : 503, headers: { 'content-type': 'application/json' }, body };
}

/** The metrics server: which mode it is, and that it lives. */
function* metrics(config: ProxyConfiguration, { path }: HttpRequest): Op<HttpResponse> {
  const text = (body: string): HttpResponse => ({ status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body });
  if (path === '/proxyMode') return text(config.mode);
  if (path === '/healthz') return text('ok');
  return { status: 404, headers: {}, body: '404 page not found' };
}

/** `--name=value` or `--name value`. */
function flag(argv: readonly string[], name: string): string | undefined {
  const prefix = `--${name}=`;
  for (const [i, arg] of argv.entries()) {
    if (arg.startsWith(prefix)) return arg.slice(prefix.length);
    if (arg === `--${name}`) return argv[i + 1];
  }
  return undefined;
}
