// The bytes of an encrypted value as Kubernetes writes them (apiserver/pkg/storage/value/encrypt): a prefix that names provider and key,
// then nonce and ciphertext. Not needed to run a cluster, only to look into etcd.

import { cbc, gcm } from '@noble/ciphers/aes.js';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { base64ToBytes } from '../api/base64.ts';
import { bytesOf } from '../api/bytes.ts';
import type { SealedValue, SealProvider } from './sealed.ts';

type Seal = (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, context: Uint8Array) => Uint8Array;

const PROVIDERS: Readonly<Record<SealProvider, { readonly nonce: number; readonly seal: Seal }>> = {
  aescbc: { nonce: 16, seal: (key, nonce, plain) => cbc(key, nonce).encrypt(plain) },
  aesgcm: { nonce: 12, seal: (key, nonce, plain, context) => gcm(key, nonce, context).encrypt(plain) },
  secretbox: { nonce: 24, seal: (key, nonce, plain) => xsalsa20poly1305(key, nonce).encrypt(plain) },
};

/** The stored bytes. The nonce follows from where and when it was written: the same run shows the same bytes. */
export function sealedBytes({ key, plain }: SealedValue, etcdKey: string, revision: number): Uint8Array {
  const { nonce: length, seal } = PROVIDERS[key.provider];
  const nonce = sha256(bytesOf(`${etcdKey} ${revision}`)).slice(0, length);
  const secret = Uint8Array.from(base64ToBytes(key.secret) ?? []);
  const prefix = bytesOf(`k8s:enc:${key.provider}:v1:${key.name}:`);
  const sealed = seal(secret, nonce, bytesOf(JSON.stringify(plain)), bytesOf(etcdKey));
  return Uint8Array.from([...prefix, ...nonce, ...sealed]);
}
