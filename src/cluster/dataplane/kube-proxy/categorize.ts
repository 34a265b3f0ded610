// Which endpoints of a Service port a node uses (pkg/proxy/topology.go CategorizeEndpoints): by readiness, by where they
// are, and by the hints for its zone or for itself.

import type { EndpointInfo, ServicePortInfo } from './service-ports.ts';

export interface NodePlace {
  readonly nodeName: string;
  /** topology.kubernetes.io/zone; '' when it has none. */
  readonly zone: string;
}

export interface Categories {
  /** For traffic policy Cluster. */
  readonly cluster: readonly EndpointInfo[];
  /** For traffic policy Local. */
  readonly local: readonly EndpointInfo[];
  /** All that something on this node may lead to. */
  readonly reachable: readonly EndpointInfo[];
  /** Somewhere there is one that can be used. */
  readonly any: boolean;
}

export const isExternal = (port: ServicePortInfo): boolean =>
  port.nodePort !== 0 || port.externalIPs.length > 0 || port.loadBalancerIPs.length > 0;

export const usesCluster = (port: ServicePortInfo): boolean => !port.internalLocal || isExternal(port);
export const usesLocal = (port: ServicePortInfo): boolean => port.internalLocal || (port.externalLocal && isExternal(port));

const NONE: readonly EndpointInfo[] = [];
const isEnding = (e: EndpointInfo): boolean => e.serving && e.terminating;

export function categorize(port: ServicePortInfo, all: readonly EndpointInfo[], place: NodePlace, hinted: boolean): Categories {
  let cluster = NONE;
  let any = false;
  let mode: TopologyMode = null;
  if (usesCluster(port)) {
    if (hinted) mode = topologyMode(all, place);
    cluster = all.filter((e) => e.ready && isFor(e, mode, place));
    if (cluster.length === 0) cluster = all.filter(isEnding);
    any = cluster.length > 0;
  }
  if (!usesLocal(port)) return { cluster, local: NONE, reachable: cluster, any };
  any ||= all.some((e) => e.ready || isEnding(e));
  const own = all.filter((e) => e.nodeName === place.nodeName);
  const ready = own.filter((e) => e.ready);
  const local = ready.length > 0 ? ready : own.filter(isEnding);
  if (!usesCluster(port)) return { cluster, local, reachable: local, any };
  if (mode === null && (ready.length > 0 || local.length === 0)) return { cluster, local, reachable: cluster, any };
  return { cluster, local, reachable: [...cluster, ...local.filter((e) => !cluster.includes(e))], any };
}

/** By which hints a node chooses; null: it takes all. */
type TopologyMode = 'node' | 'zone' | null;

/** Hints count when every ready endpoint has them and one is for us. */
function topologyMode(all: readonly EndpointInfo[], { nodeName, zone }: NodePlace): TopologyMode {
  const ready = all.filter((e) => e.ready);
  if (ready.every((e) => (e.hints?.nodes.length ?? 0) > 0) && ready.some((e) => e.hints?.nodes.includes(nodeName))) return 'node';
  if (ready.every((e) => (e.hints?.zones.length ?? 0) > 0) && ready.some((e) => e.hints?.zones.includes(zone))) return 'zone';
  return null;
}

function isFor(endpoint: EndpointInfo, mode: TopologyMode, { nodeName, zone }: NodePlace): boolean {
  if (mode === null) return true;
  return mode === 'node' ? (endpoint.hints?.nodes.includes(nodeName) ?? false) : (endpoint.hints?.zones.includes(zone) ?? false);
}
