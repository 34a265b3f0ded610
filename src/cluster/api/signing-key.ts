// The key pair that signs ServiceAccount tokens (sa.key, sa.pub): ECDSA on P-256, as real PEM, so that anybody can check a token.
// Simplification: a cluster has one of 32 key pairs and its signatures one of 16 nonces, both known beforehand, because point
// multiplication costs milliseconds. The signatures are valid; the key is as little a secret as the seed of the simulation.

import { sha256 } from '@noble/hashes/sha2.js';
import { hash32 } from '../sim/random.ts';
import { base64ToBytes, bytesToBase64, bytesToBase64Url } from './base64.ts';
import { NONCES, PUBLIC_KEYS } from './p256-points.ts';

/** The order of the curve. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** DER around the numbers: SubjectPublicKeyInfo (RFC 5480) and ECPrivateKey (RFC 5915). */
const PUBLIC_HEAD = [0x30, 0x59, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 3, 0x42, 0, 4];
const PRIVATE_HEAD = [0x30, 0x77, 2, 1, 1, 4, 0x20];
const PRIVATE_MIDDLE = [0xa0, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 0xa1, 0x44, 3, 0x42, 0, 4];
const PRIVATE_LABEL = 'EC PRIVATE KEY';
const PUBLIC_LABEL = 'PUBLIC KEY';

export interface SigningKey {
  /** What tokens call it: the hash of the public key. */
  readonly id: string;
  /** Coordinates of the public key, base64url. */
  readonly x: string;
  readonly y: string;
  readonly secret: bigint;
}

interface Nonce {
  readonly r: bigint;
  readonly inverse: bigint;
}

export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));

function numberOf(bytes: ArrayLike<number>): bigint {
  let hex = '0x';
  for (let i = 0; i < bytes.length; i++) hex += HEX[bytes[i] as number];
  return BigInt(hex);
}

function write32(bytes: Uint8Array, at: number, value: bigint): void {
  const hex = value.toString(16).padStart(64, '0');
  for (let i = 0; i < 32; i++) bytes[at + i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
}

/** The inverse modulo the order (extended Euclid). */
function inverse(value: bigint): bigint {
  let [a, b, x, y] = [value % N, N, 1n, 0n];
  while (a > 1n) {
    const quotient = b / a;
    [a, b, x, y] = [b % a, a, y - quotient * x, x];
  }
  return ((x % N) + N) % N;
}

const secretAt = (index: number): Uint8Array => sha256(asciiBytes(`orrery signing key ${index}`));

function pem(label: string, bytes: ArrayLike<number>): string {
  const lines = bytesToBase64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** A key pair as PEM text, chosen by `entropy`. */
export function createSigningKey(entropy: string): { readonly privateKey: string; readonly publicKey: string } {
  const index = hash32(entropy) % PUBLIC_KEYS.length;
  const point = base64ToBytes(PUBLIC_KEYS[index] as string) as number[];
  return {
    privateKey: pem(PRIVATE_LABEL, [...PRIVATE_HEAD, ...secretAt(index), ...PRIVATE_MIDDLE, ...point]),
    publicKey: pem(PUBLIC_LABEL, [...PUBLIC_HEAD, ...point]),
  };
}

/** By the text of a file: reading one is a matter of the text alone. */
const known = new Map<string, SigningKey | null>();
const KNOWN_LIMIT = 64;

/** The key in the PEM text of either half; null when there is none, or one that this model has not made. */
export function readSigningKey(text: string): SigningKey | null {
  let key = known.get(text);
  if (key === undefined) {
    key = parse(text);
    if (known.size >= KNOWN_LIMIT) known.clear();
    known.set(text, key);
  }
  return key;
}

function parse(text: string): SigningKey | null {
  const match = /-----BEGIN (EC PRIVATE KEY|PUBLIC KEY)-----\n([\s\S]*?)-----END \1-----/.exec(text);
  const der = match ? base64ToBytes(match[2] as string) : undefined;
  if (!der || der.length < 64) return null;
  const point = bytesToBase64Url(der.slice(-64));
  const index = PUBLIC_KEYS.indexOf(point);
  if (index < 0) return null;
  return {
    id: bytesToBase64Url(sha256(Uint8Array.from([...PUBLIC_HEAD, ...der.slice(-64)]))),
    x: bytesToBase64Url(der.slice(-64, -32)),
    y: bytesToBase64Url(der.slice(-32)),
    secret: numberOf(secretAt(index)) % N,
  };
}

let nonces: readonly Nonce[] | null = null;

const allNonces = (): readonly Nonce[] =>
  (nonces ??= NONCES.map((x, i) => ({
    r: numberOf(base64ToBytes(x) as number[]) % N,
    inverse: inverse(numberOf(sha256(asciiBytes(`orrery nonce ${i}`)))),
  })));

/** The signature of an ASCII text as JWS has it (ES256): r and s, base64url. The same text has the same signature. */
export function signText(key: SigningKey, text: string): string {
  const hash = sha256(asciiBytes(text));
  const { r, inverse: k } = allNonces()[(hash[0] as number) % NONCES.length] as Nonce;
  const s = (k * (numberOf(hash) + r * key.secret)) % N;
  const bytes = new Uint8Array(64);
  write32(bytes, 0, r);
  write32(bytes, 32, s);
  return bytesToBase64Url(bytes);
}
