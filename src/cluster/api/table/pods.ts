// The row of a Pod (pkg/printers/internalversion, printPod).

import type { Container, ContainerStatus, Pod } from '../generated/types.ts';
import { conditionOf } from '../meta.ts';
import { age, NONE } from './format.ts';
import { columns, type Printer, type RowCondition } from './printer.ts';

const SUCCEEDED: readonly RowCondition[] = [
  { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
];
const FAILED: readonly RowCondition[] = [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }];

interface Summary {
  reason: string;
  ready: number;
  restarts: number;
  /** When the last run ended that was followed by a restart; '' when unknown. */
  lastRestart: string;
}

const isSidecar = (c: Container | undefined): boolean => c?.restartPolicy === 'Always';

const later = (a: string, b: string | undefined): string => (b !== undefined && b > a ? b : a);

/** What the STATUS, READY and RESTARTS columns say. */
export function summarise(pod: Pod): Summary {
  const { status, metadata } = pod;
  let reason = status.reason !== undefined && status.reason !== '' ? status.reason : (status.phase ?? '');
  if (conditionOf(status.conditions, 'PodScheduled')?.reason === 'SchedulingGated') reason = 'SchedulingGated';
  const init = summariseInit(pod, reason);
  let out: Summary = init;
  if (!init.initializing || conditionOf(status.conditions, 'Initialized')?.status === 'True') {
    out = summariseContainers(status.containerStatuses ?? [], {
      reason: init.reason,
      ready: init.ready,
      restarts: init.sidecarRestarts,
      lastRestart: init.lastSidecarRestart,
    });
    if (out.reason === 'Completed' && out.ready > init.ready) {
      out.reason = conditionOf(status.conditions, 'Ready')?.status === 'True' ? 'Running' : 'NotReady';
    }
  }
  if (metadata.deletionTimestamp !== undefined) {
    if (status.reason === 'NodeLost') out.reason = 'Unknown';
    else if (status.phase !== 'Succeeded' && status.phase !== 'Failed') out.reason = 'Terminating';
  }
  return out;
}

interface InitSummary extends Summary {
  initializing: boolean;
  sidecarRestarts: number;
  lastSidecarRestart: string;
}

function summariseInit(pod: Pod, reason: string): InitSummary {
  const specs = pod.spec.initContainers ?? [];
  const out: InitSummary = {
    reason,
    ready: 0,
    restarts: 0,
    lastRestart: '',
    initializing: false,
    sidecarRestarts: 0,
    lastSidecarRestart: '',
  };
  const statuses = pod.status.initContainerStatuses ?? [];
  for (let i = 0; i < statuses.length; i++) {
    const s = statuses[i] as ContainerStatus;
    const sidecar = isSidecar(specs.find((c) => c.name === s.name));
    const ended = s.lastState?.terminated?.finishedAt;
    out.restarts += s.restartCount;
    out.lastRestart = later(out.lastRestart, ended);
    if (sidecar) {
      out.sidecarRestarts += s.restartCount;
      out.lastSidecarRestart = later(out.lastSidecarRestart, ended);
    }
    const { terminated, waiting } = s.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (sidecar && s.started === true) {
      if (s.ready) out.ready++;
      continue;
    }
    if (terminated !== undefined) out.reason = `Init:${endText(terminated)}`;
    else if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing')
      out.reason = `Init:${waiting.reason}`;
    else out.reason = `Init:${i}/${specs.length}`;
    out.initializing = true;
    break;
  }
  return out;
}

function endText(t: { readonly reason?: string; readonly signal?: number; readonly exitCode: number }): string {
  if (t.reason !== undefined && t.reason !== '') return t.reason;
  return t.signal !== undefined && t.signal !== 0 ? `Signal:${t.signal}` : `ExitCode:${t.exitCode}`;
}

function summariseContainers(statuses: readonly ContainerStatus[], out: Summary): Summary {
  for (let i = statuses.length - 1; i >= 0; i--) {
    const s = statuses[i] as ContainerStatus;
    out.restarts += s.restartCount;
    out.lastRestart = later(out.lastRestart, s.lastState?.terminated?.finishedAt);
    const { waiting, terminated, running } = s.state ?? {};
    if (waiting?.reason !== undefined && waiting.reason !== '') out.reason = waiting.reason;
    else if (terminated !== undefined) out.reason = endText(terminated);
    else if (s.ready && running !== undefined) out.ready++;
  }
  return out;
}

function gates(pod: Pod): string {
  const wanted = pod.spec.readinessGates ?? [];
  if (wanted.length === 0) return NONE;
  const open = wanted.filter((g) => conditionOf(pod.status.conditions, g.conditionType)?.status === 'True').length;
  return `${open}/${wanted.length}`;
}

export const podPrinter: Printer<Pod> = {
  columns: columns('Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP*', 'Node*', 'Nominated Node*', 'Readiness Gates*'),
  cells: (pod, now) => {
    const { reason, ready, restarts, lastRestart } = summarise(pod);
    const total = pod.spec.containers.length + (pod.spec.initContainers ?? []).filter(isSidecar).length;
    return [
      pod.metadata.name,
      `${ready}/${total}`,
      reason,
      restarts !== 0 && lastRestart !== '' ? `${restarts} (${age(lastRestart, now)} ago)` : String(restarts),
      age(pod.metadata.creationTimestamp, now),
      pod.status.podIPs?.[0]?.ip ?? pod.status.podIP ?? NONE,
      pod.spec.nodeName ?? NONE,
      pod.status.nominatedNodeName ?? NONE,
      gates(pod),
    ];
  },
  conditions: (pod) => (pod.status.phase === 'Succeeded' ? SUCCEEDED : pod.status.phase === 'Failed' ? FAILED : []),
};
