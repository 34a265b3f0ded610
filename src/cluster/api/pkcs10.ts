// Certificate signing requests as openssl and Go make them (PKCS#10 in DER): whose certificate is asked for, with which names.

import { fromUtf8 } from './base64.ts';

interface Element {
  readonly tag: number;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

const SEQUENCE = 0x30;
const OID = 0x06;
const OCTETS = 0x04;
/** Context-specific: attributes of the request; a DNS name and an address among the alternative names. */
const ATTRIBUTES = 0xa0;
const DNS_NAME = 0x82;
const ADDRESS = 0x87;

/** Object identifiers by their bytes: commonName, organizationName, extensionRequest, subjectAltName. */
const COMMON_NAME = '85,4,3';
const ORGANIZATION = '85,4,10';
const EXTENSIONS = '42,134,72,134,247,13,1,9,14';
const ALTERNATIVE_NAMES = '85,29,17';

export interface Pkcs10 {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly sans: readonly string[];
  /** The subject's public key as it stands there. */
  readonly publicKey: readonly number[];
}

/** Null when the bytes are none. */
export function readPkcs10(bytes: readonly number[]): Pkcs10 | null {
  const request = elementAt(bytes, 0);
  const info = request && childrenOf(bytes, request)[0];
  if (info?.tag !== SEQUENCE) return null;
  const [, subject, key, attributes] = childrenOf(bytes, info);
  if (subject?.tag !== SEQUENCE || key?.tag !== SEQUENCE) return null;
  let commonName = '';
  const organizations: string[] = [];
  for (const set of childrenOf(bytes, subject)) {
    for (const pair of childrenOf(bytes, set)) {
      const [type, value] = childrenOf(bytes, pair);
      if (!type || !value) return null;
      const text = fromUtf8(bytes.slice(value.start, value.end));
      if (oidOf(bytes, type) === COMMON_NAME) commonName = text;
      if (oidOf(bytes, type) === ORGANIZATION) organizations.push(text);
    }
  }
  const sans = attributes?.tag === ATTRIBUTES ? alternativeNames(bytes, attributes) : [];
  return { commonName, organizations, sans, publicKey: bytes.slice(key.start, key.end) };
}

function alternativeNames(bytes: readonly number[], attributes: Element): string[] {
  const names: string[] = [];
  for (const attribute of childrenOf(bytes, attributes)) {
    const [type, values] = childrenOf(bytes, attribute);
    if (!type || !values || oidOf(bytes, type) !== EXTENSIONS) continue;
    for (const extension of childrenOf(bytes, values).flatMap((list) => childrenOf(bytes, list))) {
      const parts = childrenOf(bytes, extension);
      const content = parts.find(({ tag }) => tag === OCTETS);
      const list = content && parts[0] && oidOf(bytes, parts[0]) === ALTERNATIVE_NAMES ? elementAt(bytes, content.start) : undefined;
      for (const name of list ? childrenOf(bytes, list) : []) {
        const part = bytes.slice(name.start, name.end);
        if (name.tag === DNS_NAME) names.push(fromUtf8(part));
        if (name.tag === ADDRESS && part.length === 4) names.push(part.join('.'));
      }
    }
  }
  return names;
}

const oidOf = (bytes: readonly number[], element: Element): string => (element.tag === OID ? bytes.slice(element.start, element.end).join(',') : '');

function elementAt(bytes: readonly number[], at: number): Element | undefined {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) return undefined;
  let length = first;
  let start = at + 2;
  if (first & 0x80) {
    length = 0;
    for (let i = 0; i < (first & 0x7f); i++) length = length * 256 + (bytes[start++] ?? 0);
  }
  return start + length > bytes.length ? undefined : { tag, start, end: start + length };
}

function childrenOf(bytes: readonly number[], { start, end }: Element): Element[] {
  const children: Element[] = [];
  for (let at = start; at < end; ) {
    const child = elementAt(bytes, at);
    if (!child || child.end > end) return children;
    children.push(child);
    at = child.end;
  }
  return children;
}
