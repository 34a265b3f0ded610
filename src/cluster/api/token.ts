// ServiceAccount tokens: JSON Web Tokens signed with ES256 (pkg/serviceaccount/jwt.go), to be checked by anybody who has sa.pub
// or asks /openid/v1/jwks.

import { fromBase64, toBase64Url } from './base64.ts';
import { readSigningKey, type SigningKey, signText } from './signing-key.ts';

/** The headers of the last key's tokens. */
let headKey: SigningKey | null = null;
let headText = '';

function headOf(key: SigningKey): string {
  if (key !== headKey) {
    headKey = key;
    headText = toBase64Url(`{"alg":"ES256","kid":"${key.id}"}`);
  }
  return headText;
}

/** A token with the claims; `key` is the text of sa.key. @throws Error when it is no key */
export function signToken(key: string, claims: object): string {
  const signing = readSigningKey(key);
  if (!signing) throw new Error('no signing key in the text');
  const signed = `${headOf(signing)}.${toBase64Url(JSON.stringify(claims))}`;
  return `${signed}.${signText(signing, signed)}`;
}

/**
 * The claims of a token that the key has signed; null for any other text. `key` is the text of sa.key or sa.pub. Signatures
 * repeat, so one is checked by making it again.
 */
export function verifyToken(key: string, token: string): Readonly<Record<string, unknown>> | null {
  const signing = readSigningKey(key);
  const dot = token.lastIndexOf('.');
  if (!signing || dot < 0 || token.slice(dot + 1) !== signText(signing, token.slice(0, dot))) return null;
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
