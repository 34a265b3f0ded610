// Bootstrap tokens as Secrets of type bootstrap.kubernetes.io/token (k8s.io/cluster-bootstrap/token).

import { fromBase64 } from '../api/base64.ts';
import type { Secret } from '../api/generated/types.ts';
import { parseTime, type Micros } from '../sim/time.ts';

export const BOOTSTRAP_TOKEN = 'bootstrap.kubernetes.io/token';

export function tokenField(secret: Secret, field: string): string {
  const data = secret.data?.[field];
  return data === undefined ? '' : (fromBase64(data) ?? '');
}

/** When the token ends, since 1970; undefined = never. */
export function expiryOf(secret: Secret): Micros | undefined {
  const text = tokenField(secret, 'expiration');
  return text === '' ? undefined : parseTime(text);
}
