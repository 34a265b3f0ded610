// Benchmarks of the network: walks of packets, HTTP between Pods, and what the change of one endpoint costs a large cluster.

import { Cluster } from '../cluster/bootstrap/cluster.ts';
import { bootUntilReady, finish, runOnOperator } from '../cluster/bootstrap/operator.ts';
import { HttpClient } from '../cluster/network/http.ts';
import { Netns } from '../cluster/network/netns.ts';
import type { Packet } from '../cluster/network/packet.ts';
import { walk } from '../cluster/network/walk.ts';
import { MINUTE, SECOND } from '../cluster/sim/time.ts';
import { Gateway, type OutsideRequest } from '../session/gateway.ts';
import { tools } from '../session/tools.ts';

const GIB = 1024 ** 3;

function booted(workers: number): Cluster {
  const cluster = new Cluster({ controlPlanes: 1, workers, seed: 1, cpus: 2, memoryBytes: 4 * GIB });
  tools.stockImages(cluster.images);
  if (!bootUntilReady(cluster, 10 * MINUTE)) throw new Error('the cluster did not become ready');
  return cluster;
}

function kubectl(cluster: Cluster, argv: readonly string[], stdin = ''): string {
  const command = runOnOperator(cluster, tools.kubectl, ['kubectl', ...argv], stdin);
  if (finish(cluster, command, 5 * MINUTE)?.code !== 0) throw new Error(command.stderr.join('\n'));
  return command.stdout.join('\n');
}

/** A web server on worker-2 behind a Service, and a Pod on worker-1 to ask it from. */
const TWO_PODS = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {nodeName: worker-2, containers: [{name: web, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.100.100, selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {nodeName: worker-1, containers: [{name: client, image: busybox, command: [sleep, infinity]}]}
`;
const SERVICE = '10.96.100.100';

function twoPods(): { readonly cluster: Cluster; readonly client: Netns; readonly address: string } {
  const cluster = booted(2);
  kubectl(cluster, ['apply', '-f', '-'], TWO_PODS);
  cluster.sim.runUntil(cluster.sim.now + 30 * SECOND);
  const address = kubectl(cluster, ['get', 'pod', 'client', '-o', 'jsonpath={.status.podIP}']);
  for (const { netns } of cluster.machines.get('worker-1')?.processes.values() ?? []) if (netns instanceof Netns && netns.isLocal(address)) return { cluster, client: netns, address };
  throw new Error('the client does not run');
}

const WALKS = 50_000;

/** First packets of new connections from a Pod over the Service's address to a Pod of another node; millions a second. */
export function packetWalks(times: number): number[] {
  const { client, address } = twoPods();
  return Array.from({ length: times }, () => {
    const begun = performance.now();
    for (let i = 0; i < WALKS; i++) {
      const packet: Packet = { src: address, dst: SERVICE, protocol: 'tcp', sport: 32_768 + (i % 28_000), dport: 80 };
      if (!walk(client, packet, { live: true }).delivered) throw new Error('a packet was lost');
    }
    return WALKS / (performance.now() - begun);
  });
}

const REQUESTS = 2_000;

/** Requests per second over the Service's address; each is a connection of its own, as curl's. */
export function httpRequests(times: number): number[] {
  const { cluster, client } = twoPods();
  return Array.from({ length: times }, () => {
    let answered = 0;
    client.machine.spawn(
      function* (os) {
        const http = new HttpClient(os, { host: SERVICE, port: 80, keepAlive: false });
        for (let i = 0; i < REQUESTS; i++) {
          const response = yield* http.request({ method: 'GET', path: '/', query: {}, headers: { host: 'web' } });
          if (response.status !== 200) throw new Error(`the answer was ${response.status}`);
          answered++;
        }
        http.close();
      },
      { argv: ['wrk'], netns: client },
    );
    const begun = performance.now();
    const limit = cluster.sim.now + 10 * MINUTE;
    while (answered < REQUESTS) if (!cluster.sim.step(limit)) throw new Error(`only ${answered} requests were answered`);
    return (REQUESTS / (performance.now() - begun)) * 1_000;
  });
}

const NODES = 100;
const SERVICES = 1_000;
const ENDPOINTS = 3;
/** In one measurement, and how long after each: kube-proxy writes at most once a second. */
const CHANGES = 20;
const SETTLED = 2.5 * SECOND;
const JSON_TYPE = { 'content-type': 'application/json' };
const SLICES = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';

const addressOf = (service: number, n: number): string => `10.244.${1 + (service % 90)}.${1 + ((service * ENDPOINTS + n) % 250)}`;

/** Milliseconds until all nodes of a large cluster have taken over one endpoint more or less, beside what they do anyway. */
export function endpointChange(times: number): number[] {
  const cluster = booted(NODES);
  const { sim } = cluster;
  const gateway = new Gateway(cluster);
  const ask = (request: OutsideRequest): void => {
    let over = false;
    gateway.request(request, { response: (status) => fail(status), chunk: () => undefined, frame: () => undefined, end: () => (over = true), error: (message) => fail(0, message) });
    while (!over) sim.step();
  };
  const write = (method: string, url: string, object: unknown, type = JSON_TYPE): void => ask({ method, url, headers: type, body: JSON.stringify(object) });
  const endpoints = (service: number, count: number): unknown[] => Array.from({ length: count }, (_, n) => ({ addresses: [addressOf(service, n)], nodeName: `worker-${1 + n}`, conditions: { ready: true } }));
  for (let i = 0; i < SERVICES; i++) {
    const name = `service-${i}`;
    write('POST', '/api/v1/namespaces/default/services', { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { ports: [{ port: 80 }] } });
    const metadata = { name, labels: { 'kubernetes.io/service-name': name } };
    write('POST', SLICES, { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata, addressType: 'IPv4', ports: [{ name: '', port: 80 }], endpoints: endpoints(i, ENDPOINTS) });
  }
  sim.runUntil(sim.now + MINUTE);
  const timed = (work: (i: number) => void): number => {
    const begun = performance.now();
    for (let i = 0; i < CHANGES; i++) {
      work(i);
      sim.runUntil(sim.now + SETTLED);
    }
    return performance.now() - begun;
  };
  return Array.from({ length: times }, (_, round) => {
    const usual = timed(() => undefined);
    const busy = timed((i) => {
      const service = 500 + i;
      write('PATCH', `${SLICES}/service-${service}`, { endpoints: endpoints(service, ENDPOINTS + 1 + (round % 2)) }, { 'content-type': 'application/merge-patch+json' });
    });
    return (busy - usual) / CHANGES;
  });
}

function fail(status: number, message = `the answer was ${status}`): void {
  if (status < 200 || status > 299) throw new Error(message);
}
