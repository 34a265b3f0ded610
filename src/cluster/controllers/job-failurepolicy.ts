// The Pod failure policy and the success policy of a Job (pkg/controller/job/{pod_failure_policy,success_policy}.go). Pure.

import type { ContainerStatus, Job, Pod, PodFailurePolicyRule } from '../api/generated/types.ts';
import { conditionOf, keyOf } from '../api/meta.ts';
import { parseIndexes } from './job-indexes.ts';

export type FailureAction = 'Ignore' | 'FailIndex' | 'FailJob' | 'Count';

const ACTIONS: ReadonlySet<string> = new Set<FailureAction>(['Ignore', 'FailIndex', 'FailJob', 'Count']);

export interface PolicyMatch {
  readonly action: FailureAction;
  /** Why, when the Job fails by it. */
  readonly message: string;
}

/** The first rule that a failed Pod meets; undefined when none does. */
export function matchFailurePolicy(job: Job, pod: Pod): PolicyMatch | undefined {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    if (!ACTIONS.has(rule.action)) continue;
    const reason = rule.onExitCodes ? byExitCode(rule, pod) : byCondition(rule, pod);
    if (reason !== undefined) {
      return { action: rule.action as FailureAction, message: `${reason} matching ${rule.action} rule at index ${index}` };
    }
  }
  return undefined;
}

function byExitCode({ onExitCodes }: PodFailurePolicyRule, pod: Pod): string | undefined {
  if (!onExitCodes) return undefined;
  const { containerName, operator, values } = onExitCodes;
  const matches = (status: ContainerStatus): boolean => {
    const code = status.state?.terminated?.exitCode ?? 0;
    if (code === 0 || (containerName !== undefined && containerName !== status.name)) return false;
    return operator === 'In' ? values.includes(code) : operator === 'NotIn' && !values.includes(code);
  };
  const found = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])].find(matches);
  return found && `Container ${found.name} for pod ${keyOf(pod)} failed with exit code ${found.state?.terminated?.exitCode}`;
}

function byCondition({ onPodConditions }: PodFailurePolicyRule, pod: Pod): string | undefined {
  for (const { type, status = 'True' } of onPodConditions ?? []) {
    if (conditionOf(pod.status.conditions, type)?.status === status) return `Pod ${keyOf(pod)} has condition ${type}`;
  }
  return undefined;
}

/** Which rule of the success policy is met; undefined when none is. */
export function metSuccessRule(job: Job, succeeded: ReadonlySet<number>): number | undefined {
  const completions = job.spec.completions ?? 0;
  for (const [i, rule] of (job.spec.successPolicy?.rules ?? []).entries()) {
    if (rule.succeededIndexes === undefined) {
      if (succeeded.size >= (rule.succeededCount ?? 0)) return i;
      continue;
    }
    const wanted = parseIndexes(rule.succeededIndexes, completions);
    if (wanted.size === 0) continue;
    const needed = rule.succeededCount ?? wanted.size;
    let have = 0;
    for (const index of wanted) if (succeeded.has(index)) have++;
    if (have >= needed) return i;
  }
  return undefined;
}
