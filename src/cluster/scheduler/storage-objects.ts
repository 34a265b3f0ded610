// Claims, volumes and classes for the volume plugins: watched from the first Pod on that has such a volume. What the scheduler
// itself has decided counts before the API server tells of it (upstream's assume caches).

import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
  VolumeAttachment,
} from '../api/generated/types.ts';
import { type ApiObject, keyOf } from '../api/meta.ts';
import type { StoredResource } from '../client/client.ts';
import type { Informer, InformerFactory } from '../client/informer.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import type { ClusterEvent, ClusterEventKind } from './events.ts';

/** Some volume of the Pod is of a kind that the volume plugins look at. */
export function usesStorage({ spec }: Pod): boolean {
  for (const v of spec.volumes ?? []) {
    if (v.projected || v.configMap || v.emptyDir || v.secret) continue;
    if (v.persistentVolumeClaim || v.ephemeral || v.csi || v.gcePersistentDisk || v.awsElasticBlockStore || v.iscsi || v.rbd) return true;
  }
  return false;
}

interface Watched {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  readonly nodes: Informer<CSINode>;
  readonly drivers: Informer<CSIDriver>;
  readonly capacities: Informer<CSIStorageCapacity>;
  readonly attachments: Informer<VolumeAttachment>;
}

const newer = (a: ApiObject, b: ApiObject): boolean => Number(a.metadata.resourceVersion ?? 0) > Number(b.metadata.resourceVersion ?? 0);

export class StorageObjects {
  readonly #os: Os;
  readonly #factory: InformerFactory;
  #watched: Watched | null = null;
  #move: (event: ClusterEvent) => void = () => {};
  #following = false;
  readonly #assumedClaims = new Map<string, PersistentVolumeClaim>();
  readonly #assumedVolumes = new Map<string, PersistentVolume>();
  /** Called with each change of a claim. */
  readonly onClaim = new Set<() => void>();
  ready = false;

  constructor(os: Os, factory: InformerFactory) {
    this.#os = os;
    this.#factory = factory;
  }

  follow(move: (event: ClusterEvent) => void): void {
    if (this.#following) return;
    this.#following = true;
    this.#move = move;
  }

  /** Begins to watch, if nobody has asked before. `ready` comes later, with an event. */
  start(): void {
    if (this.#watched !== null) return;
    const informers = {
      claims: this.#informer('persistentvolumeclaims', 'PersistentVolumeClaim'),
      volumes: this.#informer('persistentvolumes', 'PersistentVolume'),
      classes: this.#informer('storageclasses.storage.k8s.io', 'StorageClass'),
      nodes: this.#informer('csinodes.storage.k8s.io', 'CSINode'),
      drivers: this.#informer('csidrivers.storage.k8s.io', 'CSIDriver'),
      capacities: this.#informer('csistoragecapacities.storage.k8s.io', 'CSIStorageCapacity'),
      attachments: this.#informer('volumeattachments.storage.k8s.io', 'VolumeAttachment'),
    };
    this.#watched = informers;
    informers.claims.addHandler({ update: (_, claim) => this.#settle(this.#assumedClaims, claim), delete: (claim) => void this.#assumedClaims.delete(keyOf(claim)) });
    informers.volumes.addHandler({ update: (_, volume) => this.#settle(this.#assumedVolumes, volume), delete: (volume) => void this.#assumedVolumes.delete(keyOf(volume)) });
    const tell = (): void => {
      for (const listener of this.onClaim) listener();
    };
    informers.claims.addHandler({ update: tell, delete: tell });
    this.#factory.start();
    this.#os.go('storage informers', () => this.#wait(Object.values(informers)));
  }

  *#wait(informers: readonly { waitForSync(): Op<void> }[]): Op<void> {
    for (const informer of informers) yield* informer.waitForSync();
    this.ready = true;
    this.#move({ kind: 'StorageClassAdd', before: null, after: null });
  }

  #informer<R extends StoredResource>(resource: R, kind: 'PersistentVolumeClaim' | 'PersistentVolume' | 'StorageClass' | 'CSINode' | 'CSIDriver' | 'CSIStorageCapacity' | 'VolumeAttachment') {
    const informer = this.#factory.informer(resource);
    const tell = (event: 'Add' | 'Update' | 'Delete', before: unknown, after: unknown): void => {
      if (this.ready) this.#move({ kind: `${kind}${event}` satisfies ClusterEventKind, before, after });
    };
    informer.addHandler({
      add: (object) => tell('Add', null, object),
      update: (before, after) => tell('Update', before, after),
      delete: (object) => tell('Delete', object, null),
    });
    return informer;
  }

  #settle<T extends ApiObject>(assumed: Map<string, T>, object: T): void {
    if (assumed.size === 0) return;
    const mine = assumed.get(keyOf(object));
    if (mine !== undefined && newer(object, mine)) assumed.delete(keyOf(object));
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    const key = `${namespace}/${name}`;
    return this.#watched?.claims.getByKey(key) && (this.#assumedClaims.get(key) ?? this.#watched.claims.getByKey(key));
  }

  /** As the API server has it. */
  storedClaim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return this.#watched?.claims.get(namespace, name);
  }

  volume(name: string): PersistentVolume | undefined {
    return this.#watched?.volumes.get('', name) && (this.#assumedVolumes.get(name) ?? this.#watched.volumes.get('', name));
  }

  volumes(): readonly PersistentVolume[] {
    const known = this.#watched?.volumes.list() ?? [];
    return this.#assumedVolumes.size === 0 ? known : known.map((volume) => this.#assumedVolumes.get(volume.metadata.name) ?? volume);
  }

  storageClass(name: string): StorageClass | undefined {
    return this.#watched?.classes.get('', name);
  }

  csiNode(name: string): CSINode | undefined {
    return this.#watched?.nodes.get('', name);
  }

  driver(name: string): CSIDriver | undefined {
    return this.#watched?.drivers.get('', name);
  }

  capacities(): readonly CSIStorageCapacity[] {
    return this.#watched?.capacities.list() ?? [];
  }

  attachments(): readonly VolumeAttachment[] {
    return this.#watched?.attachments.list() ?? [];
  }

  assumeClaim(claim: PersistentVolumeClaim): void {
    this.#assumedClaims.set(keyOf(claim), claim);
  }

  assumeVolume(volume: PersistentVolume): void {
    this.#assumedVolumes.set(volume.metadata.name, volume);
  }

  forgetClaim(key: string): void {
    this.#assumedClaims.delete(key);
  }

  forgetVolume(name: string): void {
    this.#assumedVolumes.delete(name);
  }
}
