// The benchmarks. Times are of one process on the machine at hand, in real time.

import { Channel } from '../cluster/sim/channel.ts';
import { Simulation } from '../cluster/sim/simulation.ts';
import { firstLoad, interactive } from './page.ts';
import { type RequestKind, podMemory, requestRate, watchFanOut } from './requests.ts';
import { bootOnce, deployOnce, seekFromLog, seekOnce } from './cluster.ts';
import { endpointChange, httpRequests, packetWalks } from './network.ts';

export interface Benchmark {
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Where one was set. */
  readonly target?: number;
  /** The values of its repetitions. */
  readonly run: () => Promise<number[]> | number[];
}

const repeat = (times: number, once: () => number): number[] => Array.from({ length: times }, once);

/** Two thirds of the resumes are hand-overs through channels, a third are sleeps among a thousand timers. */
function kernelResumes(): number {
  const sim = new Simulation();
  for (let i = 0; i < 1000; i++) {
    sim.spawn(`sleeper ${i}`, function* () {
      for (let k = 0; k < 1000; k++) yield* sim.sleep(100 + ((i * k) % 9973));
    });
  }
  const ping = new Channel<number>(sim);
  const pong = new Channel<number>(sim);
  sim.spawn('ping', function* () {
    for (let i = 0; i < 1_000_000; i++) {
      ping.send(i);
      yield* pong.receive();
      if (i % 100 === 0) yield* sim.sleep(10);
    }
  });
  sim.spawn('pong', function* () {
    for (let i = 0; i < 1_000_000; i++) pong.send((yield* ping.receive()) ?? 0);
  });
  const begun = performance.now();
  sim.runUntil(1e12);
  return sim.resumes / (performance.now() - begun) / 1000;
}

/** `process-get`, `bridge-create` …: of ConfigMaps, among a thousand. */
const requests = (kind: RequestKind, where: 'process' | 'bridge'): Benchmark => ({
  name: `${where}-${kind}`,
  unit: 'requests/s',
  better: 'higher',
  run: () => requestRate(kind, where),
});

export const benchmarks: readonly Benchmark[] = [
  { name: 'kernel-resumes', unit: 'M/s', better: 'higher', target: 1.5, run: () => repeat(5, kernelResumes) },
  { name: 'boot', unit: 'ms', better: 'lower', target: 300, run: () => repeat(7, bootOnce) },
  { name: 'deploy-100', unit: 'ms', better: 'lower', target: 150, run: () => repeat(7, () => deployOnce(100)) },
  { name: 'deploy-1000', unit: 'ms', better: 'lower', target: 1500, run: () => repeat(5, () => deployOnce(1000)) },
  { name: 'seek', unit: 'ms', better: 'lower', target: 300, run: () => seekOnce(7) },
  { name: 'seek-from-log', unit: 'ms', better: 'lower', run: () => seekFromLog(7) },
  { name: 'first-load', unit: 'KB gzipped', better: 'lower', target: 350, run: async () => [await firstLoad()] },
  requests('get', 'process'),
  requests('create', 'process'),
  requests('patch', 'process'),
  requests('list', 'process'),
  requests('get', 'bridge'),
  requests('create', 'bridge'),
  requests('patch', 'bridge'),
  requests('list', 'bridge'),
  { name: 'packet-walks', unit: 'k/s', better: 'higher', run: () => packetWalks(5) },
  { name: 'http-requests', unit: 'requests/s', better: 'higher', run: () => httpRequests(5) },
  { name: 'endpoint-change', unit: 'ms', better: 'lower', run: () => endpointChange(7) },
  { name: 'watch-fan-out', unit: 'events/s', better: 'higher', run: watchFanOut },
  { name: 'pod-memory', unit: 'KB/Pod', better: 'lower', run: podMemory },
  { name: 'interactive', unit: 'ms', better: 'lower', target: 3000, run: () => interactive(5) },
];
