// What one object uses of a quota, and which names of a quota it can count for: the evaluators of pkg/quota/v1/evaluator/core
// and the object counts of all other resources.

import type { Container, PersistentVolumeClaim, Pod, Service } from '../generated/types.ts';
import type { ResourceKind } from '../kinds.ts';
import type { ApiObject } from '../meta.ts';
import { addLists, maxLists, type ResourceList } from './lists.ts';
import { isPodLevel, podLimits, podRequests } from './pod-resources.ts';
import { formatQuantity, parseQuantity } from '../quantity.ts';

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const POD_NAMES = new Set([
  'pods',
  'count/pods',
  ...COMPUTE,
  ...COMPUTE.map((name) => `requests.${name}`),
  ...COMPUTE.map((name) => `limits.${name}`),
]);
/** Where a quota names one of these, every container must have a value for it. */
const REQUIRED = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);
const SERVICE_NAMES = new Set(['services', 'services.nodeports', 'services.loadbalancers', 'count/services']);
/** Kinds that were counted under their own name before there was `count/`. */
const OLD_NAMES = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);
const BY_CLASS = '.storageclass.storage.k8s.io/';
const STORAGE = 'requests.storage';
const CLAIMS = 'persistentvolumeclaims';
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';

const isExtended = (name: string): boolean => name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');

/** Whether objects of that resource count for the name. */
export function countsFor({ key }: Pick<ResourceKind, 'key'>, name: string): boolean {
  switch (key) {
    case 'pods':
      return (
        POD_NAMES.has(name) ||
        name.startsWith('hugepages-') ||
        name.startsWith('requests.hugepages-') ||
        (name.startsWith('requests.') && isExtended(name.slice('requests.'.length)))
      );
    case 'services':
      return SERVICE_NAMES.has(name);
    case CLAIMS:
      return (
        name === CLAIMS ||
        name === STORAGE ||
        name === `count/${CLAIMS}` ||
        name.endsWith(BY_CLASS + CLAIMS) ||
        name.endsWith(BY_CLASS + STORAGE)
      );
    default:
      return name === `count/${key}` || (name === key && OLD_NAMES.has(key));
  }
}

/** What the object uses. `nowMicros` tells Pods that should be gone from those that still count. */
export function usageOf({ key }: Pick<ResourceKind, 'key'>, object: ApiObject, isOver: (pod: Pod) => boolean): ResourceList {
  switch (key) {
    case 'pods':
      return podUsage(object as unknown as Pod, isOver);
    case 'services':
      return serviceUsage(object as unknown as Service);
    case CLAIMS:
      return claimUsage(object as unknown as PersistentVolumeClaim);
    default:
      return OLD_NAMES.has(key) ? { [`count/${key}`]: '1', [key]: '1' } : { [`count/${key}`]: '1' };
  }
}

function podUsage(pod: Pod, isOver: (pod: Pod) => boolean): ResourceList {
  const count = { 'count/pods': '1' };
  return isTerminal(pod) || isOver(pod) ? count : addLists(count, computeUsage(podRequests(pod), podLimits(pod)));
}

export const isTerminal = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

function computeUsage(requests: ResourceList, limits: ResourceList): ResourceList {
  const out: Record<string, string> = { pods: '1' };
  for (const name in requests) {
    const value = requests[name] as string;
    if (COMPUTE.includes(name) || name.startsWith('hugepages-')) {
      out[name] = value;
      out[`requests.${name}`] = value;
    } else if (isExtended(name)) out[`requests.${name}`] = value;
  }
  for (const name of COMPUTE) if (name in limits) out[`limits.${name}`] = limits[name] as string;
  return out;
}

function serviceUsage({ spec }: Service): ResourceList {
  const out: Record<string, string> = { 'count/services': '1', services: '1' };
  const ports = spec.ports ?? [];
  if (spec.type === 'NodePort') out['services.nodeports'] = String(ports.length);
  if (spec.type === 'LoadBalancer') {
    const some = spec.allocateLoadBalancerNodePorts === false ? ports.filter((p) => (p.nodePort ?? 0) !== 0) : ports;
    out['services.nodeports'] = String(some.length);
    out['services.loadbalancers'] = '1';
  }
  return out;
}

function claimUsage(claim: PersistentVolumeClaim): ResourceList {
  const className = claim.metadata.annotations?.[BETA_CLASS] ?? claim.spec.storageClassName ?? '';
  const out: Record<string, string> = { [CLAIMS]: '1', [`count/${CLAIMS}`]: '1' };
  if (className !== '') out[className + BY_CLASS + CLAIMS] = '1';
  const asked = claim.spec.resources?.requests?.['storage'];
  if (asked === undefined) return out;
  const allocated = (claim.status?.allocatedResources as ResourceList | undefined)?.['storage'];
  const storage = wholeBytes(allocated === undefined ? asked : (maxLists({ storage: asked }, { storage: allocated })['storage'] as string));
  out[STORAGE] = storage;
  if (className !== '') out[className + BY_CLASS + STORAGE] = storage;
  return out;
}

function wholeBytes(text: string): string {
  const { nanos, value, format } = parseQuantity(text);
  return nanos % 1_000_000_000n === 0n ? text : formatQuantity(value, format);
}

/** What a quota with these names demands of each container and a Pod lacks: `limits.cpu for: a,b; …`. '' when nothing. */
export function missing(pod: Pod, names: readonly string[]): string {
  const wholePod = new Set<string>();
  const { resources } = pod.spec;
  if (resources) for (const name in computeUsage(podLevel(resources.requests), podLevel(resources.limits))) wholePod.add(name);
  const required = names.filter((name) => REQUIRED.has(name) && !wholePod.has(name)).sort();
  const all: readonly Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const parts: string[] = [];
  for (const name of required) {
    const lacking = all.filter((c) => !(name in computeUsage(c.resources?.requests ?? {}, c.resources?.limits ?? {}))).map((c) => c.name);
    if (lacking.length > 0) parts.push(`${name} for: ${[...new Set(lacking)].sort().join(',')}`);
  }
  return parts.join('; ');
}

function podLevel(list: ResourceList | undefined): ResourceList {
  const out: Record<string, string> = {};
  for (const name in list) if (isPodLevel(name)) out[name] = list[name] as string;
  return out;
}
