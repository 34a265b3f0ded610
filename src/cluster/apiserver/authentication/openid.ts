// What lets others check ServiceAccount tokens: /.well-known/openid-configuration and /openid/v1/jwks (pkg/serviceaccount/openidmetadata.go).

import { readSigningKey } from '../../api/signing-key.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Exchange } from '../server.ts';

const CACHE = 'public, max-age=3600';

/** The answer at one of the two paths, or null at any other. */
export function openid(x: Exchange): HttpResponse | null {
  const { flags, serviceAccountKey } = x.server;
  const path = x.info.path.endsWith('/') ? x.info.path.slice(0, -1) : x.info.path;
  if (path === '/openid/v1/jwks') {
    const key = readSigningKey(serviceAccountKey);
    const keys = key ? [{ use: 'sig', kty: 'EC', kid: key.id, crv: 'P-256', alg: 'ES256', x: key.x, y: key.y }] : [];
    return { status: 200, headers: { 'content-type': 'application/jwk-set+json', 'cache-control': CACHE }, body: JSON.stringify({ keys }) };
  }
  if (path !== '/.well-known/openid-configuration') return null;
  const address = flags.advertiseAddress.includes(':') ? `[${flags.advertiseAddress}]` : flags.advertiseAddress;
  const body = {
    issuer: flags.serviceAccountIssuer,
    jwks_uri: flags.serviceAccountJwksUri || `https://${address}:${flags.securePort}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
  return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': CACHE }, body: JSON.stringify(body) };
}
