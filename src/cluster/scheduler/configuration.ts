// KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): the file of --config. Defaults and objections as upstream's
// apis/config/v1 and apis/config/validation.

import { parseYaml } from '../api/yaml.ts';
import { type Micros, SECOND } from '../sim/time.ts';
import type { ExtensionPoint } from './framework/types.ts';
import { EXTENSION_POINTS } from './framework/framework.ts';
import type { FitArgs } from './plugins/node-resources-fit.ts';
import type { PodTopologySpreadArgs } from './plugins/pod-topology-spread.ts';
import { DEFAULT_SCHEDULER, type PluginArgs, type PluginSet, type PluginSets, type Profile } from './profile.ts';
import type { Backoff } from './queue.ts';

export interface SchedulerConfiguration {
  readonly profiles: readonly Profile[];
  readonly backoff: Backoff;
  readonly leaderElection: { readonly leaderElect: boolean; readonly resourceName: string; readonly resourceNamespace: string };
  /** '' = the identity of the Pod's ServiceAccount. */
  readonly kubeconfig: string;
}

const API_VERSION = 'kubescheduler.config.k8s.io/v1';
const KIND = 'KubeSchedulerConfiguration';

const FIELDS = new Set([
  'apiVersion',
  'kind',
  'parallelism',
  'leaderElection',
  'clientConnection',
  'enableProfiling',
  'enableContentionProfiling',
  'percentageOfNodesToScore',
  'podInitialBackoffSeconds',
  'podMaxBackoffSeconds',
  'profiles',
  'extenders',
  'delayCacheUntilActive',
]);

interface File {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly clientConnection?: { readonly kubeconfig?: string };
  readonly leaderElection?: { readonly leaderElect?: boolean; readonly resourceName?: string; readonly resourceNamespace?: string };
  readonly profiles?: readonly FileProfile[];
}

interface FileProfile {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: PluginSets;
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: Readonly<Record<string, unknown>> }[];
}

/** Throws an Error with what is wrong with the file. */
export function readConfiguration(text: string): SchedulerConfiguration {
  const file = (parseYaml(text) ?? {}) as File;
  if (!file.kind) throw new Error(`couldn't get version/kind; json parse error: Object 'Kind' is missing`);
  if (file.apiVersion !== API_VERSION || file.kind !== KIND) {
    throw new Error(`no kind "${file.kind}" is registered for version "${file.apiVersion ?? ''}" in scheme "pkg/scheduler/apis/config/scheme/scheme.go:30"`);
  }
  const unknown = Object.keys(file).filter((key) => !FIELDS.has(key));
  if (unknown.length > 0) throw new Error(`strict decoding error: ${unknown.map((key) => `unknown field "${key}"`).join(', ')}`);
  const given = file.profiles === undefined || file.profiles.length === 0 ? [{ schedulerName: DEFAULT_SCHEDULER }] : file.profiles;
  // A single profile may be nameless: it is the default one.
  const named = given.length === 1 ? given.map((profile) => ({ ...profile, schedulerName: profile.schedulerName ?? DEFAULT_SCHEDULER })) : given;
  const problems = problemsOf(file, named);
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
  const { podInitialBackoffSeconds = 1, podMaxBackoffSeconds = 10, percentageOfNodesToScore = 0, leaderElection = {}, clientConnection = {} } = file;
  return {
    profiles: named.map((profile) => profileOf(profile, percentageOfNodesToScore)),
    backoff: { initial: (podInitialBackoffSeconds * SECOND) as Micros, max: (podMaxBackoffSeconds * SECOND) as Micros },
    leaderElection: {
      leaderElect: leaderElection.leaderElect ?? true,
      resourceName: leaderElection.resourceName ?? 'kube-scheduler',
      resourceNamespace: leaderElection.resourceNamespace ?? 'kube-system',
    },
    kubeconfig: clientConnection.kubeconfig ?? '',
  };
}

function profileOf({ schedulerName = '', percentageOfNodesToScore, plugins, pluginConfig = [] }: FileProfile, percentage: number): Profile {
  const args = Object.fromEntries(pluginConfig.map(({ name, args: given = {} }) => [name, defaulted(name, given)])) as PluginArgs;
  return { schedulerName, percentageOfNodesToScore: percentageOfNodesToScore ?? percentage, args, ...(plugins === undefined ? {} : { plugins }) };
}

/** Weights that are not written are 1. */
function defaulted(name: string, args: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (name === 'NodeResourcesFit' && args['scoringStrategy'] !== undefined) {
    const strategy = args['scoringStrategy'] as NonNullable<FitArgs['scoringStrategy']>;
    return { ...args, scoringStrategy: { ...strategy, ...weighted(strategy.resources) } };
  }
  if (name === 'NodeResourcesBalancedAllocation') return { ...args, ...weighted(args['resources'] as FitResources) };
  return args;
}

type FitResources = NonNullable<FitArgs['scoringStrategy']>['resources'];

const weighted = (resources: FitResources): { readonly resources?: FitResources } =>
  resources === undefined || resources.length === 0 ? {} : { resources: resources.map(({ name, weight }) => ({ name, weight: weight || 1 })) };

function problemsOf(file: File, profiles: readonly FileProfile[]): readonly string[] {
  const problems: string[] = [];
  const percentage = (path: string, value: number | undefined): void => {
    if (value !== undefined && (value < 0 || value > 100)) problems.push(`${path}percentageOfNodesToScore: Invalid value: ${value}: not in valid range [0-100]`);
  };
  percentage('', file.percentageOfNodesToScore);
  const { podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = file;
  if (initial <= 0) problems.push(`podInitialBackoffSeconds: Invalid value: ${initial}: must be greater than 0`);
  if (max < initial) problems.push(`podMaxBackoffSeconds: Invalid value: ${max}: must be greater than or equal to PodInitialBackoffSeconds`);
  const names = new Set<string>();
  for (const [i, profile] of profiles.entries()) {
    const path = `profiles[${i}].`;
    const name = profile.schedulerName ?? '';
    if (name === '') problems.push(`${path}schedulerName: Required value`);
    else if (names.has(name)) problems.push(`${path}schedulerName: Duplicate value: "${name}"`);
    names.add(name);
    percentage(path, profile.percentageOfNodesToScore);
    if (queueSort(profile) !== queueSort(profiles[0] as FileProfile)) {
      problems.push(`${path}plugins.queueSort: Invalid value: ${JSON.stringify(profile.plugins?.queueSort ?? {})}: queueSort must be the same for all profiles`);
    }
    for (const point of Object.keys(profile.plugins ?? {})) {
      if (point !== 'multiPoint' && !EXTENSION_POINTS.includes(point as ExtensionPoint)) problems.push(`strict decoding error: unknown field "${path}plugins.${point}"`);
    }
    for (const { name: plugin, args = {} } of profile.pluginConfig ?? []) problems.push(...problemsOfArgs(`${path}pluginConfig[${plugin}].args.`, plugin, args));
  }
  return problems;
}

const queueSort = ({ plugins }: FileProfile): string => JSON.stringify((plugins?.queueSort satisfies PluginSet | undefined) ?? null);

function problemsOfArgs(path: string, plugin: string, args: Readonly<Record<string, unknown>>): readonly string[] {
  if (plugin === 'NodeResourcesFit') return problemsOfFit(path, args as FitArgs);
  if (plugin === 'PodTopologySpread') return problemsOfSpread(path, args as PodTopologySpreadArgs);
  if (plugin === 'InterPodAffinity') {
    const { hardPodAffinityWeight: weight = 1 } = args as { hardPodAffinityWeight?: number };
    return weight < 0 || weight > 100 ? [`${path}hardPodAffinityWeight: Invalid value: ${weight}: not in valid range [0, 100]`] : [];
  }
  return [];
}

function problemsOfFit(path: string, { scoringStrategy }: FitArgs): readonly string[] {
  const problems: string[] = [];
  const type = scoringStrategy?.type ?? 'LeastAllocated';
  if (!['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'].includes(type)) problems.push(`${path}scoringStrategy.type: Invalid value: "${type}": scoring strategy ${type} is not supported`);
  for (const [i, { weight }] of (scoringStrategy?.resources ?? []).entries()) {
    if (weight !== undefined && (weight < 0 || weight > 100)) problems.push(`${path}scoringStrategy.resources[${i}].weight: Invalid value: ${weight}: resource weight not in valid range [1, 100]`);
  }
  const shape = scoringStrategy?.requestedToCapacityRatio?.shape ?? [];
  if (type === 'RequestedToCapacityRatio' && shape.length === 0) problems.push(`${path}scoringStrategy.requestedToCapacityRatio.shape: Required value: at least one point must be specified`);
  for (const [i, { utilization, score }] of shape.entries()) {
    const at = `${path}scoringStrategy.requestedToCapacityRatio.shape[${i}]`;
    const before = shape[i - 1]?.utilization;
    if (utilization < 0 || utilization > 100) problems.push(`${at}.utilization: Invalid value: ${utilization}: not in valid range 0-100`);
    if (before !== undefined && utilization <= before) problems.push(`${at}.utilization: Invalid value: ${utilization}: utilization values must be sorted in increasing order`);
    if (score < 0 || score > 10) problems.push(`${at}.score: Invalid value: ${score}: not in valid range 0-10`);
  }
  return problems;
}

function problemsOfSpread(path: string, { defaultConstraints = [], defaultingType = 'System' }: PodTopologySpreadArgs): readonly string[] {
  const problems: string[] = [];
  if (defaultingType === 'System' && defaultConstraints.length > 0) {
    problems.push(`${path}defaultingType: Invalid value: "System": when .defaultConstraints are not empty`);
  }
  for (const [i, constraint] of defaultConstraints.entries()) {
    if (constraint.labelSelector !== undefined) {
      problems.push(`${path}defaultConstraints[${i}].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`);
    }
  }
  return problems;
}
