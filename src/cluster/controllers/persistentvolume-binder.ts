// The volume binder (pkg/controller/volume/persistentvolume): gives each claim a volume, by what it asks for or by name; says what
// an unbound claim waits for; asks provisioners for new volumes; and deals with volumes whose claims are gone.

import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../api/generated/types.ts';
import { keyOf } from '../api/meta.ts';
import { isNotFound } from '../api/status.ts';
import { MIGRATED } from '../api/storage/provisioners.ts';
import {
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  classOfClaim,
  defaultClassOf,
  findBestMatch,
  isBoundTo,
  mismatch,
  namesClass,
  PROVISIONED_BY,
  sameVolumeMode,
  SELECTED_NODE,
} from '../api/storage/volume-match.ts';
import type { Client } from '../client/client.ts';
import { isProgrammingError } from '../client/errors.ts';
import { runController } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op, Timer } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { CLAIM_INDEX, indexPodsByClaim } from './pods-by-claim.ts';
import { Latest } from './latest.ts';
import { VolumeReclaim } from './persistentvolume-reclaim.ts';
import { VolumeWrites } from './persistentvolume-writes.ts';

const NAME = 'persistentvolume-binder-controller';
/** --pvclaimbinder-sync-period: claims that wait and volumes that could not be reclaimed are looked at again. */
const RESYNC: Micros = 15 * SECOND;
const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
const OLD_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';

export class VolumeBinder implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #claims: Latest<PersistentVolumeClaim>;
  readonly #volumes: Latest<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #pods: Informer<Pod>;
  readonly #writes: VolumeWrites;
  readonly #reclaim: VolumeReclaim;
  readonly #claimQueue: WorkQueue;
  readonly #volumeQueue: WorkQueue;
  /** Keys of claims and names of volumes that the next resync is for. */
  readonly #openClaims = new Set<string>();
  readonly #openVolumes = new Set<string>();
  readonly #started: Micros;
  #timer: Timer | null = null;

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client('persistent-volume-binder');
    this.#recorder = context.recorder('persistentvolume-controller', this.#client);
    this.#claimQueue = new WorkQueue(os.sim);
    this.#volumeQueue = new WorkQueue(os.sim);
    this.#started = os.sim.now;
    const claims = informers.informer('persistentvolumeclaims');
    const volumes = informers.informer('persistentvolumes');
    this.#classes = informers.informer('storageclasses.storage.k8s.io');
    this.#pods = informers.informer('pods');
    indexPodsByClaim(this.#pods);
    this.#claims = new Latest(claims);
    this.#volumes = new Latest(volumes);
    this.#writes = new VolumeWrites(this.#client, this.#recorder, this.#claims, this.#volumes);
    this.#reclaim = new VolumeReclaim(os, this.#client, this.#recorder, this.#writes, this.#pods);
    const claimed = (claim: PersistentVolumeClaim): void => this.#claimQueue.add(keyOf(claim));
    const changed = (volume: PersistentVolume): void => this.#volumeQueue.add(keyOf(volume));
    claims.addHandler({
      add: claimed,
      update: (_, claim) => claimed(claim),
      delete: (claim) => {
        this.#openClaims.delete(keyOf(claim));
        if (claim.spec.volumeName) this.#volumeQueue.add(claim.spec.volumeName);
        else for (const volume of this.#volumes.list()) if (volume.spec.claimRef?.uid === claim.metadata.uid) changed(volume);
      },
    });
    volumes.addHandler({
      add: changed,
      update: (_, volume) => changed(volume),
      delete: (volume) => {
        this.#openVolumes.delete(keyOf(volume));
        const ref = volume.spec.claimRef;
        if (ref?.name) this.#claimQueue.add(`${ref.namespace}/${ref.name}`);
      },
    });
  }

  *run(): Op<void> {
    const options = { name: NAME, workers: 1 };
    // Upstream's has run long before the first claim: to that one, volumes of the same file are known.
    for (const volume of this.#volumes.list()) {
      try {
        yield* this.syncVolume(volume.metadata.name);
      } catch (error) {
        if (isProgrammingError(error)) throw error;
      }
    }
    runController(this.#os, {
      ...options,
      queue: this.#volumeQueue,
      subject: subjectsOf('persistentvolumes'),
      sync: (name) => this.syncVolume(name),
    });
    runController(this.#os, {
      ...options,
      queue: this.#claimQueue,
      subject: subjectsOf('persistentvolumeclaims'),
      sync: (key) => this.syncClaim(key),
    });
  }

  /** Upstream looks at everything every 15 seconds; what is bound needs no second look. */
  #arm(): void {
    if (this.#timer !== null || this.#openClaims.size + this.#openVolumes.size === 0) return;
    const { sim } = this.#os;
    const cause = sim.cause;
    sim.cause = null;
    this.#timer = sim.after(RESYNC - ((sim.now - this.#started) % RESYNC), () => {
      this.#timer = null;
      sim.cause = null;
      for (const key of this.#openVolumes) this.#volumeQueue.add(key);
      for (const key of this.#openClaims) this.#claimQueue.add(key);
      this.#arm();
    });
    sim.cause = cause;
  }

  // ---- claims

  /** Brings one claim on, by its key. */
  *syncClaim(key: string): Op<void> {
    const claim = this.#claims.get(key);
    if (!claim) return;
    if (claim.metadata.annotations?.[BIND_COMPLETED] !== undefined) {
      yield* this.#syncBound(claim);
      this.#openClaims.delete(key);
      return;
    }
    this.#openClaims.add(key);
    yield* claim.spec.volumeName ? this.#syncNamed(claim, claim.spec.volumeName) : this.#syncUnbound(claim);
    if (this.#claims.get(key)?.metadata.annotations?.[BIND_COMPLETED] !== undefined) this.#openClaims.delete(key);
    else this.#arm();
  }

  *#syncUnbound(claim: PersistentVolumeClaim): Op<void> {
    const delayed = this.#classOf(claim)?.volumeBindingMode === 'WaitForFirstConsumer';
    const volume = findBestMatch(claim, this.#volumes.list(), delayed);
    if (volume) {
      yield* this.#writes.bind(volume, claim);
      return;
    }
    if (yield* this.#assignDefaultClass(claim)) return;
    if (delayed && claim.metadata.annotations?.[SELECTED_NODE] === undefined) this.#sayWhoIsAwaited(claim);
    else if (classOfClaim(claim) !== '') {
      yield* this.#provision(claim);
      return;
    } else {
      this.#recorder.event(claim, 'Normal', 'FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
    }
    yield* this.#writes.setClaim(claim, 'Pending');
  }

  #classOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    const name = classOfClaim(claim);
    return name === '' ? undefined : this.#classes.get('', name);
  }

  /** A claim that was made before there was a default class gets it as soon as there is one. */
  *#assignDefaultClass(claim: PersistentVolumeClaim): Op<boolean> {
    if (namesClass(claim)) return false;
    const found = defaultClassOf(this.#classes.list());
    if (!found) return false;
    yield* this.#writes.saveClaim({ ...claim, spec: { ...claim.spec, storageClassName: found.metadata.name } });
    return true;
  }

  #sayWhoIsAwaited(claim: PersistentVolumeClaim): void {
    const waiting = this.#pods.index(CLAIM_INDEX, keyOf(claim)).filter((pod) => !pod.spec.nodeName);
    if (waiting.length === 0) {
      this.#recorder.event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
      return;
    }
    const names = waiting.map((pod) => pod.metadata.name).join(',');
    this.#recorder.event(claim, 'Normal', 'WaitForPodScheduled', `waiting for pod${waiting.length > 1 ? 's' : ''} ${names} to be scheduled`);
  }

  /** Asks for a new volume: the annotation is what external provisioners look for. */
  *#provision(claim: PersistentVolumeClaim): Op<void> {
    const name = classOfClaim(claim);
    const storageClass = this.#classes.get('', name);
    const fail = (message: string): void => this.#recorder.event(claim, 'Warning', 'ProvisioningFailed', message);
    if (!storageClass) return fail(`storageclass.storage.k8s.io "${name}" not found`);
    const { provisioner } = storageClass;
    const driver = MIGRATED[provisioner] ?? provisioner;
    if (driver.startsWith('kubernetes.io/')) return fail(`no volume plugin matched name: ${provisioner}`);
    const { annotations } = claim.metadata;
    let asked = claim;
    if (annotations?.[PROVISIONER] !== driver) {
      const wanted = { ...annotations, [OLD_PROVISIONER]: driver, [PROVISIONER]: driver };
      asked = yield* this.#writes.saveClaim({ ...claim, metadata: { ...claim.metadata, annotations: wanted } });
    }
    this.#recorder.event(
      asked,
      'Normal',
      'ExternalProvisioning',
      `Waiting for a volume to be created either by the external provisioner '${driver}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
    );
  }

  /** The claim asks for a volume by name. */
  *#syncNamed(claim: PersistentVolumeClaim, name: string): Op<void> {
    const volume = this.#volumes.get(name);
    if (volume && volume.spec.claimRef === undefined) {
      const why = mismatch(volume, claim);
      if (why === undefined) {
        yield* this.#writes.bind(volume, claim);
        return;
      }
      this.#recorder.event(claim, 'Warning', 'VolumeMismatch', `Cannot bind to requested volume "${name}": ${why}`);
    } else if (volume && isBoundTo(volume, claim)) {
      yield* this.#writes.bind(volume, claim);
      return;
    } else if (volume && claim.metadata.annotations?.[BOUND_BY_CONTROLLER] === undefined) {
      this.#recorder.event(claim, 'Warning', 'FailedBinding', `volume "${name}" already bound to a different claim.`);
    } else if (volume) {
      const { namespace, name: other } = volume.spec.claimRef ?? {};
      throw new Error(`invalid binding of claim "${keyOf(claim)}" to volume "${name}": volume already claimed by "${namespace}/${other}"`);
    }
    yield* this.#writes.setClaim(claim, 'Pending');
  }

  *#syncBound(claim: PersistentVolumeClaim): Op<void> {
    const { volumeName = '' } = claim.spec;
    if (volumeName === '') {
      yield* this.#writes.loseClaim(claim, 'ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
      return;
    }
    const volume = this.#volumes.get(volumeName);
    if (!volume) yield* this.#writes.loseClaim(claim, 'ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
    else if (volume.spec.claimRef === undefined || volume.spec.claimRef.uid === claim.metadata.uid) yield* this.#writes.bind(volume, claim);
    else {
      const message = 'Two claims are bound to the same volume, this one is bound incorrectly';
      yield* this.#writes.loseClaim(claim, 'ClaimMisbound', message);
    }
  }

  // ---- volumes

  /** Brings one volume on. */
  *syncVolume(name: string): Op<void> {
    const volume = this.#volumes.get(name);
    if (!volume) return;
    const ref = volume.spec.claimRef;
    if ((ref?.uid ?? '') === '') {
      yield* this.#writes.setPhase(volume, 'Available');
      return;
    }
    const key = `${ref?.namespace}/${ref?.name}`;
    const claim = yield* this.#claimOf(volume, key);
    if (claim === undefined) yield* this.#release(volume);
    else if ((claim.spec.volumeName ?? '') === '') {
      if (sameVolumeMode(volume, claim)) this.#claimQueue.add(key);
      else {
        const says = (what: string): string => `Cannot bind PersistentVolume${what} due to incompatible volumeMode.`;
        this.#recorder.event(volume, 'Warning', 'VolumeMismatch', says(` to requested PersistentVolumeClaim "${claim.metadata.name}"`));
        this.#recorder.event(claim, 'Warning', 'VolumeMismatch', says(` "${name}" to requested PersistentVolumeClaim`));
      }
    } else if (claim.spec.volumeName === name) yield* this.#writes.setPhase(volume, 'Bound');
    else if (volume.metadata.annotations?.[PROVISIONED_BY] !== undefined && volume.spec.persistentVolumeReclaimPolicy === 'Delete') {
      yield* this.#release(volume);
    } else yield* this.#writes.unbind(volume);
  }

  /** The claim that the volume names, if it is still that one. Before it counts as gone the API server is asked. */
  *#claimOf(volume: PersistentVolume, key: string): Op<PersistentVolumeClaim | undefined> {
    let claim = this.#claims.get(key);
    const over = volume.status.phase === 'Released' || volume.status.phase === 'Failed';
    if (!claim && !over) {
      try {
        claim = yield* this.#client.get('persistentvolumeclaims', volume.spec.claimRef?.namespace ?? '', volume.spec.claimRef?.name ?? '');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return claim?.metadata.uid === volume.spec.claimRef?.uid ? claim : undefined;
  }

  *#release(volume: PersistentVolume): Op<void> {
    const over = volume.status.phase === 'Released' || volume.status.phase === 'Failed';
    const released = over ? volume : yield* this.#writes.setPhase(volume, 'Released');
    if (volume.spec.persistentVolumeReclaimPolicy !== 'Retain') {
      this.#openVolumes.add(volume.metadata.name);
      this.#arm();
    }
    yield* this.#reclaim.reclaim(released);
  }
}
