// DynamicResources (KEP-4381): Pods with ResourceClaims. Claims that somebody has allocated hold their Pods to the nodes
// of the allocation; there is no driver here that publishes devices, so that other claims cannot be allocated.

import type { DeviceClass, Pod, ResourceClaim } from '../../api/generated/types.ts';
import type { ClusterEvent } from '../events.ts';
import { type Plugin, type PreFilterResult, SKIP, type Status, unresolvable, unschedulable } from '../framework/types.ts';
import { compileNodeTerm, type NodeMatcher } from '../matcher.ts';
import type { PodInfo } from '../podinfo.ts';

/** The objects that claims are about; watched from the first Pod on that has a claim. */
export interface ResourceClaims {
  claim(namespace: string, name: string): ResourceClaim | undefined;
  deviceClass(name: string): DeviceClass | undefined;
  follow(move: (event: ClusterEvent) => void): void;
}

const NO_CLAIMS = unschedulable('no new claims to deallocate');
const STILL_NOT = unschedulable('still not schedulable');
/** The state that PreFilter would have written is missing when an earlier plugin ended the cycle; this is upstream's word for it. */
const NO_STATE: Status = { code: 'Error', reasons: ['not found'] };
const ELSEWHERE = unresolvable('resourceclaim not available on the node');
const NO_DEVICES = unresolvable('cannot allocate all claims');
const IN_USE = unresolvable('resourceclaim in use');

/** Where the allocated claims can be used; null: some claim is not allocated. */
type State = readonly NodeMatcher[] | null;

const NAME = 'DynamicResources';
/** status.reservedFor holds so many. */
const MAX_CONSUMERS = 256;

const claimsOf = (pod: Pod): NonNullable<Pod['spec']['resourceClaims']> => pod.spec.resourceClaims ?? [];

export function dynamicResources(objects: ResourceClaims): Plugin {
  return {
    name: NAME,
    events: [
      { event: 'NodeAdd' },
      { event: 'NodeLabel' },
      { event: 'NodeAllocatable' },
      { event: 'ResourceClaimAdd', worthTrying: (pod, _, after) => concerns(pod, after as ResourceClaim) },
      { event: 'ResourceClaimUpdate', worthTrying: (pod, before, after) => deallocated(before as ResourceClaim, after as ResourceClaim) || concerns(pod, after as ResourceClaim) },
      { event: 'PodGeneratedResourceClaim', worthTrying: ({ pod }) => typeof find(pod, objects) !== 'string' },
      { event: 'DeviceClassAdd' },
      { event: 'DeviceClassUpdate' },
      { event: 'ResourceSliceAdd' },
      { event: 'ResourceSliceUpdate' },
    ],
    follow: (move) => objects.follow(move),
    preEnqueue({ pod }) {
      if (pod.spec.resourceClaims === undefined) return null;
      const found = find(pod, objects);
      return typeof found === 'string' ? unresolvable(found) : null;
    },
    preFilter({ pod }): PreFilterResult {
      if (pod.spec.resourceClaims === undefined) return { status: SKIP };
      const claims = find(pod, objects);
      if (typeof claims === 'string') return { status: unresolvable(claims) };
      if (claims.length === 0) return { status: SKIP };
      let everywhere = true;
      const nodes: NodeMatcher[] = [];
      for (const claim of claims) {
        const { allocation, reservedFor = [] } = claim.status ?? {};
        if (allocation === undefined) {
          const missing = missingClass(claim, objects);
          if (missing !== null) return { status: unresolvable(missing) };
          everywhere = false;
        } else if (reservedFor.length >= MAX_CONSUMERS && !reservedFor.some((user) => user.uid === pod.metadata.uid)) return { status: IN_USE };
        else if (allocation.nodeSelector !== undefined) {
          const terms = allocation.nodeSelector.nodeSelectorTerms.map(compileNodeTerm);
          nodes.push((labels, name) => terms.some((term) => term(labels, name)));
        }
      }
      const state: State = everywhere ? nodes : null;
      return { status: null, state };
    },
    filter(state: State, _, node) {
      if (state === null) return NO_DEVICES;
      return state.every((matches) => matches(node.labels, node.name)) ? null : ELSEWHERE;
    },
    postFilter({ pod, asked, absent }) {
      if (!asked.has(NAME)) return { status: NO_STATE };
      // When its own PreFilter said no, it did not get as far as noting the claims.
      return { status: claimsOf(pod.pod).length === 0 || absent?.plugin === NAME ? NO_CLAIMS : STILL_NOT };
    },
  };
}

const deallocated = (before: ResourceClaim, after: ResourceClaim): boolean =>
  before.status?.allocation !== undefined && after.status?.allocation === undefined;

function concerns({ pod }: PodInfo, claim: ResourceClaim): boolean {
  return pod.metadata.namespace === claim.metadata.namespace && claimsOf(pod).some((entry) => nameOf(pod, entry) === claim.metadata.name);
}

/** The claim that an entry of the Pod names itself, or that was made for it from a template; null: none is needed. */
function nameOf(pod: Pod, entry: NonNullable<Pod['spec']['resourceClaims']>[number]): string | null | undefined {
  if (entry.resourceClaimName !== undefined) return entry.resourceClaimName;
  const made = pod.status.resourceClaimStatuses?.find((status) => status.name === entry.name);
  return made === undefined ? undefined : (made.resourceClaimName ?? null);
}

/** The Pod's claims, or why they cannot be had. */
function find(pod: Pod, objects: ResourceClaims): readonly ResourceClaim[] | string {
  const { namespace = '', name, uid } = pod.metadata;
  const claims: ResourceClaim[] = [];
  for (const entry of claimsOf(pod)) {
    const claimName = nameOf(pod, entry);
    if (claimName === null) continue;
    if (claimName === undefined) return `pod "${namespace}/${name}": pod claim ${entry.name}: ResourceClaim not created yet`;
    const claim = objects.claim(namespace, claimName);
    if (claim === undefined) return `resourceclaim.resource.k8s.io "${claimName}" not found`;
    if (claim.metadata.deletionTimestamp !== undefined) return `resourceclaim "${claimName}" is being deleted`;
    const owner = claim.metadata.ownerReferences?.find((reference) => reference.controller);
    if (entry.resourceClaimTemplateName !== undefined && owner?.uid !== uid) {
      return `ResourceClaim ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`;
    }
    claims.push(claim);
  }
  return claims;
}

function missingClass(claim: ResourceClaim, objects: ResourceClaims): string | null {
  const check = (name: string | undefined, request: string): string | null =>
    name === undefined || objects.deviceClass(name) !== undefined ? null : `request ${request}: device class ${name} does not exist`;
  for (const request of claim.spec.devices?.requests ?? []) {
    const wrong = request.exactly ? check(request.exactly.deviceClassName, request.name) : null;
    if (wrong !== null) return wrong;
    for (const sub of request.firstAvailable ?? []) {
      const missing = check(sub.deviceClassName, `${request.name}/${sub.name}`);
      if (missing !== null) return missing;
    }
  }
  return null;
}
