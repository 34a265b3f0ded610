// ServiceAccount tokens: text in the shape of a JWT. Simplification: signed with a keyed hash (signature.ts).

import { fromBase64, toBase64Url } from './base64.ts';
import { keyIdIn } from './pki.ts';
import { sign } from './signature.ts';

const HEADER = { alg: 'RS256', kid: '' };

let lastKey = '';
let lastId = '';

/** What a key is known by; that of the last key is remembered. */
function idOf(key: string): string {
  if (key === lastKey) return lastId;
  lastId = keyIdIn(key) ?? key;
  lastKey = key;
  return lastId;
}

/** The header of the last key's tokens. */
let headId = '';
let headText = '';

/** A token with the claims. `key` is the text of sa.key (or any other secret text). */
export function signToken(key: string, claims: object): string {
  const id = idOf(key);
  if (id !== headId) {
    headId = id;
    headText = toBase64Url(JSON.stringify({ ...HEADER, kid: id.slice(0, 16) }));
  }
  const head = `${headText}.${toBase64Url(JSON.stringify(claims))}`;
  return `${head}.${toBase64Url(sign(id, head))}`;
}

/** The claims of a token that the key has signed; null for any other text. `key` is the text of sa.key or sa.pub. */
export function verifyToken(key: string, token: string): Readonly<Record<string, unknown>> | null {
  const dot = token.lastIndexOf('.');
  const head = token.slice(0, Math.max(dot, 0));
  if (dot < 0 || token.slice(dot + 1) !== toBase64Url(sign(idOf(key), head))) return null;
  return readToken(token);
}

/** The claims of a token, believed unseen. */
export function readToken(token: string): Readonly<Record<string, unknown>> | null {
  const body = fromBase64(token.split('.')[1] ?? '');
  if (body === undefined) return null;
  try {
    const claims: unknown = JSON.parse(body);
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
