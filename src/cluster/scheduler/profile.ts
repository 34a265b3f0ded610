// The default profile of kube-scheduler 1.36 (apis/config/v1/default_plugins.go): these plugins in this order, with these weights.
// Not modelled: volume plugins (VolumeRestrictions, NodeVolumeLimits, VolumeBinding, VolumeZone) and device allocation.

import type { Client } from '../client/client.ts';
import type { Random } from '../sim/random.ts';
import { Framework } from './framework/framework.ts';
import type { Listers } from './listers.ts';
import { defaultBinder } from './plugins/default-binder.ts';
import { defaultPreemption } from './plugins/default-preemption.ts';
import { dynamicResources } from './plugins/dynamic-resources.ts';
import { imageLocality } from './plugins/image-locality.ts';
import { interPodAffinity } from './plugins/inter-pod-affinity.ts';
import { nodeAffinity } from './plugins/node-affinity.ts';
import { nodeName } from './plugins/node-name.ts';
import { nodePorts } from './plugins/node-ports.ts';
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced.ts';
import { nodeResourcesFit } from './plugins/node-resources-fit.ts';
import { nodeUnschedulable } from './plugins/node-unschedulable.ts';
import { podTopologySpread } from './plugins/pod-topology-spread.ts';
import { prioritySort } from './plugins/priority-sort.ts';
import { schedulingGates } from './plugins/scheduling-gates.ts';
import { taintToleration } from './plugins/taint-toleration.ts';

export const DEFAULT_SCHEDULER = 'default-scheduler';

export function defaultProfile(client: Client, listers: Listers, random: Random): Framework {
  return new Framework([
    { plugin: schedulingGates },
    { plugin: prioritySort },
    { plugin: nodeUnschedulable },
    { plugin: nodeName },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity, weight: 2 },
    { plugin: nodePorts },
    { plugin: nodeResourcesFit, weight: 1 },
    { plugin: podTopologySpread((pod) => listers.defaultSelector(pod)), weight: 2 },
    { plugin: interPodAffinity((namespace) => listers.namespaceLabels(namespace)), weight: 2 },
    { plugin: dynamicResources },
    { plugin: defaultPreemption((namespace) => listers.budgets(namespace), random) },
    { plugin: nodeResourcesBalancedAllocation, weight: 1 },
    { plugin: imageLocality, weight: 1 },
    { plugin: defaultBinder(client) },
  ]);
}
