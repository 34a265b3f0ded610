// What the kubelets tell: their /metrics/resource read every --metric-resolution, the last two readings kept, for CPU is
// the difference of two (metrics-server/pkg/scraper and pkg/storage).

import type { Node } from '../../api/generated/types.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../client/informer.ts';
import type { Os } from '../../machine/process.ts';
import { HttpClient } from '../../network/http.ts';
import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';

const KUBELET_PORT = 10_250;
const TIMEOUT: Micros = 10 * SECOND;
const LINE = /^(container|node)_(cpu_usage_seconds_total|memory_working_set_bytes)(?:\{([^}]*)\})? (\S+) (\d+)$/;

/** One reading of a node or a container. */
interface Point {
  readonly millis: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** What is told: the rate between two readings and the memory of the later. */
export interface Usage {
  readonly millis: number;
  readonly windowMillis: number;
  readonly cores: number;
  readonly memoryBytes: number;
}

export class Scraper {
  readonly #os: Os;
  readonly #client: Client;
  readonly #nodes: Informer<Node>;
  /** By node name, or `namespace/pod/container`: the last two readings. */
  readonly #points = new Map<string, { readonly last: Point; readonly before: Point | null }>();
  /** Something has been read twice. */
  ready = false;

  constructor(os: Os, client: Client, nodes: Informer<Node>) {
    this.#os = os;
    this.#client = client;
    this.#nodes = nodes;
  }

  *run(resolution: Micros): Op<void> {
    for (;;) {
      this.#os.sim.cause = null;
      for (const node of this.#nodes.list()) yield* this.#scrape(node);
      yield* this.#os.sleep(resolution);
    }
  }

  usageOf(key: string): Usage | undefined {
    const { last, before } = this.#points.get(key) ?? {};
    if (!last || !before) return undefined;
    const windowMillis = last.millis - before.millis;
    if (windowMillis <= 0 || last.cpuSeconds < before.cpuSeconds) return undefined;
    return {
      millis: last.millis,
      windowMillis,
      cores: ((last.cpuSeconds - before.cpuSeconds) * 1_000) / windowMillis,
      memoryBytes: last.memoryBytes,
    };
  }

  *#scrape(node: Node): Op<void> {
    const address = node.status.addresses?.find((a) => a.type === 'InternalIP')?.address;
    if (address === undefined) return;
    const { tokenFile } = this.#client.config;
    const token =
      tokenFile !== undefined && this.#os.files.exists(tokenFile)
        ? this.#os.files.read(tokenFile).trim()
        : (this.#client.config.token ?? '');
    const kubelet = new HttpClient(this.#os, { host: address, port: KUBELET_PORT, tls: {}, keepAlive: false });
    const headers = { authorization: `Bearer ${token}`, 'user-agent': 'metrics-server/v0.8.0' };
    try {
      const response = yield* kubelet.request({ method: 'GET', path: '/metrics/resource', query: {}, headers }, TIMEOUT);
      if (response.status !== 200) throw new Error(`request failed, status: "${response.status}"`);
      this.#take(node.metadata.name, String(response.body));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#os.logError(
        `"Failed to scrape node" err="Get \\"https://${address}:${KUBELET_PORT}/metrics/resource\\": ${message}" node="${node.metadata.name}"`,
      );
    }
  }

  #take(node: string, text: string): void {
    const read = new Map<string, { millis: number; cpuSeconds: number; memoryBytes: number }>();
    for (const line of text.split('\n')) {
      const match = LINE.exec(line);
      if (!match) continue;
      const [, what, metric, labels = '', value, stamp] = match;
      const key = what === 'node' ? node : keyOf(labels);
      const point = read.get(key) ?? { millis: Number(stamp), cpuSeconds: 0, memoryBytes: 0 };
      if (metric === 'cpu_usage_seconds_total') point.cpuSeconds = Number(value);
      else point.memoryBytes = Number(value);
      read.set(key, point);
    }
    for (const [key, point] of read) {
      const known = this.#points.get(key);
      if (known && known.last.millis >= point.millis) continue;
      this.#points.set(key, { last: point, before: known?.last ?? null });
      if (known) this.ready = true;
    }
  }
}

function keyOf(labels: string): string {
  const value = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';
  return `${value('namespace')}/${value('pod')}/${value('container')}`;
}
