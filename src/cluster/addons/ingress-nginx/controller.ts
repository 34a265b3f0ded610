// The ingress-nginx controller's loop: watches Ingresses, IngressClasses, Services, EndpointSlices, Secrets and its ConfigMap, and keeps
// nginx after them: a reload for what is written in its configuration, a POST for endpoints and certificates.
// (internal/ingress/controller/{nginx,controller}.go, store/store.go.)

import { fromBase64 } from '../../api/base64.ts';
import type { ConfigMap, EndpointSlice, Ingress, IngressClass, ObjectReference, Secret, Service } from '../../api/generated/types.ts';
import { createAuthority } from '../../api/pki.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { Client } from '../../client/client.ts';
import { type EventRecorder, type EventType, referenceTo } from '../../client/events.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import type { Os, Process, Program } from '../../machine/process.ts';
import { HttpClient } from '../../network/http.ts';
import { Channel } from '../../sim/channel.ts';
import { hash32 } from '../../sim/random.ts';
import type { Op } from '../../sim/simulation.ts';
import { formatTime, SECOND } from '../../sim/time.ts';
import type { Klog } from '../klog.ts';
import { masterBeside } from '../nginx/master.ts';
import { endpointsIn } from './endpoints.ts';
import type { PostedBackend, PostedServers } from './lua.ts';
import { modelOf } from './configuration.ts';
import { DEFAULT_SERVER, type Model, type SslCertificate, type World } from './model.ts';
import { FAKE_CERTIFICATE, NGINX_CONF, nginxConf } from './template.ts';

/** Synchronisations a second: --sync-rate-limit. */
const SYNC_PERIOD = SECOND / 0.3;
const YEAR = 365 * 24 * 3600 * SECOND;
const BY_SERVICE = 'service';

export interface ControllerOptions {
  readonly os: Os;
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly log: Klog;
  readonly nginx: Program;
  readonly flag: (name: string) => string | undefined;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
}

export class IngressController {
  readonly #o: ControllerOptions;
  readonly #ingresses: Informer<Ingress>;
  readonly #classes: Informer<IngressClass>;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #secrets: Informer<Secret>;
  readonly #configMaps: Informer<ConfigMap>;
  readonly #factory: InformerFactory;
  readonly #wake: Channel<true>;
  readonly #fake: SslCertificate;
  #pending = false;
  #text = '';
  #dynamic = '';
  #configured = false;
  /** The Ingresses that are ours, by key. */
  readonly #mine = new Set<string>();
  /** Secrets whose certificates are in use. */
  readonly #stored = new Set<string>();

  constructor(options: ControllerOptions) {
    this.#o = options;
    const { os, client, pod } = options;
    this.#factory = new InformerFactory(os, client);
    this.#ingresses = this.#factory.informer('ingresses.networking.k8s.io');
    this.#classes = this.#factory.informer('ingressclasses.networking.k8s.io');
    this.#services = this.#factory.informer('services');
    this.#slices = this.#factory.informer('endpointslices.discovery.k8s.io');
    this.#secrets = this.#factory.informer('secrets');
    this.#configMaps = this.#factory.informer('configmaps', { namespace: pod.namespace });
    this.#slices.addIndex(BY_SERVICE, (slice) => [`${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`]);
    this.#wake = new Channel(os.sim);
    const entropy = os.sim.random(`ingress-nginx/${os.place}/fake`).uuid();
    const now = os.sim.epoch + os.sim.now;
    const made = createAuthority({
      commonName: 'Kubernetes Ingress Controller Fake Certificate', organizations: ['Acme Co'], sans: ['ingress.local'], notBefore: formatTime(now), notAfter: formatTime(now + YEAR), entropy,
    });
    os.files.write(FAKE_CERTIFICATE, made.certificate + made.key);
    this.#fake = { name: 'default-fake-certificate', pem: made.certificate + made.key };
  }

  *start(): Op<void> {
    this.#watch();
    this.#factory.start();
    yield* this.#factory.waitForSync();
  }

  /** nginx and the synchronisation; never returns. */
  *run(): Op<void> {
    const { os, log, nginx } = this.#o;
    log.info('nginx.go:319', '"Starting NGINX process"');
    os.files.write(NGINX_CONF, FIRST_CONF);
    this.#spawn(nginx, []);
    this.#changed();
    for (;;) {
      yield* this.#wake.receive();
      this.#pending = false;
      yield* this.#sync();
      yield* os.sleep(SYNC_PERIOD);
    }
  }

  *stop(): Op<void> {
    const { os, log, nginx } = this.#o;
    log.info('nginx.go:411', '"Stopping NGINX process"');
    yield* this.#spawn(nginx, ['-s', 'quit']).wait();
    do yield* os.sleep(SECOND);
    while (masterBeside(os));
    log.info('nginx.go:424', '"NGINX process has stopped"');
  }

  /** Our Ingresses, the oldest first. */
  ingresses(): readonly Ingress[] {
    const mine = this.#ingresses.list().filter((i) => this.#mine.has(keyOf(i)));
    const age = ({ metadata }: Ingress): string => metadata.creationTimestamp ?? '';
    return mine.toSorted((a, b) => (age(a) === age(b) ? (keyOf(a) < keyOf(b) ? -1 : 1) : age(a) < age(b) ? -1 : 1));
  }

  /** For the webhook: the servers as they would be with this Ingress. */
  modelWith(ingress: Ingress): Model {
    const others = this.ingresses().filter((i) => keyOf(i) !== keyOf(ingress));
    return modelOf(this.#world([...others, ingress], () => undefined));
  }

  /** The class of an Ingress when it is ours, or why it is not. */
  classOf(ingress: Ingress): { readonly ok: true; readonly name: string } | { readonly ok: false; readonly why: string } {
    const { flag } = this.#o;
    const annotation = ingress.metadata.annotations?.['kubernetes.io/ingress.class'];
    const ours = flag('ingress-class') ?? 'nginx';
    if (annotation !== undefined && annotation !== '') return annotation === ours ? { ok: true, name: annotation } : { ok: false, why: 'ingress class annotation is not equal to the expected by Ingress Controller' };
    const name = ingress.spec?.ingressClassName;
    if (name !== undefined && name !== '') {
      const found = this.#classes.get('', name);
      if (found?.spec?.controller === (flag('controller-class') ?? 'k8s.io/ingress-nginx')) return { ok: true, name };
      return { ok: false, why: `no object matching key "${name}" in local store` };
    }
    if (flag('watch-ingress-without-class') === 'true') return { ok: true, name: ours };
    return { ok: false, why: 'ingress does not contain a valid IngressClass' };
  }

  #watch(): void {
    const { log } = this.#o;
    const again = (): void => this.#changed();
    const consider = (ingress: Ingress): void => {
      const key = keyOf(ingress);
      const known = this.#mine.has(key);
      const found = this.classOf(ingress);
      if (!found.ok) {
        if (!known) log.info('store.go:439', `"Ignoring ingress because of error while validating ingress class" ingress="${key}" error=${JSON.stringify(found.why)}`);
        else {
          log.info('store.go:492', `"removing ingress because of unknown ingressclass" ingress="${key}"`);
          this.#mine.delete(key);
          again();
        }
        return;
      }
      if (!known) log.info('store.go:443', `"Found valid IngressClass" ingress="${key}" ingressclass="${found.name}"`);
      this.#mine.add(key);
      this.#event(ingress, 'Sync', 'Scheduled for sync');
      this.#syncSecrets(ingress);
      again();
    };
    this.#classes.addHandler({
      add: () => {
        for (const ingress of this.#ingresses.list()) if (!this.#mine.has(keyOf(ingress)) && this.classOf(ingress).ok) consider(ingress);
        again();
      },
      delete: again,
    });
    this.#ingresses.addHandler({
      add: consider,
      update: (before, after) => {
        if (before.metadata.resourceVersion !== after.metadata.resourceVersion) consider(after);
      },
      delete: (ingress) => {
        if (this.#mine.delete(keyOf(ingress))) again();
      },
    });
    this.#services.addHandler({ add: again, update: again, delete: again });
    this.#slices.addHandler({ add: again, update: again, delete: again });
    const used = (secret: Secret, where: string, text: string): void => {
      const key = `${secret.metadata.namespace ?? ''}/${secret.metadata.name}`;
      const users = this.ingresses().filter((i) => i.metadata.namespace === secret.metadata.namespace && i.spec?.tls?.some((t) => t.secretName === secret.metadata.name));
      if (users.length === 0) return;
      log.info(where, `"${text}" secret="${key}"`);
      for (const user of users) this.#syncSecrets(user);
      again();
    };
    this.#secrets.addHandler({
      add: (secret) => used(secret, 'store.go:614', 'Secret was added and it is used in ingress annotations. Parsing'),
      update: (_, secret) => used(secret, 'store.go:648', 'secret was updated and it is used in ingress annotations. Parsing'),
      delete: (secret) => used(secret, 'store.go:690', 'secret was deleted and it is used in ingress annotations. Parsing'),
    });
    const [, name = ''] = (this.#o.flag('configmap') ?? '').split('/');
    const configuration = (reason: string) => (map: ConfigMap): void => {
      if (map.metadata.name !== name) return;
      this.#event(map, reason, `ConfigMap ${map.metadata.namespace ?? ''}/${name}`);
      again();
    };
    this.#configMaps.addHandler({ add: configuration('CREATE'), update: (_, map) => configuration('UPDATE')(map), delete: configuration('DELETE') });
  }

  /** Takes the certificates that an Ingress names into the local store, or says that they are not there. */
  #syncSecrets({ metadata, spec }: Ingress): void {
    const { log } = this.#o;
    for (const { secretName } of spec?.tls ?? []) {
      if (!secretName) continue;
      const key = `${metadata.namespace ?? ''}/${secretName}`;
      if (!this.#secrets.getByKey(key)) log.warning('backend_ssl.go:47', `Error obtaining X.509 certificate: no object matching key "${key}" in local store`);
      else if (!this.#stored.has(key)) log.info('backend_ssl.go:67', `"Adding secret to local store" name="${key}"`);
      else continue;
      if (this.#secrets.getByKey(key)) this.#stored.add(key);
    }
  }

  /** Written, and told in the log as client-go's broadcaster does. */
  #event(about: ApiObject | ObjectReference, reason: string, message: string, type: EventType = 'Normal'): void {
    const { log, recorder } = this.#o;
    const { kind = '', namespace = '', name = '', uid = '', apiVersion = '', resourceVersion = '' } = referenceTo(about);
    recorder.event(about, type, reason, message);
    log.info('event.go:377', `Event(v1.ObjectReference{Kind:"${kind}", Namespace:"${namespace}", Name:"${name}", UID:"${uid}", APIVersion:"${apiVersion}", ResourceVersion:"${resourceVersion}", FieldPath:""}): type: '${type}' reason: '${reason}' ${message}`);
  }

  #changed(): void {
    if (this.#pending) return;
    this.#pending = true;
    this.#wake.send(true);
  }

  #world(ingresses: readonly Ingress[], warn: World['warn']): World {
    const { os, flag } = this.#o;
    return {
      ingresses,
      warn,
      fake: this.#fake,
      now: os.sim.time(),
      defaultService: flag('default-backend-service') ?? '',
      service: (namespace, name) => this.#services.get(namespace, name),
      endpoints: (service, port) => endpointsIn(this.#slices.index(BY_SERVICE, `${service.metadata.namespace ?? ''}/${service.metadata.name}`), port),
      certificate: (namespace, name) => {
        const key = `${namespace}/${name}`;
        const data = this.#secrets.get(namespace, name)?.data;
        if (data === undefined) return `local SSL certificate ${key} was not found`;
        const pem = fromBase64(data['tls.crt'] ?? '') ?? '';
        return pem.includes('BEGIN CERTIFICATE') ? { name: key, pem } : `local SSL certificate ${key} was not found`;
      },
    };
  }

  *#sync(): Op<void> {
    const { os, log, pod } = this.#o;
    const model = modelOf(this.#world(this.ingresses(), (where, text) => log.warning(where, text)));
    const [, name = ''] = (this.#o.flag('configmap') ?? '').split('/');
    const config = this.#configMaps.get(pod.namespace, name)?.data ?? {};
    const text = nginxConf(model, { workers: os.machine.cpus, fakeSha: hash32(this.#fake.pem).toString(16), config });
    const first = !this.#configured;
    if (text !== this.#text) {
      log.info('controller.go:217', '"Configuration changes detected, backend reload required"');
      const problem = yield* this.#reload(`\n# Configuration checksum: ${checksum(text)}\n\n${text}`);
      const involved = { apiVersion: 'v1', kind: 'Pod', namespace: pod.namespace, name: pod.name, uid: pod.uid };
      if (problem !== undefined) {
        log.error('controller.go:225', `Unexpected failure reloading the backend:\n${problem}`);
        this.#event(involved, 'RELOAD', `Error reloading NGINX: ${problem}`, 'Warning');
        this.#later();
        return;
      }
      this.#text = text;
      log.info('controller.go:231', '"Backend successfully reloaded"');
      this.#event(involved, 'RELOAD', 'NGINX reload triggered due to a change in configuration');
    }
    if (first) {
      log.info('controller.go:243', '"Initial sync, sleeping for 1 second"');
      yield* os.sleep(SECOND);
    }
    yield* this.#configureDynamically(model);
  }

  #later(): void {
    const { os } = this.#o;
    os.go('requeue', () => this.#again(os));
  }

  *#again(os: Os): Op<void> {
    yield* os.sleep(SECOND);
    this.#changed();
  }

  /** Writes the file, tests it, tells nginx. The text is what was wrong. */
  *#reload(text: string): Op<string | undefined> {
    const { os, nginx } = this.#o;
    const draft = `/tmp/nginx/nginx-cfg${os.sim.random(`ingress-nginx/${os.place}/${os.sim.now}`).int(1e9)}`;
    os.files.write(draft, text);
    const told: string[] = [];
    const test = this.#spawn(nginx, ['-c', draft, '-t'], told);
    const { code } = yield* test.wait();
    if (code !== 0) return `\n-------------------------------------------------------------------------------\nError: exit status ${code}\n${told.join('\n')}\n\n-------------------------------------------------------------------------------\n`;
    os.files.remove(draft);
    os.files.write(NGINX_CONF, text);
    const reload = this.#spawn(nginx, ['-s', 'reload'], told);
    const done = yield* reload.wait();
    return done.code === 0 ? undefined : `exit status ${done.code}\n${told.join('\n')}`;
  }

  #spawn(nginx: Program, args: readonly string[], told?: string[]): Process {
    const { os } = this.#o;
    return os.spawn(nginx, {
      argv: ['/usr/bin/nginx', ...(args.includes('-c') ? [] : ['-c', NGINX_CONF]), ...args],
      parent: os.process,
      ...(told ? { logs: { write: (_: string, line: string) => void told.push(line) } } : {}),
    });
  }

  *#configureDynamically(model: Model): Op<void> {
    const { os, log } = this.#o;
    const backends: readonly PostedBackend[] = model.backends.map(({ name, endpoints, loadBalance, hashBy, affinity, canary, alternatives, service }) => ({
      name, endpoints, loadBalance, hashBy, affinity, canary, alternatives, external: service?.spec.type === 'ExternalName',
    }));
    const servers: Record<string, string> = {};
    const certificates: Record<string, string> = {};
    for (const { hostname, aliases, certificate } of model.servers) {
      if (certificate === null) continue;
      certificates[certificate.name] = certificate.pem;
      for (const host of [hostname, ...aliases]) if (host !== DEFAULT_SERVER || certificate !== this.#fake) servers[host] = certificate.name;
    }
    const names: PostedServers = { servers, certificates };
    const asked = JSON.stringify([backends, names]);
    if (asked === this.#dynamic) return;
    for (let tries = 0; tries < 16; tries++) {
      try {
        const client = new HttpClient(os, { host: '127.0.0.1', port: 10_246, keepAlive: false });
        yield* client.request({ method: 'POST', path: '/configuration/servers', query: {}, headers: { 'content-type': 'application/json' }, body: names }, 10 * SECOND);
        yield* client.request({ method: 'POST', path: '/configuration/backends', query: {}, headers: { 'content-type': 'application/json' }, body: backends }, 10 * SECOND);
        this.#dynamic = asked;
        this.#configured = true;
        return;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        log.warning('controller.go:262', `Dynamic reconfiguration failed (retrying; ${15 - tries} retries left): Post "http://127.0.0.1:10246/configuration/backends": ${message}`);
      }
      yield* os.sleep(SECOND * 1.3 ** tries);
    }
  }
}

const keyOf = ({ metadata }: { readonly metadata: { readonly namespace?: string; readonly name: string } }): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** Twenty digits, as a 64-bit hash has. */
const checksum = (text: string): string => `${hash32(text)}${hash32(`${text} `)}`.padEnd(20, '0').slice(0, 20);

const FIRST_CONF = `# A very simple nginx configuration file that forces nginx to start.
pid /tmp/nginx/nginx.pid;
error_log stderr;
events {}
http {}
daemon off;
`;
