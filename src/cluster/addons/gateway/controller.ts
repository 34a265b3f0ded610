// The control plane of NGINX Gateway Fabric: watches the Gateway API's resources, provisions an nginx for each Gateway, sends it its
// configuration, and writes what came of it into the status of classes, Gateways and routes (nginx-gateway-fabric, internal/controller).

import { fromBase64 } from '../../api/base64.ts';
import type { EndpointSlice, Namespace, Secret, Service } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import { ApiError } from '../../api/status.ts';
import { Client } from '../../client/client.ts';
import { isProgrammingError, messageOf } from '../../client/errors.ts';
import { Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import { LeaderElector } from '../../client/leaderelection.ts';
import type { Os, Program } from '../../machine/process.ts';
import { HttpStream, type HttpRequest, type HttpResponse, serveHttp } from '../../network/http.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import { writeStatus } from '../custom-resource.ts';
import { endpointsIn } from '../ingress-nginx/endpoints.ts';
import type { Delivery } from './data-plane.ts';
import { type GatewayState, type Graph, graphOf, type RouteState, type World } from './graph.ts';
import { nginxFiles } from './nginx-config.ts';
import { provision, resourceName, type Settings } from './provisioner.ts';
import {
  type Condition, CONTROLLER_NAME, type Gateway, GATEWAY_CLASSES, type GatewayClass, GATEWAYS, GROUP, HTTP_ROUTES, type HTTPRoute, type ParentStatus, REFERENCE_GRANTS, type ReferenceGrant,
} from './types.ts';
import { NGF_VERSION } from './versions.ts';

const BY_SERVICE = 'service';
/** Events that come together are worked on together. */
const BATCH = 30 * MILLISECOND;

export const gatewayControllerProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const say = (logger: string, msg: string, more: object = {}): void => os.logError(JSON.stringify({ level: 'info', ts: os.sim.time(), ...(logger === '' ? {} : { logger }), msg, ...more }));
  say('', 'Starting the NGINX Gateway Fabric control plane', { version: NGF_VERSION, commit: 'e55bfe3', dirty: 'false' });
  const flag = (name: string): string => os.argv.find((a) => a.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'nginx-gateway' });
  const namespace = os.env['POD_NAMESPACE'] ?? 'nginx-gateway';
  const settings: Settings = { className: flag('gatewayclass') || 'nginx', namespace, service: flag('service') || 'nginx-gateway', instance: os.env['INSTANCE_NAME'] || 'nginx-gateway' };
  const controller = new Controller(os, client, settings, say);
  yield* controller.start();
  const identity = os.env['POD_NAME'] ?? os.machine.name;
  const elector = new LeaderElector(os, { client, namespace, name: flag('leader-election-lock-name') || 'nginx-gateway-leader-election', identity });
  os.go('leader-election', function* () {
    for (;;) {
      yield* elector.acquire();
      controller.lead(true);
      yield* elector.renew();
      controller.lead(false);
    }
  });
  yield* stop.receive();
  return 0;
};

interface Subscription {
  readonly stream: HttpStream;
  sent: number;
}

class Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #settings: Settings;
  readonly #say: (logger: string, msg: string, more?: object) => void;
  readonly #factory: InformerFactory;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #secrets: Informer<Secret>;
  readonly #namespaces: Informer<Namespace>;
  readonly #classes: Informer<GatewayClass>;
  readonly #gateways: Informer<Gateway>;
  readonly #routes: Informer<HTTPRoute>;
  readonly #grants: Informer<ReferenceGrant>;
  readonly #wake: Channel<true>;
  /** nginx Pods that listen, by `namespace_deployment`. */
  readonly #subscriptions = new Map<string, Set<Subscription>>();
  readonly #configurations = new Map<string, Delivery & { readonly text: string }>();
  readonly #failures = new Map<string, string>();
  #pending = false;
  #leads = false;
  #ready = false;

  constructor(os: Os, client: Client, settings: Settings, say: (logger: string, msg: string, more?: object) => void) {
    this.#os = os;
    this.#client = client;
    this.#settings = settings;
    this.#say = say;
    this.#wake = new Channel(os.sim);
    this.#factory = new InformerFactory(os, client);
    this.#services = this.#factory.informer('services');
    this.#slices = this.#factory.informer('endpointslices.discovery.k8s.io');
    this.#secrets = this.#factory.informer('secrets');
    this.#namespaces = this.#factory.informer('namespaces');
    this.#slices.addIndex(BY_SERVICE, (slice) => [`${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`]);
    const watch = <T extends ApiObject>(kind: ResourceKind): Informer<T> => new Informer<T>(os, client, kind);
    this.#classes = watch<GatewayClass>(GATEWAY_CLASSES);
    this.#gateways = watch<Gateway>(GATEWAYS);
    this.#routes = watch<HTTPRoute>(HTTP_ROUTES);
    this.#grants = watch<ReferenceGrant>(REFERENCE_GRANTS);
  }

  *start(): Op<void> {
    const os = this.#os;
    serveHttp(os, { port: 8081 }, () => this.#readyz());
    serveHttp(os, { port: 8443, tls: { certificate: os.files.exists('/var/run/secrets/ngf/tls.crt') ? os.files.read('/var/run/secrets/ngf/tls.crt') : '', http2: true } }, (request) => this.#agent(request));
    const again = { add: () => this.#changed(), update: (before: ApiObject, after: ApiObject) => {
      // What only the status says is our own doing, but for a Service's address.
      if ((before as { spec?: unknown }).spec !== (after as { spec?: unknown }).spec || before.kind === 'Service' || !('spec' in before)) this.#changed();
    }, delete: () => this.#changed() };
    for (const informer of [this.#classes, this.#gateways, this.#routes, this.#grants, this.#services, this.#slices, this.#secrets, this.#namespaces]) (informer as unknown as Informer<ApiObject>).addHandler(again);
    this.#factory.start();
    for (const informer of [this.#classes, this.#gateways, this.#routes, this.#grants]) informer.start();
    yield* this.#factory.waitForSync();
    for (const informer of [this.#classes, this.#gateways, this.#routes, this.#grants]) yield* informer.waitForSync();
    os.go('event-loop', () => this.#loop());
  }

  lead(leads: boolean): void {
    this.#leads = leads;
    this.#changed();
  }

  #changed(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#wake.send(true);
  }

  *#readyz(): Op<HttpResponse> {
    return this.#ready ? { status: 200, headers: {}, body: 'ok' } : { status: 500, headers: {}, body: 'control plane is not yet ready' };
  }

  *#loop(): Op<void> {
    for (let batch = 1; ; batch++) {
      yield* this.#wake.receive();
      yield* this.#os.sleep(BATCH);
      this.#pending = false;
      try {
        yield* this.#handle(batch);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        this.#say('eventHandler', 'Failed to handle events', { batchID: batch, error: messageOf(error) });
        yield* this.#os.sleep(SECOND);
        this.#changed();
      }
      this.#ready = true;
    }
  }

  *#handle(batch: number): Op<void> {
    const graph = graphOf(this.#world());
    for (const state of graph.gateways) {
      if (this.#leads) yield* this.#provision(state.gateway);
      this.#configure(state, batch);
    }
    if (this.#leads) yield* this.#writeStatuses(graph);
  }

  *#provision(gateway: Gateway): Op<void> {
    const name = resourceName(gateway, this.#settings);
    const { namespace = '' } = gateway.metadata;
    if (!this.#services.get(namespace, name)) this.#say('nginxProvisioner', 'Creating/Updating nginx resources', { namespace, name });
    yield* provision(this.#client, gateway, this.#settings);
  }

  #world(): World {
    const age = ({ metadata }: ApiObject): string => `${metadata.creationTimestamp ?? ''} ${metadata.namespace ?? ''}/${metadata.name}`;
    const oldest = <T extends ApiObject>(list: readonly T[]): readonly T[] => list.toSorted((a, b) => (age(a) < age(b) ? -1 : 1));
    const ours = this.#classes.get('', this.#settings.className)?.spec.controllerName === CONTROLLER_NAME;
    return {
      className: this.#settings.className,
      gateways: ours ? oldest(this.#gateways.list()) : [],
      routes: oldest(this.#routes.list()),
      grants: this.#grants.list(),
      service: (namespace, name) => this.#services.get(namespace, name),
      endpoints: (service, port) => endpointsIn(this.#slices.index(BY_SERVICE, `${service.metadata.namespace ?? ''}/${service.metadata.name}`), port),
      certificate: (namespace, name) => {
        const secret = this.#secrets.get(namespace, name);
        if (!secret) return undefined;
        const pem = (fromBase64(secret.data?.['tls.crt'] ?? '') ?? '') + (fromBase64(secret.data?.['tls.key'] ?? '') ?? '');
        return pem.includes('BEGIN CERTIFICATE') ? pem : null;
      },
      labelsOf: (namespace) => this.#namespaces.get('', namespace)?.metadata.labels ?? {},
    };
  }

  // ---- nginx

  #configure(state: GatewayState, batch: number): void {
    const { metadata } = state.gateway;
    const key = `${metadata.namespace ?? ''}_${resourceName(state.gateway, this.#settings)}`;
    const files = nginxFiles(state);
    const text = JSON.stringify(files);
    const known = this.#configurations.get(key);
    if (known?.text === text) return;
    this.#configurations.set(key, { version: (known?.version ?? 0) + 1, files, text });
    const listening = this.#subscriptions.get(key);
    if (listening?.size) this.#say('eventHandler', 'NGINX configuration was successfully updated', { batchID: batch });
    for (const subscription of listening ?? []) this.#send(key, subscription);
  }

  #send(key: string, subscription: Subscription): void {
    const wanted = this.#configurations.get(key);
    if (!wanted || subscription.sent === wanted.version || subscription.stream.closed) return;
    subscription.sent = wanted.version;
    subscription.stream.write({ version: wanted.version, files: wanted.files } satisfies Delivery, { verb: 'configure', subject: null, kind: 'http', detail: { version: wanted.version } });
  }

  *#agent({ path, query, body }: HttpRequest): Op<HttpResponse> {
    const key = query['deployment'] ?? '';
    if (path.endsWith('/Response')) {
      const { error } = body as { readonly error: string };
      if (error === '') this.#failures.delete(key);
      else this.#failures.set(key, error);
      this.#changed();
      return { status: 200, headers: {}, body: '' };
    }
    const stream = new HttpStream(this.#os.sim);
    const subscription: Subscription = { stream, sent: 0 };
    const all = this.#subscriptions.get(key) ?? new Set<Subscription>();
    this.#subscriptions.set(key, all.add(subscription));
    stream.onClose(() => all.delete(subscription));
    this.#say('commandService', `Successfully connected to nginx agent ${query['instance'] ?? ''}`);
    this.#os.go('initial-configuration', () => this.#first(key, subscription));
    return { status: 200, headers: { 'content-type': 'application/grpc' }, stream };
  }

  *#first(key: string, subscription: Subscription): Op<void> {
    yield* this.#os.sleep(10 * MILLISECOND);
    this.#say('commandService', 'Sending initial configuration to agent', { configVersion: String(this.#configurations.get(key)?.version ?? 0) });
    this.#send(key, subscription);
  }

  // ---- status

  *#writeStatuses(graph: Graph): Op<void> {
    for (const gatewayClass of this.#classes.list()) if (gatewayClass.spec.controllerName === CONTROLLER_NAME) yield* this.#classStatus(gatewayClass);
    for (const state of graph.gateways) yield* this.#gatewayStatus(state);
    const spoken = new Set(graph.routes.map(({ route }) => route.metadata.uid));
    for (const state of graph.routes) yield* this.#routeStatus(state);
    // Routes whose Gateway is gone are no longer ours to speak of.
    for (const route of this.#routes.list()) if (!spoken.has(route.metadata.uid) && route.status?.parents?.some((p) => p.controllerName === CONTROLLER_NAME)) yield* this.#routeStatus({ route, parents: [] });
  }

  *#classStatus(gatewayClass: GatewayClass): Op<void> {
    const used = gatewayClass.metadata.name === this.#settings.className;
    const wanted: readonly Condition[] = used
      ? [
          { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'The GatewayClass is accepted' },
          { type: 'SupportedVersion', status: 'True', reason: 'SupportedVersion', message: 'The Gateway API CRD versions are supported' },
          { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'The ParametersRef resource is resolved' },
        ]
      : [{ type: 'Accepted', status: 'False', reason: 'GatewayClassConflict', message: 'The resource is ignored due to a conflicting GatewayClass resource' }];
    const conditions = this.#stamped(wanted, gatewayClass.status?.conditions, gatewayClass.metadata.generation);
    if (conditions !== null) yield* this.#write(GATEWAY_CLASSES, { ...gatewayClass, status: { ...gatewayClass.status, conditions } });
  }

  *#gatewayStatus({ gateway, conditions, listeners }: GatewayState): Op<void> {
    const { metadata, status } = gateway;
    const key = `${metadata.namespace ?? ''}_${resourceName(gateway, this.#settings)}`;
    const failure = this.#failures.get(key);
    const failed = (message: string): Condition => ({ type: 'Programmed', status: 'False', reason: 'Invalid', message: `${message}: ${failure ?? ''}` });
    const own = failure === undefined ? conditions : [...conditions.filter((c) => c.type !== 'Programmed'), failed('The Gateway is not programmed due to a failure to reload nginx with the configuration')];
    const service = this.#services.get(metadata.namespace ?? '', resourceName(gateway, this.#settings));
    const balanced = (service?.status?.loadBalancer?.ingress ?? []).flatMap((i) => (i.ip ? [{ type: 'IPAddress', value: i.ip }] : i.hostname ? [{ type: 'Hostname', value: i.hostname }] : []));
    const addresses = service?.spec.type === 'LoadBalancer' ? balanced : service?.spec.clusterIP ? [{ type: 'IPAddress', value: service.spec.clusterIP }] : [];
    const next = {
      addresses,
      conditions: this.#stamped(own, status?.conditions, metadata.generation) ?? status?.conditions ?? [],
      listeners: listeners.map(({ listener, conditions: wanted, routes }) => {
        const before = status?.listeners?.find((l) => l.name === listener.name);
        return {
          name: listener.name,
          supportedKinds: [{ group: GROUP, kind: 'HTTPRoute' }],
          attachedRoutes: routes.length,
          conditions: this.#stamped(wanted, before?.conditions, metadata.generation) ?? before?.conditions ?? [],
        };
      }),
    };
    const { addresses: a, conditions: c, listeners: l } = status ?? {};
    if (JSON.stringify(sorted(next)) !== JSON.stringify(sorted({ addresses: a ?? [], conditions: c ?? [], listeners: l ?? [] }))) yield* this.#write(GATEWAYS, { ...gateway, status: next });
  }

  *#routeStatus({ route, parents }: RouteState): Op<void> {
    const before = route.status?.parents ?? [];
    const others = before.filter((p) => p.controllerName !== CONTROLLER_NAME);
    const own = parents.map(({ parentRef, conditions }): ParentStatus => {
      const ref = { ...parentRef, namespace: parentRef.namespace ?? route.metadata.namespace ?? '' };
      const known = before.find((p) => p.controllerName === CONTROLLER_NAME && p.parentRef.name === ref.name && (p.parentRef.sectionName ?? '') === (ref.sectionName ?? '') && p.parentRef.namespace === ref.namespace);
      return { parentRef: ref, controllerName: CONTROLLER_NAME, conditions: this.#stamped(conditions, known?.conditions, route.metadata.generation) ?? known?.conditions ?? [] };
    });
    const next = { parents: [...others, ...own] };
    if (JSON.stringify(sorted(next)) !== JSON.stringify(sorted({ parents: before }))) yield* this.#write(HTTP_ROUTES, { ...route, status: next });
  }

  /** With times and generations; null when they say what was there before. */
  #stamped(wanted: readonly Condition[], before: readonly Condition[] | undefined, observedGeneration = 1): readonly Condition[] | null {
    const now = this.#os.sim.time();
    let same = before?.length === wanted.length;
    const out = wanted.map((c) => {
      const known = before?.find((b) => b.type === c.type);
      if (known?.status === c.status && known.reason === c.reason && known.message === c.message && known.observedGeneration === observedGeneration) return known;
      same = false;
      return { ...c, observedGeneration, lastTransitionTime: known?.status === c.status ? (known.lastTransitionTime ?? now) : now };
    });
    return same ? null : out;
  }

  *#write<T extends ApiObject>(kind: ResourceKind, object: T): Op<void> {
    try {
      yield* writeStatus(this.#client, kind, object);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Somebody wrote in between, or it is gone: the event about that comes round.
      if (error.code === 409 || error.code === 404) return;
      this.#say('statusUpdater', `Failed to update status: ${error.message}`, { kind: kind.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name });
    }
  }
}

/** Keys in one order, so that texts can be compared. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Readonly<Record<string, unknown>>;
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(object).toSorted()) out[key] = sorted(object[key]);
  return out;
}
