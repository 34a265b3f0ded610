// The root CA publisher (pkg/controller/certificates/rootcacertpublisher): every namespace has a ConfigMap with the
// certificate by which Pods recognise the API server.

import type { ConfigMap, Namespace } from '../api/generated/types.ts';
import { jsonEqual, keyOf } from '../api/meta.ts';
import { isAlreadyExists } from '../api/status.ts';
import type { Client } from '../client/client.ts';
import { runController, type Sync } from '../client/controller.ts';
import { isNamespaceTerminating } from '../client/errors.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';

const NAME = 'root-ca-cert-publisher';
const CONFIG_MAP = 'kube-root-ca.crt';
const DESCRIPTION = 'kubernetes.io/description';
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. ' +
  'No other usage is guaranteed across distributions of Kubernetes clusters.';

export class RootCaCertPublisher implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #certificate: string;
  readonly #namespaces: Informer<Namespace>;
  readonly #configMaps: Informer<ConfigMap>;
  readonly #queue: WorkQueue;

  constructor(context: ControllerContext) {
    this.#os = context.os;
    this.#client = context.client(NAME);
    const file = context.flags.rootCaFile;
    this.#certificate = file === '' ? '' : context.os.files.read(file);
    this.#queue = new WorkQueue(context.os.sim);
    this.#namespaces = context.informers.informer('namespaces');
    this.#configMaps = context.informers.informer('configmaps');
    this.#namespaces.addHandler({
      add: (namespace) => this.#queue.add(keyOf(namespace)),
      update: (_, namespace) => this.#queue.add(keyOf(namespace)),
    });
    const changed = (map: ConfigMap): void => {
      if (map.metadata.name === CONFIG_MAP) this.#queue.add(map.metadata.namespace ?? '');
    };
    this.#configMaps.addHandler({ update: (_, map) => changed(map), delete: changed });
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 1,
      subject: subjectsOf('namespaces'),
      sync: (key, sync) => this.#sync(key, sync),
    });
  }

  *#sync(name: string, sync: Sync): Op<void> {
    const namespace = this.#namespaces.get('', name);
    if (namespace?.status.phase !== 'Active') return;
    const present = this.#configMaps.get(name, CONFIG_MAP);
    const data = { 'ca.crt': this.#certificate };
    const annotations = { [DESCRIPTION]: DESCRIPTION_TEXT };
    if (!present) {
      sync.decide({ create: CONFIG_MAP });
      try {
        yield* this.#client.create('configmaps', {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: CONFIG_MAP, namespace: name, annotations },
          data,
        });
      } catch (error) {
        if (!isNamespaceTerminating(error) && !isAlreadyExists(error)) throw error;
      }
      return;
    }
    if (jsonEqual(present.data, data) && present.metadata.annotations?.[DESCRIPTION] === DESCRIPTION_TEXT) return;
    sync.decide({ update: CONFIG_MAP });
    const metadata = { ...present.metadata, annotations: { ...present.metadata.annotations, ...annotations } };
    yield* this.#client.update('configmaps', { ...present, metadata, data });
  }
}
