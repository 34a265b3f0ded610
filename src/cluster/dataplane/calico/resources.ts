// Calico's custom resources (crd.projectcalico.org/v1) as its components read and write them.

import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { Client } from '../../client/client.ts';
import type { Op } from '../../sim/simulation.ts';

export const GROUP = 'crd.projectcalico.org';
export const GROUP_VERSION = `${GROUP}/v1`;

export interface CalicoKind {
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** All of them, as the manifest defines them. */
export const CALICO_KINDS = {
  bgpConfiguration: { kind: 'BGPConfiguration', plural: 'bgpconfigurations', namespaced: false },
  bgpPeer: { kind: 'BGPPeer', plural: 'bgppeers', namespaced: false },
  blockAffinity: { kind: 'BlockAffinity', plural: 'blockaffinities', namespaced: false },
  clusterInformation: { kind: 'ClusterInformation', plural: 'clusterinformations', namespaced: false },
  felixConfiguration: { kind: 'FelixConfiguration', plural: 'felixconfigurations', namespaced: false },
  globalNetworkPolicy: { kind: 'GlobalNetworkPolicy', plural: 'globalnetworkpolicies', namespaced: false },
  globalNetworkSet: { kind: 'GlobalNetworkSet', plural: 'globalnetworksets', namespaced: false },
  hostEndpoint: { kind: 'HostEndpoint', plural: 'hostendpoints', namespaced: false },
  ipamBlock: { kind: 'IPAMBlock', plural: 'ipamblocks', namespaced: false },
  ipamConfig: { kind: 'IPAMConfig', plural: 'ipamconfigs', namespaced: false },
  ipamHandle: { kind: 'IPAMHandle', plural: 'ipamhandles', namespaced: false },
  ipPool: { kind: 'IPPool', plural: 'ippools', namespaced: false },
  ipReservation: { kind: 'IPReservation', plural: 'ipreservations', namespaced: false },
  kubeControllersConfiguration: { kind: 'KubeControllersConfiguration', plural: 'kubecontrollersconfigurations', namespaced: false },
  networkPolicy: { kind: 'NetworkPolicy', plural: 'networkpolicies', namespaced: true },
  networkSet: { kind: 'NetworkSet', plural: 'networksets', namespaced: true },
  tier: { kind: 'Tier', plural: 'tiers', namespaced: false },
} as const satisfies Readonly<Record<string, CalicoKind>>;

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const made = new Map<CalicoKind, ResourceKind>();

/** For the client and informers. */
export function resourceOf(kind: CalicoKind): ResourceKind {
  let resource = made.get(kind);
  if (resource === undefined) {
    resource = {
      group: GROUP, version: 'v1', apiVersion: GROUP_VERSION, kind: kind.kind, plural: kind.plural, singular: kind.kind.toLowerCase(), shortNames: [], categories: [],
      namespaced: kind.namespaced, verbs: VERBS, subresources: [], schema: '', key: `${kind.plural}.${GROUP}`, custom: null,
    };
    made.set(kind, resource);
  }
  return resource;
}

export interface Custom<S> extends ApiObject {
  readonly spec: S;
}

export interface IpPoolSpec {
  readonly cidr: string;
  readonly blockSize?: number;
  readonly ipipMode?: 'Always' | 'CrossSubnet' | 'Never';
  readonly vxlanMode?: 'Always' | 'CrossSubnet' | 'Never';
  readonly natOutgoing?: boolean;
  readonly disabled?: boolean;
  readonly nodeSelector?: string;
  readonly allowedUses?: readonly string[];
}
export type IpPool = Custom<IpPoolSpec>;

export interface BlockAffinitySpec {
  readonly cidr: string;
  readonly deleted: string;
  readonly node: string;
  readonly state: 'pending' | 'confirmed' | 'pendingDeletion';
  readonly type: 'host';
}
export type BlockAffinity = Custom<BlockAffinitySpec>;

export interface BlockAttributes {
  readonly handle_id: string;
  readonly secondary: Readonly<Record<string, string>>;
}
export interface IpamBlockSpec {
  readonly affinity?: string;
  readonly affinityClaimTime?: string;
  readonly allocations: readonly (number | null)[];
  readonly attributes: readonly BlockAttributes[];
  readonly cidr: string;
  readonly deleted: boolean;
  readonly sequenceNumber: number;
  readonly strictAffinity: boolean;
  readonly unallocated: readonly number[];
}
export type IpamBlock = Custom<IpamBlockSpec>;

export interface IpamHandleSpec {
  readonly block: Readonly<Record<string, number>>;
  readonly deleted: boolean;
  readonly handleID: string;
}
export type IpamHandle = Custom<IpamHandleSpec>;

/** Reads and writes objects of one kind. Throws as Client does. */
export class Store<T extends ApiObject> {
  readonly #client: Client;
  readonly #kind: ResourceKind;

  constructor(client: Client, kind: CalicoKind) {
    this.#client = client;
    this.#kind = resourceOf(kind);
  }

  get(name: string, namespace = ''): Op<T> {
    return this.#client.get(this.#kind, namespace, name) as Op<unknown> as Op<T>;
  }

  *list(namespace = ''): Op<readonly T[]> {
    return (yield* this.#client.list(this.#kind, namespace)).items as unknown as readonly T[];
  }

  create(metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: Readonly<Record<string, string>> }, spec: unknown): Op<T> {
    return this.#client.create(this.#kind, { apiVersion: this.#kind.apiVersion, kind: this.#kind.kind, metadata, spec } as never) as Op<unknown> as Op<T>;
  }

  update(object: T): Op<T> {
    return this.#client.update(this.#kind, object as never) as Op<unknown> as Op<T>;
  }

  *delete(name: string, resourceVersion?: string): Op<void> {
    yield* this.#client.delete(this.#kind, '', name, resourceVersion === undefined ? {} : { preconditions: { resourceVersion } });
  }
}
