// Whether the Services of the corpus answer by name: rounds of the corpus in one cluster, and a client Pod that looks each name up
// in its own DNS and calls each port (Show 3 of the network).

import type { EndpointSlice, Service } from '../../cluster/api/generated/types.ts';
import type { Cluster } from '../../cluster/bootstrap/cluster.ts';
import { bootUntilReady } from '../../cluster/bootstrap/operator.ts';
import type { Os } from '../../cluster/machine/process.ts';
import { dnsQuery } from '../../cluster/network/dns.ts';
import { HttpClient, HttpTimeout } from '../../cluster/network/http.ts';
import { lookupHost } from '../../cluster/network/resolver.ts';
import { dial, SocketError, udpSocket } from '../../cluster/network/socket.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { MINUTE, SECOND } from '../../cluster/sim/time.ts';
import { clusterWith, perform } from './ends.ts';
import type { Round } from './workloads.ts';

/** One port of a Service, as a client calls it. */
interface Call {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly http: boolean;
}

export interface ServiceAnswer {
  readonly file: string;
  readonly name: string;
  readonly kind: string;
  /** `name:port/protocol`, and what came back: `open`, `200`, or why nothing did. */
  readonly ports: readonly { readonly port: string; readonly answer: string; readonly ok: boolean }[];
}

const CLIENT = 'service-client';
const HTTP_PORTS = new Set([80, 3000, 5000, 8000, 8080, 8081, 9090, 9093, 15020, 15672]);

/** Services of `rounds` whose Pods are ready, called by name from a Pod. */
export function answersOf(rounds: readonly Round[], workers: number, minutes: number): readonly ServiceAnswer[] {
  const { cluster } = clusterWith(rounds, workers, minutes);
  if (!bootUntilReady(cluster, MINUTE)) throw new Error('the cluster is not ready');
  const targets: { readonly service: Service; readonly file: string; readonly calls: readonly Call[] }[] = [];
  perform(cluster, function* (client) {
    const services = (yield* client.list('services', '')).items as readonly Service[];
    const slices = (yield* client.list('endpointslices.discovery.k8s.io', '')).items as readonly EndpointSlice[];
    for (const service of services) {
      const [namespace, name] = [String(service.metadata.namespace), String(service.metadata.name)];
      const round = rounds.find((r) => namespace.endsWith(r.suffix));
      if (round === undefined) continue;
      const own = slices.filter((s) => s.metadata.namespace === namespace && s.metadata.labels?.['kubernetes.io/service-name'] === name);
      if (!own.some((s) => s.endpoints?.some((e) => e.targetRef?.kind === 'Pod' && e.conditions?.ready !== false))) continue;
      targets.push({ service, file: round.file, calls: callsOf(service, own) });
    }
  });
  const results = callFromPod(cluster, targets.flatMap((t) => t.calls));
  let at = 0;
  return targets.map(({ service, file, calls }) => ({
    file,
    name: service.metadata.name ?? '',
    kind: service.spec?.clusterIP === 'None' ? 'headless' : (service.spec?.type ?? 'ClusterIP'),
    ports: calls.map((call) => {
      const answer = results[at++] ?? 'nothing';
      return { port: `${call.host}:${call.port}/${call.protocol}`, answer, ok: answer === 'open' || /^\d{3}$/.test(answer) };
    }),
  }));
}

function callsOf(service: Service, slices: readonly EndpointSlice[]): readonly Call[] {
  const host = `${service.metadata.name}.${service.metadata.namespace}.svc.cluster.local`;
  const headless = service.spec?.clusterIP === 'None';
  return (service.spec?.ports ?? []).flatMap((p): Call[] => {
    // A headless name gives Pods: what is called is their port.
    const target = slices.flatMap((s) => s.ports ?? []).find((e) => (e.name ?? '') === (p.name ?? ''))?.port;
    const port = headless ? target : p.port;
    if (port === undefined || p.protocol === 'SCTP') return [];
    const http = (p.appProtocol ?? p.name ?? '').startsWith('http') || HTTP_PORTS.has(p.port);
    return [{ host, port, protocol: p.protocol === 'UDP' ? 'UDP' : 'TCP', http: http && !/https|tls|grpc/.test(p.name ?? '') }];
  });
}

/** Starts a Pod that calls them all, and gives back what it saw. */
function callFromPod(cluster: Cluster, calls: readonly Call[]): readonly string[] {
  const results: string[] = [];
  let done = false;
  cluster.images.register({
    repository: 'docker.io/orrery/service-client', tags: ['1'], entrypoint: ['/service-client'], cmd: [], exposedPorts: [], sizeBytes: 1_000_000,
    *program(os) {
      for (const call of calls) results.push(yield* answerTo(os, call));
      done = true;
      return 0;
    },
  });
  perform(cluster, function* (client) {
    yield* client.create('pods', {
      apiVersion: 'v1', kind: 'Pod', metadata: { name: CLIENT, namespace: 'default' },
      spec: { restartPolicy: 'Never', containers: [{ name: 'client', image: 'orrery/service-client:1' }] },
    } as never);
  });
  for (let i = 0; i < 24 * 60 && !done; i++) cluster.sim.runUntil(cluster.sim.now + MINUTE);
  if (!done) throw new Error('the client did not come to its end');
  return results;
}

function* answerTo(os: Os, { host, port, protocol, http }: Call): Op<string> {
  const addresses = yield* lookupHost(os, host);
  if (addresses === undefined) return 'the name: no server answered';
  const [address] = addresses;
  if (address === undefined) return 'the name has no address';
  return protocol === 'UDP' ? yield* overUdp(os, address, port) : yield* overTcp(os, host, address, port, http);
}

function* overTcp(os: Os, host: string, address: string, port: number, http: boolean): Op<string> {
  try {
    if (!http) {
      const connection = yield* dial(os, address, port, { timeout: 5 * SECOND });
      connection.close();
      return 'open';
    }
    const client = new HttpClient(os, { host: address, port, keepAlive: false });
    const { status } = yield* client.request({ method: 'GET', path: '/', query: {}, headers: { host } }, 10 * SECOND);
    return String(status);
  } catch (error) {
    // It was connected, and says nothing that is HTTP.
    if (error instanceof HttpTimeout) return 'open';
    if (error instanceof SocketError) return error.code === 'EOF' || error.code === 'ECONNRESET' ? 'open' : error.code;
    throw error;
  }
}

/** Names for a server of names; else a datagram that nobody refuses. */
function* overUdp(os: Os, address: string, port: number): Op<string> {
  if (port === 53) return (yield* dnsQuery(os, address, { id: 7, question: { name: 'kubernetes.io', type: 'A' } }, 5 * SECOND)) === undefined ? 'no DNS answer' : 'open';
  const socket = udpSocket(os, 0);
  try {
    socket.connect(address, port);
    socket.send(address, port, 'hello');
    // Silence is no refusal.
    yield* socket.receiveWithin(SECOND);
    return 'open';
  } catch (error) {
    if (error instanceof SocketError) return error.code;
    throw error;
  } finally {
    socket.close();
  }
}
