// The hashes that controllers put into names: FNV-1a over an object, written in letters that spell no words
// (k8s.io/kubernetes/pkg/controller.ComputeHash, apimachinery/pkg/util/rand.SafeEncodeString).
// Simplification: Go hashes a dump of the Go struct, we hash the JSON with sorted keys. The shape of the result is the
// same, its letters are not those of a real cluster.

import type { PodTemplateSpec } from './generated/types.ts';

/** No vowels and no digits that look like them. */
export const SAFE_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** FNV-1a, 32 bits, over the text's UTF-16 units (one byte for ASCII), going on from `start`. */
export function fnv1a(text: string, start: number = OFFSET): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), PRIME);
    if (unit > 0x7f) hash = Math.imul(hash ^ (unit >>> 8), PRIME);
  }
  return hash >>> 0;
}

/** Each character mapped to a safe letter. */
export function safeEncode(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i++) out += SAFE_LETTERS[text.charCodeAt(i) % SAFE_LETTERS.length];
  return out;
}

function hashInto(hash: number, value: unknown): number {
  if (Array.isArray(value)) {
    let next = fnv1a('[', hash);
    for (const item of value) next = hashInto(fnv1a(',', next), item);
    return fnv1a(']', next);
  }
  if (typeof value !== 'object' || value === null) {
    return fnv1a(typeof value === 'string' ? `"${value}"` : String(value), hash);
  }
  let next = fnv1a('{', hash);
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record).sort()) {
    if (record[key] === undefined) continue;
    next = hashInto(fnv1a(`${key}:`, next), record[key]);
  }
  return fnv1a('}', next);
}

const hashes = new WeakMap<object, number>();

/** FNV-1a of a frozen JSON value; remembered. */
export function hashObject(value: object): number {
  const known = hashes.get(value);
  if (known !== undefined) return known;
  const hash = hashInto(OFFSET, value);
  hashes.set(value, hash);
  return hash;
}

function withCollisions(hash: number, collisionCount: number | undefined): number {
  if (collisionCount === undefined) return hash;
  let next = hash;
  for (let i = 0; i < 8; i++) next = Math.imul(next ^ (i < 4 ? (collisionCount >>> (8 * i)) & 0xff : 0), PRIME);
  return next >>> 0;
}

/** The value of the label `pod-template-hash`. `collisionCount` is the Deployment's, undefined when it has none. */
export const podTemplateHash = (template: PodTemplateSpec, collisionCount?: number): string =>
  safeEncode(String(withCollisions(hashObject(template), collisionCount)));

/** The hash at the end of a ControllerRevision's name and in the label `controller-revision-hash`. */
export const revisionHash = (data: object, collisionCount?: number): string =>
  safeEncode(String(withCollisions(hashObject(data), collisionCount)));
