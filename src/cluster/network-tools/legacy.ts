// net-tools: ifconfig, route, arp, as people still type them.

import type { Os, Program } from '../machine/process.ts';
import { neighboursOf } from '../network/arp.ts';
import type { Interface } from '../network/device.ts';
import { formatIp, maskOf } from '../network/ip.ts';
import { hasCarrier } from '../network/iproute.ts';
import { netnsOf } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { routesInOrder } from './ip-show.ts';

const mask = (prefix: number): string => formatIp(maskOf(prefix) >>> 0);

/** `ifconfig [-a] [INTERFACE]`: packets are not counted. */
export const ifconfigProgram: Program = function* (os: Os): Op<number> {
  const { interfaces } = netnsOf(os);
  const name = os.argv.slice(1).find((arg) => !arg.startsWith('-'));
  if (name !== undefined && !interfaces.has(name)) {
    os.logError(`${name}: error fetching interface information: Device not found`);
    return 1;
  }
  const all = [...interfaces.values()].filter((i) => (name === undefined ? i.up || os.argv.includes('-a') : i.name === name));
  for (const i of all.sort((a, b) => (a.name < b.name ? -1 : 1))) os.log(`${describe(i)}\n`);
  return 0;
};

function describe(i: Interface): string {
  const flags = [...(i.up ? ['UP'] : []), ...(i.kind === 'lo' ? ['LOOPBACK'] : i.kind === 'tun' ? ['POINTOPOINT'] : ['BROADCAST']), ...(i.up && hasCarrier(i) ? ['RUNNING'] : []), ...(i.kind === 'lo' ? [] : ['MULTICAST'])];
  const bits = (i.up ? 1 : 0) + (i.kind === 'lo' ? 8 : i.kind === 'tun' ? 0x10 : 2) + (i.up && hasCarrier(i) ? 64 : 0) + (i.kind === 'lo' ? 0 : 4096);
  const lines = [`${i.name}: flags=${bits}<${flags.join(',')}>  mtu ${i.mtu}`];
  const [address] = i.addresses;
  if (address !== undefined) {
    const broadcast = i.kind === 'lo' ? '' : `  broadcast ${address.prefix > 30 ? '0.0.0.0' : formatIp((address.int | ~maskOf(address.prefix)) >>> 0)}`;
    lines.push(`        inet ${address.address}  netmask ${mask(address.prefix)}${broadcast}`);
  }
  lines.push(
    i.kind === 'lo'
      ? '        loop  txqueuelen 1000  (Local Loopback)'
      : i.kind === 'tun'
        ? '        unspec 00-00-00-00-00-00-00-00-00-00-00-00-00-00-00-00  txqueuelen 500  (UNSPEC)'
        : `        ether ${i.mac}  txqueuelen ${i.kind === 'ethernet' ? 1000 : 0}  (Ethernet)`,
    '        RX packets 0  bytes 0 (0.0 B)', '        RX errors 0  dropped 0  overruns 0  frame 0',
    '        TX packets 0  bytes 0 (0.0 B)', '        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0',
  );
  return lines.join('\n');
}

/** `route -n`, `netstat -rn`. */
export const routeProgram: Program = function* (os: Os): Op<number> {
  os.log('Kernel IP routing table');
  os.log('Destination     Gateway         Genmask         Flags Metric Ref    Use Iface');
  for (const r of routesInOrder(netnsOf(os))) {
    const flags = `U${r.via === null ? '' : 'G'}${r.destination.prefix === 32 ? 'H' : ''}`;
    os.log(`${r.destination.address.padEnd(15)} ${(r.via ?? '0.0.0.0').padEnd(15)} ${mask(r.destination.prefix).padEnd(15)} ${flags.padEnd(5)} ${String(r.metric).padEnd(6)} 0        0 ${r.device.name}`);
  }
  return 0;
};

/** `arp [-n]`, `arp -a`. */
export const arpProgram: Program = function* (os: Os): Op<number> {
  const neighbours = neighboursOf(netnsOf(os));
  if (os.argv.includes('-a')) {
    for (const n of neighbours) os.log(`? (${n.address}) at ${n.state === 'FAILED' ? '<incomplete>' : `${n.mac} [ether]${n.state === 'PERMANENT' ? ' PERM' : ''}`} on ${n.device.name}`);
    return 0;
  }
  os.log('Address                  HWtype  HWaddress           Flags Mask            Iface');
  for (const n of neighbours) {
    if (n.state === 'FAILED') os.log(`${n.address.padEnd(24)}         (incomplete)                              ${n.device.name}`);
    else os.log(`${n.address.padEnd(24)} ether   ${n.mac}   ${(n.state === 'PERMANENT' ? 'CM' : 'C').padEnd(21)} ${n.device.name}`);
  }
  return 0;
};
