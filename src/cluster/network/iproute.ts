// What ip(8), bridge(8) and ss(8) print of a namespace.

import { neighboursOf } from './arp.ts';
import type { Interface } from './device.ts';
import { formatCidr, formatIp, maskOf } from './ip.ts';
import type { Netns } from './netns.ts';
import { destinationText } from './route.ts';

/** `ip route`: default first, then ascending destinations. */
export function formatRoutes(netns: Netns): string {
  const sorted = [...netns.routes].sort((a, b) => a.destination.int - b.destination.int || a.destination.prefix - b.destination.prefix);
  return sorted
    .map((r) => {
      let line = destinationText(r);
      if (r.via !== null) line += ` via ${r.via}`;
      line += ` dev ${r.device.name}`;
      if (r.protocol === 'kernel') line += ' proto kernel scope link';
      else if (r.via === null) line += ' scope link';
      if (r.source !== null) line += ` src ${r.source}`;
      if (r.metric !== 0) line += ` metric ${r.metric}`;
      if (r.onlink) line += ' onlink';
      return `${line} \n`;
    })
    .join('');
}

/** `ip neigh`. */
export function formatNeighbours(netns: Netns): string {
  return neighboursOf(netns)
    .map((n) => `${n.address} dev ${n.device.name} ${n.state === 'FAILED' ? '' : `lladdr ${n.mac} `}${n.state} \n`)
    .join('');
}

/** `bridge fdb show dev <vxlan>` or `br <bridge>`. */
export function formatFdb(device: Interface): string {
  const { vxlan, ports } = device;
  if (vxlan !== null) return [...vxlan.fdb.values()].map((e) => `${e.mac} dst ${e.destination} self permanent\n`).join('');
  return [...(ports ?? [])].flatMap((p) => (p.peer === null ? [] : [`${p.peer.mac} dev ${p.name} master ${device.name} \n`])).join('');
}

/** The number of an interface in its namespace, as `ip link` counts. */
export const indexOf = (i: Interface): number => [...i.netns.interfaces.keys()].indexOf(i.name) + 1;

export function linkFlags(i: Interface): string {
  const out = i.kind === 'lo' ? ['LOOPBACK'] : i.kind === 'tun' ? ['POINTOPOINT', 'MULTICAST', 'NOARP'] : i.kind === 'dummy' ? ['BROADCAST', 'NOARP'] : ['BROADCAST', 'MULTICAST'];
  const carrier = hasCarrier(i);
  if (i.up && !carrier) out.unshift('NO-CARRIER');
  if (i.up) out.push('UP');
  if (i.up && carrier) out.push('LOWER_UP');
  return out.join(',');
}

export function hasCarrier(i: Interface): boolean {
  if (i.kind === 'ethernet') return i.link?.up === true;
  if (i.kind === 'veth') return i.peer?.up === true;
  if (i.kind === 'bridge') return (i.ports?.size ?? 0) > 0;
  return true;
}

function formatLink(i: Interface): string {
  const queue = i.kind === 'ethernet' ? 'fq_codel' : 'noqueue';
  const peer = i.kind === 'veth' && i.peer !== null ? `@if${indexOf(i.peer)}` : '';
  const state = i.kind === 'lo' || i.kind === 'vxlan' ? 'UNKNOWN' : i.up && hasCarrier(i) ? 'UP' : 'DOWN';
  const master = i.master === null ? '' : ` master ${i.master.name}`;
  const type = i.kind === 'lo' ? 'loopback' : 'ether';
  const broadcast = i.kind === 'lo' ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff';
  const other = i.peer === null || i.peer.netns === i.netns ? '' : ` link-netns ${i.peer.netns.name}`;
  return `${indexOf(i)}: ${i.name}${peer}: <${linkFlags(i)}> mtu ${i.mtu} qdisc ${queue}${master} state ${state} group default \n    link/${type} ${i.mac} brd ${broadcast}${other}\n`;
}

/** `ip link`. */
export function formatLinks(netns: Netns): string {
  return [...netns.interfaces.values()].map(formatLink).join('');
}

/** `ip addr`. */
export function formatAddresses(netns: Netns): string {
  return [...netns.interfaces.values()]
    .map((i) => {
      const inet = i.addresses.map((a) => {
        const broadcast = i.kind === 'lo' || a.prefix > 30 ? '' : ` brd ${formatIp((a.int | ~maskOf(a.prefix)) >>> 0)}`;
        const scope = i.kind === 'lo' ? 'host lo' : `global ${i.name}`;
        return `    inet ${formatCidr(a)}${broadcast} scope ${scope}\n       valid_lft forever preferred_lft forever\n`;
      });
      return formatLink(i) + inet.join('');
    })
    .join('');
}

/** `ss -lntup`, without the columns that are always 0: who listens where, by protocol and port. */
export function formatListeners(netns: Netns): string {
  const ports = netns.portsIfAny;
  if (ports === null) return '';
  const line = (protocol: string, port: number, s: { readonly address: string; readonly process: { readonly comm: string; readonly pid: number } }): string =>
    `${protocol.padEnd(6)}${protocol === 'tcp' ? 'LISTEN' : 'UNCONN'} ${`${s.address}:${port}`.padEnd(22)} users:(("${s.process.comm}",pid=${s.process.pid}))\n`;
  const sorted = <T>(table: ReadonlyMap<number, T>): [number, T][] => [...table].sort(([a], [b]) => a - b);
  return [
    ...sorted(ports.udp).flatMap(([port, sockets]) => sockets.map((s) => line('udp', port, s))),
    ...sorted(ports.tcp).flatMap(([port, sockets]) => sockets.map((s) => line('tcp', port, s))),
  ].join('');
}
