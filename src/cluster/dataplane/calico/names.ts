// Calico's names for what it makes in the kernel: interfaces, chains, sets (libcalico-go/lib/hash, felix/rules, felix/ipsets).

import { sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { bytesToBase64Url as toBase64Url } from '../../api/base64.ts';

/** iptables allows 28 characters, ipset 31. */
const CHAIN_LENGTH = 28;
const SET_LENGTH = 31;

/** The host's end of a Pod's veth pair. */
export const vethName = (namespace: string, pod: string): string => `cali${bytesToHex(sha1(utf8ToBytes(`${namespace}.${pod}`))).slice(0, 11)}`;

/** Prefix and suffix, or when that is too long, `_` and the start of the suffix' hash. */
export function limitedId(prefix: string, suffix: string, length: number): string {
  const whole = prefix + suffix;
  if (whole.length < length || (whole.length === length && !suffix.startsWith('_'))) return whole;
  return `${prefix}_${toBase64Url(sha256(utf8ToBytes(suffix)))}`.slice(0, length);
}

export const chainName = (prefix: string, suffix: string): string => limitedId(prefix, suffix, CHAIN_LENGTH);

/** `s:…` for a selector, `n:…` for a named port. */
export const uniqueId = (prefix: string, content: string): string => `${prefix}:${toBase64Url(sha224(utf8ToBytes(`${prefix}:${content}`)))}`;

/** The name of an IPv4 set: `cali40` and its id, cut off. */
export const ipsetName = (id: string): string => `cali40${id}`.slice(0, SET_LENGTH);

const HASH_LENGTH = 16;

/** Felix signs each rule by a hash over its chain's name and all rules up to it. `texts` are the rules as iptables would be given them. */
export function ruleHashes(chain: string, texts: readonly string[]): string[] {
  let hash = sha224(utf8ToBytes(chain));
  return texts.map((text) => {
    const part = utf8ToBytes(text);
    const both = new Uint8Array(hash.length + part.length);
    both.set(hash);
    both.set(part, hash.length);
    hash = sha224(both);
    return toBase64Url(hash).slice(0, HASH_LENGTH);
  });
}
