// What is read is presented in the version asked for, what is written is turned into the stored one (api/convert.ts); custom
// resources have versions of their own.

import { toBase64 } from '../../api/base64.ts';
import { fromStored, toStored as convert } from '../../api/convert.ts';
import type { Secret } from '../../api/generated/types.ts';
import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { Unsaved } from '../storage/store.ts';

/** The stored object in the version of `kind`. */
export function present<T extends VersionedObject | Unsaved>(kind: ResourceKind, object: T): T {
  return kind.custom === null ? fromStored(kind, object) : (kind.custom.present(object) as T);
}

/** What a client has sent, in the version that is stored. */
export function toStored(kind: ResourceKind, object: Unsaved): Unsaved {
  return kind.key === 'secrets' ? secretToStored(object) : convert(kind, object);
}

/** What stringData says is written into data; it is never stored itself. */
function secretToStored(object: ApiObject): ApiObject {
  const { stringData, ...secret } = object as Secret;
  if (stringData === undefined) return object;
  const data: Record<string, string> = { ...secret.data };
  for (const [key, value] of Object.entries(stringData)) data[key] = toBase64(value);
  return { ...secret, data } as ApiObject;
}
