// IPv4 addresses as text and as numbers, and prefixes (CIDR).

/** An address with its prefix length, as `ip addr` shows it: 10.244.1.1/24. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  /** The address as an unsigned 32-bit number. */
  readonly int: number;
}

/** The address as an unsigned 32-bit number; -1 when the text is not an IPv4 address. */
export function parseIp(text: string): number {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 46) {
      if (digits === 0) return -1;
      value = value * 256 + part;
      part = 0;
      digits = 0;
      dots++;
    } else if (c >= 48 && c <= 57) {
      part = part * 10 + c - 48;
      if (++digits > 3 || part > 255) return -1;
    } else return -1;
  }
  return dots === 3 && digits > 0 ? value * 256 + part : -1;
}

export function formatIp(int: number): string {
  return `${int >>> 24}.${(int >>> 16) & 255}.${(int >>> 8) & 255}.${int & 255}`;
}

/** `10.244.1.1/24`, or a bare address (then /32). Throws on anything else. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const prefix = slash < 0 ? 32 : Number(text.slice(slash + 1));
  const int = parseIp(address);
  if (int < 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > 32) throw new Error(`invalid CIDR address: ${text}`);
  return { address, prefix, int };
}

export function formatCidr(cidr: Cidr): string {
  return `${cidr.address}/${cidr.prefix}`;
}

/** The mask of a prefix length as a signed 32-bit number. */
export const maskOf = (prefix: number): number => (prefix === 0 ? 0 : -1 << (32 - prefix));

export function contains(cidr: Cidr, int: number): boolean {
  const mask = maskOf(cidr.prefix);
  return (cidr.int & mask) === (int & mask);
}

/** The prefix with the host bits cleared: 10.244.1.1/24 → 10.244.1.0/24. */
export function networkOf(cidr: Cidr): Cidr {
  const int = (cidr.int & maskOf(cidr.prefix)) >>> 0;
  return int === cidr.int ? cidr : { address: formatIp(int), prefix: cidr.prefix, int };
}
