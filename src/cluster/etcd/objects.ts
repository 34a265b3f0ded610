// How Kubernetes objects lie in etcd: the value holds no resourceVersion, the revision of its last change is it.
// Reading joins the two (as apiserver's etcd3 store does); one frozen object per version is shared by all readers.

import type { ObjectMeta } from '../api/generated/types.ts';
import { kindOf } from '../api/kinds.ts';
import type { ApiObject } from '../api/meta.ts';
import type { Change, Subject } from '../sim/trace.ts';
import type { KeyValue, WatchEvent } from './messages.ts';
import { plainOf } from './sealed.ts';

/** What a stored API object looks like to whoever reads it. */
export interface VersionedObject extends ApiObject {
  readonly metadata: ObjectMeta & { readonly resourceVersion: string };
}

type Stored = Partial<ApiObject>;

/** The object of this version, with metadata.resourceVersion. */
export function objectOf(kv: KeyValue): VersionedObject {
  return kv.decoded(decode);
}

const decode = (kv: KeyValue): VersionedObject => withRevision(plainOf(kv.value) as ApiObject, kv.modRevision);

/** `value` as of `revision`. */
export function withRevision(value: ApiObject, revision: number): VersionedObject {
  return Object.freeze({ ...value, metadata: Object.freeze({ ...value.metadata, resourceVersion: String(revision) }) });
}

/** Which API object an event is about; null for keys that hold none (leases of API servers, allocators, …). */
export function subjectOf(event: WatchEvent): Subject | null {
  const value = plainOf(event.kv.value ?? event.prevKv?.value ?? null) as Stored | null | undefined;
  if (!value?.apiVersion || !value.kind || !value.metadata?.name) return null;
  const kind = kindOf(value.apiVersion, value.kind);
  if (!kind) return customSubject(event, value as ApiObject);
  return {
    group: kind.group,
    resource: kind.plural,
    kind: value.kind,
    namespace: value.metadata.namespace ?? '',
    name: value.metadata.name,
  };
}

/** A custom resource: its key is `/registry/<group>/<plural>/…`. */
function customSubject({ kv }: WatchEvent, { apiVersion, kind, metadata }: ApiObject): Subject | null {
  const [, , group, resource] = kv.key.split('/');
  if (group === undefined || resource === undefined || !apiVersion.startsWith(`${group}/`)) return null;
  return { group, resource, kind, namespace: metadata.namespace ?? '', name: metadata.name };
}

/** The change of the visible state that this event makes. */
export function changeOf(subject: Subject | null, event: WatchEvent): Change | null {
  if (!subject) return null;
  const resource = subject.group === '' ? subject.resource : `${subject.resource}.${subject.group}`;
  return {
    key: `object/${resource}/${subject.namespace}/${subject.name}`,
    before: event.prevKv ? objectOf(event.prevKv) : null,
    after: event.kv.value ? objectOf(event.kv) : null,
  };
}
