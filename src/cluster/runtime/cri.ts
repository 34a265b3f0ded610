// The seam between kubelet and container runtime: the Container Runtime Interface (cri-api runtime/v1) as far as the
// kubelet uses it. Every call is a message over the runtime's unix socket; see socket.ts for who carries it.

import type { Subject } from '../sim/trace.ts';
import type { Op } from '../sim/simulation.ts';
import type { Channel } from '../sim/channel.ts';
import type { Micros } from '../sim/time.ts';
import type { Files } from '../machine/files.ts';
import type { Signal } from '../machine/process.ts';
import type { LinuxResources } from './container-cgroup.ts';
import type { RegistryAuth } from './registry.ts';

/** A gRPC status that a call ends with; `message` is the bare text, without "rpc error: …". */
export class CriError extends Error {
  readonly code: 'NotFound' | 'Unknown' | 'Unavailable' | 'DeadlineExceeded' | 'InvalidArgument' | 'FailedPrecondition';

  constructor(code: CriError['code'], message: string) {
    super(message);
    this.name = 'CriError';
    this.code = code;
  }

  /** As gRPC prints it. */
  get text(): string {
    return `rpc error: code = ${this.code} desc = ${this.message}`;
  }
}

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface SandboxConfig {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  /** The Pod's containers share one PID namespace, whose init is pause. */
  readonly sharePids: boolean;
  readonly dns: DnsConfig | null;
  readonly ports: readonly PortMapping[];
  readonly cgroupParent: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface SandboxStatus {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly state: 'READY' | 'NOTREADY';
  readonly createdAt: Micros;
  readonly hostNetwork: boolean;
  /** '' for host network. */
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface MountSpec {
  readonly containerPath: string;
  readonly hostPath: string;
  /** Where the host path lies when it is not on the machine's own disk (a tmpfs of a volume). */
  readonly source?: Files;
  /** The mount shows the files of this image instead; `hostPath` is a path in it. */
  readonly image?: string;
  readonly readOnly: boolean;
}

export interface ContainerConfig {
  readonly name: string;
  readonly attempt: number;
  /** The image as the pod names it; `imageRef` is what imageStatus or pullImage gave. */
  readonly image: string;
  readonly imageRef: string;
  /** Replace entrypoint and cmd of the image when not empty, as in a Pod. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly MountSpec[];
  /** Relative to the sandbox's log directory. */
  readonly logPath: string;
  readonly cgroupParent: string;
  readonly memoryLimit: number;
  /** CPU shares and CPUs that the quota allows; 0: none said. */
  readonly cpuShares?: number;
  readonly cpuLimit?: number;
  readonly oomScoreAdj?: number;
  readonly runAsUser: number | null;
  readonly runAsGroup: number | null;
  readonly supplementalGroups: readonly number[];
  readonly privileged: boolean;
  readonly readOnlyRoot: boolean;
  readonly stopSignal: Signal | null;
  /** The first process gets a standard input that clients may attach to; `stdinOnce`: it ends with the first of them. */
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  /** The container whose PID namespace it joins (an ephemeral container's target); '' for none. */
  readonly targetId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ContainerStatus {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: 'CREATED' | 'RUNNING' | 'EXITED' | 'UNKNOWN';
  readonly createdAt: Micros;
  readonly startedAt: Micros;
  readonly finishedAt: Micros;
  readonly exitCode: number;
  /** Completed, Error, OOMKilled, StartError, Unknown. */
  readonly reason: string;
  readonly message: string;
  /** e.g. docker.io/library/nginx:latest */
  readonly image: string;
  /** e.g. sha256:… (the image's configuration). */
  readonly imageId: string;
  /** e.g. docker.io/library/nginx@sha256:… */
  readonly imageRef: string;
  readonly logPath: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageStatus {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly sizeBytes: number;
  readonly uid: number | null;
  readonly username: string;
  /** ImageSpec.annotations. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export type ContainerEventType = 'CREATED' | 'STARTED' | 'STOPPED' | 'DELETED';

/** KEP-3386, evented PLEG: what happened, with the whole state of the sandbox at that moment. */
export interface ContainerEvent {
  readonly containerId: string;
  readonly type: ContainerEventType;
  readonly createdAt: Micros;
  readonly sandbox: SandboxStatus;
  readonly containers: readonly ContainerStatus[];
}

export interface RuntimeCondition {
  readonly type: 'RuntimeReady' | 'NetworkReady';
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Which streams a client of exec or attach wants; with a terminal there is no stderr. */
export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** What a verbose ContainerStatus adds. */
export interface ContainerInfo {
  readonly config: ContainerConfig;
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cgroup: string;
  /** Name of the network namespace; '' for the machine's. */
  readonly netns: string;
}

/** What a verbose PodSandboxStatus adds. */
export interface SandboxInfo {
  readonly config: SandboxConfig;
  readonly image: string;
  /** 0: no pause process. */
  readonly pid: number;
  readonly cgroup: string;
  readonly netns: string;
}

export interface ContainerStats {
  readonly status: ContainerStatus;
  readonly cpuMicros: number;
  readonly memoryBytes: number;
  /** Of the container's own layer. */
  readonly diskBytes: number;
}

/** All methods throw CriError. `subject` names the Pod the call is about, for the trace. */
export interface RuntimeService {
  version(): Op<{ readonly runtimeName: string; readonly runtimeVersion: string }>;
  status(): Op<readonly RuntimeCondition[]>;
  runPodSandbox(config: SandboxConfig, subject?: Subject | null): Op<string>;
  stopPodSandbox(id: string, subject?: Subject | null): Op<void>;
  removePodSandbox(id: string, subject?: Subject | null): Op<void>;
  podSandboxStatus(id: string, subject?: Subject | null): Op<SandboxStatus>;
  listPodSandbox(): Op<readonly SandboxStatus[]>;
  createContainer(sandboxId: string, config: ContainerConfig, subject?: Subject | null): Op<string>;
  startContainer(id: string, subject?: Subject | null): Op<void>;
  /** `timeout` in microseconds between the stop signal and SIGKILL. Returns once the container has ended. */
  stopContainer(id: string, timeout: Micros, subject?: Subject | null): Op<void>;
  removeContainer(id: string, subject?: Subject | null): Op<void>;
  /** Changes the limits of a running container. */
  updateContainerResources(id: string, resources: LinuxResources, subject?: Subject | null): Op<void>;
  containerStatus(id: string, subject?: Subject | null): Op<ContainerStatus>;
  listContainers(): Op<readonly ContainerStatus[]>;
  execSync(id: string, command: readonly string[], timeout: Micros, subject?: Subject | null): Op<ExecResult>;
  /** Prepares a command in a running container; the URL of the runtime's streaming server where it waits, good for one minute. */
  exec(id: string, command: readonly string[], options: StreamOptions, subject?: Subject | null): Op<string>;
  /** As `exec`, for the streams of the container's first process. */
  attach(id: string, options: StreamOptions, subject?: Subject | null): Op<string>;
  /** As `exec`, for connections to ports inside the sandbox. */
  portForward(sandboxId: string, subject?: Subject | null): Op<string>;
  containerInfo(id: string): Op<ContainerInfo>;
  podSandboxInfo(id: string): Op<SandboxInfo>;
  /** Of the containers that run. */
  listContainerStats(): Op<readonly ContainerStats[]>;
  /** Closed when the runtime goes away. */
  containerEvents(): Op<Channel<ContainerEvent>>;
}

export interface ImageService {
  /** undefined when the image is not on this machine. */
  imageStatus(reference: string, subject?: Subject | null): Op<ImageStatus | undefined>;
  listImages(): Op<readonly ImageStatus[]>;
  /** Returns the image's reference by digest. */
  pullImage(reference: string, subject?: Subject | null, auth?: RegistryAuth): Op<string>;
  removeImage(reference: string): Op<void>;
}
