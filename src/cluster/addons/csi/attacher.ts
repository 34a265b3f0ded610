// external-attacher (kubernetes-csi): has its driver plug volumes into nodes as VolumeAttachments ask, and out again.

import type { CSINode, PersistentVolume, VolumeAttachment } from '../../api/generated/types.ts';
import { isDeleting } from '../../api/meta.ts';
import { isNotFound } from '../../api/status.ts';
import { csiVolumeOf } from '../../api/storage/attachment.ts';
import type { ControllerPublishResponse } from '../../api/storage/csi.ts';
import type { Informer } from '../../client/informer.ts';
import type { WorkQueue } from '../../client/workqueue.ts';
import { RpcError } from '../../network/grpc.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Subject } from '../../sim/trace.ts';
import { capabilityOf, type Sidecar, sidecarProgram, withFinalizer, withoutFinalizer, work } from './sidecar.ts';

export const attacherProgram = sidecarProgram('csi-attacher', (sidecar) => void new Attacher(sidecar));

class Attacher {
  readonly #sidecar: Sidecar;
  readonly #attachments: Informer<VolumeAttachment>;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #nodes: Informer<CSINode>;
  readonly #queue: WorkQueue;
  readonly #volumeQueue: WorkQueue;
  readonly #finalizer: string;

  constructor(sidecar: Sidecar) {
    this.#sidecar = sidecar;
    this.#finalizer = `external-attacher/${sidecar.driver.replaceAll('.', '-')}`;
    this.#attachments = sidecar.informers.informer('volumeattachments.storage.k8s.io');
    this.#volumes = sidecar.informers.informer('persistentvolumes');
    this.#nodes = sidecar.informers.informer('csinodes.storage.k8s.io');
    this.#queue = work(sidecar, 'attachments', (name) => this.#sync(name));
    this.#volumeQueue = work(sidecar, 'volumes', (name) => this.#letGo(name));
    const look = (attachment: VolumeAttachment): void => {
      if (attachment.spec.attacher === sidecar.driver) this.#queue.add(attachment.metadata.name);
    };
    this.#attachments.addHandler({
      add: look,
      update: (_, attachment) => look(attachment),
      delete: ({ spec }) => {
        if (spec.source.persistentVolumeName !== undefined) this.#volumeQueue.add(spec.source.persistentVolumeName);
      },
    });
    this.#volumes.addHandler({
      update: (_, volume) => {
        if (isDeleting(volume)) this.#volumeQueue.add(volume.metadata.name);
      },
    });
  }

  *#sync(name: string): Op<void> {
    const attachment = this.#attachments.get('', name);
    if (!attachment) return;
    const volume = this.#volumes.get('', attachment.spec.source.persistentVolumeName ?? '');
    if (isDeleting(attachment)) yield* this.#detach(attachment, volume);
    else if (attachment.status?.attached !== true) yield* this.#attach(attachment, volume);
  }

  *#attach(attachment: VolumeAttachment, volume: PersistentVolume | undefined): Op<void> {
    const { client, call, driver } = this.#sidecar;
    const { name } = attachment.metadata;
    const { nodeName, source } = attachment.spec;
    const csi = volume && csiVolumeOf(volume.spec);
    if (!volume || !csi) {
      yield* this.#fail(name, 'attachError', `persistentvolume "${source.persistentVolumeName ?? ''}" not found`);
      return;
    }
    const node = this.#nodes.get('', nodeName)?.spec.drivers.find((d) => d.name === driver);
    if (!node) {
      yield* this.#fail(name, 'attachError', `CSINode ${nodeName} does not contain driver ${driver}`);
      throw new Error(`CSINode ${nodeName} does not contain driver ${driver}`);
    }
    const held = withFinalizer(volume, this.#finalizer);
    if (held) yield* client.update('persistentvolumes', held);
    const marked = withFinalizer(attachment, this.#finalizer) ?? attachment;
    const annotations = { ...marked.metadata.annotations, 'csi.alpha.kubernetes.io/node-id': node.nodeID };
    yield* client.update('volumeattachments.storage.k8s.io', { ...marked, metadata: { ...marked.metadata, annotations } });
    const request = { volumeId: csi.handle, nodeId: node.nodeID, readOnly: false, capability: capabilityOf(volume) };
    try {
      const { publishContext } = yield* call<ControllerPublishResponse>('ControllerPublishVolume', request, subjectOf(volume));
      yield* client.patch('volumeattachments.storage.k8s.io', '', name, { status: { attached: true, attachmentMetadata: publishContext, attachError: null } }, 'merge', 'status');
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      yield* this.#fail(name, 'attachError', error.message);
      throw error;
    }
  }

  *#detach(attachment: VolumeAttachment, volume: PersistentVolume | undefined): Op<void> {
    const { client, call } = this.#sidecar;
    const { name } = attachment.metadata;
    const csi = volume && csiVolumeOf(volume.spec);
    const nodeId = attachment.metadata.annotations?.['csi.alpha.kubernetes.io/node-id'];
    if (csi && volume && nodeId !== undefined) {
      try {
        yield* call('ControllerUnpublishVolume', { volumeId: csi.handle, nodeId }, subjectOf(volume));
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        yield* this.#fail(name, 'detachError', error.message);
        throw error;
      }
    }
    const latest = yield* client.get('volumeattachments.storage.k8s.io', '', name);
    const freed = withoutFinalizer(latest, this.#finalizer);
    if (freed) yield* client.update('volumeattachments.storage.k8s.io', freed);
  }

  *#fail(name: string, field: 'attachError' | 'detachError', message: string): Op<void> {
    const { client, os } = this.#sidecar;
    try {
      yield* client.patch('volumeattachments.storage.k8s.io', '', name, { status: { attached: false, [field]: { message, time: os.sim.time() } } }, 'merge', 'status');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** A volume that is being deleted and attached nowhere. */
  *#letGo(name: string): Op<void> {
    const volume = this.#volumes.get('', name);
    if (!volume || !isDeleting(volume) || this.#attachments.list().some((a) => a.spec.source.persistentVolumeName === name)) return;
    const freed = withoutFinalizer(volume, this.#finalizer);
    if (freed) yield* this.#sidecar.client.update('persistentvolumes', freed);
  }
}

const subjectOf = ({ metadata }: PersistentVolume): Subject => ({ group: '', resource: 'persistentvolumes', kind: 'PersistentVolume', namespace: '', name: metadata.name });
