// local-path-provisioner v0.0.32 (rancher): a volume is a directory of the node where the claim's first Pod runs; a helper Pod on
// that node makes it, and takes it away.

import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../api/generated/types.ts';
import { quantityValue } from '../../api/quantity.ts';
import { isAlreadyExists, isNotFound } from '../../api/status.ts';
import { SELECTED_NODE, sizeOfClaim, sizeOfVolume } from '../../api/storage/volume-match.ts';
import { Client, type Draft } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import { serveHttp } from '../../network/http.ts';
import { Deferred, TIMED_OUT } from '../../sim/channel.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { claimReferenceOf, ProvisionController, ProvisionError, type VolumeMaker } from '../csi/provision-controller.ts';

export const LOCAL_PATH_PROVISIONER = 'rancher.io/local-path';
const HELPER_IMAGE = 'busybox';
const HELPER_TIMEOUT = 120 * SECOND;
const HOSTNAME = 'kubernetes.io/hostname';

interface Configuration {
  readonly nodePathMap: readonly { readonly node: string; readonly paths: readonly string[] }[];
}

/** `local-path-provisioner --debug start --config /etc/config/config.json`. */
export const localPathProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const config = os.files.read(os.argv[os.argv.indexOf('--config') + 1] ?? '/etc/config/config.json');
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'local-path-provisioner/v0.0.32' });
  const informers = new InformerFactory(os, client);
  const identity = `${LOCAL_PATH_PROVISIONER}_${os.env['HOSTNAME'] ?? ''}_${os.sim.random(`local-path/${os.place}/${os.process.pid}`).uuid()}`;
  const sidecar = { os, client, informers, driver: LOCAL_PATH_PROVISIONER, recorder: new EventRecorder(os, client, { component: identity }) };
  const maker = new LocalPaths(os, client, informers, JSON.parse(config) as Configuration);
  void new ProvisionController(sidecar, maker);
  informers.start();
  // Newer versions are probed at /health and /ready.
  serveHttp(os, { port: 8080 }, function* () {
    yield* os.sleep(100);
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' };
  });
  os.logError(`time="${os.sim.time()}" level=info msg="Provisioner started"`);
  yield* stop.receive();
  return 0;
};

class LocalPaths implements VolumeMaker {
  readonly finalizer = null;
  readonly #os: Os;
  readonly #client: Client;
  readonly #paths: Configuration['nodePathMap'];
  readonly #namespace: string;
  /** Who waits for a helper Pod's end, by its name. */
  readonly #waiting = new Map<string, Deferred<string>>();

  constructor(os: Os, client: Client, informers: InformerFactory, { nodePathMap }: Configuration) {
    this.#os = os;
    this.#client = client;
    this.#paths = nodePathMap;
    this.#namespace = os.env['POD_NAMESPACE'] ?? 'local-path-storage';
    const ended = ({ metadata, status }: Pod): void => {
      const waiting = this.#waiting.get(metadata.name);
      if (waiting && !waiting.settled && (status.phase === 'Succeeded' || status.phase === 'Failed')) waiting.resolve(status.phase);
    };
    informers.informer('pods', { namespace: this.#namespace }).addHandler({ add: ended, update: (_, pod) => ended(pod) });
  }

  #pathOn(node: string): string {
    const of = (name: string): string | undefined => this.#paths.find((entry) => entry.node === name)?.paths[0];
    const path = of(node) ?? of('DEFAULT_PATH_FOR_NON_LISTED_NODES');
    if (path === undefined) throw new ProvisionError(`no local path available on node ${node}`);
    return path;
  }

  *make(claim: PersistentVolumeClaim, found: StorageClass, name: string): Op<Draft<PersistentVolume>> {
    const { metadata, spec } = claim;
    if (spec.selector !== undefined) throw new ProvisionError('claim.Spec.Selector is not supported');
    for (const mode of spec.accessModes ?? []) {
      if (mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod') throw new ProvisionError('NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes');
    }
    const node = metadata.annotations?.[SELECTED_NODE];
    if (node === undefined) throw new ProvisionError('configuration error, no node was specified');
    const path = `${this.#pathOn(node)}/${name}_${metadata.namespace}_${metadata.name}`;
    yield* this.#help('create', name, path, node, sizeOfClaim(claim), spec.volumeMode ?? 'Filesystem');
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name, annotations: { 'local.path.provisioner/selected-node': node } },
      spec: {
        accessModes: spec.accessModes ?? [],
        capacity: { storage: sizeOfClaim(claim) },
        claimRef: claimReferenceOf(claim),
        hostPath: { path, type: 'DirectoryOrCreate' },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOSTNAME, operator: 'In', values: [node] }] }] } },
        persistentVolumeReclaimPolicy: found.reclaimPolicy ?? 'Delete',
        storageClassName: found.metadata.name,
        volumeMode: spec.volumeMode ?? 'Filesystem',
      },
    };
  }

  *delete(volume: PersistentVolume): Op<void> {
    const { metadata, spec } = volume;
    const node = spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values?.[0] ?? '';
    const path = spec.hostPath?.path ?? spec.local?.path ?? '';
    yield* this.#help('delete', metadata.name, path, node, sizeOfVolume(volume), spec.volumeMode ?? 'Filesystem');
  }

  /** Runs a script on the node by a Pod, to its end. Throws ProvisionError. */
  *#help(action: 'create' | 'delete', volume: string, path: string, node: string, size: string, mode: string): Op<void> {
    const name = `helper-pod-${action}-${volume}`;
    const ended = new Deferred<string>(this.#os.sim);
    this.#waiting.set(name, ended);
    try {
      yield* this.#client.create('pods', this.#helper(name, action, path, node, size, mode));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const phase = yield* ended.waitWithin(HELPER_TIMEOUT);
    this.#waiting.delete(name);
    try {
      yield* this.#client.delete('pods', this.#namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    if (phase === TIMED_OUT) throw new ProvisionError(`failed to ${action} volume ${volume}: create process timeout after 120 seconds`);
    if (phase === 'Failed') throw new ProvisionError(`failed to ${action} volume ${volume}: helper pod failed`);
  }

  #helper(name: string, action: 'create' | 'delete', path: string, node: string, size: string, mode: string): Draft<Pod> {
    const parent = path.slice(0, path.lastIndexOf('/'));
    const script = action === 'create' ? 'setup' : 'teardown';
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: this.#namespace },
      spec: {
        nodeName: node,
        priorityClassName: 'system-node-critical',
        restartPolicy: 'Never',
        serviceAccountName: 'local-path-provisioner-service-account',
        tolerations: [{ operator: 'Exists' }],
        containers: [
          {
            name: 'helper-pod',
            image: HELPER_IMAGE,
            imagePullPolicy: 'IfNotPresent',
            command: ['/bin/sh', `/script/${script}`],
            env: [
              { name: 'VOL_DIR', value: path },
              { name: 'VOL_MODE', value: mode },
              { name: 'VOL_SIZE_BYTES', value: String(quantityValue(size)) },
            ],
            volumeMounts: [
              { name: 'data', mountPath: parent },
              { name: 'script', mountPath: '/script' },
            ],
          },
        ],
        volumes: [
          { name: 'data', hostPath: { path: parent, type: 'DirectoryOrCreate' } },
          { name: 'script', configMap: { name: 'local-path-config', items: [{ key: script, path: script }] } },
        ],
      },
    };
  }
}
