// metrics-server v0.8: an aggregated API server for metrics.k8s.io/v1beta1, nodes and pods (kubernetes-sigs/metrics-server).

import type { Node, Pod } from '../../api/generated/types.ts';
import { matchLabels, parseLabelSelector } from '../../api/selector.ts';
import { Client } from '../../client/client.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import { type HttpRequest, type HttpResponse, serveHttp } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, SECOND } from '../../sim/time.ts';
import { Scraper, type Usage } from './scrape.ts';

const GROUP_VERSION = 'metrics.k8s.io/v1beta1';
const ROOT = `/apis/${GROUP_VERSION}`;
const RESOURCES = [
  { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
  { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
];

/** `/metrics-server --secure-port=10250 --metric-resolution=15s …`. */
export const metricsServerProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const client = new Client(os, inClusterConfig(os));
  const factory = new InformerFactory(os, client);
  const nodes = factory.informer('nodes');
  const pods = factory.informer('pods');
  factory.start();
  yield* factory.waitForSync();
  const scraper = new Scraper(os, client, nodes);
  const port = Number(flag(os, 'secure-port') ?? '10250');
  const api = new MetricsApi(scraper, nodes, pods);
  serveHttp(os, { port, tls: { certificate: '' } }, function* (request) {
    return api.answer(request);
  });
  os.logError(`"Serving securely" address="[::]:${port}"`);
  os.go('scraper', () => scraper.run((Number.parseInt(flag(os, 'metric-resolution') ?? '60s', 10) || 60) * SECOND));
  yield* stop.receive();
  return 0;
};

function flag(os: Os, name: string): string | undefined {
  const prefix = `--${name}=`;
  return os.argv.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
}

const JSON_HEADERS = Object.freeze({ 'content-type': 'application/json' });
const json = (status: number, body: unknown): HttpResponse => ({ status, headers: JSON_HEADERS, body });

class MetricsApi {
  readonly #scraper: Scraper;
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;

  constructor(scraper: Scraper, nodes: Informer<Node>, pods: Informer<Pod>) {
    this.#scraper = scraper;
    this.#nodes = nodes;
    this.#pods = pods;
  }

  answer({ path, query, method }: HttpRequest): HttpResponse {
    if (path === '/livez' || path === '/healthz') return { status: 200, headers: {}, body: 'ok' };
    if (path === '/readyz')
      return this.#scraper.ready
        ? { status: 200, headers: {}, body: 'ok' }
        : { status: 500, headers: {}, body: '[-]metric-storage-ready failed: not metrics to serve\nreadyz check failed\n' };
    if (path === ROOT) return json(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: GROUP_VERSION, resources: RESOURCES });
    const match = /^(?:\/namespaces\/([^/]+))?\/(nodes|pods)(?:\/([^/]+))?$/.exec(path.slice(ROOT.length));
    if (!path.startsWith(`${ROOT}/`) || !match)
      return json(404, status(404, 'NotFound', 'the server could not find the requested resource'));
    if (method !== 'GET')
      return json(405, status(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'));
    const [, namespace = '', resource, name] = match;
    const selected = parseLabelSelector(query['labelSelector'] ?? '');
    const wanted = (o: Node | Pod): boolean => matchLabels(selected, o.metadata.labels) && (name === undefined || o.metadata.name === name);
    const items =
      resource === 'nodes'
        ? this.#nodes
            .list()
            .filter(wanted)
            .flatMap((node) => this.#node(node))
        : this.#pods
            .list(namespace === '' ? undefined : namespace)
            .filter(wanted)
            .flatMap((pod) => this.#pod(pod));
    if (name === undefined)
      return json(200, {
        kind: resource === 'nodes' ? 'NodeMetricsList' : 'PodMetricsList',
        apiVersion: GROUP_VERSION,
        metadata: {},
        items,
      });
    if (items[0]) return json(200, items[0]);
    const about = resource === 'nodes' ? `nodemetrics.metrics.k8s.io "${name}"` : `podmetrics.metrics.k8s.io "${namespace}/${name}"`;
    return json(404, status(404, 'NotFound', `${about} not found`));
  }

  #node(node: Node): object[] {
    const usage = this.#scraper.usageOf(node.metadata.name);
    if (!usage) return [];
    const { name, labels } = node.metadata;
    return [
      {
        kind: 'NodeMetrics',
        apiVersion: GROUP_VERSION,
        metadata: metadata({ name, ...(labels ? { labels } : {}) }, usage),
        ...window(usage),
        usage: amounts(usage),
      },
    ];
  }

  #pod(pod: Pod): object[] {
    const { name, namespace = '', labels } = pod.metadata;
    const found = pod.spec.containers.flatMap((c) => {
      const usage = this.#scraper.usageOf(`${namespace}/${name}/${c.name}`);
      return usage ? [{ name: c.name, usage }] : [];
    });
    const [first] = found;
    // A Pod is told only when all its containers have been measured.
    if (!first || found.length < pod.spec.containers.length) return [];
    const containers = found.map((c) => ({ name: c.name, usage: amounts(c.usage) }));
    return [
      {
        kind: 'PodMetrics',
        apiVersion: GROUP_VERSION,
        metadata: metadata({ name, namespace, ...(labels ? { labels } : {}) }, first.usage),
        ...window(first.usage),
        containers,
      },
    ];
  }
}

const time = (usage: Usage): string => formatTime(usage.millis * 1_000);
const metadata = (named: object, usage: Usage): object => ({ ...named, creationTimestamp: time(usage) });
const window = (usage: Usage): object => ({ timestamp: time(usage), window: `${usage.windowMillis / 1_000}s` });
const amounts = ({ cores, memoryBytes }: Usage): object => ({
  cpu: cores === 0 ? '0' : `${Math.round(cores * 1e9)}n`,
  memory: `${Math.floor(memoryBytes / 1_024)}Ki`,
});

const status = (code: number, reason: string, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  code,
});
