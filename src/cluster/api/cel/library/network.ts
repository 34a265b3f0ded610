// URLs, IP addresses and CIDRs: apiserver/pkg/cel/library/{urls,ip,cidr}.go.

import type { Environment } from '@marcbachmann/cel-js';
import ipaddr from 'ipaddr.js';
import { SYNC } from './lists.ts';
import { fault, Texted } from './opaque.ts';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

class Ip extends Texted {
  readonly address: Address;

  constructor(address: Address) {
    super();
    this.address = address;
  }

  get text(): string {
    return this.address instanceof ipaddr.IPv6 ? this.address.toRFC5952String() : this.address.toString();
  }
}

class Cidr extends Texted {
  readonly address: Address;
  readonly length: number;

  constructor(address: Address, length: number) {
    super();
    this.address = address;
    this.length = length;
  }

  get text(): string {
    return `${new Ip(this.address).text}/${this.length}`;
  }

  contains(address: Address, length = address.kind() === 'ipv4' ? 32 : 128): boolean {
    return (
      address.kind() === this.address.kind() && length >= this.length && prefix(address, this.length) === prefix(this.address, this.length)
    );
  }
}

/** The first `length` bits of an address, the rest zero, as text. */
function prefix(address: Address, length: number): string {
  return maskedBytes(address, length).join('.');
}

function maskedBytes(address: Address, length: number): number[] {
  return address.toByteArray().map((byte, i) => {
    const bits = Math.min(8, Math.max(0, length - i * 8));
    return byte & (0xff << (8 - bits)) & 0xff;
  });
}

function parseIp(text: string): Address | string {
  if (text.includes('%')) return `IP address ${JSON.stringify(text)} with zone value is not allowed`;
  const four = ipaddr.IPv4.isValidFourPartDecimal(text) && !/(^|\.)0\d/.test(text);
  if (!four && !(text.includes(':') && ipaddr.IPv6.isValid(text)))
    return `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`;
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress())
    return `IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`;
  return address;
}

function ip(text: string): Ip {
  const found = parseIp(text);
  if (typeof found === 'string') throw fault(found);
  return new Ip(found);
}

function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const length = text.slice(slash + 1);
  if (slash < 0 || !/^(0|[1-9]\d*)$/.test(length)) return null;
  const address = parseIp(text.slice(0, slash));
  return typeof address === 'string' || Number(length) > (address.kind() === 'ipv4' ? 32 : 128) ? null : new Cidr(address, Number(length));
}

function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (!found) throw fault(`CIDR ${JSON.stringify(text)} parse error during conversion from string: network address parse error`);
  return found;
}

class IpNamespace {}

export function registerNetwork(env: Environment): void {
  const add = (signature: string, handler: (...args: never[]) => unknown): void => void env.registerFunction(signature, handler, SYNC);
  const [I, C] = ['net.IP', 'net.CIDR'];
  env.registerType(I, Ip).registerType(C, Cidr).registerType('IpNamespace', IpNamespace);
  env.registerOperator(`${I} == ${I}`, (a: Ip, b: Ip) => a.text === b.text);
  env.registerOperator(`${C} == ${C}`, (a: Cidr, b: Cidr) => a.text === b.text);
  env.registerConstant('ip', 'IpNamespace', new IpNamespace());
  add(`ip(string): ${I}`, (text: string) => ip(text));
  add('isIP(string): bool', (text: string) => typeof parseIp(text) !== 'string');
  add('IpNamespace.isCanonical(string): bool', (_: IpNamespace, text: string) => ip(text).text === text);
  add(`string(${I}): string`, (v: Ip) => v.text);
  add(`${I}.family(): int`, (v: Ip) => (v.address.kind() === 'ipv4' ? 4n : 6n));
  const range = (v: Ip): string => v.address.range();
  const multicast = (v: Ip): readonly number[] => v.address.toByteArray();
  const linkLocalMulticast = (v: Ip): boolean => {
    const b = multicast(v);
    return v.address.kind() === 'ipv4' ? b[0] === 224 && b[1] === 0 && b[2] === 0 : b[0] === 0xff && ((b[1] as number) & 0x0f) === 2;
  };
  add(`${I}.isUnspecified(): bool`, (v: Ip) => range(v) === 'unspecified' && multicast(v).every((b) => b === 0));
  add(`${I}.isLoopback(): bool`, (v: Ip) => range(v) === 'loopback');
  add(`${I}.isLinkLocalUnicast(): bool`, (v: Ip) => range(v) === 'linkLocal');
  add(`${I}.isLinkLocalMulticast(): bool`, (v: Ip) => linkLocalMulticast(v));
  add(`${I}.isGlobalUnicast(): bool`, (v: Ip) => !['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast'].includes(range(v)));
  add(`cidr(string): ${C}`, (text: string) => cidr(text));
  add('isCIDR(string): bool', (text: string) => parseCidr(text) !== null);
  add(`string(${C}): string`, (v: Cidr) => v.text);
  add(`${C}.containsIP(${I}): bool`, (c: Cidr, v: Ip) => c.contains(v.address));
  add(`${C}.containsIP(string): bool`, (c: Cidr, v: string) => c.contains(ip(v).address));
  add(`${C}.containsCIDR(${C}): bool`, (c: Cidr, v: Cidr) => c.contains(v.address, v.length));
  add(`${C}.containsCIDR(string): bool`, (c: Cidr, text: string) => {
    const v = cidr(text);
    return c.contains(v.address, v.length);
  });
  add(`${C}.ip(): ${I}`, (c: Cidr) => new Ip(c.address));
  add(`${C}.prefixLength(): int`, (c: Cidr) => BigInt(c.length));
  add(`${C}.masked(): ${C}`, (c: Cidr) => new Cidr(ipaddr.fromByteArray(maskedBytes(c.address, c.length)), c.length));
  registerUrls(env, add);
}

class CelUrl extends Texted {
  readonly text: string;
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;

  constructor(text: string, parts: RegExpExecArray) {
    super();
    this.text = text;
    this.scheme = (parts[1] ?? '').toLowerCase();
    this.host = (parts[2] ?? '').replace(/^[^@]*@/, '');
    this.path = parts[3] ?? '';
    this.query = parts[4] ?? '';
  }
}

/** url.ParseRequestURI: absolute, or a path from the root. */
function parseUrl(text: string): CelUrl | null {
  const m = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#\s]*)|)(\/[^?#\s]*|)(?:\?([^#\s]*))?(?:#.*)?$/.exec(text);
  if (!m || (m[1] === undefined && !text.startsWith('/')) || /%(?![0-9A-Fa-f]{2})/.test(m[3] ?? '')) return null;
  if (/:[^\]]*[^\d\]]+$/.test((m[2] ?? '').replace(/^[^@]*@/, ''))) return null;
  return new CelUrl(text, m);
}

function registerUrls(env: Environment, add: (signature: string, handler: (...args: never[]) => unknown) => void): void {
  const T = 'kubernetes.URL';
  env.registerType(T, CelUrl);
  env.registerOperator(`${T} == ${T}`, (a: CelUrl, b: CelUrl) => a.text === b.text);
  add(`url(string): ${T}`, (text: string) => {
    const found = parseUrl(text);
    if (!found) throw fault(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);
    return found;
  });
  add('isURL(string): bool', (text: string) => parseUrl(text) !== null);
  add(`${T}.getScheme(): string`, (u: CelUrl) => u.scheme);
  add(`${T}.getHost(): string`, (u: CelUrl) => u.host);
  add(`${T}.getHostname(): string`, (u: CelUrl) => u.host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1'));
  add(`${T}.getPort(): string`, (u: CelUrl) => /:(\d+)$/.exec(u.host)?.[1] ?? '');
  add(`${T}.getEscapedPath(): string`, (u: CelUrl) => u.path);
  add(`${T}.getQuery(): map<string, list<string>>`, (u: CelUrl) => {
    const out: Record<string, string[]> = {};
    for (const part of u.query.split('&')) {
      if (part === '') continue;
      const [key, value] = part.split('=', 2).map((p) => decodeURIComponent(p.replaceAll('+', ' '))) as [string, string | undefined];
      (out[key] ??= []).push(value ?? '');
    }
    return out;
  });
}
