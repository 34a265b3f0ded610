// generateAPIPodStatus: phase, conditions and addresses of a Pod from what the runtime has. Pure.
// Models kubelet_pods.go getPhase and status/generate.go.

import type { Container, ContainerStatus, Pod, PodCondition, PodStatus } from '../api/generated/types.ts';
import { mayRestartAll, mustRestartAll, restartsAfter, sandboxChanged } from './actions.ts';
import { containerStatuses, type StatusContext } from './container-status.ts';
import type { RuntimePod } from './pod-cache.ts';
import { qosClass } from './resources.ts';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface PodStatusInput extends StatusContext {
  readonly hostIp: string;
  /** All containers have ended and none will be started again (the Pod worker's word). */
  readonly terminal: boolean;
  /** Of a resize that waits or is under way. */
  readonly resize?: readonly PodCondition[];
}

/** The status that the kubelet wants the API to show; times of conditions are settled by the status manager. */
export function generatePodStatus(pod: Pod, runtime: RuntimePod, old: PodStatus, input: PodStatusInput): PodStatus {
  const inits = pod.spec?.initContainers ?? [];
  const mains = pod.spec?.containers ?? [];
  const initStatuses = containerStatuses(pod, inits, true, runtime, old.initContainerStatuses ?? [], input);
  const mainStatuses = containerStatuses(pod, mains, false, runtime, old.containerStatuses ?? [], input);
  const computed = podPhase(pod, initStatuses, mainStatuses, input.terminal);
  // A Pod that has ended stays ended.
  const phase = old.phase === 'Failed' || old.phase === 'Succeeded' ? (old.phase as PodPhase) : computed;
  const sandbox = runtime.sandboxes[0];
  const hostNetwork = pod.spec?.hostNetwork === true;
  const ip = hostNetwork ? (sandbox ? input.hostIp : '') : (sandbox?.ip ?? '');
  const podIp = ip !== '' ? ip : phase === 'Pending' ? '' : (old.podIP ?? '');
  const generation = pod.metadata?.generation;
  const status: { -readonly [K in keyof PodStatus]: PodStatus[K] } = {};
  if (generation !== undefined) status.observedGeneration = generation;
  status.phase = phase;
  const { resize = [] } = input;
  const all = conditions(pod, runtime, phase, initStatuses, mainStatuses, old);
  status.conditions = resize.length === 0 ? all : [...all, ...resize];
  if (old.message !== undefined) status.message = old.message;
  if (old.reason !== undefined) status.reason = old.reason;
  if (input.hostIp !== '') {
    status.hostIP = input.hostIp;
    status.hostIPs = [{ ip: input.hostIp }];
  }
  if (podIp !== '') {
    status.podIP = podIp;
    status.podIPs = [{ ip: podIp }];
  }
  if (old.startTime !== undefined) status.startTime = old.startTime;
  if (initStatuses.length > 0) status.initContainerStatuses = initStatuses;
  status.containerStatuses = mainStatuses;
  const ephemerals = pod.spec?.ephemeralContainers ?? [];
  if (ephemerals.length > 0) {
    // One that has ended stays ended, whatever the Pod's restart policy.
    const once = ephemerals.map((container) => ({ ...container, restartPolicy: 'Never' }) as Container);
    status.ephemeralContainerStatuses = containerStatuses(pod, once, false, runtime, old.ephemeralContainerStatuses ?? [], input).map((s) => ({ ...s, ready: false }));
  }
  const own = pod.spec?.resources;
  if (own !== undefined) {
    if (own.requests !== undefined) status.allocatedResources = own.requests;
    status.resources = own;
  }
  status.qosClass = qosClass(pod);
  return status;
}

const isSidecar = (c: Container): boolean => c.restartPolicy === 'Always';

/** Pending, Running, Succeeded or Failed. */
export function podPhase(
  pod: Pod,
  initStatuses: readonly ContainerStatus[],
  mainStatuses: readonly ContainerStatus[],
  terminal: boolean,
): PodPhase {
  const policy = pod.spec?.restartPolicy ?? 'Always';
  let pendingInit = 0;
  let failedInit = 0;
  let pendingSidecars = 0;
  let runningSidecars = 0;
  for (const [i, container] of (pod.spec?.initContainers ?? []).entries()) {
    const status = initStatuses[i];
    if (!status?.state) pendingInit++;
    else if (isSidecar(container)) {
      if (status.state.running) runningSidecars++;
      if (!status.state.running && !status.state.terminated && !status.lastState?.terminated) pendingSidecars++;
      else if (status.state.running && !status.started) pendingSidecars++;
    } else if (status.state.terminated) {
      if (status.state.terminated.exitCode !== 0) failedInit++;
    } else if (status.state.waiting && status.lastState?.terminated) {
      if (status.lastState.terminated.exitCode !== 0) failedInit++;
      else pendingInit++;
    } else pendingInit++;
  }
  let waiting = 0;
  let running = 0;
  let stopped = 0;
  let succeeded = 0;
  for (const status of mainStatuses) {
    const { state, lastState } = status;
    if (state?.running) running++;
    else if (state?.terminated) {
      stopped++;
      if (state.terminated.exitCode === 0) succeeded++;
    } else if (lastState?.terminated) stopped++;
    else waiting++;
  }
  if (failedInit > 0 && policy === 'Never') return 'Failed';
  if (!terminal && (pendingInit > 0 || failedInit > 0 || (pendingSidecars > 0 && running === 0 && stopped === 0))) return 'Pending';
  if (waiting > 0 && !terminal) return 'Pending';
  if (running > 0 || (runningSidecars > 0 && stopped > 0)) return 'Running';
  if (stopped > 0 || terminal) {
    if (terminal) return stopped > 0 && stopped === succeeded ? 'Succeeded' : 'Failed';
    if (policy === 'Always' || mainStatuses.some((status, i) => startsAgain(pod, pod.spec?.containers[i], status))) return 'Running';
    if (stopped === succeeded) return 'Succeeded';
    return policy === 'Never' ? 'Failed' : 'Running';
  }
  return 'Pending';
}

/** Whether a container that has ended has a rule or a policy of its own by which it is started again. */
function startsAgain(pod: Pod, container: Container | undefined, { state, lastState }: ContainerStatus): boolean {
  if (container === undefined || (container.restartPolicy === undefined && container.restartPolicyRules === undefined)) return false;
  const terminated = state?.terminated ?? lastState?.terminated;
  return terminated !== undefined && restartsAfter(container, pod, terminated.exitCode);
}

function conditions(
  pod: Pod,
  runtime: RuntimePod,
  phase: PodPhase,
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
  old: PodStatus,
): readonly PodCondition[] {
  const spec = pod.spec;
  const initialized = initializedCondition(spec?.initContainers ?? [], inits, mains, phase);
  const containersReady = containersReadyCondition(spec?.initContainers ?? [], inits, mains, phase);
  const list: { -readonly [K in keyof PodCondition]: PodCondition[K] }[] = [
    readyToStartCondition(pod, runtime),
    initialized,
    readyCondition(pod, containersReady, old),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
  ];
  if (mayRestartAll(pod)) list.push(allRestartingCondition(pod, runtime, phase));
  const generation = pod.metadata?.generation;
  if (generation !== undefined) for (const condition of list) condition.observedGeneration = generation;
  return list;
}

/** GeneratePodReadyToStartContainersCondition: since 1.36 with what is wrong with the sandbox, as far as its texts are known to us. */
export function readyToStartCondition(pod: Pod, runtime: RuntimePod): PodCondition {
  const type = 'PodReadyToStartContainers';
  if (!sandboxChanged(pod, runtime).changed) return { type, status: 'True' };
  const reason = 'PodSandboxNotReady';
  const sandbox = runtime.sandboxes[0];
  if (sandbox === undefined) return { type, status: 'False', reason, message: 'no pod sandbox exists' };
  return sandbox.state === 'READY' && sandbox.ip === '' ? { type, status: 'False', reason, message: 'pod sandbox has no IP address' } : { type, status: 'False', reason };
}

function allRestartingCondition(pod: Pod, runtime: RuntimePod, phase: PodPhase): PodCondition {
  const type = 'AllContainersRestarting';
  if (phase === 'Succeeded' || phase === 'Failed') return { type, status: 'False', reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted' };
  if (!mustRestartAll(pod, runtime)) return { type, status: 'False' };
  return { type, status: 'True', reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' };
}

const names = (list: readonly string[]): string => `[${list.join(' ')}]`;

function initializedCondition(
  containers: readonly Container[],
  statuses: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
  phase: PodPhase,
): PodCondition {
  const type = 'Initialized';
  if (containers.length === 0) return { type, status: 'True' };
  const incomplete: string[] = [];
  for (const [i, container] of containers.entries()) {
    const status = statuses[i];
    const complete = isSidecar(container) ? status?.started === true : status?.ready === true;
    if (!complete) incomplete.push(container.name);
  }
  if (phase === 'Succeeded' && incomplete.length === 0) return { type, status: 'True', reason: 'PodCompleted' };
  // Once a main container has started, the Pod has been initialized.
  if (mains.some((s) => s.started === true || s.state?.terminated)) return { type, status: 'True' };
  if (incomplete.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: ${names(incomplete)}` };
}

function containersReadyCondition(
  initContainers: readonly Container[],
  inits: readonly ContainerStatus[],
  mains: readonly ContainerStatus[],
  phase: PodPhase,
): PodCondition {
  const type = 'ContainersReady';
  if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const unready: string[] = [];
  for (const [i, container] of initContainers.entries()) {
    if (isSidecar(container) && inits[i]?.ready !== true) unready.push(container.name);
  }
  for (const status of mains) if (!status.ready) unready.push(status.name);
  if (unready.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: ${names(unready)}` };
}

function readyCondition(pod: Pod, containersReady: PodCondition, old: PodStatus): PodCondition {
  const type = 'Ready';
  if (containersReady.status !== 'True') return { ...containersReady, type };
  const messages: string[] = [];
  for (const gate of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find((c) => c.type === gate.conditionType) ?? old.conditions?.find((c) => c.type === gate.conditionType);
    if (!condition) messages.push(`corresponding condition of pod readiness gate "${gate.conditionType}" does not exist.`);
    else if (condition.status !== 'True') {
      messages.push(`the status of pod readiness gate "${gate.conditionType}" is not "True", but ${condition.status}`);
    }
  }
  if (messages.length > 0) return { type, status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
  return { type, status: 'True' };
}
