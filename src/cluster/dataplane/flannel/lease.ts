// A node's lease on a Pod range as flannel keeps it: annotations on the Node (pkg/subnet/kube).

import type { Node } from '../../api/generated/types.ts';

export interface Lease {
  /** `10.244.1.0/24`. */
  readonly subnet: string;
  readonly publicIp: string;
  /** vxlan, host-gw, udp. */
  readonly backend: string;
  /** Of the vxlan backend; '' for the others. */
  readonly vtepMac: string;
}

const PREFIX = 'flannel.alpha.coreos.com/';
export const BACKEND_DATA = `${PREFIX}backend-data`;
export const BACKEND_TYPE = `${PREFIX}backend-type`;
export const SUBNET_MANAGER = `${PREFIX}kube-subnet-manager`;
export const PUBLIC_IP = `${PREFIX}public-ip`;
export const PUBLIC_IP_OVERWRITE = `${PREFIX}public-ip-overwrite`;

/** The lease that a Node's annotations tell of; undefined when flannel does not run there or has not said yet. */
export function leaseOf(node: Node): Lease | undefined {
  const annotations = node.metadata.annotations ?? {};
  const backend = annotations[BACKEND_TYPE];
  if (annotations[SUBNET_MANAGER] !== 'true' || backend === undefined) return undefined;
  const subnet = node.spec?.podCIDR;
  const publicIp = annotations[PUBLIC_IP];
  const vtepMac = macOf(annotations[BACKEND_DATA]);
  if (!subnet || !publicIp || (backend === 'vxlan' && !vtepMac)) return undefined;
  return { subnet, publicIp, backend, vtepMac: vtepMac ?? '' };
}

/** The address in `{"VNI":1,"VtepMAC":"12:c6:65:89:b4:e3"}`. */
export function macOf(backendData: string | undefined): string | undefined {
  return /"VtepMAC":"([0-9a-f:]+)"/.exec(backendData ?? '')?.[1];
}

/** The annotations that publish a lease. */
export const annotationsOf = (lease: Lease, vni: number): Readonly<Record<string, string>> => ({
  [BACKEND_DATA]: lease.backend === 'vxlan' ? `{"VNI":${vni},"VtepMAC":"${lease.vtepMac}"}` : 'null',
  [BACKEND_TYPE]: lease.backend,
  [SUBNET_MANAGER]: 'true',
  [PUBLIC_IP]: lease.publicIp,
});

export const sameLease = (a: Lease | undefined, b: Lease | undefined): boolean =>
  a?.subnet === b?.subnet && a?.publicIp === b?.publicIp && a?.vtepMac === b?.vtepMac && a?.backend === b?.backend;
