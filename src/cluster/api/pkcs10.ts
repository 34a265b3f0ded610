// Certificate signing requests as openssl and Go make them (PKCS #10 in DER, RFC 2986): whose certificate is asked for, with which names.

import { fromUtf8 } from './base64.ts';

const ATTRIBUTES = {
  '2.5.4.3': 'commonName',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'country',
  '2.5.4.7': 'locality',
  '2.5.4.8': 'province',
  '2.5.4.9': 'street',
  '2.5.4.10': 'organization',
  '2.5.4.11': 'organizationalUnit',
  '2.5.4.17': 'postalCode',
} as const;

type Attribute = (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES];

export interface RequestedNames {
  readonly subject: Readonly<Record<Attribute, string[]>>;
  /** Alternative names. */
  readonly names: Readonly<Record<'dns' | 'email' | 'uri' | 'ip', string[]>>;
}

export interface Pkcs10 extends RequestedNames {
  /** The subject's public key as it stands there. */
  readonly publicKey: readonly number[];
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const ALTERNATIVE_NAMES = '2.5.29.17';

export const emptyRequest = (): RequestedNames => ({
  subject: { commonName: [], serialNumber: [], country: [], locality: [], province: [], street: [], organization: [], organizationalUnit: [], postalCode: [] },
  names: { dns: [], email: [], uri: [], ip: [] },
});

interface Element {
  readonly tag: number;
  readonly body: readonly number[];
}

/** The elements that stand one after the other in these bytes; undefined when they do not. */
function elements(bytes: readonly number[]): Element[] | undefined {
  const out: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++] as number;
    let length = bytes[at++] ?? -1;
    if (length > 0x80) {
      const more = length & 0x7f;
      length = 0;
      for (let i = 0; i < more; i++) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (length < 0 || at + length > bytes.length) return undefined;
    out.push({ tag, body: bytes.slice(at, at + length) });
    at += length;
  }
  return out;
}

const inside = (element: Element | undefined): Element[] => (element ? (elements(element.body) ?? []) : []);

/** An object identifier: `2.5.4.3`. */
function identifier(bytes: readonly number[] = []): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      if (parts.length === 0) parts.push(Math.min(2, Math.floor(value / 40)), value - 40 * Math.min(2, Math.floor(value / 40)));
      else parts.push(value);
      value = 0;
    }
  }
  return parts.join('.');
}

/** Undefined when the bytes are none. */
export function readPkcs10(der: readonly number[]): Pkcs10 | undefined {
  const [info] = inside(elements(der)?.[0]);
  const [, subject, key, attributes] = inside(info);
  if (!subject || !key) return undefined;
  const request: Pkcs10 = { ...emptyRequest(), publicKey: key.body };
  for (const set of inside(subject)) {
    for (const pair of inside(set)) {
      const [type, value] = inside(pair);
      const name = ATTRIBUTES[identifier(type?.body) as keyof typeof ATTRIBUTES];
      if (name && value) request.subject[name].push(fromUtf8(value.body));
    }
  }
  for (const attribute of inside(attributes)) {
    const [type, values] = inside(attribute);
    if (identifier(type?.body) === EXTENSION_REQUEST) for (const list of inside(values)) for (const extension of inside(list)) readExtension(extension, request.names);
  }
  return request;
}

function readExtension(extension: Element, names: Pkcs10['names']): void {
  const parts = inside(extension);
  if (identifier(parts[0]?.body) !== ALTERNATIVE_NAMES) return;
  for (const { tag, body } of inside(elements(parts.at(-1)?.body ?? [])?.[0])) {
    if (tag === 0x81) names.email.push(fromUtf8(body));
    else if (tag === 0x82) names.dns.push(fromUtf8(body));
    else if (tag === 0x86) names.uri.push(fromUtf8(body));
    else if (tag === 0x87) names.ip.push(addressText(body));
  }
}

/** Four bytes with dots, or sixteen as RFC 5952 writes them. */
function addressText(bytes: readonly number[]): string {
  if (bytes.length !== 16) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16));
  const runs = [...groups.join(':').matchAll(/(?<![^:])0(:0)+(?![^:])/g)].sort((a, b) => b[0].length - a[0].length);
  const text = groups.join(':');
  const longest = runs[0];
  return longest ? `${text.slice(0, longest.index).replace(/:$/, '')}::${text.slice(longest.index + longest[0].length).replace(/^:/, '')}` : text;
}
