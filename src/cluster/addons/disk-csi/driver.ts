// The CSI driver of the cluster's virtual machines: volumes are disks of the service that provides the machines; a disk can be
// plugged into one machine at a time and keeps its files wherever it goes.

import type {
  ControllerExpandRequest,
  ControllerExpandResponse,
  ControllerPublishRequest,
  ControllerPublishResponse,
  CreateVolumeRequest,
  CsiVolumeInfo,
  NodeExpandRequest,
  NodeInfo,
  NodePublishRequest,
  NodeStageRequest,
} from '../../api/storage/csi.ts';
import type { Os, Program } from '../../machine/process.ts';
import { VirtualDisk, VirtualDisks } from '../../machine/virtual-disks.ts';
import { RpcError, serveGrpc } from '../../network/grpc.ts';
import type { Op } from '../../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../../sim/time.ts';
import { flag } from '../csi/sidecar.ts';

export const DRIVER = 'disk.csi.orrery.example';
const GIB = 1024 ** 3;
/** PCI slots that a machine has for disks. */
const MAX_DISKS = 24;
/** What the service and the kernel take. */
const CREATE = 900 * MILLISECOND;
const ATTACH = 1_200 * MILLISECOND;
const FORMAT = 350 * MILLISECOND;
const MOUNT = 30 * MILLISECOND;
const RAW = '/device';

/** `--mode=controller` or `--mode=node`, `--endpoint=unix:///csi/csi.sock`, `--node-id=<name>`. */
export const diskCsiProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const endpoint = (flag(os, 'endpoint') ?? '/csi/csi.sock').replace(/^unix:\/\//, '');
  const isNode = flag(os, 'mode') === 'node';
  const disks = VirtualDisks.of(os.sim);
  if (isNode) disks.register(os.machine);
  const identity = {
    *GetPluginInfo(): Op<object> {
      return { name: DRIVER, vendorVersion: 'v1.0.0' };
    },
    *Probe(): Op<object> {
      return { ready: true };
    },
  };
  const listener = serveGrpc(os, endpoint, { ...identity, ...(isNode ? nodeService(os, disks) : controllerService(os, disks)) });
  os.logError(`"Listening for connections" address="${endpoint}"`);
  yield* stop.receive();
  listener.close();
  return 0;
};

function controllerService(os: Os, disks: VirtualDisks) {
  const need = (id: string): VirtualDisk => {
    const disk = disks.get(id);
    if (!disk) throw new RpcError('NotFound', `disk ${id} not found`);
    return disk;
  };
  return {
    *CreateVolume({ name, requiredBytes, capabilities }: CreateVolumeRequest): Op<CsiVolumeInfo> {
      const shared = capabilities.find((c) => c.accessMode === 'ReadWriteMany' || c.accessMode === 'ReadOnlyMany');
      if (shared) throw new RpcError('InvalidArgument', `volume capabilities not supported: access mode ${shared.accessMode} needs a disk on several nodes`);
      yield* os.sleep(CREATE);
      // Whole gibibytes are sold.
      const sizeBytes = Math.max(1, Math.ceil(requiredBytes / GIB)) * GIB;
      const disk = disks.get(name) ?? disks.create(name, sizeBytes);
      return { volumeId: disk.id, capacityBytes: disk.sizeBytes, volumeContext: {} };
    },
    *DeleteVolume({ volumeId }: { readonly volumeId: string }): Op<object> {
      const disk = disks.get(volumeId);
      const [user] = disk?.machines ?? [];
      if (user) throw new RpcError('FailedPrecondition', `disk ${volumeId} is in use by ${user.name}`);
      yield* os.sleep(CREATE);
      disks.delete(volumeId);
      return {};
    },
    *ControllerPublishVolume({ volumeId, nodeId }: ControllerPublishRequest): Op<ControllerPublishResponse> {
      const disk = need(volumeId);
      const machine = disks.machine(nodeId);
      if (!machine) throw new RpcError('NotFound', `machine ${nodeId} not found`);
      yield* os.sleep(ATTACH);
      const [user] = disk.machines;
      if (user && user !== machine) throw new RpcError('FailedPrecondition', `disk ${volumeId} is attached to ${user.name}`);
      disks.attach(disk, machine);
      return { publishContext: { device: disk.device } };
    },
    *ControllerUnpublishVolume({ volumeId, nodeId }: { readonly volumeId: string; readonly nodeId: string }): Op<object> {
      yield* os.sleep(ATTACH);
      const disk = disks.get(volumeId);
      const machine = disks.machine(nodeId);
      if (disk && machine) disks.detach(disk, machine);
      return {};
    },
    *ControllerExpandVolume({ volumeId, requiredBytes }: ControllerExpandRequest): Op<ControllerExpandResponse> {
      const disk = need(volumeId);
      yield* os.sleep(CREATE);
      disk.sizeBytes = Math.max(disk.sizeBytes, Math.ceil(requiredBytes / GIB) * GIB);
      return { capacityBytes: disk.sizeBytes, nodeExpansionRequired: true };
    },
  };
}

/** Mounts go to the machine's own tree: the container has /var/lib/kubelet with mountPropagation Bidirectional. */
function nodeService(os: Os, disks: VirtualDisks) {
  const { files } = os.machine;
  const mounted = (path: string): boolean => files.mountPoints().includes(path);
  const unmount = (path: string): void => {
    if (mounted(path)) files.unmount(path);
    if (files.exists(path)) files.remove(path);
  };
  return {
    *NodeGetInfo(): Op<NodeInfo> {
      return { nodeId: flag(os, 'node-id') ?? os.machine.name, maxVolumesPerNode: MAX_DISKS, accessibleTopology: null };
    },
    *NodeStageVolume({ volumeId, publishContext, stagingTargetPath, capability }: NodeStageRequest): Op<object> {
      if (capability.block || mounted(stagingTargetPath)) return {};
      const device = publishContext['device'] ?? '';
      const disk = files.exists(device) ? files.attached(device) : undefined;
      if (!(disk instanceof VirtualDisk)) throw new RpcError('Internal', `device of ${volumeId} not found at ${device}`);
      if (!disk.formatted) {
        os.logError(`"Disk appears to be unformatted, attempting to format" type="${capability.fsType}" disk="${device}"`);
        yield* os.sleep(FORMAT);
        disk.formatted = true;
        disk.files.mkdir('/lost+found');
      }
      yield* os.sleep(MOUNT);
      files.mkdir(stagingTargetPath);
      files.mount(stagingTargetPath, disk.files, '/');
      return {};
    },
    *NodeUnstageVolume({ stagingTargetPath }: { readonly stagingTargetPath: string }): Op<object> {
      yield* os.sleep(MOUNT);
      unmount(stagingTargetPath);
      return {};
    },
    *NodePublishVolume({ volumeId, stagingTargetPath, targetPath, readOnly, capability }: NodePublishRequest): Op<object> {
      if (mounted(targetPath)) return {};
      if (capability.block) {
        const disk = disks.get(volumeId);
        if (!disk) throw new RpcError('NotFound', `disk ${volumeId} not found`);
        yield* os.sleep(MOUNT);
        // The bytes of the device: what a Pod writes to it without a file system.
        if (!disk.files.exists(RAW)) disk.files.write(RAW, '');
        files.mount(targetPath, disk.files, RAW, readOnly);
        return {};
      }
      if (!mounted(stagingTargetPath)) throw new RpcError('FailedPrecondition', `${stagingTargetPath} is not mounted`);
      yield* os.sleep(MOUNT);
      files.mkdir(targetPath);
      files.mount(targetPath, files, stagingTargetPath, readOnly);
      return {};
    },
    *NodeUnpublishVolume({ targetPath }: { readonly targetPath: string }): Op<object> {
      yield* os.sleep(MOUNT);
      unmount(targetPath);
      return {};
    },
    *NodeExpandVolume({ volumeId }: NodeExpandRequest): Op<object> {
      yield* os.sleep(SECOND / 2);
      const disk = disks.get(volumeId);
      if (!disk) throw new RpcError('NotFound', `disk ${volumeId} not found`);
      disk.growFileSystem();
      return { capacityBytes: disk.sizeBytes };
    },
  };
}
