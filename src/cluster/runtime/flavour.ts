// What differs between container runtimes that do the same work: names, places and words. cri-service.ts and engine.ts do the
// work; containerd.ts, crio.ts and docker-flavour.ts say how it looks from outside.

import type { Random } from '../sim/random.ts';
import type { LogLine } from './container-log.ts';
import type { CriError, SandboxConfig } from './cri.ts';
import type { Reference } from './registry.ts';
import type { StartFault } from './task.ts';

/** Why a registry gave no image. */
export type PullProblem = 'unreachable' | 'not-found' | 'unauthorized';

/** A container whose program cannot be started. */
export interface StartProblem {
  /** What the call ends with. */
  readonly error: CriError;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
}

/** A command that cannot be started in a container: the call fails, or it looks like a command that printed and ended. */
export type ExecProblem = { readonly error: string } | { readonly exitCode: number; readonly stdout: string; readonly stderr: string };

export interface RuntimeWords {
  noSandbox(id: string): CriError;
  noContainer(id: string): CriError;
  sandboxNotRunning(id: string): CriError;
  notRunning(id: string, state: string): CriError;
  /** A CNI plug-in failed; `text` is what libcni says of it. */
  network(sandboxId: string, config: SandboxConfig, network: string, text: string): CriError;
  sandboxImage(image: string, error: CriError): CriError;
  pull(problem: PullProblem, reference: Reference): CriError;
  badReference(text: string): CriError;
  start(id: string, fault: StartFault): StartProblem;
  /** `stream` false: ExecSync. */
  exec(random: Random, executable: string, stream: boolean): ExecProblem;
  /** Why the runtime is not ready when what it works with cannot be reached. */
  engineDown(error: CriError): { readonly reason: string; readonly message: string };
  /** The message of a network that is not ready. */
  readonly networkNotReady: string;
}

export interface Flavour {
  /** As Version says it; also the scheme of container ids in the status of Pods. */
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  /** Of the random stream: the process' name. */
  readonly stream: string;
  readonly sandboxImage: string;
  /** Whether a pause process holds the namespaces of a sandbox whose containers do not share their processes. */
  readonly pauses: boolean;
  /** The pause container is started before its network is made, not after. */
  readonly pauseFirst: boolean;
  /** A missing executable shows when the container is created, not when it is started. */
  readonly looksAtCreation: boolean;
  netnsName(random: Random): string;
  /** A full image name (`docker.io/library/nginx:1.29`, with tag or digest) as this runtime shows it. */
  imageName(full: string): string;
  /** `sha256:…` of an image's configuration as this runtime shows it. */
  imageId(id: string): string;
  /** The image of a container by digest, as its status shows it. */
  imageRef(digestName: string): string;
  /** What the names of the containers' control groups begin with. */
  readonly scopePrefix: string;
  /** Where the log really lies, when the path that the kubelet chose is only a link to it. */
  ownLog(containerId: string): string | null;
  /** The log's file format. */
  readonly printLine: (time: string, line: LogLine) => string;
  readonly words: RuntimeWords;
}

/** The CRI's own format: `<time> <stream> F <line>`. */
export const criLine = (time: string, { stream, line }: LogLine): string => `${time} ${stream} F ${line}\n`;

/** What runc says when it cannot find a program. */
export const whyMissing = (executable: string): string =>
  executable.includes('/') ? `stat ${executable}: no such file or directory` : 'executable file not found in $PATH';

/** What runc says of a container that it cannot start. */
export const runcSays = (fault: StartFault): string =>
  `OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${'mount' in fault ? fault.mount : `exec: "${fault.executable}": ${fault.denied === true ? 'permission denied' : whyMissing(fault.executable)}`}`;

/** As containers' ids: 64 hexadecimal digits. */
export function longId(random: Random): string {
  let id = '';
  for (let i = 0; i < 8; i++) id += random.uint32().toString(16).padStart(8, '0');
  return id;
}

/** `docker.io/library/nginx:1.29` as Docker's users write it: `nginx:1.29`. */
export const familiarName = (full: string): string =>
  full.startsWith('docker.io/library/') ? full.slice('docker.io/library/'.length) : full.startsWith('docker.io/') ? full.slice('docker.io/'.length) : full;

/** Where a registry's manifests are asked for. */
export function manifestUrl({ text, repository, tag, digest }: Reference): { readonly host: string; readonly url: string } {
  const name = text.slice(0, text.indexOf('/'));
  const host = name === 'docker.io' ? 'registry-1.docker.io' : name;
  return { host, url: `https://${host}/v2/${repository.slice(name.length + 1)}/manifests/${tag ?? digest}` };
}
