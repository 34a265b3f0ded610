// What the kubelet asks the runtime to run for a container and for a Pod's sandbox (kuberuntime_container.go
// generateContainerConfig, kuberuntime_sandbox.go generatePodSandboxConfig).

import type { Container, Pod } from '../api/generated/types.ts';
import type { ContainerConfig, ImageStatus, MountSpec, SandboxConfig } from '../runtime/cri.ts';
import type { Signal } from '../machine/process.ts';
import { containerHash } from './actions.ts';
import { type Context, podUid } from './context.ts';
import { ConfigError, type EnvironmentSources, expand, makeEnvironment } from './environment.ts';
import { kernelHostname, podDns, podHostname, podHosts, resolvConf } from './dns.ts';
import { linuxResources, oomScoreAdj, podCgroup } from './pod-cgroup.ts';
import { addExpectations, type ImageAnnotations } from './simulated.ts';
import { podDirectory, type Volumes } from './volumes.ts';

const podLabels = (pod: Pod): Record<string, string> => ({
  'io.kubernetes.pod.name': pod.metadata?.name ?? '',
  'io.kubernetes.pod.namespace': pod.metadata?.namespace ?? '',
  'io.kubernetes.pod.uid': podUid(pod),
});

export const logDirectory = (pod: Pod): string => `/var/log/pods/${pod.metadata?.namespace}_${pod.metadata?.name}_${podUid(pod)}`;

export function sandboxConfig(context: Context, pod: Pod, attempt: number): SandboxConfig {
  const hostNetwork = pod.spec?.hostNetwork === true;
  const dns = podDns(pod, clusterDns(context), context.os.machine.files);
  const ports = (pod.spec?.containers ?? []).flatMap((c) =>
    (c.ports ?? []).map((p) => ({
      protocol: (p.protocol ?? 'TCP') as 'TCP' | 'UDP' | 'SCTP',
      containerPort: p.containerPort,
      hostPort: p.hostPort ?? 0,
      hostIp: p.hostIP ?? '',
    })),
  );
  return {
    name: pod.metadata?.name ?? '',
    namespace: pod.metadata?.namespace ?? '',
    uid: podUid(pod),
    attempt,
    hostname: kernelHostname(pod, context.nodeName, context.config.clusterDomain),
    logDirectory: logDirectory(pod),
    hostNetwork,
    hostPid: pod.spec?.hostPID === true,
    sharePids: pod.spec?.shareProcessNamespace === true,
    dns,
    ports,
    cgroupParent: podCgroup(pod),
    labels: podLabels(pod),
  };
}

const clusterDns = ({ config }: Context) => ({ servers: config.clusterDns, domain: config.clusterDomain, hostFile: config.resolvConf });

export interface ContainerInputs {
  readonly pod: Pod;
  readonly container: Container;
  readonly restartCount: number;
  readonly podIp: string;
  readonly imageRef: string;
  readonly image: ImageStatus | undefined;
  readonly imageAnnotations?: ImageAnnotations;
  /** The container whose processes it sees; '' for none. */
  readonly targetId: string;
  readonly sources: EnvironmentSources;
}

/** Throws ConfigError. */
export function containerConfig(context: Context, volumes: Volumes, inputs: ContainerInputs): ContainerConfig {
  const { pod, container, restartCount, imageRef, image, sources } = inputs;
  const env = makeEnvironment(pod, container, sources);
  const lookup = (name: string): string | undefined => env[name];
  const security = { ...pod.spec?.securityContext, ...container.securityContext };
  verifyNonRoot(pod, container, security, image);
  return {
    name: container.name,
    attempt: restartCount,
    image: container.image ?? '',
    imageRef,
    command: (container.command ?? []).map((c) => expand(c, lookup)),
    args: (container.args ?? []).map((a) => expand(a, lookup)),
    workingDir: container.workingDir ?? '',
    env,
    mounts: [...volumes.mountsOf(pod, container, env), ...managedMounts(context, inputs)],
    logPath: `${container.name}/${restartCount}.log`,
    cgroupParent: podCgroup(pod),
    ...linuxResources(pod, container),
    oomScoreAdj: oomScoreAdj(pod, container, context.os.machine.memoryTotal),
    runAsUser: security.runAsUser ?? null,
    runAsGroup: security.runAsGroup ?? null,
    supplementalGroups: groupsOf(pod),
    privileged: container.securityContext?.privileged === true,
    readOnlyRoot: container.securityContext?.readOnlyRootFilesystem === true,
    stopSignal: (container.lifecycle as { stopSignal?: Signal } | undefined)?.stopSignal ?? null,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    targetId: inputs.targetId,
    labels: {
      'io.kubernetes.pod.name': pod.metadata?.name ?? '',
      'io.kubernetes.pod.namespace': pod.metadata?.namespace ?? '',
      'io.kubernetes.pod.uid': podUid(pod),
      'io.kubernetes.container.name': container.name,
      'io.kubernetes.container.hash': containerHash(container),
    },
    annotations: annotationsOf(pod, container, restartCount, inputs.imageAnnotations),
  };
}

function annotationsOf(pod: Pod, container: Container, restartCount: number, image: ImageAnnotations): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = { 'io.kubernetes.container.restartCount': String(restartCount) };
  if (container.ports !== undefined) annotations['io.kubernetes.container.ports'] = JSON.stringify(container.ports);
  annotations['io.kubernetes.container.terminationMessagePath'] = container.terminationMessagePath ?? '/dev/termination-log';
  annotations['io.kubernetes.container.terminationMessagePolicy'] = container.terminationMessagePolicy ?? 'File';
  annotations['io.kubernetes.pod.terminationGracePeriod'] = String(pod.spec?.terminationGracePeriodSeconds ?? 30);
  if (image !== undefined || pod.metadata?.annotations !== undefined) addExpectations(annotations, pod, container, image);
  return annotations;
}

const NO_GROUPS: readonly number[] = [];

function groupsOf({ spec }: Pod): readonly number[] {
  const { supplementalGroups = NO_GROUPS, fsGroup } = spec?.securityContext ?? {};
  return fsGroup === undefined ? supplementalGroups : [...supplementalGroups, fsGroup];
}

function verifyNonRoot(
  pod: Pod,
  container: Container,
  security: { readonly runAsNonRoot?: boolean; readonly runAsUser?: number },
  image: ImageStatus | undefined,
): void {
  if (security.runAsNonRoot !== true) return;
  const where = `(pod: "${pod.metadata?.name}_${pod.metadata?.namespace}(${podUid(pod)})", container: ${container.name})`;
  if (security.runAsUser !== undefined) {
    if (security.runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (!image) return;
  if (image.uid === 0) throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (image.uid === null && image.username !== '') {
    throw new ConfigError(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`);
  }
}

/** Where a container of this Pod leaves its termination message, on the machine's disk. */
export const terminationLogPath = (uid: string, container: string, restartCount: number): string =>
  `${podDirectory(uid)}/containers/${container}/${restartCount}`;

/** The files that the kubelet itself puts into every container. */
function managedMounts(context: Context, { pod, container, restartCount, podIp }: ContainerInputs): readonly MountSpec[] {
  const { files } = context.os.machine;
  const uid = podUid(pod);
  const dir = podDirectory(uid);
  const hostname = podHostname(pod, context.nodeName);
  const mounted = new Set((container.volumeMounts ?? []).map((m) => m.mountPath));
  const mounts: MountSpec[] = [];
  const offer = (containerPath: string, hostPath: string, text: () => string): void => {
    if (mounted.has(containerPath)) return;
    files.write(hostPath, text());
    mounts.push({ containerPath, hostPath, readOnly: false });
  };
  const hostNetwork = pod.spec?.hostNetwork === true;
  if (hostNetwork && files.exists('/etc/hosts')) mounts.push({ containerPath: '/etc/hosts', hostPath: '/etc/hosts', readOnly: false });
  else offer('/etc/hosts', `${dir}/etc-hosts`, () => podHosts(pod, podIp, hostname, context.config.clusterDomain));
  offer('/etc/resolv.conf', `${dir}/resolv.conf`, () => resolvConf(podDns(pod, clusterDns(context), files)));
  offer('/etc/hostname', `${dir}/hostname`, () => `${kernelHostname(pod, context.nodeName, context.config.clusterDomain)}\n`);
  offer(container.terminationMessagePath ?? '/dev/termination-log', terminationLogPath(uid, container.name, restartCount), () => '');
  return mounts;
}
