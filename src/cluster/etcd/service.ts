// etcd's gRPC services over HTTP: KV, Watch, Lease, Maintenance. A failed call answers 400 with gRPC's code and message,
// a watch answers with a stream of WatchResponses.

import type { Micros } from '../sim/time.ts';
import type { Op, Simulation } from '../sim/simulation.ts';
import { type HttpRequest, type HttpResponse, HttpStream } from '../network/http.ts';
import type { Member } from './member.ts';
import {
  EtcdError,
  errEmptyKey,
  errUnimplemented,
  type DeleteRangeRequest,
  type LeaseGrantRequest,
  type PutRequest,
  type RangeRequest,
  type TxnRequest,
  type WatchCreateRequest,
  type WatchEvent,
  type WatchResponse,
} from './messages.ts';
import type { Watcher } from './mvcc/watchers.ts';
import { subjectOf } from './objects.ts';

/** Processor time of a request on this member, without waiting for the disk. */
const READ_COST: Micros = 120;
const WRITE_COST: Micros = 80;
const PER_KEY_COST: Micros = 1;

type Handler = (member: Member, body: unknown, sim: Simulation) => Op<unknown>;

const METHODS: Readonly<Record<string, Handler>> = {
  '/etcdserverpb.KV/Put': put,
  '/etcdserverpb.KV/DeleteRange': deleteRange,
  '/etcdserverpb.KV/Compact': compact,
  '/etcdserverpb.Lease/LeaseGrant': leaseGrant,
  '/etcdserverpb.Lease/LeaseRevoke': leaseRevoke,
  '/etcdserverpb.Lease/LeaseKeepAlive': leaseKeepAlive,
  '/etcdserverpb.Lease/LeaseTimeToLive': leaseTimeToLive,
  '/etcdserverpb.Lease/LeaseLeases': leases,
  '/etcdserverpb.Maintenance/Status': status,
};

/** Answers one request. */
export function* serve(member: Member, request: HttpRequest, sim: Simulation): Op<HttpResponse> {
  if (request.path === '/etcdserverpb.Watch/Watch')
    return watch(member, request.body as { createRequests: readonly WatchCreateRequest[] }, sim);
  try {
    return { status: 200, headers: GRPC, body: yield* handlerOf(request.path)(member, request.body, sim) };
  } catch (error) {
    if (error instanceof EtcdError) return { status: 400, headers: GRPC, body: { code: error.code, message: error.message } };
    throw error;
  }
}

/** Nearly all requests are one of the first two. */
function handlerOf(path: string): Handler {
  if (path === '/etcdserverpb.KV/Txn') return txn;
  if (path === '/etcdserverpb.KV/Range') return range;
  const handler = METHODS[path];
  if (!handler) throw errUnimplemented(path);
  return handler;
}

const GRPC = Object.freeze({ 'content-type': 'application/grpc' });

function* range(member: Member, body: unknown, sim: Simulation): Op<unknown> {
  const request = body as RangeRequest;
  if (request.key === '') throw errEmptyKey();
  const result = yield* member.range(request);
  yield* sim.sleep(READ_COST + result.kvs.length * PER_KEY_COST);
  return { header: member.header, kvs: result.kvs, more: result.more, count: result.count };
}

function* put(member: Member, body: unknown, sim: Simulation): Op<unknown> {
  const response = yield* txn(member, { compare: [], success: [{ requestPut: body as PutRequest }], failure: [] }, sim);
  return { header: member.header, ...(response as { responses: readonly object[] }).responses[0] };
}

function* deleteRange(member: Member, body: unknown, sim: Simulation): Op<unknown> {
  const op = { requestDeleteRange: body as DeleteRangeRequest };
  const response = yield* txn(member, { compare: [], success: [op], failure: [] }, sim);
  return { header: member.header, ...(response as { responses: readonly object[] }).responses[0] };
}

function* txn(member: Member, body: unknown, sim: Simulation): Op<unknown> {
  yield* sim.sleep(WRITE_COST);
  const { txn: result, revision } = yield* member.propose({ type: 'txn', txn: body as TxnRequest });
  // Its own revision: others of the same batch may have been applied since.
  const { memberId, raftTerm } = member.header;
  return { header: { revision, memberId, raftTerm }, succeeded: result?.succeeded ?? false, responses: result?.responses ?? [] };
}

function* compact(member: Member, body: unknown): Op<unknown> {
  yield* member.propose({ type: 'compact', revision: (body as { revision: number }).revision });
  return { header: member.header };
}

function* leaseGrant(member: Member, body: unknown, sim: Simulation): Op<unknown> {
  const { ttl, id } = body as LeaseGrantRequest;
  const chosen = id !== 0 ? id : member.header.revision * 4_096 + (sim.now % 4_096) + 1;
  yield* member.propose({ type: 'leaseGrant', id: chosen, ttl });
  return { header: member.header, id: chosen, ttl };
}

function* leaseRevoke(member: Member, body: unknown): Op<unknown> {
  yield* member.propose({ type: 'leaseRevoke', id: (body as { id: number }).id });
  return { header: member.header };
}

function* leaseKeepAlive(member: Member, body: unknown): Op<unknown> {
  const { id } = body as { id: number };
  return { header: member.header, id, ttl: member.keepAlive(id) };
}

function* leaseTimeToLive(member: Member, body: unknown): Op<unknown> {
  const { id } = body as { id: number };
  const lease = member.leaseLeft(id);
  return { header: member.header, id, ttl: lease?.left ?? -1, grantedTtl: lease?.ttl ?? 0, keys: lease?.keys ?? [] };
}

function* leases(member: Member): Op<unknown> {
  return { header: member.header, leases: member.leaseIds };
}

function* status(member: Member): Op<unknown> {
  const { raft } = member;
  return {
    header: member.header,
    version: '3.6.6',
    leader: raft.leader,
    raftIndex: raft.log.committed,
    raftTerm: raft.term,
    keys: member.store.size,
  };
}

/** Opens all requested watches on one stream, as a gRPC client multiplexes them. */
function watch(member: Member, body: { readonly createRequests: readonly WatchCreateRequest[] }, sim: Simulation): HttpResponse {
  const stream = new HttpStream(sim);
  const watchers: Watcher[] = [];
  stream.onClose(() => {
    for (const watcher of watchers) member.watchers.remove(watcher);
  });
  for (const create of body.createRequests) {
    const watcher = openWatch(member, create, stream);
    if (watcher) watchers.push(watcher);
  }
  return { status: 200, headers: GRPC, stream };
}

function openWatch(member: Member, create: WatchCreateRequest, stream: HttpStream): Watcher | null {
  const { watchId, startRevision } = create;
  const send = (response: Partial<WatchResponse>): void =>
    stream.write(Object.freeze({ header: member.header, watchId, events: [], ...response }), {
      kind: 'etcd',
      verb: 'watch-progress',
      subject: null,
    });
  const cancel = (compactRevision: number): void =>
    send({ canceled: true, compactRevision, cancelReason: 'etcdserver: mvcc: required revision has been compacted' });
  const deliver = (_: number, events: readonly WatchEvent[]): void => {
    const last = events.at(-1) as WatchEvent;
    stream.write(Object.freeze({ header: member.header, watchId, events }), {
      kind: 'etcd',
      verb: 'watch',
      subject: subjectOf(last),
      detail: { revision: last.kv.modRevision, type: last.type, key: last.kv.key },
    });
  };
  const watcher: Watcher = { range: create, deliver, cancel };
  send({ created: true });
  if (startRevision > 0 && startRevision < member.store.compactRevision) {
    cancel(member.store.compactRevision);
    return null;
  }
  if (startRevision > 0) for (const past of member.store.since(startRevision)) deliverPast(watcher, past.events);
  member.watchers.add(watcher);
  return watcher;
}

function deliverPast(watcher: Watcher, events: readonly WatchEvent[]): void {
  const { key, rangeEnd } = watcher.range;
  const all = rangeEnd === '\0' && (key === '' || key === '\0');
  const wanted = all
    ? events
    : events.filter(({ kv }) => (rangeEnd === undefined ? kv.key === key : kv.key >= key && (rangeEnd === '\0' || kv.key < rangeEnd)));
  const last = wanted.at(-1);
  if (last) watcher.deliver(last.kv.modRevision, wanted);
}
