// What ip(8) and bridge(8) print of links, addresses, routes and neighbours (iproute2 6.1), with -br, -d and -4.

import type { Interface } from '../network/device.ts';
import { contains, formatCidr, formatIp, maskOf, parseIp } from '../network/ip.ts';
import { hasCarrier, indexOf, linkFlags } from '../network/iproute.ts';
import type { Neighbour, Netns, Route } from '../network/netns.ts';
import { destinationText } from '../network/route.ts';
import { sourceAddress } from '../network/walk.ts';

export interface ShowOptions {
  readonly brief: boolean;
  readonly details: boolean;
}

const stateOf = (i: Interface): string => (i.kind === 'lo' || i.kind === 'vxlan' || i.kind === 'tun' ? (i.up ? 'UNKNOWN' : 'DOWN') : i.up && hasCarrier(i) ? 'UP' : 'DOWN');
const peerSuffix = (i: Interface): string => (i.kind === 'veth' && i.peer !== null ? `@if${indexOf(i.peer)}` : '');
export const fullName = (i: Interface): string => `${i.name}${peerSuffix(i)}`;

function head(i: Interface, mode: string): string {
  const queue = i.kind === 'ethernet' ? 'fq_codel' : i.kind === 'tun' ? 'fq_codel' : i.kind === 'dummy' ? 'noop' : 'noqueue';
  const master = i.master === null ? '' : ` master ${i.master.name}`;
  const length = i.kind === 'vxlan' || i.kind === 'veth' || i.kind === 'dummy' ? '' : i.kind === 'tun' ? 'qlen 500' : 'qlen 1000';
  return `${indexOf(i)}: ${fullName(i)}: <${linkFlags(i)}> mtu ${i.mtu} qdisc ${queue}${master} state ${stateOf(i)}${mode} group default ${length}\n`;
}

function hardware(i: Interface, { details }: ShowOptions): string {
  if (i.kind === 'tun') return `    link/none ${details ? `promiscuity 0 allmulti 0 minmtu 68 maxmtu 65535 ${kindDetails(i)}` : ''}\n`;
  const type = i.kind === 'lo' ? 'loopback' : 'ether';
  const broadcast = i.kind === 'lo' ? '00:00:00:00:00:00' : 'ff:ff:ff:ff:ff:ff';
  const other = i.peer === null || i.peer.netns === i.netns ? '' : i.peer.netns === i.netns.machine.hostNetns ? ' link-netnsid 0' : ` link-netns ${i.peer.netns.name}`;
  return `    link/${type} ${i.mac} brd ${broadcast}${other}${details ? ` promiscuity ${i.master === null ? 0 : 1} allmulti ${i.master === null ? 0 : 1} minmtu ${i.kind === 'lo' ? 0 : 68} maxmtu ${i.kind === 'lo' ? 0 : 65_535} ${kindDetails(i)}` : ''}\n`;
}

function kindDetails(i: Interface): string {
  const tail = `addrgenmode ${i.kind === 'tun' ? 'random' : 'eui64'} numtxqueues 1 numrxqueues 1 gso_max_size 65536 gso_max_segs 65535 `;
  switch (i.kind) {
    case 'vxlan': {
      const v = i.vxlan;
      return `\n    vxlan id ${v?.vni} local ${v?.device.primary} dev ${v?.device.name} srcport 0 0 dstport ${v?.port} nolearning ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx ${tail}`;
    }
    case 'bridge':
      return `\n    bridge forward_delay 1500 hello_time 200 max_age 2000 ageing_time 30000 stp_state 0 priority 32768 vlan_filtering 0 vlan_protocol 802.1Q bridge_id 8000.${i.mac} ${tail}`;
    case 'veth':
      return `\n    veth ${i.master === null ? '' : '\n    bridge_slave state forwarding priority 32 cost 2 hairpin on guard off root_block off fastleave off learning on flood on '}${tail}`;
    case 'tun':
      return `\n    tun type tun pi off vnet_hdr off persist off ${tail}`;
    case 'dummy':
      return `\n    dummy ${tail}`;
    default:
      return tail;
  }
}

const brief = (i: Interface, rest: string): string => `${fullName(i).padEnd(16)} ${stateOf(i).padEnd(14)} ${rest} \n`;

/** `ip link`. */
export function showLink(i: Interface, options: ShowOptions): string {
  if (options.brief) return brief(i, `${i.kind === 'tun' ? '' : i.mac} <${linkFlags(i)}>`);
  return head(i, ' mode DEFAULT') + hardware(i, options);
}

/** `ip addr`; `onlyIpv4`: without the hardware's line. */
export function showAddresses(i: Interface, options: ShowOptions, onlyIpv4: boolean): string {
  if (onlyIpv4 && i.addresses.length === 0) return '';
  if (options.brief) return brief(i, [...i.addresses.map(formatCidr), ...(onlyIpv4 ? [] : [linkLocal(i)].filter((a) => a !== null))].join(' '));
  const inet = i.addresses.map((a) => {
    const broadcast = i.kind === 'lo' || a.prefix > 30 ? '' : ` brd ${formatIp((a.int | ~maskOf(a.prefix)) >>> 0)}`;
    const scope = i.kind === 'lo' ? 'host lo' : `global ${i.name}`;
    return `    inet ${formatCidr(a)}${broadcast} scope ${scope}\n       valid_lft forever preferred_lft forever\n`;
  });
  return head(i, '') + (onlyIpv4 ? '' : hardware(i, options)) + inet.join('') + (onlyIpv4 ? '' : inet6(i));
}

/** The link-local address that the kernel makes from the hardware's (EUI-64). */
export function linkLocal(i: Interface): string | null {
  if (i.kind === 'lo') return '::1/128';
  if (i.kind === 'tun' || i.kind === 'dummy' || i.master !== null || !i.up) return null;
  const bytes = i.mac.split(':').map((hex) => Number.parseInt(hex, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const word = (high: number, low: number): string => ((high << 8) | low).toString(16);
  return `fe80::${word(a ^ 2, b)}:${word(c, 0xff)}:${word(0xfe, d)}:${word(e, f)}/64`;
}

const inet6 = (i: Interface): string => {
  const address = linkLocal(i);
  return address === null ? '' : `    inet6 ${address} scope ${i.kind === 'lo' ? 'host' : 'link'} \n       valid_lft forever preferred_lft forever\n`;
};

/** `ip -6 route`: the link-local networks. */
export const routes6 = (netns: Netns, device: string | undefined): string =>
  [...netns.interfaces.values()]
    .filter((i) => i.kind !== 'lo' && linkLocal(i) !== null && (device === undefined || i.name === device))
    .map((i) => `fe80::/64${device === undefined ? ` dev ${i.name}` : ''} proto kernel metric 256 pref medium\n`)
    .join('');

/** `ip -6 addr`. */
export const showAddresses6 = (i: Interface, options: ShowOptions): string => {
  const lines = inet6(i);
  if (options.brief) return lines === '' ? '' : brief(i, linkLocal(i) ?? '');
  return lines === '' ? '' : head(i, '').replace(/ qdisc \S+/, '').replace(/(state \S+).*? (qlen|\n)/, '$1 $2') + lines;
};

/** One line of `ip route`. */
export function showRoute(r: Route, details: boolean): string {
  if (r.type !== undefined) return `${r.type} ${destinationText(r)}${r.protocol === 'boot' ? '' : ` proto ${r.protocol}`} \n`;
  let line = `${details ? 'unicast ' : ''}${destinationText(r)}`;
  if (r.via !== null) line += ` via ${r.via}`;
  line += ` dev ${r.device.name}`;
  if (r.protocol !== 'boot') line += ` proto ${r.protocol}`;
  else if (details) line += ' proto boot';
  if (r.via === null) line += ' scope link';
  else if (details) line += ' scope global';
  if (r.source !== null) line += ` src ${r.source}`;
  if (r.metric !== 0) line += ` metric ${r.metric}`;
  if (r.onlink) line += ' onlink';
  return `${line} \n`;
}

/** The main table: default first, then ascending destinations. */
export const routesInOrder = (netns: Netns): Route[] => [...netns.routes].sort((a, b) => a.destination.int - b.destination.int || a.destination.prefix - b.destination.prefix);

/** The local table: the kernel's own entries for the interfaces' addresses. */
export function localTable(netns: Netns): string {
  const lines: string[] = [];
  for (const i of netns.interfaces.values()) {
    for (const a of i.addresses) {
      const network = formatIp((a.int & maskOf(a.prefix)) >>> 0);
      if (i.kind === 'lo') lines.push(`local 127.0.0.0/8 dev lo proto kernel scope host src 127.0.0.1 \n`);
      lines.push(`local ${a.address} dev ${i.name} proto kernel scope host src ${a.address} \n`);
      const end = formatIp((a.int | ~maskOf(a.prefix)) >>> 0);
      if (a.prefix < 31) lines.push(`broadcast ${end} dev ${i.name} proto kernel scope link src ${a.address} \n`);
      else if (i.kind === 'lo') lines.push(`broadcast ${network} dev lo\n`);
    }
  }
  return lines.join('');
}

/** `ip route get`. */
export function routeTo(netns: Netns, address: string): string | null {
  const local = netns.localInterface(address);
  if (local !== undefined) return `local ${address} dev lo src ${address} uid 0 \n    cache <local> \n`;
  const route = netns.route(address);
  if (route === null) return null;
  const via = route.via === null ? '' : ` via ${route.via}`;
  const narrow = netns.pathMtu?.get(address);
  const left = narrow === undefined ? 0 : Math.ceil((narrow.until - netns.machine.sim.now) / 1_000_000);
  return `${address}${via} dev ${route.device.name} src ${sourceAddress(netns, address) ?? '0.0.0.0'} uid 0 \n    cache ${left > 0 ? `expires ${left}sec mtu ${narrow?.mtu} ` : ''}\n`;
}

/** One line of `ip neigh`. */
export const showNeighbour = (n: Neighbour, withDevice: boolean): string =>
  `${n.address}${withDevice ? ` dev ${n.device.name}` : ''}${n.state === 'FAILED' ? '' : ` lladdr ${n.mac}`} ${n.state} \n`;

/** `ip -4 route show to match`: the routes that lead to an address. */
export const matching = (netns: Netns, address: string): Route[] => netns.routes.filter((r) => contains(r.destination, parseIp(address)));
