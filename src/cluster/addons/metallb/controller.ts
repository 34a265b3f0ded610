// MetalLB's controller: gives each Service of type LoadBalancer an address of a pool and writes it into the Service's status
// (controller/{main,service}.go), and answers the validating webhook of its resources.

import type { Namespace, Service } from '../../api/generated/types.ts';
import { createAuthority, issueCertificate } from '../../api/pki.ts';
import { toBase64 } from '../../api/base64.ts';
import { isAlreadyExists } from '../../api/status.ts';
import { Client } from '../../client/client.ts';
import { runController } from '../../client/controller.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import { EventRecorder } from '../../client/events.ts';
import { Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import { ExponentialLimiter } from '../../client/ratelimit.ts';
import { WorkQueue } from '../../client/workqueue.ts';
import type { Os, Program } from '../../machine/process.ts';
import { serveHttp } from '../../network/http.ts';
import { parseIp } from '../../network/ip.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, MINUTE, SECOND } from '../../sim/time.ts';
import { flag } from '../csi/sidecar.ts';
import { writeStatus } from '../custom-resource.ts';
import { Allocator } from './allocator.ts';
import { type Logger, logger } from './log.ts';
import { admits, type IPAddressPool, type Pool, parsePools, POOLS, poolOf, sizeOf } from './pools.ts';

export const METALLB_VERSION = 'v0.16.1';
const ALLOCATED_FROM = 'metallb.io/ip-allocated-from-pool';
const DEPRECATED = 'metallb.universe.tf/';
const YEAR = 365 * 24 * 3600 * SECOND;

export const metallbControllerProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const log = logger(os);
  log('info', 'main.go:178', { version: METALLB_VERSION.slice(1), commit: '7938d3f8', branch: 'main', goversion: 'gc / go1.25.5 / amd64', msg: `MetalLB controller starting version ${METALLB_VERSION.slice(1)} (commit 7938d3f8, branch main)` });
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'metallb-controller' });
  const namespace = os.files.exists(NAMESPACE_FILE) ? os.files.read(NAMESPACE_FILE).trim() : 'metallb-system';
  yield* createMemberlistSecret(os, client, namespace, log);
  const controller = new Controller(os, client, namespace, log);
  serveHttp(os, { port: 17_472 }, function* () {
    return { status: 200, headers: {}, body: 'ok' };
  });
  yield* controller.serveWebhook();
  yield* controller.start();
  yield* stop.receive();
  return 0;
};

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** The key with which speakers encrypt their gossip; their Pods wait for it. */
function* createMemberlistSecret(os: Os, client: Client, namespace: string, log: Logger): Op<void> {
  const key = os.sim.random(`metallb/${os.place}/memberlist`).string('abcdefghijklmnopqrstuvwxyz0123456789+/', 171);
  try {
    yield* client.create('secrets', {
      apiVersion: 'v1', kind: 'Secret', metadata: { name: os.env['METALLB_ML_SECRET_NAME'] ?? 'memberlist', namespace }, type: 'Opaque', data: { secretkey: toBase64(key) },
    });
    log('info', 'k8s.go:517', { op: 'CreateMlSecret', msg: 'secret successfully created' });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

class Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #namespace: string;
  readonly #log: Logger;
  readonly #recorder: EventRecorder;
  readonly #services: Informer<Service>;
  readonly #namespaces: Informer<Namespace>;
  readonly #pools: Informer<IPAddressPool>;
  readonly #queue: WorkQueue;
  readonly #allocator = new Allocator();
  readonly #factory: InformerFactory;
  #configured = false;

  constructor(os: Os, client: Client, namespace: string, log: Logger) {
    this.#os = os;
    this.#client = client;
    this.#namespace = namespace;
    this.#log = log;
    this.#recorder = new EventRecorder(os, client, { component: 'metallb-controller' });
    this.#factory = new InformerFactory(os, client);
    this.#services = this.#factory.informer('services');
    this.#namespaces = this.#factory.informer('namespaces');
    this.#pools = new Informer<IPAddressPool>(os, client, POOLS, { namespace });
    this.#queue = new WorkQueue(os.sim, new ExponentialLimiter(SECOND / 200, 5 * MINUTE));
  }

  *start(): Op<void> {
    const enqueue = (s: Service): void => this.#queue.add(keyOf(s));
    this.#services.addHandler({ add: enqueue, update: (_, s) => enqueue(s), delete: enqueue });
    const again = (): void => this.#reconfigure();
    this.#pools.addHandler({ add: again, update: (before, after) => {
      if (before.spec !== after.spec) again();
    }, delete: again });
    this.#factory.start();
    this.#pools.start();
    yield* this.#factory.waitForSync();
    yield* this.#pools.waitForSync();
    this.#configured = true;
    // Addresses that were given before this process started are theirs.
    for (const service of this.#services.list()) {
      const [first] = service.status?.loadBalancer?.ingress ?? [];
      if (isOurs(this.#os, service) && first?.ip) this.#tryAssign(service, first.ip);
    }
    this.#reconfigure();
    runController(this.#os, { name: 'metallb-controller', queue: this.#queue, workers: 1, sync: (key) => this.#sync(key) });
  }

  #reconfigure(): void {
    if (!this.#configured) return;
    const pools = parsePools(this.#pools.list().toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)));
    if (typeof pools === 'string') {
      this.#log('error', 'pool_controller.go:66', { controller: 'PoolReconciler', error: pools, msg: 'failed to parse the configuration' });
      return;
    }
    this.#allocator.pools = pools;
    this.#log('info', 'pool_controller.go:94', { controller: 'PoolReconciler', event: 'config reloaded' });
    for (const service of this.#services.list()) if (service.spec.type === 'LoadBalancer') this.#queue.add(keyOf(service));
    this.#os.go('pool-status', () => this.#writeCounters());
  }

  #admitted(service: Service): (pool: Pool) => boolean {
    return (pool) => admits(pool, service, this.#namespaces.get('', service.metadata.namespace ?? ''));
  }

  #tryAssign(service: Service, address: string): string | undefined {
    try {
      this.#allocator.assign(keyOf(service), service, address, this.#admitted(service));
      return undefined;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      return messageOf(error);
    }
  }

  *#sync(key: string): Op<void> {
    const service = this.#services.getByKey(key);
    if (!service) {
      if (this.#allocator.release(key)) {
        this.#log('info', 'main.go:59', { event: 'serviceDeleted', msg: 'deleted service', service: key });
        this.#reprocess();
      }
      return;
    }
    if (!isOurs(this.#os, service)) return;
    const before = service.status?.loadBalancer?.ingress?.[0]?.ip ?? '';
    const address = this.#converge(key, service, before);
    const pool = address === '' ? '' : (poolOf(this.#allocator.pools, address)?.name ?? '');
    const annotations: Record<string, string> = { ...service.metadata.annotations };
    if (pool === '') delete annotations[ALLOCATED_FROM];
    else annotations[ALLOCATED_FROM] = pool;
    if (address === before && annotations[ALLOCATED_FROM] === service.metadata.annotations?.[ALLOCATED_FROM]) return;
    for (const name of Object.keys(annotations)) if (name.startsWith(DEPRECATED)) this.#recorder.event(service, 'Warning', 'deprecatedAnnotation', `Service uses deprecated annotation ${name}`);
    const loadBalancer = address === '' ? {} : { ingress: [{ ip: address }] };
    yield* this.#client.updateStatus('services', { ...service, metadata: { ...service.metadata, annotations }, status: { ...service.status, loadBalancer } });
    this.#log('info', 'main.go:133', { event: 'serviceUpdated', msg: 'updated service object', service: key });
    if (before !== '' && address !== before) this.#reprocess();
    yield* this.#writeCounters();
  }

  #reprocess(): void {
    for (const service of this.#services.list()) if (service.spec.type === 'LoadBalancer' && !service.status?.loadBalancer?.ingress?.length) this.#queue.add(keyOf(service));
    this.#os.go('pool-status', () => this.#writeCounters());
  }

  /** The address that the Service should have, '' for none. */
  #converge(key: string, service: Service, before: string): string {
    const { pools } = this.#allocator;
    const { spec, metadata } = service;
    const annotation = (name: string): string => metadata.annotations?.[`metallb.io/${name}`] ?? metadata.annotations?.[DEPRECATED + name] ?? '';
    const clear = (): '' => {
      this.#allocator.release(key);
      return '';
    };
    if (spec.type !== 'LoadBalancer' || pools.length === 0 || !spec.clusterIP) return clear();
    const desired = (annotation('loadBalancerIPs') || spec.loadBalancerIP || '').split(',')[0]?.trim() ?? '';
    const desiredPool = annotation('address-pool');
    let current = before;
    if (current === '') clear();
    else {
      const problem = this.#tryAssign(service, current);
      if (problem !== undefined) {
        this.#log('info', 'service.go:133', { event: 'clearAssignment', error: problem, msg: 'current IP not allowed by config, clearing', service: key });
        this.#recorder.event(service, 'Normal', 'ClearAssignment', `current IP for "${key}" not allowed by config, will attempt for new IP assignment: ${problem}`);
        current = clear();
      } else if (desiredPool !== '' && poolOf(pools, current)?.name !== desiredPool) {
        this.#log('info', 'service.go:144', { event: 'clearAssignment', reason: 'differentPoolRequested', msg: 'user requested a different pool than the one currently assigned', service: key });
        current = clear();
      } else if (desired !== '' && desired !== current) {
        this.#log('info', 'service.go:158', { event: 'clearAssignment', reason: 'differentIPRequested', msg: 'user requested a different IP than the one currently assigned', service: key });
        current = clear();
      }
    }
    if (current !== '') return current;
    try {
      const address = this.#allocate(key, service, desired, desiredPool);
      this.#log('info', 'service.go:194', { event: 'ipAllocated', ip: [address], msg: 'IP address assigned by controller', service: key });
      this.#recorder.event(service, 'Normal', 'IPAllocated', `Assigned IP ["${address}"]`);
      return address;
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      const message = messageOf(error);
      this.#log('error', 'service.go:187', { op: 'allocateIPs', error: message, msg: 'IP allocation failed', service: key });
      this.#recorder.event(service, 'Warning', 'AllocationFailed', `Failed to allocate IP for "${key}": ${message}`);
      return clear();
    }
  }

  #allocate(key: string, service: Service, desired: string, desiredPool: string): string {
    const { pools } = this.#allocator;
    if (desired !== '') {
      if (parseIp(desired) < 0) throw new Error(`invalid spec.loadBalancerIP "${desired}"`);
      const problem = this.#tryAssign(service, desired);
      if (problem !== undefined) throw new Error(problem);
      if (desiredPool !== '' && poolOf(pools, desired)?.name !== desiredPool) {
        this.#allocator.release(key);
        throw new Error(`requested loadBalancer IP(s) ["${desired}"] is not compatible with requested address pool ${desiredPool}`);
      }
      return desired;
    }
    if (desiredPool !== '') {
      const pool = pools.find((p) => p.name === desiredPool);
      if (!pool) throw new Error(`unknown pool "${desiredPool}"`);
      try {
        return this.#allocator.allocate(key, service, [pool]);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        throw new Error(`no available IPs in pool ${desiredPool}`);
      }
    }
    const admitted = this.#admitted(service);
    const pinned = pools.filter((p) => p.allocation !== undefined && p.autoAssign && admitted(p)).toSorted((a, b) => (a.allocation?.priority || Infinity) - (b.allocation?.priority || Infinity));
    return this.#allocator.allocate(key, service, [...pinned, ...pools.filter((p) => p.allocation === undefined && p.autoAssign)]);
  }

  *#writeCounters(): Op<void> {
    for (const object of this.#pools.list()) {
      const pool = this.#allocator.pools.find((p) => p.name === object.metadata.name);
      if (!pool) continue;
      const assignedIPv4 = this.#allocator.used(pool);
      const status = { assignedIPv4, assignedIPv6: 0, availableIPv4: sizeOf(pool) - assignedIPv4, availableIPv6: 0 };
      if (object.status?.assignedIPv4 === assignedIPv4 && object.status.availableIPv4 === status.availableIPv4) continue;
      try {
        yield* writeStatus(this.#client, POOLS, { ...object, status });
      } catch (error) {
        // Somebody else was faster; the next change comes by here again.
        if (isProgrammingError(error)) throw error;
      }
    }
  }

  /** The webhook's certificate is the controller's own; its authority goes into the configuration. */
  *serveWebhook(): Op<void> {
    const os = this.#os;
    const name = 'metallb-webhook-configuration';
    const resource = 'validatingwebhookconfigurations.admissionregistration.k8s.io';
    const random = os.sim.random(`metallb/${os.place}/webhook`);
    const now = os.sim.epoch + os.sim.now;
    const period = { notBefore: formatTime(now), notAfter: formatTime(now + 10 * YEAR) };
    const authority = createAuthority({ commonName: 'cert', organizations: ['metallb'], ...period, entropy: random.uuid() });
    const host = `metallb-webhook-service.${this.#namespace}.svc`;
    const { certificate } = issueCertificate(authority, { commonName: host, sans: [host], ...period, entropy: random.uuid() });
    serveHttp(os, { port: 9443, tls: { certificate } }, (request) => this.#review(request.body));
    try {
      const found = yield* this.#client.get(resource, '', name);
      const caBundle = toBase64(authority.certificate);
      const webhooks = (found.webhooks ?? []).map((hook) => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle } }));
      yield* this.#client.update(resource, { ...found, webhooks });
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      this.#log('error', 'k8s.go:260', { op: 'startup', error: messageOf(error), msg: 'failed to set up the webhook' });
    }
  }

  *#review(body: unknown): Op<{ status: number; headers: Readonly<Record<string, string>>; body: unknown }> {
    yield* this.#os.sleep(500);
    const { request } = (typeof body === 'string' ? JSON.parse(body) : body) as { request: { uid: string; kind: { kind: string }; object?: IPAddressPool | null } };
    let problem: string | undefined;
    if (request.kind.kind === 'IPAddressPool' && request.object) {
      const { object } = request;
      const checked = parsePools([...this.#pools.list().filter((p) => p.metadata.name !== object.metadata.name), object]);
      if (typeof checked === 'string') problem = checked;
    }
    const response = { uid: request.uid, allowed: problem === undefined, ...(problem === undefined ? {} : { status: { status: 'Failure', reason: 'Forbidden', code: 403, message: problem } }) };
    return { status: 200, headers: { 'content-type': 'application/json' }, body: { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', response } };
  }
}

const keyOf = ({ metadata }: Service): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** --lb-class: without it those that name no class. */
export const isOurs = (os: Os, { spec }: Service): boolean => (spec.loadBalancerClass ?? '') === (flag(os, 'lb-class') ?? '');
