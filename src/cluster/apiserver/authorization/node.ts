// The Node authorizer (plugin/pkg/auth/authorizer/node): a kubelet reads the Secrets, ConfigMaps, claims, volumes and accounts of the
// Pods on its node and nothing else of the kind. In place of a graph that is kept up it looks through the Pods of the one node.

import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../api/generated/types.ts';
import type { PolicyRule } from '../../api/generated/types.ts';
import { NODE_RULES } from '../startup/policy-roles.ts';
import { rule } from '../startup/policy-rules.ts';
import type { Cacher, Scope } from '../storage/cacher.ts';
import { ALLOWED, type Attributes, type Decision, NO_OPINION, noOpinion } from './attributes.ts';
import { claimsOf, configMapsOf, resourceClaimsOf, secretsOf } from './pod-references.ts';
import { ruleCovers } from './rules.ts';

const PREFIX = 'system:node:';
const GROUP = 'system:nodes';
const LEASES = 'kube-node-lease';

export type CacherOf = (key: string) => Cacher;

type References = (pod: Pod) => Iterable<string>;

export class NodeAuthorizer {
  readonly #cacher: CacherOf;
  #rules: readonly PolicyRule[] | null = null;
  /** What the static rules say, by verb and resource. */
  readonly #static = new Map<string, boolean>();

  constructor(cacher: CacherOf) {
    this.#cacher = cacher;
  }

  decide(a: Attributes): Decision {
    const { user } = a;
    if (!user.name.startsWith(PREFIX) || !user.groups.includes(GROUP)) return NO_OPINION;
    const node = user.name.slice(PREFIX.length);
    return (a.isResource ? this.#subdivided(a, node) : null) ?? this.#byRules(a);
  }

  /** Null for resources that all nodes may use alike. */
  #subdivided(a: Attributes, node: string): Decision | null {
    switch (a.group === '' ? a.resource : `${a.resource}.${a.group}`) {
      case 'leases.coordination.k8s.io':
        return lease(a, node);
      case 'nodes':
        return nodes(a, node);
      case 'pods':
        return this.#pods(a, node);
      case 'secrets':
        return this.#read(a, node, (pod) => secretsOf(pod), () => this.#secretOfVolume(a, node));
      case 'configmaps':
        return this.#read(a, node, configMapsOf);
      case 'serviceaccounts':
        return this.#account(a, node);
      case 'persistentvolumeclaims':
        return a.subresource === 'status' ? this.#claimStatus(a, node) : this.#get(a, node, () => this.#onPods(a, node, claimsOf));
      case 'persistentvolumes':
        return this.#get(a, node, () => this.#volumeNames(node).has(a.name));
      case 'resourceclaims.resource.k8s.io':
        return this.#get(a, node, () => this.#onPods(a, node, resourceClaimsOf));
      case 'volumeattachments.storage.k8s.io':
        return this.#get(a, node, () => this.#attachedTo(a.name) === node);
      case 'csinodes.storage.k8s.io':
        return csiNode(a, node);
      case 'resourceslices.resource.k8s.io':
        return this.#slices(a, node);
      default:
        return null;
    }
  }

  #byRules(a: Attributes): Decision {
    const key = a.isResource ? `${a.verb} ${a.group}/${a.resource}/${a.subresource}` : `${a.verb} ${a.path}`;
    let allowed = this.#static.get(key);
    if (allowed === undefined) {
      this.#rules ??= NODE_RULES.map(rule);
      allowed = this.#rules.some((one) => ruleCovers(one, a));
      this.#static.set(key, allowed);
    }
    return allowed ? ALLOWED : NO_OPINION;
  }

  #read(a: Attributes, node: string, references: References, more: () => boolean = () => false): Decision {
    if (a.verb !== 'get' && a.verb !== 'list' && a.verb !== 'watch') return noOpinion('can only read resources of this type');
    if (a.subresource !== '') return noOpinion('cannot read subresource');
    if (a.namespace === '') return noOpinion('can only read namespaced object of this type');
    return related(a, node, () => this.#onPods(a, node, references) || more());
  }

  #get(a: Attributes, node: string, found: () => boolean): Decision {
    if (a.verb !== 'get') return noOpinion('can only get individual resources of this type');
    if (a.subresource !== '') return noOpinion('cannot get subresource');
    return related(a, node, found);
  }

  #claimStatus(a: Attributes, node: string): Decision {
    if (a.verb !== 'update' && a.verb !== 'patch') return noOpinion('can only get/update/patch this type');
    return related(a, node, () => this.#onPods(a, node, claimsOf));
  }

  #account(a: Attributes, node: string): Decision {
    const account: References = (pod) => [pod.spec?.serviceAccountName ?? ''];
    if (a.verb === 'get' && a.subresource === '') return related(a, node, () => this.#onPods(a, node, account));
    if (a.verb !== 'create' || a.name === '') return noOpinion('can only create tokens for individual service accounts');
    if (a.subresource !== 'token') return noOpinion('can only create token subresource of serviceaccount');
    return related(a, node, () => this.#onPods(a, node, account));
  }

  #pods(a: Attributes, node: string): Decision {
    const { verb } = a;
    switch (a.subresource) {
      case '':
        if (verb === 'create' || verb === 'delete') return ALLOWED;
        if (verb === 'get') return this.#get(a, node, () => this.#isHere(a, node));
        if (verb !== 'list' && verb !== 'watch') return NO_OPINION;
        if (selects(a.fieldSelector, 'spec.nodeName', node)) return ALLOWED;
        if (a.name !== '') return related(a, node, () => this.#isHere(a, node));
        return noOpinion('can only list/watch pods with spec.nodeName field selector');
      case 'status':
        return verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION;
      case 'eviction':
        return verb === 'create' ? ALLOWED : NO_OPINION;
      default:
        return NO_OPINION;
    }
  }

  #slices(a: Attributes, node: string): Decision {
    if (a.subresource !== '') return noOpinion('cannot authorize ResourceSlice subresources');
    switch (a.verb) {
      case 'create':
        return ALLOWED;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete': {
        const slice = this.#cacher('resourceslices.resource.k8s.io').get(a.name) as { readonly spec?: { readonly nodeName?: string } } | undefined;
        return related(a, node, () => slice?.spec?.nodeName === node);
      }
      case 'watch':
      case 'list':
      case 'deletecollection':
        if (selects(a.fieldSelector, 'nodeName', node) || selects(a.fieldSelector, 'spec.nodeName', node)) return ALLOWED;
        return noOpinion('can only list/watch/deletecollection resourceslices with nodeName field selector');
      default:
        return noOpinion(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        );
    }
  }

  #isHere(a: Attributes, node: string): boolean {
    const pod = this.#cacher('pods').get(`${a.namespace}/${a.name}`) as unknown as Pod | undefined;
    return pod?.spec?.nodeName === node;
  }

  /** Whether a Pod of the node in the request's namespace refers to the object. */
  #onPods(a: Attributes, node: string, references: References): boolean {
    let found = false;
    this.#cacher('pods').select(scopeOf(a.namespace, node), '', (object) => {
      for (const name of references(object as unknown as Pod)) found ||= name === a.name;
      return !found;
    });
    return found;
  }

  /** The volumes behind the claims of the node's Pods, with their own CSI and flex Secrets. */
  #volumeNames(node: string): ReadonlySet<string> {
    const claims = this.#cacher('persistentvolumeclaims');
    const names = new Set<string>();
    this.#cacher('pods').select(scopeOf('', node), '', (object) => {
      const pod = object as unknown as Pod;
      for (const name of claimsOf(pod)) {
        const claim = claims.get(`${pod.metadata.namespace}/${name}`) as unknown as PersistentVolumeClaim | undefined;
        if (claim?.spec?.volumeName) names.add(claim.spec.volumeName);
      }
    });
    return names;
  }

  #secretOfVolume(a: Attributes, node: string): boolean {
    const volumes = this.#cacher('persistentvolumes');
    for (const name of this.#volumeNames(node)) {
      const csi = (volumes.get(name) as unknown as PersistentVolume | undefined)?.spec?.csi;
      for (const ref of [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef, csi?.controllerPublishSecretRef]) {
        if (ref?.name === a.name && ref.namespace === a.namespace) return true;
      }
    }
    return false;
  }

  #attachedTo(name: string): string | undefined {
    return (this.#cacher('volumeattachments.storage.k8s.io').get(name) as unknown as VolumeAttachment | undefined)?.spec?.nodeName;
  }
}

const scopeOf = (namespace: string, nodeName: string): Scope => ({ namespace, name: '', nodeName, matches: null });

function related(a: Attributes, node: string, found: () => boolean): Decision {
  if (a.name === '') return noOpinion('No Object name found');
  return found() ? ALLOWED : noOpinion(`no relationship found between node '${node}' and this object`);
}

function lease(a: Attributes, node: string): Decision {
  const { verb } = a;
  if (verb !== 'get' && verb !== 'create' && verb !== 'update' && verb !== 'patch' && verb !== 'delete')
    return noOpinion('can only get, create, update, patch, or delete a node lease');
  if (a.namespace !== LEASES) return noOpinion(`can only access leases in the "${LEASES}" system namespace`);
  if (verb !== 'create' && a.name !== node) return noOpinion('can only access node lease with the same name as the requesting node');
  return ALLOWED;
}

function csiNode(a: Attributes, node: string): Decision {
  const { verb } = a;
  if (verb !== 'get' && verb !== 'create' && verb !== 'update' && verb !== 'patch' && verb !== 'delete')
    return noOpinion('can only get, create, update, patch, or delete a CSINode');
  if (a.subresource !== '') return noOpinion('cannot authorize CSINode subresources');
  if (verb !== 'create' && a.name !== node) return noOpinion('can only access CSINode with the same name as the requesting node');
  return ALLOWED;
}

function nodes(a: Attributes, node: string): Decision {
  const { verb } = a;
  if (a.subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOWED : NO_OPINION;
  if (a.subresource !== '') return NO_OPINION;
  if (verb === 'create' || verb === 'update' || verb === 'patch') return ALLOWED;
  if (verb !== 'get' && verb !== 'list' && verb !== 'watch') return NO_OPINION;
  if (a.name === node) return ALLOWED;
  if (a.name === '') return noOpinion(`node '${node}' cannot read all nodes, only its own Node object`);
  return noOpinion(`node '${node}' cannot read '${a.name}', only its own Node object`);
}

function selects(selector: string | undefined, field: string, value: string): boolean {
  if (selector === undefined) return false;
  return selector.split(',').some((part) => part === `${field}=${value}` || part === `${field}==${value}`);
}
