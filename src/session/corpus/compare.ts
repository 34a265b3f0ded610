// Whether an end agrees with the expected one, and the table of the comparison.

import { DECISIONS } from './decided.ts';
import type { Result } from './ends.ts';
import type { Outcome } from './outcome.ts';

export interface Comparison extends Result {
  readonly agrees: boolean;
  /** Why the expected end is not the right one, where reading has decided so. */
  readonly decided: string;
}

/** What may be seen of each thing that is missing. */
const SIGNS: Readonly<Record<string, RegExp>> = {
  'placeholder/nonexistent image': /^(ErrImagePull|InvalidImageName)$/,
  'locally built image (skaffold etc.)': /^ErrImagePull$/,
  'missing Secret': /^(FailedMount|CreateContainerConfigError)$/,
  'missing ConfigMap': /^(FailedMount|CreateContainerConfigError)$/,
  'missing ServiceAccount': /^(Rejected|FailedCreate)$/,
  'missing PersistentVolumeClaim': /^Unschedulable$/,
  'network/cloud/removed volume type': /^(FailedMount|FailedAttachVolume|Unschedulable|Rejected|FailedBinding|ProvisioningFailed)$/,
  'required nodeAffinity': /^(Unschedulable|NoNode)$/,
  'nodeSelector unmet': /^(Unschedulable|NoNode)$/,
  'extended resource (GPU etc.)': /^Unschedulable$/,
  'cpu/memory > node': /^Unschedulable$/,
  runtimeClass: /^(Rejected|FailedCreate)$/,
  schedulingGates: /^SchedulingGated$/,
  'DRA claims': /^(Unschedulable|FailedResourceClaimCreation)$/,
  'custom scheduler': /./,
};

function matches(expected: string, { end, reason }: Outcome): boolean {
  if (expected === 'Ready' || expected === 'Complete') return end === expected;
  if (expected.startsWith('restarts')) return end === 'Fails';
  const what = expected.replace('needs extra: ', '');
  if (end !== 'Stuck' && end !== 'Rejected') return false;
  if (SIGNS[what]) return SIGNS[what].test(reason);
  return what.split('/').some((part, i) => SIGNS[i === 0 ? part : `missing ${part}`]?.test(reason));
}

export function compare(result: Result): Comparison {
  if (matches(result.end, result.outcome)) return { ...result, agrees: true, decided: '' };
  const subject = `${result.file.replace('manifests/', '')} ${result.kind}/${result.name}`;
  const decision = DECISIONS.find((d) => (d.workload?.test(subject) ?? true) && (d.message?.test(result.outcome.message) ?? true) && d.end === result.outcome.end);
  return { ...result, agrees: decision !== undefined, decided: decision?.why ?? '' };
}

const shorter = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text);

export function tableOf(compared: readonly Comparison[]): string {
  const counts = new Map<string, [agree: number, all: number]>();
  for (const { end, agrees } of compared) {
    const count = counts.get(end) ?? [0, 0];
    counts.set(end, [count[0] + (agrees ? 1 : 0), count[1] + 1]);
  }
  const agree = compared.filter((c) => c.agrees).length;
  const lines = [...counts].sort((a, b) => b[1][1] - a[1][1]).map(([end, [yes, all]]) => `${String(yes).padStart(4)} of ${String(all).padStart(4)}  ${end}`);
  const rows = compared
    .filter((c) => !c.agrees)
    .map((c) => `  ${c.file.replace('manifests/', '')} ${c.kind}/${c.name}: expected ${c.end}; ${c.outcome.end} ${c.outcome.reason}: ${shorter(c.outcome.message, 200)}`);
  const decided = compared.filter((c) => c.decided !== '').length;
  return `${agree} of ${compared.length} workloads end as expected (${((100 * agree) / Math.max(1, compared.length)).toFixed(1)} %), ${decided} of them decided by reading\n${lines.join('\n')}\ndisagreements:\n${rows.join('\n')}\n`;
}
