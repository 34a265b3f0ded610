// MetalLB's speaker in layer-2 mode: on every node; for each Service one of them answers ARP for the Service's address
// (speaker/{main,layer2_controller}.go, internal/layer2).

import { sha256 } from '@noble/hashes/sha2.js';
import type { EndpointSlice, Node, Service } from '../../api/generated/types.ts';
import { bytesOf } from '../../api/bytes.ts';
import { isNotFound } from '../../api/status.ts';
import { Client } from '../../client/client.ts';
import { runController } from '../../client/controller.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import { EventRecorder } from '../../client/events.ts';
import { Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import { ExponentialLimiter } from '../../client/ratelimit.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { Os, Program, Resource } from '../../machine/process.ts';
import { answerArp } from '../../network/arp-responder.ts';
import { serveHttp } from '../../network/http.ts';
import { netnsOf } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { MINUTE, SECOND } from '../../sim/time.ts';
import { writeStatus } from '../custom-resource.ts';
import { isOurs, METALLB_VERSION } from './controller.ts';
import { type Logger, logger } from './log.ts';
import { Memberlist } from './memberlist.ts';
import { advertisementsFor, announcesFrom, type IPAddressPool, L2_ADVERTISEMENTS, L2_STATUSES, type L2Advertisement, parsePools, type Pool, poolOf, POOLS } from './pools.ts';

const BY_SERVICE = 'service';
/** metallb-excludel2: interfaces that are not announced from. */
const EXCLUDED = /^(docker|cbr|dummy|virbr|lxcbr|veth|lo$|cali|tunl|flannel|kube-ipvs|cni|nodelocaldns|lxc)/;

export const speakerProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const log = logger(os);
  log('info', 'main.go:121', { version: METALLB_VERSION.slice(1), commit: '7938d3f8', branch: 'main', goversion: 'gc / go1.25.5 / amd64', msg: `MetalLB speaker starting version ${METALLB_VERSION.slice(1)} (commit 7938d3f8, branch main)` });
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'metallb-speaker' });
  const node = os.env['METALLB_NODE_NAME'] ?? os.machine.name;
  const namespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
  const namespace = os.files.exists(namespaceFile) ? os.files.read(namespaceFile).trim() : 'metallb-system';
  serveHttp(os, { port: 17_472 }, function* () {
    return { status: 200, headers: {}, body: 'ok' };
  });
  const speaker = new Speaker(os, client, namespace, node, log);
  yield* speaker.start();
  yield* stop.receive();
  log('info', 'main.go:167', { op: 'shutdown', msg: 'starting shutdown' });
  speaker.leave();
  log('info', 'main.go:171', { op: 'shutdown', msg: 'done' });
  return 0;
};

interface Announcement {
  readonly address: string;
  readonly responder: Resource;
  /** The name of its ServiceL2Status. */
  readonly status: string | null;
}

class Speaker {
  readonly #os: Os;
  readonly #client: Client;
  readonly #namespace: string;
  readonly #node: string;
  readonly #log: Logger;
  readonly #recorder: EventRecorder;
  readonly #factory: InformerFactory;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #nodes: Informer<Node>;
  readonly #pools: Informer<IPAddressPool>;
  readonly #advertisements: Informer<L2Advertisement>;
  readonly #queue: WorkQueue;
  readonly #members: Memberlist;
  /** What is announced from here, by Service. */
  readonly #announced = new Map<string, Announcement>();

  constructor(os: Os, client: Client, namespace: string, node: string, log: Logger) {
    this.#os = os;
    this.#client = client;
    this.#namespace = namespace;
    this.#node = node;
    this.#log = log;
    this.#recorder = new EventRecorder(os, client, { component: 'metallb-speaker' });
    this.#factory = new InformerFactory(os, client);
    this.#services = this.#factory.informer('services');
    this.#slices = this.#factory.informer('endpointslices.discovery.k8s.io');
    this.#nodes = this.#factory.informer('nodes');
    this.#slices.addIndex(BY_SERVICE, (slice) => [sliceKey(slice)]);
    this.#pools = new Informer<IPAddressPool>(os, client, POOLS, { namespace });
    this.#advertisements = new Informer<L2Advertisement>(os, client, L2_ADVERTISEMENTS, { namespace });
    this.#queue = new WorkQueue(os.sim, new ExponentialLimiter(SECOND / 200, 5 * MINUTE));
    this.#members = new Memberlist(os, node, (event, name) => {
      log('info', 'speakerlist.go:343', { msg: 'node event - forcing sync', 'node addr': this.#addressOf(name), 'node event': event, 'node name': name });
      this.#all();
    });
  }

  *start(): Op<void> {
    const service = (s: Service): void => this.#queue.add(keyOf(s));
    const slice = (s: EndpointSlice): void => this.#queue.add(sliceKey(s));
    const all = (): void => this.#all();
    this.#services.addHandler({ add: service, update: (_, s) => service(s), delete: service });
    this.#slices.addHandler({ add: slice, update: (_, s) => slice(s), delete: slice });
    this.#nodes.addHandler({ add: all, delete: all, update: (before, after) => {
      if (before.metadata.labels !== after.metadata.labels || networkUnavailable(before) !== networkUnavailable(after)) all();
    } });
    this.#pools.addHandler({ add: all, update: (before, after) => {
      if (before.spec !== after.spec) all();
    }, delete: all });
    this.#advertisements.addHandler({ add: all, update: all, delete: all });
    this.#factory.start();
    this.#pools.start();
    this.#advertisements.start();
    yield* this.#factory.waitForSync();
    yield* this.#pools.waitForSync();
    yield* this.#advertisements.waitForSync();
    this.#os.go('memberlist', () => this.#members.run(() => this.#otherSpeakers()));
    runController(this.#os, { name: 'metallb-speaker', queue: this.#queue, workers: 1, sync: (key) => this.#sync(key) });
  }

  leave(): void {
    this.#members.leave();
    for (const { responder } of this.#announced.values()) responder.release();
  }

  #all(): void {
    for (const service of this.#services.list()) if (service.spec.type === 'LoadBalancer') this.#queue.add(keyOf(service));
  }

  #addressOf(node: string): string {
    return this.#nodes.get('', node)?.status?.addresses?.find((a) => a.type === 'InternalIP')?.address ?? '';
  }

  *#otherSpeakers(): Op<readonly string[]> {
    const labels = this.#os.env['METALLB_ML_LABELS'] ?? 'app=metallb,component=speaker';
    try {
      const { items } = yield* this.#client.list('pods', this.#namespace, { labelSelector: labels });
      const own = this.#os.env['METALLB_ML_BIND_ADDR'] ?? '';
      return items.map((p) => p.status?.podIP ?? '').filter((ip) => ip !== '' && ip !== own);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#log('error', 'speakerlist.go:193', { op: 'memberDiscovery', msg: 'failed to get pod IPs', error: messageOf(error) });
      return [];
    }
  }

  *#sync(key: string): Op<void> {
    const service = this.#services.getByKey(key);
    const address = service?.status?.loadBalancer?.ingress?.[0]?.ip ?? '';
    const pools = parsePools(this.#pools.list());
    const pool = typeof pools === 'string' || address === '' ? undefined : poolOf(pools, address);
    let reason = '';
    if (!service || service.spec.type !== 'LoadBalancer' || !isOurs(this.#os, service)) reason = 'notLoadBalancer';
    else if (address === '') reason = 'noIPAllocated';
    else if (!pool) reason = 'ipNotAllowed';
    else reason = this.#refusal(service, address, pool);
    const before = this.#announced.get(key);
    if (before && (reason !== '' || before.address !== address)) yield* this.#withdraw(key, reason === '' ? 'loadBalancerIPChanged' : reason);
    if (reason !== '' || !service || this.#announced.has(key)) return;
    const device = [...netnsOf(this.#os).interfaces.values()].find((i) => i.kind === 'ethernet' && !EXCLUDED.test(i.name));
    if (!device) return;
    const responder = answerArp(this.#os, device, address);
    this.#log('info', 'main.go:437', { event: 'serviceAnnounced', ips: [address], msg: 'service has IP, announcing', pool: pool?.name ?? '', protocol: 'layer2', service: key });
    this.#recorder.event(service, 'Normal', 'nodeAssigned', `announcing from node "${this.#node}" with protocol "layer2"`);
    this.#announced.set(key, { address, responder, status: null });
    const status = yield* this.#publish(service, device.name);
    if (this.#announced.get(key)?.responder === responder) this.#announced.set(key, { address, responder, status });
  }

  *#withdraw(key: string, reason: string): Op<void> {
    const { address, responder, status } = this.#announced.get(key) as Announcement;
    responder.release();
    this.#announced.delete(key);
    this.#log('info', 'main.go:465', { event: 'serviceWithdrawn', ip: null, ips: [address], msg: 'withdrawing service announcement', protocol: 'layer2', reason, service: key });
    if (status === null) return;
    try {
      yield* this.#client.delete(L2_STATUSES, this.#namespace, status);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** ServiceL2Status: who announces, for people to read. */
  *#publish({ metadata }: Service, device: string): Op<string | null> {
    const { name, namespace = '' } = metadata;
    try {
      const labels = { 'metallb.io/node': this.#node, 'metallb.io/service-name': name, 'metallb.io/service-namespace': namespace };
      const draft = { apiVersion: L2_STATUSES.apiVersion, kind: L2_STATUSES.kind, metadata: { generateName: 'l2-', namespace: this.#namespace, labels } };
      const made = (yield* this.#client.create(L2_STATUSES as never, draft as never)) as { readonly metadata: { readonly name: string } };
      yield* writeStatus(this.#client, L2_STATUSES, { ...(made as never as Service), status: { node: this.#node, serviceName: name, serviceNamespace: namespace, interfaces: [{ name: device }] } as never });
      return made.metadata.name;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#log('error', 'layer2_status_controller.go:60', { controller: 'ServiceL2StatusReconciler', error: messageOf(error) });
      return null;
    }
  }

  /** Why it is not announced from here; '' when it is. */
  #refusal(service: Service, address: string, pool: Pool): string {
    const endpoints = this.#slices.index(BY_SERVICE, keyOf(service)).flatMap((s) => s.endpoints ?? []).filter(canServe);
    if (endpoints.length === 0) return 'notOwner';
    const advertisements = advertisementsFor(this.#advertisements.list(), pool, service);
    const self = this.#nodes.get('', this.#node);
    if (!self || !announcesFrom(advertisements, self)) return 'noMatchingAdvertisement';
    const alive = this.#members.nodes();
    const local = service.spec.externalTrafficPolicy === 'Local';
    const candidates = this.#nodes.list().filter((node) => {
      const { name, labels = {} } = node.metadata;
      if (!alive.has(name) || networkUnavailable(node) || labels['node.kubernetes.io/exclude-from-external-load-balancers'] !== undefined) return false;
      return announcesFrom(advertisements, node) && (!local || endpoints.some((e) => e.nodeName === name));
    });
    const [first] = candidates.map((n) => n.metadata.name).toSorted((a, b) => compare(sha256(bytesOf(`${a}#${address}`)), sha256(bytesOf(`${b}#${address}`))));
    return first === this.#node ? '' : 'notOwner';
  }
}

const keyOf = ({ metadata }: Service): string => `${metadata.namespace ?? ''}/${metadata.name}`;
const sliceKey = ({ metadata }: EndpointSlice): string => `${metadata.namespace ?? ''}/${metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
const networkUnavailable = ({ status }: Node): boolean => status?.conditions?.find((c) => c.type === 'NetworkUnavailable')?.status === 'True';

/** Ready, or serving while it ends. */
const canServe = ({ conditions }: NonNullable<EndpointSlice['endpoints']>[number]): boolean => conditions?.ready !== false || conditions.serving === true;

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}
