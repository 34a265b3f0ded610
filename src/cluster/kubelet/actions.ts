// kuberuntime's computePodActions: from what a Pod asks for and what the runtime has, what must be done. Pure.

import type { Container, Pod } from '../api/generated/types.ts';
import type { ContainerStatus } from '../runtime/cri.ts';
import { hash32 } from '../sim/random.ts';
import { findContainer, type RuntimePod } from './pod-cache.ts';
import type { ProbeVerdict } from './probe-results.ts';

export interface ContainerToKill {
  readonly id: string;
  readonly name: string;
  readonly container: Container;
  readonly message: string;
  readonly reason: 'LivenessProbe' | 'StartupProbe' | 'Unknown' | '';
}

export interface PodActions {
  /** Stop everything, because the sandbox changed or because nothing is left to run. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  readonly sandboxId: string;
  readonly attempt: number;
  /** Indexes into spec.initContainers, in the order to start them. */
  readonly initContainersToStart: readonly number[];
  /** Indexes into spec.containers. */
  readonly containersToStart: readonly number[];
  readonly containersToKill: readonly ContainerToKill[];
}

export interface ProbeVerdicts {
  liveness(containerId: string): ProbeVerdict | undefined;
  startup(containerId: string): ProbeVerdict | undefined;
}

export const CONTAINER_HASH = 'io.kubernetes.container.hash';

/** Changes when the container must be restarted for its spec's sake: name or image. */
export function containerHash({ name, image = '' }: Container): string {
  let byName = hashes.get(image);
  if (byName === undefined) {
    if (hashes.size >= MAX_HASHES) hashes.clear();
    hashes.set(image, (byName = new Map()));
  }
  let hash = byName.get(name);
  if (hash === undefined) byName.set(name, (hash = hash32(`${name}\n${image}`).toString(16)));
  return hash;
}

/** By image, then name. */
const hashes = new Map<string, Map<string, string>>();
const MAX_HASHES = 1_000;

export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always';

/** What a container's (or else its Pod's) restart policy says once it ended with `exitCode`. */
export function shouldRestart(container: Container, pod: Pod, latest: ContainerStatus | undefined): boolean {
  if (pod.metadata?.deletionTimestamp !== undefined) return false;
  if (!latest || latest.state === 'UNKNOWN' || latest.state === 'CREATED') return true;
  if (latest.state === 'RUNNING') return false;
  return restartsAfter(container, pod, latest.exitCode);
}

/** What becomes of a container that ended with `exitCode`: its rules come first, then its own policy, then its Pod's. */
export function restartsAfter(container: Container, pod: Pod, exitCode: number): boolean {
  if (container.restartPolicyRules !== undefined && matchingAction(container, exitCode) !== undefined) return true;
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  return policy === 'Always' || exitCode !== 0;
}

/** The action of the first restart rule that fits. */
function matchingAction(container: Container, exitCode: number): string | undefined {
  for (const { action, exitCodes } of container.restartPolicyRules ?? []) {
    if (!exitCodes) continue;
    const listed = (exitCodes.values ?? []).includes(exitCode);
    if (exitCodes.operator === 'In' ? listed : !listed) return action;
  }
  return undefined;
}

const RESTART_ALL = 'RestartAllContainers';

/** Whether some container of the Pod may take all others along when it ends. */
export function mayRestartAll({ spec }: Pod): boolean {
  const has = (c: Container): boolean => c.restartPolicyRules?.some((rule) => rule.action === RESTART_ALL) ?? false;
  return spec !== undefined && (spec.containers.some(has) || (spec.initContainers ?? []).some(has));
}

/** Whether a container ended with a code for which the whole Pod begins anew, in its sandbox. */
export function mustRestartAll(pod: Pod, runtime: RuntimePod): boolean {
  if (!mayRestartAll(pod)) return false;
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].some((container) => {
    const status = findContainer(runtime, container.name);
    return status?.state === 'EXITED' && matchingAction(container, status.exitCode) === RESTART_ALL;
  });
}

interface SandboxVerdict {
  readonly changed: boolean;
  readonly attempt: number;
  readonly id: string;
}

/** Whether the Pod needs a new sandbox, and its number. */
export function sandboxChanged(pod: Pod, runtime: RuntimePod): SandboxVerdict {
  const latest = runtime.sandboxes[0];
  if (!latest) return { changed: true, attempt: 0, id: '' };
  if ((runtime.sandboxes.length > 1 && runtime.sandboxes.filter((s) => s.state === 'READY').length > 1) || latest.state !== 'READY') return { changed: true, attempt: latest.attempt + 1, id: latest.id };
  const hostNetwork = pod.spec?.hostNetwork === true;
  if (latest.hostNetwork !== hostNetwork) return { changed: true, attempt: latest.attempt + 1, id: '' };
  if (!hostNetwork && latest.ip === '') return { changed: true, attempt: latest.attempt + 1, id: latest.id };
  return { changed: false, attempt: latest.attempt, id: latest.id };
}

const succeeded = (runtime: RuntimePod, name: string): boolean => {
  const status = findContainer(runtime, name);
  return status !== undefined && status.state === 'EXITED' && status.exitCode === 0;
};

/** What must be done for `pod` now. */
export function computePodActions(pod: Pod, runtime: RuntimePod, probes: ProbeVerdicts): PodActions {
  const { changed, attempt, id } = sandboxChanged(pod, runtime);
  const base = { sandboxId: id, attempt, initContainersToStart: [], containersToStart: [], containersToKill: [] };
  if (changed) return actionsForNewSandbox(pod, runtime, base);

  const init = initContainerActions(pod, runtime, probes);
  if (init.podFailed) {
    return { ...base, killPod: true, createSandbox: false, containersToKill: init.toKill };
  }
  if (!init.initialized) {
    return { ...base, killPod: false, createSandbox: false, initContainersToStart: init.toStart, containersToKill: init.toKill };
  }

  const toStart: number[] = [];
  const toKill: ContainerToKill[] = [...init.toKill];
  let keep = 0;
  const containers = pod.spec?.containers ?? [];
  for (let index = 0; index < containers.length; index++) {
    const container = containers[index] as Container;
    const status = findContainer(runtime, container.name);
    if (!status || status.state !== 'RUNNING') {
      if (!shouldRestart(container, pod, status)) continue;
      toStart.push(index);
      if (status?.state === 'UNKNOWN') {
        const message = 'Container is in "unknown" state, try killing it before restart';
        toKill.push({ id: status.id, name: container.name, container, message, reason: 'Unknown' });
      }
      continue;
    }
    const verdict = whyKill(container, status, probes);
    if (!verdict) {
      keep++;
      continue;
    }
    const restart = verdict.always || (container.restartPolicy ?? pod.spec?.restartPolicy) !== 'Never';
    if (restart) toStart.push(index);
    const message = restart ? `${verdict.message}, will be restarted` : verdict.message;
    toKill.push({ id: status.id, name: container.name, container, message, reason: verdict.reason });
  }
  const killPod = keep === 0 && toStart.length === 0;
  return {
    ...base,
    killPod,
    createSandbox: false,
    initContainersToStart: killPod ? [] : init.toStart,
    containersToStart: toStart,
    containersToKill: toKill,
  };
}

type Base = Omit<PodActions, 'killPod' | 'createSandbox'>;

function actionsForNewSandbox(pod: Pod, runtime: RuntimePod, base: Base): PodActions {
  const spec = pod.spec;
  const restartable = spec?.restartPolicy !== 'Never';
  if (!restartable && base.attempt !== 0 && runtime.containers.length > 0) return { ...base, killPod: true, createSandbox: false };
  const toStart: number[] = [];
  for (const [index, container] of (spec?.containers ?? []).entries()) {
    if (spec?.restartPolicy === 'OnFailure' && succeeded(runtime, container.name)) continue;
    toStart.push(index);
  }
  if (toStart.length === 0) return { ...base, killPod: true, createSandbox: false };
  if ((spec?.initContainers?.length ?? 0) > 0) return { ...base, killPod: true, createSandbox: true, initContainersToStart: [0] };
  return { ...base, killPod: true, createSandbox: true, containersToStart: toStart };
}

function whyKill(
  container: Container,
  status: ContainerStatus,
  probes: ProbeVerdicts,
): { readonly message: string; readonly reason: ContainerToKill['reason']; readonly always: boolean } | undefined {
  const hash = status.labels[CONTAINER_HASH];
  if (hash !== undefined && hash !== containerHash(container)) {
    return { message: `Container ${container.name} definition changed`, reason: '', always: true };
  }
  if (probes.liveness(status.id) === 'failure') {
    return { message: `Container ${container.name} failed liveness probe`, reason: 'LivenessProbe', always: false };
  }
  if (probes.startup(status.id) === 'failure') {
    return { message: `Container ${container.name} failed startup probe`, reason: 'StartupProbe', always: false };
  }
  return undefined;
}

interface InitActions {
  readonly initialized: boolean;
  readonly podFailed: boolean;
  readonly toStart: readonly number[];
  readonly toKill: readonly ContainerToKill[];
}

/** Init containers run one after another; those with restartPolicy Always (sidecars) only have to have started. */
function initContainerActions(pod: Pod, runtime: RuntimePod, probes: ProbeVerdicts): InitActions {
  const inits = pod.spec?.initContainers ?? [];
  if (inits.length === 0) return { initialized: true, podFailed: false, toStart: [], toKill: [] };
  let initialized = (pod.spec?.containers ?? []).some((c) => {
    const state = findContainer(runtime, c.name)?.state;
    return state === 'RUNNING' || state === 'CREATED';
  });
  // Exited main containers of this very sandbox prove it as well; those of an older one do not.
  if (!initialized) {
    const sandbox = runtime.sandboxes[0]?.id;
    initialized = (pod.spec?.containers ?? []).some((c) => findContainer(runtime, c.name)?.sandboxId === sandbox);
  }
  let passed = initialized;
  const toStart: number[] = [];
  const toKill: ContainerToKill[] = [];
  const last = inits.length - 1;
  // Backwards: completed ones may have been removed from the runtime already.
  for (let i = last; i >= 0; i--) {
    const container = inits[i] as Container;
    const sidecar = isSidecar(container);
    const found = findContainer(runtime, container.name);
    const status = found && found.sandboxId === runtime.sandboxes[0]?.id ? found : undefined;
    if (!status) {
      if (passed && sidecar) toStart.push(i);
      continue;
    }
    if (passed && !sidecar) continue;
    const previously = passed;
    passed = true;
    if (status.state === 'CREATED' || status.state === 'UNKNOWN') {
      if (status.state === 'UNKNOWN') {
        const message = 'Init container is in "unknown" state, try killing it before restart';
        toKill.push({ id: status.id, name: container.name, container, message, reason: 'Unknown' });
      }
      toStart.push(i);
    } else if (status.state === 'RUNNING') {
      if (!sidecar) continue;
      const startup = container.startupProbe ? probes.startup(status.id) : 'success';
      if (startup === 'failure') {
        toKill.push({ id: status.id, name: container.name, container, message: `Init container ${container.name} failed startup probe`, reason: 'StartupProbe' });
        toStart.push(i);
      }
      if (startup !== 'success') continue;
      if (i === last) initialized = true;
      else if (!previously) toStart.push(i + 1);
      if (container.livenessProbe && probes.liveness(status.id) === 'failure') {
        toKill.push({ id: status.id, name: container.name, container, message: `Init container ${container.name} failed liveness probe`, reason: 'LivenessProbe' });
        toStart.push(i);
      }
    } else if (sidecar) {
      toStart.push(i);
    } else if (status.exitCode !== 0) {
      if (!shouldRestart(container, pod, status)) return { initialized: false, podFailed: true, toStart: [], toKill };
      toStart.push(i);
    } else if (i === last) initialized = true;
    else toStart.push(i + 1);
  }
  if (!passed) toStart.push(0);
  toStart.reverse();
  return { initialized, podFailed: false, toStart, toKill };
}
