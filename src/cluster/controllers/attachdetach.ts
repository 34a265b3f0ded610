// The attach-detach controller (pkg/controller/volume/attachdetach with the CSI plug-in's attacher): a volume is attached to the
// nodes where Pods need it, by a VolumeAttachment that the driver's attacher fulfils, and detached when no Pod there does and the
// kubelet has unmounted it; from a node that is not healthy after six minutes by force.

import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../api/generated/types.ts';
import { conditionOf, isDeleting, keyOf } from '../api/meta.ts';
import { isTerminal } from '../api/quota/usage.ts';
import { isNotFound } from '../api/status.ts';
import { attachmentName, type CsiVolume, csiVolumeOf, inlineName, inlineVolumesOf, isExclusive, uniqueName } from '../api/storage/attachment.ts';
import type { Client } from '../client/client.ts';
import { runController } from '../client/controller.ts';
import type { EventRecorder } from '../client/events.ts';
import type { Informer } from '../client/informer.ts';
import { WorkQueue } from '../client/workqueue.ts';
import type { Os } from '../machine/process.ts';
import type { Op } from '../sim/simulation.ts';
import { MINUTE, SECOND, type Micros } from '../sim/time.ts';
import { AttachedVolumes } from './attachdetach-nodestatus.ts';
import { type Controller, type ControllerContext, subjectsOf } from './context.ts';
import { claimKeysOf, CLAIM_INDEX, indexPodsByClaim } from './pods-by-claim.ts';

const NAME = 'persistentvolume-attach-detach-controller';
/** How long a driver may take for one attachment. */
const ATTACH_TIMEOUT: Micros = 2 * MINUTE;
const MAX_WAIT_FOR_UNMOUNT: Micros = 6 * MINUTE;
const FIRST_BACKOFF: Micros = SECOND / 2;
const MAX_BACKOFF: Micros = 2 * MINUTE + 2 * SECOND;
const BY_VOLUME = 'volume';
const BY_INLINE = 'inline-volume';
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** What is under way for one volume on one node. */
interface Doing {
  attachingSince: Micros | null;
  /** No Pod there needs it since. */
  unwantedSince: Micros | null;
  backoff: Micros;
  retryAt: Micros;
  saidAttached: boolean;
  saidConflict: boolean;
}

export class AttachDetachController implements Controller {
  readonly #os: Os;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #claims: Informer<PersistentVolumeClaim>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #drivers: Informer<CSIDriver>;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #reported: AttachedVolumes;
  readonly #queue: WorkQueue;
  /** By volume, then by node. */
  readonly #doing = new Map<string, Map<string, Doing>>();

  constructor(context: ControllerContext) {
    const { os, informers } = context;
    this.#os = os;
    this.#client = context.client('attachdetach-controller');
    this.#recorder = context.recorder('attachdetach-controller', this.#client);
    this.#queue = new WorkQueue(os.sim);
    this.#pods = informers.informer('pods');
    this.#nodes = informers.informer('nodes');
    this.#claims = informers.informer('persistentvolumeclaims');
    this.#volumes = informers.informer('persistentvolumes');
    this.#drivers = informers.informer('csidrivers.storage.k8s.io');
    this.#attachments = informers.informer('volumeattachments.storage.k8s.io');
    this.#reported = new AttachedVolumes(this.#client, this.#nodes);
    indexPodsByClaim(this.#pods);
    this.#pods.addIndex(BY_INLINE, (pod) => inlineVolumesOf(pod).map(inlineName));
    this.#attachments.addIndex(BY_VOLUME, volumeNameOf);
    this.#follow();
  }

  #follow(): void {
    const look = (pod: Pod): void => {
      for (const key of claimKeysOf(pod) ?? []) this.#enqueue(this.#claims.getByKey(key));
      for (const csi of inlineVolumesOf(pod)) this.#queue.add(inlineName(csi));
    };
    this.#pods.addHandler({
      add: look,
      update: (before, pod) => {
        if (before.spec.nodeName !== pod.spec.nodeName || isTerminal(before) !== isTerminal(pod)) look(pod);
      },
      delete: look,
    });
    this.#claims.addHandler({ add: (claim) => this.#enqueue(claim), update: (_, claim) => this.#enqueue(claim) });
    this.#volumes.addHandler({ add: (volume) => this.#queue.add(keyOf(volume)) });
    const moved = (attachment: VolumeAttachment): void => {
      const name = volumeNameOf(attachment);
      if (name !== undefined) this.#queue.add(name);
    };
    this.#attachments.addHandler({ add: moved, update: (_, attachment) => moved(attachment), delete: moved });
    const changed = (node: Node): void => {
      for (const attachment of this.#attachments.list()) if (attachment.spec.nodeName === node.metadata.name) moved(attachment);
    };
    this.#nodes.addHandler({
      update: (before, node) => {
        if (before.status?.volumesInUse !== node.status?.volumesInUse || isHealthy(before) !== isHealthy(node) || before.spec?.taints !== node.spec?.taints) changed(node);
      },
      delete: changed,
    });
  }

  #enqueue(claim: PersistentVolumeClaim | undefined): void {
    if (claim?.spec.volumeName) this.#queue.add(claim.spec.volumeName);
  }

  run(): void {
    runController(this.#os, {
      name: NAME,
      queue: this.#queue,
      workers: 4,
      subject: subjectsOf('persistentvolumes'),
      sync: (name) => this.#sync(name),
    });
  }

  *#sync(name: string): Op<void> {
    const volume = this.#volumes.get('', name) ?? this.#inline(name);
    const csi = volume && csiVolumeOf(volume.spec);
    const attachments = this.#attachments.index(BY_VOLUME, name);
    if (!volume || !csi || this.#drivers.get('', csi.driver)?.spec.attachRequired === false) {
      if (attachments.length === 0) this.#doing.delete(name);
      if (!volume) for (const one of attachments) if (!isDeleting(one)) yield* this.#remove(one);
      return;
    }
    const wanted = this.#wantedOn(volume);
    for (const attachment of attachments) {
      if (!wanted.has(attachment.spec.nodeName)) yield* this.#detach(volume, csi, attachment);
    }
    for (const [node, pods] of wanted) yield* this.#attach(volume, csi, node, pods);
  }

  /** A disk that some Pod names itself, as a volume. */
  #inline(name: string): PersistentVolume | undefined {
    for (const pod of this.#pods.index(BY_INLINE, name)) {
      const csi = inlineVolumesOf(pod).find((v) => inlineName(v) === name);
      if (csi) return inlineVolume(name, csi);
    }
    const attachment = this.#attachments.index(BY_VOLUME, name)[0];
    return attachment?.spec.source.inlineVolumeSpec && { ...inlineVolume(name, { driver: '', handle: '' }), spec: attachment.spec.source.inlineVolumeSpec };
  }

  #usersOf({ metadata, spec }: PersistentVolume): readonly Pod[] {
    if (metadata.uid === undefined) return this.#pods.index(BY_INLINE, metadata.name);
    return this.#pods.index(CLAIM_INDEX, `${spec.claimRef?.namespace}/${spec.claimRef?.name}`);
  }

  /** The Pods that need the volume, by node. */
  #wantedOn(volume: PersistentVolume): ReadonlyMap<string, readonly Pod[]> {
    const wanted = new Map<string, Pod[]>();
    for (const pod of this.#usersOf(volume)) {
      const node = pod.spec.nodeName;
      if (!node || isTerminal(pod) || !this.#nodes.get('', node)) continue;
      const list = wanted.get(node);
      if (list) list.push(pod);
      else wanted.set(node, [pod]);
    }
    return wanted;
  }

  #doingOn(volume: string, node: string): Doing {
    let byNode = this.#doing.get(volume);
    if (!byNode) this.#doing.set(volume, (byNode = new Map()));
    let doing = byNode.get(node);
    if (!doing) {
      doing = { attachingSince: null, unwantedSince: null, backoff: FIRST_BACKOFF, retryAt: 0, saidAttached: false, saidConflict: false };
      byNode.set(node, doing);
    }
    return doing;
  }

  // ---- attaching

  *#attach(volume: PersistentVolume, csi: CsiVolume, node: string, pods: readonly Pod[]): Op<void> {
    const { sim } = this.#os;
    const name = volume.metadata.name;
    const doing = this.#doingOn(name, node);
    doing.unwantedSince = null;
    const attachment = this.#attachments.get('', attachmentName(csi, node));
    if (attachment && isDeleting(attachment)) return;
    if (attachment?.status.attached === true) {
      doing.attachingSince = null;
      yield* this.#reported.add(node, uniqueName(csi));
      if (!doing.saidAttached) this.#say(pods, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${name}" `);
      doing.saidAttached = true;
      return;
    }
    if (doing.retryAt > sim.now) {
      this.#queue.addAfter(name, doing.retryAt - sim.now);
      return;
    }
    const error = attachment?.status.attachError?.message;
    if (error !== undefined && doing.attachingSince !== null) {
      this.#failed(name, doing, pods, error);
      return;
    }
    if (!attachment && isExclusive(volume) && this.#isElsewhere(name, node)) {
      this.#conflict(volume, node, doing, pods);
      return;
    }
    doing.attachingSince ??= sim.now;
    if (!attachment) yield* this.#create(volume, csi, node);
    const left = doing.attachingSince + ATTACH_TIMEOUT - sim.now;
    if (left > 0) this.#queue.addAfter(name, left);
    else this.#failed(name, doing, pods, `timed out waiting for external-attacher of ${csi.driver} CSI driver to attach volume ${csi.handle}`);
  }

  *#create(volume: PersistentVolume, csi: CsiVolume, node: string): Op<void> {
    yield* this.#client.create('volumeattachments.storage.k8s.io', {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'VolumeAttachment',
      metadata: { name: attachmentName(csi, node) },
      spec: { attacher: csi.driver, nodeName: node, source: volume.metadata.uid === undefined ? { inlineVolumeSpec: volume.spec } : { persistentVolumeName: volume.metadata.name } },
    });
  }

  #failed(name: string, doing: Doing, pods: readonly Pod[], why: string): void {
    this.#say(pods, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume "${name}" : ${why}`);
    doing.attachingSince = null;
    doing.retryAt = this.#os.sim.now + doing.backoff;
    doing.backoff = Math.min(doing.backoff * 2, MAX_BACKOFF);
    this.#queue.addAfter(name, doing.retryAt - this.#os.sim.now);
  }

  #isElsewhere(volume: string, node: string): boolean {
    return this.#attachments.index(BY_VOLUME, volume).some((attachment) => attachment.spec.nodeName !== node);
  }

  /** Said once: it is tried again as soon as the other node has let go. */
  #conflict(volume: PersistentVolume, node: string, doing: Doing, pods: readonly Pod[]): void {
    if (doing.saidConflict) return;
    doing.saidConflict = true;
    const holders = new Set(this.#attachments.index(BY_VOLUME, volume.metadata.name).map((attachment) => attachment.spec.nodeName));
    const others = this.#usersOf(volume).filter((pod) => pod.spec.nodeName !== node && !isTerminal(pod) && holders.has(pod.spec.nodeName ?? ''));
    const why =
      others.length === 0
        ? "Volume is already exclusively attached to one node and can't be attached to another"
        : `Volume is already used by pod(s) ${others.map((pod) => pod.metadata.name).join(', ')}`;
    this.#say(pods, 'Warning', 'FailedAttachVolume', `Multi-Attach error for volume "${volume.metadata.name}" ${why}`);
  }

  #say(pods: readonly Pod[], type: 'Normal' | 'Warning', reason: string, message: string): void {
    for (const pod of pods) this.#recorder.event(pod, type, reason, message);
  }

  // ---- detaching

  *#detach(volume: PersistentVolume, csi: CsiVolume, attachment: VolumeAttachment): Op<void> {
    const { sim } = this.#os;
    const { nodeName } = attachment.spec;
    const name = volume.metadata.name;
    if (isDeleting(attachment)) return;
    const doing = this.#doingOn(name, nodeName);
    doing.unwantedSince ??= sim.now;
    const node = this.#nodes.get('', nodeName);
    const unique = uniqueName(csi);
    const mounted = node === undefined ? doing.saidAttached : (node.status?.volumesInUse?.includes(unique) ?? false);
    const left = doing.unwantedSince + MAX_WAIT_FOR_UNMOUNT - sim.now;
    const outOfService = node?.spec?.taints?.some((taint) => taint.key === OUT_OF_SERVICE) ?? false;
    if (mounted && !outOfService) {
      if (isHealthy(node)) return;
      if (left > 0) {
        this.#queue.addAfter(name, left);
        return;
      }
    }
    yield* this.#reported.remove(nodeName, unique);
    yield* this.#remove(attachment);
    this.#doing.get(name)?.delete(nodeName);
  }

  *#remove(attachment: VolumeAttachment): Op<void> {
    try {
      yield* this.#client.delete('volumeattachments.storage.k8s.io', '', attachment.metadata.name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

const isHealthy = (node: Node | undefined): boolean => conditionOf(node?.status?.conditions, 'Ready')?.status === 'True';

/** The PersistentVolume's name, or that of a disk which a Pod names itself. */
function volumeNameOf({ spec }: VolumeAttachment): string | undefined {
  const { persistentVolumeName, inlineVolumeSpec } = spec.source;
  const csi = inlineVolumeSpec && csiVolumeOf(inlineVolumeSpec);
  return persistentVolumeName ?? (csi && inlineName(csi));
}

const inlineVolume = (name: string, { driver, handle }: CsiVolume): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], csi: { driver, volumeHandle: handle } },
  status: {},
});
