// nfs-subdir-external-provisioner v4.0.2: a volume is a directory of an NFS export that the provisioner's Pod has mounted.

import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/generated/types.ts';
import { sizeOfClaim } from '../../api/storage/volume-match.ts';
import { Client, type Draft } from '../../client/client.ts';
import { EventRecorder } from '../../client/events.ts';
import { type Informer, InformerFactory } from '../../client/informer.ts';
import { inClusterConfig } from '../../client/kubeconfig.ts';
import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND } from '../../sim/time.ts';
import { claimReferenceOf, ProvisionController, ProvisionError, type VolumeMaker } from '../csi/provision-controller.ts';

const ROOT = '/persistentvolumes';

/** PROVISIONER_NAME, NFS_SERVER and NFS_PATH say what it serves. */
export const nfsSubdirProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const { NFS_SERVER: server = '', NFS_PATH: path = '', PROVISIONER_NAME: driver = '' } = os.env;
  for (const [name, value] of [['NFS_SERVER', server], ['NFS_PATH', path], ['PROVISIONER_NAME', driver]] as const) {
    if (value !== '') continue;
    os.logError(name === 'PROVISIONER_NAME' ? 'environment variable PROVISIONER_NAME is not set! Please set it.' : `${name} not set`);
    return 1;
  }
  const client = new Client(os, { ...inClusterConfig(os), userAgent: 'nfs-subdir-external-provisioner/v4.0.2' });
  const informers = new InformerFactory(os, client);
  const identity = `${driver}_${os.env['HOSTNAME'] ?? ''}_${os.sim.random(`nfs-subdir/${os.place}/${os.process.pid}`).uuid()}`;
  const recorder = new EventRecorder(os, client, { component: identity });
  void new ProvisionController({ os, client, informers, driver, recorder }, new Subdirectories(os, informers, server, path));
  informers.start();
  os.logError(`Started provisioner controller ${identity}!`);
  yield* stop.receive();
  return 0;
};

class Subdirectories implements VolumeMaker {
  readonly finalizer = null;
  readonly #os: Os;
  readonly #classes: Informer<StorageClass>;
  readonly #server: string;
  readonly #path: string;

  constructor(os: Os, informers: InformerFactory, server: string, path: string) {
    this.#os = os;
    this.#classes = informers.informer('storageclasses.storage.k8s.io');
    this.#server = server;
    this.#path = path.replace(/\/$/, '');
  }

  *make({ metadata, spec, ...claim }: PersistentVolumeClaim, found: StorageClass, name: string): Op<Draft<PersistentVolume>> {
    if (spec.selector !== undefined) throw new ProvisionError('claim Selector is not supported');
    const { files } = this.#os;
    const pattern = found.parameters?.['pathPattern'];
    const directory = pattern === undefined ? `${metadata.namespace}-${metadata.name}-${name}` : fill(pattern, metadata);
    files.mkdir(`${ROOT}/${directory}`);
    files.chmod(`${ROOT}/${directory}`, 0o777);
    yield* this.#os.sleep(20 * MILLISECOND);
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name },
      spec: {
        accessModes: spec.accessModes ?? [],
        capacity: { storage: sizeOfClaim({ ...claim, metadata, spec }) },
        claimRef: claimReferenceOf({ ...claim, metadata, spec }),
        nfs: { server: this.#server, path: `${this.#path}/${directory}` },
        persistentVolumeReclaimPolicy: found.reclaimPolicy ?? 'Delete',
        storageClassName: found.metadata.name,
        ...(found.mountOptions ? { mountOptions: found.mountOptions } : {}),
        volumeMode: 'Filesystem',
      },
    };
  }

  *delete({ metadata, spec }: PersistentVolume): Op<void> {
    const { files } = this.#os;
    const directory = (spec.nfs?.path ?? '').slice(this.#path.length + 1);
    const path = `${ROOT}/${directory}`;
    if (directory === '' || !files.exists(path)) return;
    yield* this.#os.sleep(20 * MILLISECOND);
    if (this.#classes.get('', spec.storageClassName ?? '')?.parameters?.['archiveOnDelete'] === 'false') {
      files.remove(path);
      return;
    }
    files.rename(path, `${ROOT}/archived-${directory}`);
    this.#os.logError(`archiving path ${path} to ${ROOT}/archived-${directory} for ${metadata.name}`);
  }
}

/** `${.PVC.namespace}/${.PVC.name}`, `${.PVC.labels.x}`, `${.PVC.annotations.x}`. */
function fill(pattern: string, { name, namespace = '', labels, annotations }: PersistentVolumeClaim['metadata']): string {
  return pattern.replace(/\$\{\.PVC\.([^}]+)\}/g, (_, key: string) => {
    if (key === 'name') return name;
    if (key === 'namespace') return namespace;
    if (key.startsWith('labels.')) return labels?.[key.slice('labels.'.length)] ?? '';
    return key.startsWith('annotations.') ? (annotations?.[key.slice('annotations.'.length)] ?? '') : '';
  });
}
