// Profiles of kube-scheduler 1.36: which plugins run where, in which order, with which weights and arguments. The default one
// is apis/config/v1/default_plugins.go; a KubeSchedulerConfiguration changes it (config.ts).

import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import type { Random } from '../sim/random.ts';
import { type Enabled, type EnabledByPoint, EXTENSION_POINTS, Framework, implementsPoint } from './framework/framework.ts';
import type { Plugin } from './framework/types.ts';
import type { Listers } from './listers.ts';
import { defaultBinder } from './plugins/default-binder.ts';
import { defaultPreemption, type PreemptionArgs } from './plugins/default-preemption.ts';
import { dynamicResources, type ResourceClaims } from './plugins/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity, type InterPodAffinityArgs } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity, type NodeAffinityArgs } from './plugins/node-affinity.ts';
import { nodeDeclaredFeatures } from './plugins/node-declared-features.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { type BalancedAllocationArgs, nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced.ts';
import { type FitArgs, nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { podTopologySpread, type PodTopologySpreadArgs } from './plugins/pod-topology-spread.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';
import type { StorageObjects } from './storage-objects.ts';
import { volumePlugin } from './volume-plugins.ts';

export const DEFAULT_SCHEDULER = 'default-scheduler';

/** What plugins are made with. */
export interface Handle {
  readonly client: Client;
  /** Informers of one's own are to be asked for while the plugin is made, or started by hand. */
  readonly factory: InformerFactory;
  readonly listers: Listers;
  readonly claims: ResourceClaims;
  /** For the volume plugins. */
  readonly storage: StorageObjects;
  /** For DefaultPreemption. */
  readonly random: Random;
}

/** pluginConfig's `args` by plugin, as far as the plugin has any. */
export interface PluginArgs {
  readonly DefaultPreemption?: PreemptionArgs;
  readonly InterPodAffinity?: InterPodAffinityArgs;
  readonly NodeAffinity?: NodeAffinityArgs;
  readonly NodeResourcesBalancedAllocation?: BalancedAllocationArgs;
  readonly NodeResourcesFit?: FitArgs;
  readonly PodTopologySpread?: PodTopologySpreadArgs;
}

/** Every plugin that can be named in a profile. */
const REGISTRY: Readonly<Record<string, (handle: Handle, args: PluginArgs) => Plugin>> = {
  SchedulingGates: () => schedulingGates,
  PrioritySort: () => prioritySort,
  NodeUnschedulable: () => nodeUnschedulable,
  NodeName: () => nodeName,
  TaintToleration: () => taintToleration,
  NodeAffinity: (_, args) => nodeAffinity(args.NodeAffinity),
  NodePorts: () => nodePorts,
  NodeResourcesFit: (_, args) => nodeResourcesFit(args.NodeResourcesFit),
  VolumeRestrictions: ({ storage, client }) => volumePlugin('VolumeRestrictions', storage, client),
  NodeVolumeLimits: ({ storage, client }) => volumePlugin('NodeVolumeLimits', storage, client),
  VolumeBinding: ({ storage, client }) => volumePlugin('VolumeBinding', storage, client),
  VolumeZone: ({ storage, client }) => volumePlugin('VolumeZone', storage, client),
  PodTopologySpread: ({ listers }, args) => podTopologySpread((pod) => listers.defaultSelector(pod), args.PodTopologySpread),
  InterPodAffinity: ({ listers }, args) => interPodAffinity((namespace) => listers.namespaceLabels(namespace), args.InterPodAffinity),
  DynamicResources: ({ claims }) => dynamicResources(claims),
  DefaultPreemption: ({ listers, random }, args) => defaultPreemption((namespace) => listers.budgets(namespace), random, args.DefaultPreemption),
  NodeResourcesBalancedAllocation: (_, args) => nodeResourcesBalancedAllocation(args.NodeResourcesBalancedAllocation),
  ImageLocality: () => imageLocality,
  DefaultBinder: ({ client }) => defaultBinder(client),
  NodeDeclaredFeatures: () => nodeDeclaredFeatures,
};

export interface PluginRef {
  readonly name: string;
  readonly weight?: number;
}

export interface PluginSet {
  readonly enabled?: readonly PluginRef[];
  /** `*`: all. */
  readonly disabled?: readonly { readonly name: string }[];
}

export type PluginSets = { readonly [P in (typeof EXTENSION_POINTS)[number] | 'multiPoint']?: PluginSet };

/** The multiPoint set of the default profile. */
export const DEFAULT_PLUGINS: readonly PluginRef[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'VolumeRestrictions' },
  { name: 'NodeVolumeLimits' },
  { name: 'VolumeBinding' },
  { name: 'VolumeZone' },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources' },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
  { name: 'NodeDeclaredFeatures' },
];

export interface Profile {
  readonly schedulerName: string;
  /** Absent: as the configuration says for all profiles; 0: by the size of the cluster. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: PluginSets;
  readonly args?: PluginArgs;
}

/** Throws with upstream's words when the profile names what does not exist or does not fit together. */
export function frameworkOf({ schedulerName, percentageOfNodesToScore = 0, plugins = {}, args = {} }: Profile, handle: Handle): Framework {
  const made = new Map<string, Plugin>();
  const pluginOf = (name: string): Plugin | null => {
    let plugin = made.get(name);
    if (plugin === undefined) {
      const factory = REGISTRY[name];
      if (factory === undefined) {
        if (DEFAULT_PLUGINS.some((ref) => ref.name === name)) return null;
        throw new Error(`initializing profiles: creating profile for scheduler name ${schedulerName}: ${name} does not exist`);
      }
      made.set(name, (plugin = factory(handle, args)));
    }
    return plugin;
  };
  const enable = (refs: readonly PluginRef[]): readonly Enabled[] =>
    refs.flatMap(({ name, weight }): readonly Enabled[] => {
      const plugin = pluginOf(name);
      return plugin === null ? [] : [{ plugin, ...(weight === undefined ? {} : { weight }) }];
    });
  const multiPoint = mergePluginSets({ enabled: DEFAULT_PLUGINS }, plugins.multiPoint ?? {});
  const everywhere = enable(multiPoint.enabled ?? []);
  const byPoint: EnabledByPoint = {};
  for (const point of EXTENSION_POINTS) {
    const own = plugins[point];
    if (own === undefined) continue;
    byPoint[point] = expand(everywhere, enable(own.enabled ?? []), own).filter(({ plugin }) => implementsPoint(plugin, point));
  }
  if ((byPoint.bind ?? everywhere).every(({ plugin }) => plugin.bind === undefined)) throw new Error('initializing profiles: at least one bind plugin is needed');
  return new Framework(everywhere, byPoint, { name: schedulerName, percentageOfNodesToScore });
}

/** One point's plugins: those configured both here and everywhere first, then the rest of everywhere, then the rest of here. */
function expand(everywhere: readonly Enabled[], here: readonly Enabled[], { disabled = [] }: PluginSet): readonly Enabled[] {
  const off = new Set(disabled.map(({ name }) => name));
  if (off.has('*')) return here;
  const named = new Set(here.map(({ plugin }) => plugin));
  const general = new Set(everywhere.map(({ plugin }) => plugin));
  return [
    ...here.filter(({ plugin }) => general.has(plugin) && !off.has(plugin.name)),
    ...everywhere.filter(({ plugin }) => !named.has(plugin) && !off.has(plugin.name)),
    ...here.filter(({ plugin }) => !general.has(plugin) || off.has(plugin.name)),
  ];
}

/** A profile's set over the default one (upstream mergePluginSet). */
export function mergePluginSets(defaults: PluginSet, custom: PluginSet): PluginSet {
  const disabled = [...(custom.disabled ?? []), ...(defaults.disabled ?? [])].map(({ name }) => ({ name }));
  const off = new Set(disabled.map(({ name }) => name));
  const last = new Map((custom.enabled ?? []).map((ref, index) => [ref.name, index]));
  const used = new Set<number>();
  const enabled: PluginRef[] = [];
  if (!off.has('*')) {
    for (const ref of defaults.enabled ?? []) {
      if (off.has(ref.name)) continue;
      const index = last.get(ref.name);
      enabled.push(index === undefined ? ref : ((custom.enabled ?? [])[index] as PluginRef));
      if (index !== undefined) used.add(index);
    }
  }
  for (const [index, ref] of (custom.enabled ?? []).entries()) if (!used.has(index)) enabled.push(ref);
  return { ...(enabled.length > 0 ? { enabled } : {}), ...(disabled.length > 0 ? { disabled } : {}) };
}
