// The host-local IPAM plug-in: hands out addresses of a range in turn, one file each in /var/lib/cni/networks/<network>/.
// Models containernetworking/plugins ipam/host-local: round robin from the last reserved address, never .0, gateway or broadcast.

import type { Files } from '../../machine/files.ts';
import { type CniArgs, CniError, type CniIp, type CniRoute } from './plugin.ts';

export interface HostLocalConf {
  readonly type: 'host-local';
  readonly ranges?: readonly (readonly { readonly subnet: string; readonly gateway?: string }[])[];
  readonly subnet?: string;
  readonly routes?: readonly CniRoute[];
}

const DATA_DIR = '/var/lib/cni/networks';

const toNumber = (ip: string): number => ip.split('.').reduce((n, part) => n * 256 + Number(part), 0);
const toText = (n: number): string => `${Math.floor(n / 16777216)}.${Math.floor(n / 65536) % 256}.${Math.floor(n / 256) % 256}.${n % 256}`;

interface Range {
  readonly subnet: string;
  readonly prefix: number;
  readonly first: number;
  readonly last: number;
  readonly gateway: number;
}

const ranges = new Map<string, Range>();

function rangeOf(subnet: string, gateway: string | undefined): Range {
  const key = `${subnet} ${gateway ?? ''}`;
  let range = ranges.get(key);
  if (!range) {
    const [base = '', length = '24'] = subnet.split('/');
    const prefix = Number(length);
    const size = 2 ** (32 - prefix);
    const network = Math.floor(toNumber(base) / size) * size;
    range = { subnet, prefix, first: network + 1, last: network + size - 2, gateway: gateway ? toNumber(gateway) : network + 1 };
    ranges.set(key, range);
  }
  return range;
}

/** Reserves an address; writes `<ip>` (container id and interface) and `last_reserved_ip.0`. Throws CniError when none is free. */
export function allocate(args: CniArgs, conf: HostLocalConf): { readonly ip: CniIp; readonly routes: readonly CniRoute[] } {
  const files = args.machine.files;
  const entry = conf.ranges?.[0]?.[0];
  const range = rangeOf(entry?.subnet ?? conf.subnet ?? '', entry?.gateway);
  const dir = `${DATA_DIR}/${args.networkName}`;
  const lastFile = `${dir}/last_reserved_ip.0`;
  const count = range.last - range.first + 1;
  const start = files.exists(lastFile) ? toNumber(files.read(lastFile).trim()) : range.first - 1;
  for (let i = 1; i <= count; i++) {
    const candidate = range.first + ((((start - range.first + i) % count) + count) % count);
    if (candidate === range.gateway) continue;
    const ip = toText(candidate);
    if (files.exists(`${dir}/${ip}`)) continue;
    files.write(`${dir}/${ip}`, `${args.containerId}\r\n${args.ifName}`);
    files.write(lastFile, ip);
    return { ip: { address: `${ip}/${range.prefix}`, gateway: toText(range.gateway) }, routes: conf.routes ?? [] };
  }
  const [low, high] = [toText(range.first), toText(range.last)];
  throw new CniError(`failed to allocate for range 0: no IP addresses available in range set: ${low}-${high}`);
}

/** Gives the address back. `ip` is known from the ADD's result; without it the files are searched for the container. */
export function release(files: Files, networkName: string, containerId: string, ip: string | undefined): void {
  const dir = `${DATA_DIR}/${networkName}`;
  if (!files.exists(dir)) return;
  const names = ip === undefined ? files.list(dir) : [ip];
  for (const name of names) {
    const path = `${dir}/${name}`;
    if (!files.exists(path) || name.startsWith('last_reserved_ip') || name === 'lock') continue;
    if (files.read(path).startsWith(containerId)) files.remove(path);
  }
}
