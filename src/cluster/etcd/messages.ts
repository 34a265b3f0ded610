// etcd's v3 API (etcdserverpb) in the field names of its JSON mapping. Values are frozen JSON objects, handed by reference.

/** One version of a key. `value` is null on the tombstone that a deletion leaves. */
export class KeyValue {
  readonly key: string;
  readonly value: StoredValue | null;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
  #decoded: unknown = undefined;

  constructor(key: string, value: StoredValue | null, createRevision: number, modRevision: number, version: number, lease: number) {
    this.key = key;
    this.value = value;
    this.createRevision = createRevision;
    this.modRevision = modRevision;
    this.version = version;
    this.lease = lease;
  }

  /** What a reader makes of this version, made once for all readers. */
  decoded<T>(make: (kv: KeyValue) => T): T {
    return (this.#decoded ??= make(this)) as T;
  }
}

/** A frozen JSON object. */
export type StoredValue = object;

export interface ResponseHeader {
  readonly revision: number;
  readonly memberId: number;
  readonly raftTerm: number;
}

/** Keys in [key, rangeEnd); only `key` when rangeEnd is absent; rangeEnd '\0' means "to the last key". */
export interface KeyRange {
  readonly key: string;
  readonly rangeEnd?: string;
}

export interface RangeRequest extends KeyRange {
  /** Read as of this revision; 0 or absent: now. */
  readonly revision?: number;
  readonly limit?: number;
  readonly countOnly?: boolean;
  /** Answer from this member's state without asking the leader. */
  readonly serializable?: boolean;
}

export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}

export interface PutRequest {
  readonly key: string;
  readonly value: StoredValue;
  readonly lease?: number;
}

export type DeleteRangeRequest = KeyRange;

export interface Compare {
  readonly key: string;
  readonly target: 'MOD' | 'CREATE' | 'VERSION';
  readonly result: 'EQUAL' | 'NOT_EQUAL' | 'GREATER' | 'LESS';
  readonly revision: number;
}

export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: PutRequest }
  | { readonly requestDeleteRange: DeleteRangeRequest };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export type ResponseOp =
  | { readonly responseRange: { readonly kvs: readonly KeyValue[]; readonly more: boolean; readonly count: number } }
  /** `kv` is the new version; real etcd gives the old one only. By reference it costs nothing and is shared by all readers. */
  | { readonly responsePut: { readonly kv: KeyValue; readonly prevKv: KeyValue | null } }
  | { readonly responseDeleteRange: { readonly deleted: number; readonly prevKvs: readonly KeyValue[] } };

export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface WatchCreateRequest extends KeyRange {
  readonly watchId: number;
  /** First revision to deliver; 0: from now on. */
  readonly startRevision: number;
}

export interface WatchEvent {
  readonly type: 'PUT' | 'DELETE';
  readonly kv: KeyValue;
  readonly prevKv: KeyValue | null;
}

export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly watchId: number;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly cancelReason?: string;
  /** Set when the requested start was compacted: the first revision that may be watched. */
  readonly compactRevision?: number;
  readonly events: readonly WatchEvent[];
}

export interface LeaseGrantRequest {
  /** Seconds. */
  readonly ttl: number;
  /** 0: etcd chooses. */
  readonly id: number;
}

/** A gRPC failure: its code and etcd's words. */
export class EtcdError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = 'EtcdError';
    this.code = code;
  }
}

const OUT_OF_RANGE = 11;
const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;
const INVALID_ARGUMENT = 3;
const UNIMPLEMENTED = 12;

export const errCompacted = (): EtcdError => new EtcdError(OUT_OF_RANGE, 'etcdserver: mvcc: required revision has been compacted');
export const errFutureRevision = (): EtcdError => new EtcdError(OUT_OF_RANGE, 'etcdserver: mvcc: required revision is a future revision');
export const errLeaseNotFound = (): EtcdError => new EtcdError(NOT_FOUND, 'etcdserver: requested lease not found');
export const errLeaseExists = (): EtcdError => new EtcdError(FAILED_PRECONDITION, 'etcdserver: lease already exists');
export const errNoLeader = (): EtcdError => new EtcdError(UNAVAILABLE, 'etcdserver: no leader');
export const errTimeout = (): EtcdError => new EtcdError(UNAVAILABLE, 'etcdserver: request timed out');
export const errEmptyKey = (): EtcdError => new EtcdError(INVALID_ARGUMENT, 'etcdserver: key is not provided');
export const errUnimplemented = (method: string): EtcdError => new EtcdError(UNIMPLEMENTED, `unknown method ${method}`);
