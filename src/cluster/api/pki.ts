// Certificates as text that looks like PEM and carries JSON: who somebody is, and which authority says so.
// Simplification: signatures are keyed hashes, and the key that makes them can be derived from the authority's certificate.

import { base64ToBytes, fromBase64, toBase64 } from './base64.ts';
import { readPkcs10 } from './pkcs10.ts';
import { sign } from './signature.ts';

export interface CertificateSubject {
  readonly commonName: string;
  /** Become the user's groups. */
  readonly organizations: readonly string[];
}

export interface Certificate {
  readonly subject: CertificateSubject;
  /** Common name of the authority. */
  readonly issuer: string;
  readonly serial: string;
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** DNS names and IP addresses that a server answers to. */
  readonly sans: readonly string[];
  readonly keyId: string;
  readonly isAuthority: boolean;
  readonly signature: string;
}

/** A certificate and its private key, both as text. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly sans?: readonly string[];
  /** RFC 3339. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Anything that makes the key differ from others: a random text of the caller's stream. */
  readonly entropy: string;
}

function pem(label: string, body: string): string {
  const lines = toBase64(body).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const BLOCK = /-----BEGIN ([A-Z ]+)-----\n([\s\S]*?)-----END \1-----/g;

function blocks(text: string, label: string): string[] {
  const found: string[] = [];
  for (const m of text.matchAll(BLOCK)) {
    if (m[1] !== label) continue;
    const body = fromBase64((m[2] as string).replaceAll('\n', ''));
    if (body !== undefined) found.push(body);
  }
  return found;
}

const newKey = (entropy: string, commonName: string): string => sign(entropy, `key of ${commonName}`);
const keyIdOf = (secret: string): string => sign(secret, 'public').slice(0, 40);
const keyText = (secret: string): string => pem('EC PRIVATE KEY', JSON.stringify({ secret }));

function secretOf(key: string): string {
  const body = blocks(key, 'EC PRIVATE KEY')[0];
  if (body === undefined) throw new Error('no private key in the text');
  return (JSON.parse(body) as { secret: string }).secret;
}

const signedPart = (c: Omit<Certificate, 'signature'>): string =>
  JSON.stringify([
    c.subject.commonName,
    c.subject.organizations,
    c.issuer,
    c.serial,
    c.notBefore,
    c.notAfter,
    c.sans,
    c.keyId,
    c.isAuthority,
  ]);

function certificateText(c: Omit<Certificate, 'signature'>, authorityKeyId: string): string {
  return pem('CERTIFICATE', JSON.stringify({ ...c, signature: sign(authorityKeyId, signedPart(c)) }));
}

/** A self-signed authority (`kubernetes`, `etcd-ca`, `front-proxy-ca`). */
export function createAuthority(request: CertificateRequest): KeyedCertificate {
  const secret = newKey(request.entropy, request.commonName);
  const keyId = keyIdOf(secret);
  const certificate = describe(request, request.commonName, keyId, true);
  return { certificate: certificateText(certificate, keyId), key: keyText(secret) };
}

function describe(request: CertificateRequest, issuer: string, keyId: string, isAuthority: boolean): Omit<Certificate, 'signature'> {
  return {
    subject: { commonName: request.commonName, organizations: [...(request.organizations ?? [])] },
    issuer,
    serial: sign(request.entropy, `serial ${request.commonName} ${request.notBefore}`).slice(0, 16),
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    sans: [...(request.sans ?? [])],
    keyId,
    isAuthority,
  };
}

/** A certificate with a new key, signed by the authority. Throws when the authority's texts are none. */
export function issueCertificate(authority: KeyedCertificate, request: CertificateRequest): KeyedCertificate {
  const secret = newKey(request.entropy, request.commonName);
  return { certificate: signFor(authority, request, keyIdOf(secret)), key: keyText(secret) };
}

function signFor(authority: KeyedCertificate, request: CertificateRequest, keyId: string): string {
  const ca = readCertificate(authority.certificate);
  if (ca === null) throw new Error('no certificate in the text');
  if (keyIdOf(secretOf(authority.key)) !== ca.keyId) throw new Error('the private key does not belong to the certificate');
  return certificateText(describe(request, ca.subject.commonName, keyId, false), ca.keyId);
}

/** What a certificate says; null when the text holds none. */
export function readCertificate(text: string): Certificate | null {
  const body = blocks(text, 'CERTIFICATE')[0];
  return body === undefined ? null : parseCertificate(body);
}

function parseCertificate(body: string): Certificate | null {
  try {
    const read = JSON.parse(body) as Certificate;
    return typeof read.subject?.commonName === 'string' && Array.isArray(read.subject.organizations) ? read : null;
  } catch {
    return null;
  }
}

/**
 * Who a certificate belongs to, if one of the authorities in `authorityText` has signed it; null otherwise.
 * With `now` (RFC 3339) it must be valid at that time as well.
 */
export function verifyCertificate(text: string, authorityText: string, now?: string): { user: string; groups: readonly string[] } | null {
  const certificate = readCertificate(text);
  if (certificate === null) return null;
  if (now !== undefined && (now < certificate.notBefore || now > certificate.notAfter)) return null;
  for (const body of blocks(authorityText, 'CERTIFICATE')) {
    const ca = parseCertificate(body);
    if (ca === null || !ca.isAuthority || ca.subject.commonName !== certificate.issuer) continue;
    if (sign(ca.keyId, signedPart(certificate)) !== certificate.signature) continue;
    return { user: certificate.subject.commonName, groups: certificate.subject.organizations };
  }
  return null;
}

/** A certificate signing request (the text in a CertificateSigningRequest's spec.request, before base64) and its key. */
export function createRequest(request: Pick<CertificateRequest, 'commonName' | 'organizations' | 'sans' | 'entropy'>): {
  readonly request: string;
  readonly key: string;
} {
  const secret = newKey(request.entropy, request.commonName);
  const body = {
    commonName: request.commonName,
    organizations: [...(request.organizations ?? [])],
    sans: [...(request.sans ?? [])],
    keyId: keyIdOf(secret),
  };
  return { request: pem('CERTIFICATE REQUEST', JSON.stringify(body)), key: keyText(secret) };
}

export interface SigningRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly sans: readonly string[];
  readonly keyId: string;
}

/** What a signing request asks for, one of ours or one from outside; null when the text holds none. */
export function readRequest(text: string): SigningRequest | null {
  const encoded = [...text.matchAll(BLOCK)].find((m) => m[1] === 'CERTIFICATE REQUEST')?.[2]?.replaceAll('\n', '');
  if (encoded === undefined) return null;
  const body = fromBase64(encoded);
  try {
    const read = JSON.parse(body ?? '') as SigningRequest;
    return typeof read.commonName === 'string' && typeof read.keyId === 'string' ? read : null;
  } catch {
    const outside = readPkcs10(base64ToBytes(encoded) ?? []);
    if (!outside) return null;
    const { subject, names, publicKey } = outside;
    const sans = [...names.dns, ...names.ip];
    return { commonName: subject.commonName.at(-1) ?? '', organizations: subject.organization, sans, keyId: keyIdOf(publicKey.join()) };
  }
}

/** The certificate that answers a signing request, for the requester's own key. */
export function signRequest(authority: KeyedCertificate, request: SigningRequest, notBefore: string, notAfter: string): string {
  return signFor(authority, { ...request, notBefore, notAfter, entropy: request.keyId }, request.keyId);
}
