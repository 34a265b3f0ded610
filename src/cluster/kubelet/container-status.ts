// kubelet_pods.go convertToAPIContainerStatuses: what the API shows of each container. Pure.

import type { Container, ContainerState, ContainerStatus as ApiContainerStatus, Pod, VolumeMountStatus } from '../api/generated/types.ts';
import type { ContainerStatus } from '../runtime/cri.ts';
import { shouldRestart } from './actions.ts';
import type { RuntimePod } from './pod-cache.ts';

/** Why the kubelet could not start a container (kubelet's reasonCache). */
export interface StartFailure {
  readonly reason: string;
  readonly message: string;
}

export interface StatusContext {
  /** With the runtime's name: `containerd://…`. */
  containerId(id: string): string;
  /** Instant to metav1.Time. */
  time(at: number): string;
  failure(uid: string, container: string): StartFailure | undefined;
  /** Last word of the readiness and startup probes for a running container. */
  ready(pod: Pod, container: Container, status: ContainerStatus): boolean;
  started(pod: Pod, container: Container, status: ContainerStatus): boolean;
}

/** The statuses for `containers` (the Pod's init or main containers), in their order. */
export function containerStatuses(
  pod: Pod,
  containers: readonly Container[],
  isInit: boolean,
  runtime: RuntimePod,
  old: readonly ApiContainerStatus[],
  context: StatusContext,
): readonly ApiContainerStatus[] {
  const hasInit = (pod.spec?.initContainers?.length ?? 0) > 0;
  return containers.map((container) => {
    const found = runtime.containers.filter((c) => c.name === container.name);
    const previous = old.find((s) => s.name === container.name);
    const latest = found[0];
    if (!latest) return absent(pod, container, previous, hasInit || isInit, context);
    return present(pod, container, isInit, latest, found[1], previous, context);
  });
}

function absent(
  pod: Pod,
  container: Container,
  previous: ApiContainerStatus | undefined,
  initializing: boolean,
  context: StatusContext,
): ApiContainerStatus {
  const failure = context.failure(pod.metadata?.uid ?? '', container.name);
  let state: ContainerState = { waiting: { reason: initializing ? 'PodInitializing' : 'ContainerCreating' } };
  if (failure) state = { waiting: waiting(failure) };
  let lastState: ContainerState = previous?.lastState ?? {};
  let restartCount = previous?.restartCount ?? 0;
  if (previous?.state?.terminated) {
    // It ended before and the runtime has forgotten it: keep what was reported.
    if (pod.spec?.restartPolicy === 'Never' || (pod.spec?.restartPolicy === 'OnFailure' && previous.state.terminated.exitCode === 0)) {
      return previous;
    }
    lastState = { terminated: previous.state.terminated };
  } else if (previous?.state?.running) {
    lastState = {
      terminated: {
        reason: 'ContainerStatusUnknown',
        message: 'The container could not be located when the pod was deleted.  The container used to be Running',
        exitCode: 137,
        startedAt: null as unknown as string,
        finishedAt: null as unknown as string,
      },
    };
    restartCount += 1;
  }
  return {
    name: container.name,
    state,
    lastState,
    ready: false,
    restartCount,
    image: container.image ?? '',
    imageID: '',
    started: false,
    ...volumeMountStatuses(container),
  };
}

const waiting = (f: StartFailure): { reason: string; message?: string } => (f.message === '' ? { reason: f.reason } : { reason: f.reason, message: f.message });

function present(
  pod: Pod,
  container: Container,
  isInit: boolean,
  latest: ContainerStatus,
  older: ContainerStatus | undefined,
  previous: ApiContainerStatus | undefined,
  context: StatusContext,
): ApiContainerStatus {
  const uid = pod.metadata?.uid ?? '';
  let state = stateOf(latest, context);
  let lastState: ContainerState = older?.state === 'EXITED' ? stateOf(older, context) : (previous?.lastState ?? {});
  const done = isInit && latest.state === 'EXITED' && latest.exitCode === 0 && container.restartPolicy !== 'Always';
  if (latest.state !== 'RUNNING' && !done && shouldRestart(container, pod, latest)) {
    const failure = context.failure(uid, container.name);
    if (failure) {
      if (state.terminated) lastState = state;
      state = { waiting: waiting(failure) };
    }
  }
  const running = latest.state === 'RUNNING';
  const started = running && context.started(pod, container, latest);
  const initDone = isInit && container.restartPolicy !== 'Always';
  const ready = initDone
    ? latest.state === 'EXITED' && latest.exitCode === 0
    : running && started && context.ready(pod, container, latest);
  return {
    name: container.name,
    state,
    lastState,
    ready,
    restartCount: latest.attempt,
    image: latest.image,
    imageID: latest.imageRef,
    containerID: context.containerId(latest.id),
    started: initDone ? running : started,
    ...allocated(container),
    ...volumeMountStatuses(container),
    ...(running ? { user: { linux: linuxUser(pod, latest) } } : {}),
  };
}

function linuxUser(pod: Pod, status: ContainerStatus): { uid: number; gid: number; supplementalGroups: readonly number[] } {
  const security = pod.spec?.securityContext;
  const groups = new Set<number>([status.gid]);
  for (const g of security?.supplementalGroups ?? []) groups.add(g);
  if (security?.fsGroup !== undefined) groups.add(security.fsGroup);
  return { uid: status.uid, gid: status.gid, supplementalGroups: [...groups] };
}

function allocated(container: Container): Pick<ApiContainerStatus, 'allocatedResources' | 'resources'> {
  const requests = container.resources?.requests;
  const limits = container.resources?.limits;
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) },
  };
}

function volumeMountStatuses({ volumeMounts }: Container): { readonly volumeMounts?: readonly VolumeMountStatus[] } {
  if (volumeMounts === undefined || volumeMounts.length === 0) return NO_MOUNTS;
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly }) =>
      readOnly ? { name, mountPath, readOnly: true, recursiveReadOnly: recursiveReadOnly ?? 'Disabled' } : { name, mountPath },
    ),
  };
}

const NO_MOUNTS = {};

function stateOf(status: ContainerStatus, context: StatusContext): ContainerState {
  switch (status.state) {
    case 'RUNNING':
      return { running: { startedAt: context.time(status.startedAt) } };
    case 'EXITED': {
      const startError = status.reason === 'StartError';
      return {
        terminated: {
          exitCode: status.exitCode,
          reason: status.reason,
          ...(status.message === '' ? {} : { message: status.message }),
          startedAt: startError ? '1970-01-01T00:00:00Z' : context.time(status.startedAt),
          finishedAt: context.time(status.finishedAt),
          containerID: context.containerId(status.id),
        },
      };
    }
    case 'CREATED':
      return { waiting: { reason: 'ContainerCreating' } };
    case 'UNKNOWN':
      return {
        terminated: {
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          exitCode: 137,
          containerID: context.containerId(status.id),
        },
      };
  }
}
