// The resources that calicoctl knows (calicoctl/resourcemgr): their names, their columns, and how they are read. Some are custom
// resources; nodes, workload endpoints and profiles are Kubernetes' own objects, seen Calico's way.

import type { Namespace, Node, Pod, ServiceAccount } from '../../../api/generated/types.ts';
import type { ApiObject } from '../../../api/meta.ts';
import type { Client } from '../../../client/client.ts';
import type { Op } from '../../../sim/simulation.ts';
import { workloadOf } from '../felix/workloads.ts';
import { IPV4_ADDRESS } from '../node/annotations.ts';
import { CALICO_KINDS, type CalicoKind, Store } from '../resources.ts';

export interface CalicoResource {
  readonly kind: string;
  readonly names: readonly string[];
  readonly namespaced: boolean;
  readonly columns: readonly string[];
  readonly wide: readonly string[];
  /** A cell by its heading. */
  cell(object: ApiObject, heading: string): string;
  list(client: Client, namespace: string): Op<readonly ApiObject[]>;
  /** Null: it cannot be written by calicoctl here. */
  readonly stored: CalicoKind | null;
}

type Spec = Readonly<Record<string, unknown>>;
const specOf = (object: ApiObject): Spec => (object as ApiObject & { readonly spec?: Spec }).spec ?? {};
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

function custom(kind: CalicoKind, names: readonly string[], columns: readonly string[], wide: readonly string[], cells: Readonly<Record<string, (spec: Spec) => string>>): CalicoResource {
  return {
    kind: kind.kind,
    names: [kind.kind.toLowerCase(), kind.plural, ...names],
    namespaced: kind.namespaced,
    columns,
    wide,
    cell: (object, heading) => (heading === 'NAME' ? object.metadata.name : heading === 'NAMESPACE' ? (object.metadata.namespace ?? '') : (cells[heading]?.(specOf(object)) ?? '')),
    list: (client, namespace) => new Store<ApiObject>(client, kind).list(namespace),
    stored: kind,
  };
}

const mode = (key: string) => (spec: Spec): string => text(spec[key]) || 'Never';
const flag = (key: string) => (spec: Spec): string => String(spec[key] === true);
const field = (key: string) => (spec: Spec): string => text(spec[key]);
const { ipPool, networkPolicy, globalNetworkPolicy, bgpPeer, bgpConfiguration, felixConfiguration, globalNetworkSet, networkSet, clusterInformation, hostEndpoint, ipReservation, kubeControllersConfiguration, tier } = CALICO_KINDS;

const node: CalicoResource = {
  kind: 'Node',
  names: ['node', 'nodes', 'no'],
  namespaced: false,
  columns: ['NAME'],
  wide: ['NAME', 'ASN', 'IPV4', 'IPV6'],
  cell: ({ metadata }, heading) => (heading === 'NAME' ? metadata.name : heading === 'ASN' ? '(64512)' : heading === 'IPV4' ? (metadata.annotations?.[IPV4_ADDRESS] ?? '') : ''),
  *list(client) {
    return (yield* client.list('nodes', '')).items as readonly Node[];
  },
  stored: null,
};

const workloadEndpoint: CalicoResource = {
  kind: 'WorkloadEndpoint',
  names: ['workloadendpoint', 'workloadendpoints', 'wep', 'weps'],
  namespaced: true,
  columns: ['WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE'],
  wide: ['NAME', 'WORKLOAD', 'NODE', 'NETWORKS', 'INTERFACE', 'PROFILES', 'NATS'],
  cell(object, heading) {
    const workload = workloadOf(object as Pod, undefined, undefined);
    const { name, namespace = '' } = object.metadata;
    if (heading === 'NAMESPACE') return namespace;
    if (workload === null) return '';
    const escaped = (part: string): string => part.replaceAll('-', '--');
    const cells: Readonly<Record<string, string>> = {
      NAME: `${escaped(workload.node)}-k8s-${escaped(name)}-eth0`, WORKLOAD: name, NODE: workload.node, NETWORKS: `${workload.address}/32`, INTERFACE: workload.interface, PROFILES: workload.profiles.join(','),
    };
    return cells[heading] ?? '';
  },
  *list(client, namespace) {
    const pods = (yield* client.list('pods', namespace)).items as readonly Pod[];
    return pods.filter((pod) => (workloadOf(pod, undefined, undefined)?.address ?? null) !== null);
  },
  stored: null,
};

const profile: CalicoResource = {
  kind: 'Profile',
  names: ['profile', 'profiles', 'pro', 'pros'],
  namespaced: false,
  columns: ['NAME'],
  wide: ['NAME', 'LABELS'],
  cell: ({ metadata }, heading) => (heading === 'NAME' ? metadata.name : Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(',')),
  *list(client) {
    const namespaces = (yield* client.list('namespaces', '')).items as readonly Namespace[];
    const accounts = (yield* client.list('serviceaccounts', '')).items as readonly ServiceAccount[];
    const made = (name: string): ApiObject => ({ apiVersion: 'projectcalico.org/v3', kind: 'Profile', metadata: { name } });
    return [made('projectcalico-default-allow'), ...namespaces.map((ns) => made(`kns.${ns.metadata.name}`)), ...accounts.map((sa) => made(`ksa.${sa.metadata.namespace}.${sa.metadata.name}`))];
  },
  stored: null,
};

export const CALICO_RESOURCES: readonly CalicoResource[] = [
  node,
  workloadEndpoint,
  profile,
  custom(ipPool, ['pool', 'pools', 'ipp', 'ipps'], ['NAME', 'CIDR', 'SELECTOR'], ['NAME', 'CIDR', 'NAT', 'IPIPMODE', 'VXLANMODE', 'DISABLED', 'DISABLEBGPEXPORT', 'SELECTOR'], {
    CIDR: field('cidr'), SELECTOR: field('nodeSelector'), NAT: flag('natOutgoing'), IPIPMODE: mode('ipipMode'), VXLANMODE: mode('vxlanMode'), DISABLED: flag('disabled'), DISABLEBGPEXPORT: flag('disableBGPExport'),
  }),
  custom(networkPolicy, ['policy', 'np', 'policies', 'pol', 'pols'], ['NAME'], ['NAME', 'ORDER', 'SELECTOR'], { ORDER: field('order'), SELECTOR: field('selector') }),
  custom(globalNetworkPolicy, ['gnp', 'gnps'], ['NAME'], ['NAME', 'ORDER', 'SELECTOR'], { ORDER: field('order'), SELECTOR: field('selector') }),
  custom(bgpPeer, ['bgpp', 'bgpps', 'bp', 'bps'], ['NAME', 'PEERIP', 'NODE', 'ASN'], ['NAME', 'PEERIP', 'NODE', 'ASN'], { PEERIP: field('peerIP'), NODE: (spec) => text(spec['node']) || text(spec['nodeSelector']) || '(global)', ASN: (spec) => text(spec['asNumber']) || '0' }),
  custom(bgpConfiguration, ['bgpconfig', 'bgpconfigs'], ['NAME', 'LOGSEVERITY', 'MESHENABLED', 'ASNUMBER'], ['NAME', 'LOGSEVERITY', 'MESHENABLED', 'ASNUMBER'], {
    LOGSEVERITY: (spec) => text(spec['logSeverityScreen']), MESHENABLED: (spec) => text(spec['nodeToNodeMeshEnabled']) || '-', ASNUMBER: (spec) => text(spec['asNumber']) || '-',
  }),
  custom(felixConfiguration, ['felixconfig', 'felixconfigs'], ['NAME', 'LOGSEVERITY'], ['NAME', 'LOGSEVERITY', 'LOGPREFIX'], { LOGSEVERITY: field('logSeverityScreen'), LOGPREFIX: field('logPrefix') }),
  custom(globalNetworkSet, ['gns', 'globalnetset'], ['NAME'], ['NAME', 'NETS'], { NETS: (spec) => (spec['nets'] as readonly string[] | undefined)?.join(',') ?? '' }),
  custom(networkSet, ['netset', 'netsets'], ['NAME'], ['NAME', 'NETS'], { NETS: (spec) => (spec['nets'] as readonly string[] | undefined)?.join(',') ?? '' }),
  custom(clusterInformation, ['clusterinfo'], ['NAME'], ['NAME', 'CALICOVERSION', 'DATASTOREREADY'], { CALICOVERSION: field('calicoVersion'), DATASTOREREADY: flag('datastoreReady') }),
  custom(hostEndpoint, ['hep', 'heps'], ['NAME', 'NODE'], ['NAME', 'NODE', 'INTERFACE'], { NODE: field('node'), INTERFACE: field('interfaceName') }),
  custom(ipReservation, ['ipr'], ['NAME', 'RESERVEDCIDRS'], ['NAME', 'RESERVEDCIDRS'], { RESERVEDCIDRS: (spec) => (spec['reservedCIDRs'] as readonly string[] | undefined)?.join(',') ?? '' }),
  custom(kubeControllersConfiguration, ['kubecontrollersconfig'], ['NAME'], ['NAME'], {}),
  custom(tier, [], ['NAME', 'ORDER'], ['NAME', 'ORDER', 'DEFAULTACTION'], { ORDER: field('order'), DEFAULTACTION: field('defaultAction') }),
];

export const resourceNamed = (name: string): CalicoResource | undefined => CALICO_RESOURCES.find((r) => r.names.includes(name.toLowerCase()));
