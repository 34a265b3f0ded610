// Bootstrap tokens (plugin/pkg/auth/authenticator/token/bootstrap): `id.secret` names a Secret in kube-system that says who
// holds it. Nodes join with one.

import { fromBase64 } from '../../api/base64.ts';
import type { Secret } from '../../api/generated/types.ts';
import { parseTime } from '../../sim/time.ts';
import type { User } from '../request.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const TOKEN_LENGTH = 23;
const BASE_GROUP = 'system:bootstrappers';

/** The name of the Secret behind a token, and the secret part; null for any other text. */
export function parseBootstrapToken(token: string): { readonly id: string; readonly secretName: string; readonly secret: string } | null {
  const match = token.length === TOKEN_LENGTH ? TOKEN.exec(token) : null;
  return match ? { id: match[1] as string, secretName: `bootstrap-token-${match[1]}`, secret: match[2] as string } : null;
}

/** Who holds the token, if the Secret agrees. `now` is in microseconds since 1970. */
export function bootstrapUser(id: string, given: string, secret: Secret, now: number): User | null {
  const field = (name: string): string => fromBase64(secret.data?.[name] ?? '') ?? '';
  if (secret.type !== 'bootstrap.kubernetes.io/token' || secret.metadata.deletionTimestamp !== undefined) return null;
  if (field('token-id') !== id || field('token-secret') !== given || field('usage-bootstrap-authentication') !== 'true') return null;
  const expires = parseTime(field('expiration'));
  if (expires !== undefined && now >= expires) return null;
  const groups = field('auth-extra-groups')
    .split(',')
    .filter((group) => group.startsWith(`${BASE_GROUP}:`));
  return { name: `system:bootstrap:${id}`, uid: '', groups: [BASE_GROUP, ...groups, 'system:authenticated'], extra: {} };
}
