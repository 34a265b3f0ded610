// CSI volumes on a node (pkg/volume/csi): wait until the volume is attached, have the driver stage it once for the node, publish it
// for each Pod, and the same way back.

import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, Volume, VolumeAttachment } from '../api/generated/types.ts';
import { isNotFound } from '../api/status.ts';
import { compareQuantity, quantityValue } from '../api/quantity.ts';
import { attachmentName, type CsiVolume, stagingName, uniqueName } from '../api/storage/attachment.ts';
import type { VolumeCapability } from '../api/storage/csi.ts';
import { isProgrammingError, messageOf } from '../client/errors.ts';
import { callGrpc, RpcError } from '../network/grpc.ts';
import type { Op } from '../sim/simulation.ts';
import { podSubject, podUid } from './context.ts';
import type { CsiPlugins } from './csi-plugins.ts';
import { MountError } from './mount-error.ts';
import { type Spec, WAIT } from './storage.ts';
import type { StorageHooks } from './storage-volumes.ts';
import { podDirectory } from './volumes.ts';

const PLUGINS = '/var/lib/kubelet/plugins/kubernetes.io/csi';
const POD_INFO = 'csi.storage.k8s.io';

/** A volume that is published for a Pod. */
export interface CsiMounted {
  readonly driver: string;
  readonly handle: string;
  readonly path: string;
  /** '' for one that came with the Pod. */
  readonly staging: string;
}

interface Staged {
  /** UIDs of Pods for which it is published. */
  readonly users: Set<string>;
  staged: boolean;
}

export class CsiMounts {
  readonly #hooks: StorageHooks;
  readonly #plugins: CsiPlugins;
  /** Attachable volumes that Pods here need, by unique name, with those Pods' UIDs. */
  readonly #needed = new Map<string, Set<string>>();
  #reported: ReadonlySet<string> = new Set();
  readonly #staged = new Map<string, Staged>();
  /** Pods that wait for an attachment. */
  readonly #waiting = new Set<string>();
  #attached: Node['status']['volumesAttached'];
  #inUse: readonly string[] = [];

  constructor(hooks: StorageHooks, plugins: CsiPlugins) {
    this.#hooks = hooks;
    this.#plugins = plugins;
  }

  get inUse(): readonly string[] {
    return this.#inUse;
  }

  reported(inUse: readonly string[]): void {
    this.#reported = new Set(inUse);
    this.#wake();
  }

  observe(node: Node): void {
    if (node.status?.volumesAttached === this.#attached) return;
    this.#attached = node.status?.volumesAttached;
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const uid of waiting) this.#hooks.sync(uid);
  }

  // ---- publishing

  *publish(pod: Pod, spec: Spec, csi: CsiVolume): Op<CsiMounted> {
    const { name, volume } = spec;
    const object = yield* this.#driverObject(name, csi.driver);
    const publishContext = object?.spec.attachRequired === false ? NO_CONTEXT : yield* this.#awaitAttachment(pod, name, csi);
    const endpoint = this.#plugins.endpoint(csi.driver);
    const missing = `driver name ${csi.driver} not found in the list of registered CSI drivers`;
    if (endpoint === undefined) throw failure('MountDevice', name, `kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: ${missing}`);
    const capability = capabilityOf(volume);
    const staging = capability.block ? `${PLUGINS}/volumeDevices/staging/${name}` : `${PLUGINS}/${csi.driver}/${stagingName(csi)}/globalmount`;
    const volumeContext = volume?.spec.csi?.volumeAttributes ?? {};
    const request = { volumeId: csi.handle, publishContext, stagingTargetPath: staging, capability, volumeContext };
    const staged = this.#stagedOf(csi);
    if (!staged.staged) {
      yield* this.#call(pod, name, 'MountDevice', endpoint, 'NodeStageVolume', request);
      staged.staged = true;
    }
    const ofPod = podDirectory(podUid(pod));
    const path = capability.block ? `${PLUGINS}/volumeDevices/publish/${name}/${podUid(pod)}` : `${ofPod}/volumes/kubernetes.io~csi/${name}/mount`;
    const info = podInfo(pod, object, false);
    yield* this.#call(pod, name, 'SetUp', endpoint, 'NodePublishVolume', { ...request, volumeContext: { ...volumeContext, ...info }, targetPath: path, readOnly: spec.readOnly });
    staged.users.add(podUid(pod));
    if (capability.block) {
      const mapped = `MapVolume.MapPodDevice succeeded for volume "${name}"`;
      const { events } = this.#hooks.context;
      events.pod(pod, 'Normal', 'SuccessfulMountVolume', `${mapped} globalMapPath "${PLUGINS}/volumeDevices/${name}/dev"`);
      events.pod(pod, 'Normal', 'SuccessfulMountVolume', `${mapped} volumeMapPath "${ofPod}/volumeDevices/kubernetes.io~csi"`);
    }
    return { driver: csi.driver, handle: csi.handle, path, staging };
  }

  /** A volume that is named in the Pod itself. */
  *publishInline(pod: Pod, volume: Volume): Op<CsiMounted> {
    const source = volume.csi;
    const driver = source?.driver ?? '';
    const object = yield* this.#driverObject(volume.name, driver);
    const modes = object?.spec.volumeLifecycleModes ?? ['Persistent'];
    if (!object || !modes.includes('Ephemeral')) {
      const why = object ? `(only supports ${JSON.stringify(modes).replaceAll(',', ' ')})` : '(no CSIDriver object)';
      throw failure('NewMounter initialization', volume.name, `volume mode "Ephemeral" not supported by driver ${driver} ${why}`);
    }
    const endpoint = this.#plugins.endpoint(driver);
    if (endpoint === undefined) {
      throw failure('SetUp', volume.name, `kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name ${driver} not found in the list of registered CSI drivers`);
    }
    const handle = `csi-${stagingName({ driver, handle: `${podUid(pod)}${volume.name}` })}`;
    const path = `${podDirectory(podUid(pod))}/volumes/kubernetes.io~csi/${volume.name}/mount`;
    const volumeContext = { ...source?.volumeAttributes, ...podInfo(pod, object, true) };
    const capability = { accessMode: 'ReadWriteOnce', fsType: source?.fsType ?? '', block: false };
    const request = { volumeId: handle, publishContext: {}, stagingTargetPath: '', capability, volumeContext, targetPath: path, readOnly: source?.readOnly === true };
    yield* this.#call(pod, volume.name, 'SetUp', endpoint, 'NodePublishVolume', request);
    return { driver, handle, path, staging: '' };
  }

  *#driverObject(volume: string, driver: string): Op<CSIDriver | undefined> {
    try {
      return yield* this.#plugins.driverObject(driver);
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw failure('MountDevice', volume, messageOf(error));
    }
  }

  /** The context that the attachment gave; waits (by MountError) until the controller says that the volume is attached here. */
  *#awaitAttachment(pod: Pod, name: string, csi: CsiVolume): Op<Readonly<Record<string, string>>> {
    const unique = uniqueName(csi);
    const uid = podUid(pod);
    this.#need(unique, uid);
    const attached = this.#hooks.node()?.status?.volumesAttached?.some((v) => v.name === unique) ?? false;
    // The controller must know that the volume is in use before it is.
    if (!attached || !this.#reported.has(unique)) {
      this.#waiting.add(uid);
      throw new MountError(name, 'waiting for the volume to be attached', { event: null, retry: WAIT });
    }
    const { client, nodeName } = this.#hooks.context;
    let attachment: VolumeAttachment | undefined;
    try {
      attachment = yield* client?.get('volumeattachments.storage.k8s.io', '', attachmentName(csi, nodeName)) ?? [];
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw failure('WaitForAttach', name, `volume ${csi.handle} has GET error for volume attachment ${attachmentName(csi, nodeName)}: ${messageOf(error)}`);
    }
    if (attachment?.status.attached !== true) throw failure('WaitForAttach', name, `volume attachment is being deleted`);
    return attachment.status.attachmentMetadata ?? {};
  }

  #need(unique: string, uid: string): void {
    let pods = this.#needed.get(unique);
    if (!pods) {
      this.#needed.set(unique, (pods = new Set()));
      this.#inUse = [...this.#needed.keys()];
    }
    pods.add(uid);
  }

  #stagedOf(csi: CsiVolume): Staged {
    const unique = uniqueName(csi);
    let staged = this.#staged.get(unique);
    if (!staged) this.#staged.set(unique, (staged = { users: new Set(), staged: false }));
    return staged;
  }

  *#call(pod: Pod, name: string, stage: string, endpoint: string, method: string, request: object): Op<void> {
    try {
      yield* callGrpc(this.#hooks.context.os, endpoint, method, request, { subject: podSubject(pod) });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      throw failure(stage, name, error.message);
    }
  }

  // ---- growing

  /** NodeExpandVolume where the volume has become larger than the claim knows. */
  *grow(pod: Pod, volume: Volume, { driver, handle, path }: CsiMounted): Op<void> {
    const { client, os, events, nodeName } = this.#hooks.context;
    const endpoint = this.#plugins.endpoint(driver);
    const { namespace = '' } = pod.metadata;
    const name = volume.persistentVolumeClaim?.claimName ?? `${pod.metadata.name}-${volume.name}`;
    if (!client || endpoint === undefined) return;
    let claim: PersistentVolumeClaim;
    let persistent: PersistentVolume;
    try {
      claim = yield* client.get('persistentvolumeclaims', namespace, name);
      if (!claim.status.conditions?.some((c) => c.type === 'FileSystemResizePending')) return;
      persistent = yield* client.get('persistentvolumes', '', claim.spec.volumeName ?? '');
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    const size = persistent.spec.capacity?.['storage'] ?? '0';
    if (compareQuantity(size, claim.status.capacity?.['storage'] ?? '0') <= 0) return;
    const about = `MountVolume.NodeExpandVolume`;
    try {
      yield* callGrpc(os, endpoint, 'NodeExpandVolume', { volumeId: handle, volumePath: path, requiredBytes: quantityValue(size) }, { subject: podSubject(pod) });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      events.pod(pod, 'Warning', 'VolumeResizeFailed', `${about} failed for volume "${persistent.metadata.name}" : ${error.message}`);
      return;
    }
    const { allocatedResourceStatuses: _, conditions: before = [], ...status } = claim.status;
    const conditions = before.filter((c) => c.type !== 'FileSystemResizePending' && c.type !== 'Resizing');
    yield* client.updateStatus('persistentvolumeclaims', { ...claim, status: { ...status, capacity: { ...status.capacity, storage: size }, ...(conditions.length > 0 ? { conditions } : {}) } });
    const message = `${about} succeeded for volume "${persistent.metadata.name}" ${nodeName}`;
    events.pod(pod, 'Normal', 'FileSystemResizeSuccessful', message);
    events.object(claim, 'Normal', 'FileSystemResizeSuccessful', message);
  }

  // ---- the way back

  /** False: the driver could not; to be tried again. */
  *unpublish(pod: Pod, mounted: CsiMounted): Op<boolean> {
    const { os } = this.#hooks.context;
    const { driver, handle, path, staging } = mounted;
    const endpoint = this.#plugins.endpoint(driver);
    if (endpoint === undefined) return false;
    const subject = podSubject(pod);
    try {
      yield* callGrpc(os, endpoint, 'NodeUnpublishVolume', { volumeId: handle, targetPath: path }, { subject });
      if (staging === '') return true;
      const staged = this.#stagedOf({ driver, handle });
      staged.users.delete(podUid(pod));
      if (staged.users.size > 0 || !staged.staged) return true;
      staged.staged = false;
      yield* callGrpc(os, endpoint, 'NodeUnstageVolume', { volumeId: handle, stagingTargetPath: staging }, { subject });
      this.#staged.delete(uniqueName({ driver, handle }));
      return true;
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      os.logError(`"Operation failed" err="UnmountVolume.TearDown failed for volume : ${error.message}"`);
      return false;
    }
  }

  /** The Pod needs nothing any more. */
  forget(pod: Pod): void {
    const uid = podUid(pod);
    this.#waiting.delete(uid);
    for (const [unique, pods] of this.#needed) {
      if (!pods.delete(uid) || pods.size > 0) continue;
      this.#needed.delete(unique);
      this.#inUse = [...this.#needed.keys()];
    }
  }
}

const failure = (stage: string, name: string, why: string): MountError =>
  new MountError(name, why, { event: `MountVolume.${stage} failed for volume "${name}" : ${why}` });

const NO_CONTEXT: Readonly<Record<string, string>> = {};

/** What a driver that asks for it is told of the Pod. */
function podInfo(pod: Pod, driver: CSIDriver | undefined, ephemeral: boolean): Record<string, string> {
  if (driver?.spec.podInfoOnMount !== true) return {};
  const { name, namespace = '' } = pod.metadata;
  return {
    [`${POD_INFO}/pod.name`]: name,
    [`${POD_INFO}/pod.namespace`]: namespace,
    [`${POD_INFO}/pod.uid`]: podUid(pod),
    [`${POD_INFO}/serviceAccount.name`]: pod.spec.serviceAccountName ?? '',
    [`${POD_INFO}/ephemeral`]: String(ephemeral),
  };
}

function capabilityOf(volume: PersistentVolume | null): VolumeCapability {
  const modes = volume?.spec.accessModes ?? [];
  return { accessMode: modes[0] ?? 'ReadWriteOnce', fsType: volume?.spec.csi?.fsType ?? 'ext4', block: volume?.spec.volumeMode === 'Block' };
}
