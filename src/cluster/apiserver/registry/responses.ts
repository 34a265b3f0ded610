// How results become HTTP responses: objects, tables, Status.

import type { ResourceKind } from '../../api/kinds.ts';
import type { ApiObject } from '../../api/meta.ts';
import type { ApiError } from '../../api/status.ts';
import { type TableOptions, toTable } from '../../api/table.ts';
import type { VersionedObject } from '../../etcd/objects.ts';
import type { HttpResponse } from '../../network/http.ts';
import type { Exchange } from '../server.ts';
import type { Unsaved } from '../storage/store.ts';

export const JSON_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'content-type': 'application/json',
  'cache-control': 'no-cache, private',
});

const TABLE = 'as=Table';

/** A response with this body; warnings gathered on the way go into its headers. */
export function reply(x: Exchange | null, status: number, body: unknown): HttpResponse {
  if (!x || (x.warnings.length === 0 && x.auditId === '')) return { status, headers: JSON_HEADERS, body };
  const headers: Record<string, string> = { ...JSON_HEADERS };
  if (x.auditId !== '') headers['audit-id'] = x.auditId;
  if (x.warnings.length > 0) headers['warning'] = x.warnings.map((w) => `299 - ${JSON.stringify(w)}`).join(', ');
  return { status, headers, body };
}

/** Whether the client would rather have a table: the first media type of its Accept header decides. */
export function wantsTable(x: Exchange): boolean {
  const accept = x.http.headers['accept'];
  if (accept === undefined || !accept.includes(TABLE)) return false;
  const first = accept.split(',')[0] as string;
  return first.includes(TABLE) && first.includes('g=meta.k8s.io');
}

function tableOptions(x: Exchange): TableOptions {
  const { sim } = x.server;
  const include = x.query['includeObject'];
  return { nowMicros: sim.epoch + sim.now, includeObject: include === 'Object' || include === 'None' ? include : 'Metadata' };
}

/** One object, as itself or as a table. */
export function replyObject(x: Exchange, status: number, kind: ResourceKind, object: VersionedObject | Unsaved): HttpResponse {
  if (!wantsTable(x)) return reply(x, status, object);
  return reply(x, status, toTable(kind, [object], tableOptions(x)));
}

export interface ListMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export function replyList(x: Exchange, kind: ResourceKind, items: readonly VersionedObject[], metadata: ListMetadata): HttpResponse {
  if (wantsTable(x)) return reply(x, 200, toTable(kind, items, { ...tableOptions(x), listMetadata: metadata }));
  return reply(x, 200, { kind: kind.custom?.listKind ?? `${kind.kind}List`, apiVersion: kind.apiVersion, metadata, items });
}

/** A watch event's object as the client asked for it. */
export function watchTable(x: Exchange, kind: ResourceKind, object: VersionedObject): unknown {
  return toTable(kind, [object], tableOptions(x));
}

/** An error as a response. Anything but an ApiError is a fault of the server: 500. */
export function replyError(x: Exchange | null, error: ApiError): HttpResponse {
  const response = reply(x, error.code, error.status);
  const retry = error.status.details?.retryAfterSeconds;
  return retry ? { ...response, headers: { ...response.headers, 'retry-after': String(retry) } } : response;
}

/** `Status Success` about a deleted object, or about none. */
export function success(kind?: ResourceKind, object?: ApiObject): object {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    ...(kind && object
      ? {
          details: {
            name: object.metadata.name,
            ...(kind.group === '' ? {} : { group: kind.group }),
            kind: kind.plural,
            uid: object.metadata.uid,
          },
        }
      : {}),
  };
}
