// Forgets UDP flows to endpoints that a Service no longer has (pkg/proxy/conntrack/cleanup.go): without it they would go on
// to be sent there, for UDP knows no end of a connection.

import { deleteConntrack } from '../../network/conntrack.ts';
import type { Netns } from '../../network/netns.ts';
import { endpointKey, type EndpointInfo, type ServicePortInfo } from './service-ports.ts';

export interface ServedPort {
  readonly port: ServicePortInfo;
  readonly endpoints: readonly EndpointInfo[];
}

/** True when flows may be stale: an endpoint stopped serving, or the first one came. */
export function mayBeStale(before: readonly EndpointInfo[], after: readonly EndpointInfo[]): boolean {
  if (before === after) return false;
  const serving = new Set(after.filter((e) => e.serving).map(endpointKey));
  const old = before.filter((e) => e.serving);
  return (old.length === 0 && serving.size > 0) || old.some((e) => !serving.has(endpointKey(e)));
}

/** Deletes the UDP entries of these ports that do not lead to a serving endpoint. */
export function forgetStaleFlows(netns: Netns, ports: readonly ServedPort[]): number {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byNodePort = new Map<number, ReadonlySet<string>>();
  for (const { port, endpoints } of ports) {
    const serving = new Set(endpoints.filter((e) => e.serving).map(endpointKey));
    for (const address of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs]) byAddress.set(`${address}:${port.port}`, serving);
    if (port.nodePort !== 0) byNodePort.set(port.nodePort, serving);
  }
  return deleteConntrack(netns, ({ protocol, original, reply }) => {
    if (protocol !== 'udp') return false;
    const serving = byAddress.get(`${original.dst}:${original.dport}`) ?? byNodePort.get(original.dport);
    return serving !== undefined && !serving.has(`${reply.src}:${reply.sport}`);
  });
}
