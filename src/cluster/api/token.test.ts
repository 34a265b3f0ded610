// Anybody can check the tokens: the public half, its PEM and its kid are what OpenSSL and every JOSE library expect.

import { createPublicKey, createVerify, createHash } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { expect, test } from 'vitest';
import { bytesToBase64Url } from './base64.ts';
import { NONCES, PUBLIC_KEYS } from './p256-points.ts';
import { asciiBytes, createSigningKey, readSigningKey } from './signing-key.ts';
import { signToken, verifyToken } from './token.ts';

test('the points are those of the curve', () => {
  const point = (text: string): Uint8Array => p256.getPublicKey(sha256(asciiBytes(text)), false).slice(1);
  expect(PUBLIC_KEYS).toEqual(PUBLIC_KEYS.map((_, i) => bytesToBase64Url(point(`orrery signing key ${i}`))));
  expect(NONCES).toEqual(NONCES.map((_, i) => bytesToBase64Url(point(`orrery nonce ${i}`).slice(0, 32))));
});

test('a token verifies with OpenSSL, and says the key by the hash of its DER', () => {
  for (let seed = 0; seed < 20; seed++) {
    const { privateKey, publicKey } = createSigningKey(`seed ${seed}`);
    const token = signToken(privateKey, { sub: `system:serviceaccount:default:größe-${seed}` });
    const [head, body, signature] = token.split('.') as [string, string, string];
    const dsa = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
    expect(createVerify('sha256').update(`${head}.${body}`).verify(dsa, Buffer.from(signature, 'base64url'))).toBe(true);
    const der = createPublicKey(publicKey).export({ format: 'der', type: 'spki' });
    const kid = createHash('sha256').update(der).digest('base64url');
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({ alg: 'ES256', kid });
    expect(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })).toEqual(der);
    expect(createPublicKey(publicKey).export({ format: 'jwk' })).toMatchObject({ x: readSigningKey(publicKey)?.x, y: readSigningKey(publicKey)?.y });
    expect(verifyToken(publicKey, token)).toEqual({ sub: `system:serviceaccount:default:größe-${seed}` });
    expect(verifyToken(publicKey, `${head}.${body}x.${signature}`)).toBeNull();
  }
});
