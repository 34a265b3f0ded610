// What a container runtime keeps on a machine: sandboxes, containers, images. It belongs to the disk (/var/lib/containerd,
// /var/lib/containers, /var/lib/docker) and to the shims, so it outlives the runtime's process.

import type { Files } from '../machine/files.ts';
import type { Machine } from '../machine/machine.ts';
import type { NamespaceRef, Process } from '../machine/process.ts';
import type { Micros } from '../sim/time.ts';
import type { Netns } from '../network/netns.ts';
import type { ContainerLog } from './container-log.ts';
import type { Attachment } from './cni/network.ts';
import type { ContainerConfig, ContainerEventType, ContainerStatus, SandboxConfig, SandboxStatus } from './cri.ts';
import { ImageStore, type StoredImage } from './images.ts';

export interface SandboxRecord {
  readonly config: SandboxConfig;
  readonly netns: NamespaceRef;
  /** Its own network namespace; null for host network. */
  readonly podNetns: Netns | null;
  status: SandboxStatus;
  /** The pause process, which holds the namespaces. */
  pause: Process | null;
  /** What CNI gave; null for host network and after teardown. */
  attachment: Attachment | null;
  readonly containers: Map<string, ContainerRecord>;
  /** The machine's boot in which it was made: a sandbox without a pause process ends with it. */
  readonly bootId: string;
  /** When it was stopped; 0: not yet. */
  stoppedAt: number;
}

export interface ContainerRecord {
  readonly config: ContainerConfig;
  readonly sandbox: SandboxRecord;
  readonly image: StoredImage;
  status: ContainerStatus;
  process: Process | null;
  /** What it printed, once started. */
  log: ContainerLog | null;
  /** The root file system with its mounts, once started. */
  files: Files | null;
  /** StopContainer was called. */
  stopping: boolean;
}

export class RuntimeState {
  readonly images = new ImageStore();
  readonly sandboxes = new Map<string, SandboxRecord>();
  readonly containers = new Map<string, ContainerRecord>();
  /** When the runtime was last stopped. */
  downSince: Micros = Number.POSITIVE_INFINITY;
  /** What the names of the containers' control groups begin with. */
  scopePrefix = 'cri-containerd';
  /** The running runtime's ear for what shims report. */
  onChange: ((type: ContainerEventType, sandbox: SandboxRecord, id: string) => void) | null = null;
}

const states = new WeakMap<Machine, RuntimeState>();

/** The state of this machine's runtime, running or not. */
export function runtimeStateOf(machine: Machine): RuntimeState {
  let state = states.get(machine);
  if (!state) {
    states.set(machine, (state = new RuntimeState()));
    state.images.disk = machine.disk;
  }
  return state;
}
