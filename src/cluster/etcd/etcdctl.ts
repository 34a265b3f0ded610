// etcdctl: get, put, del, lease, endpoint status|health, member list, snapshot save, version. Simplification: values that Kubernetes stores as
// protobuf are shown as JSON; encrypted ones as the bytes that they would be.

import { toBase64, bytesToBase64 } from '../api/base64.ts';
import { bytesOf, textOf } from '../api/bytes.ts';
import { deepFreeze } from '../api/meta.ts';
import type { Os, Program } from '../machine/process.ts';
import { HttpClient } from '../network/http.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, SECOND } from '../sim/time.ts';
import { type Arguments, readArguments, UsageError } from './etcdctl-flags.ts';
import type { DeleteRangeRequest, KeyValue, RangeResponse, ResponseHeader } from './messages.ts';
import { memberId } from './member-list.ts';
import { prefixEnd } from './mvcc/ordered.ts';
import { sealedBytes } from './seal-text.ts';
import { SealedValue } from './sealed.ts';

const VERSION = '3.6.6';
const TIMEOUT = 5 * SECOND;
/** A value that is no JSON object is kept under this name. */
const TEXT = '$text';

class CallError extends Error {}

export const etcdctlProgram: Program = function* (os: Os): Op<number> {
  try {
    const args = readArguments(os.argv.slice(1), os.env);
    return yield* run(new Session(os, args), args);
  } catch (error) {
    if (error instanceof UsageError || error instanceof CallError) {
      os.logError(`Error: ${error.message}`);
      return error instanceof UsageError ? 128 : 1;
    }
    throw error;
  }
};

class Session {
  readonly os: Os;
  readonly args: Arguments;

  constructor(os: Os, args: Arguments) {
    this.os = os;
    this.args = args;
  }

  /** @throws CallError */
  *call(method: string, body: object, endpoint = this.args.endpoints[0] as string): Op<unknown> {
    const { os, args } = this;
    const match = /^(?:(https?):\/\/)?([^:/]+)(?::(\d+))?$/.exec(endpoint);
    if (!match) throw new CallError(`failed to parse endpoint ${endpoint}`);
    const tls = match[1] === 'https' || args.cacert !== '' || args.cert !== '';
    const certificate = this.#certificate();
    const client = new HttpClient(os, {
      host: match[2] === 'localhost' ? '127.0.0.1' : (match[2] as string),
      port: Number(match[3] ?? 2379),
      ...(tls ? { tls: certificate === null ? {} : { clientCertificate: certificate } } : {}),
    });
    // The server asks for a client certificate (--client-cert-auth): without one nothing is answered.
    if (certificate === null) {
      yield* os.sleep(TIMEOUT);
      throw new CallError('context deadline exceeded');
    }
    try {
      const request = { method: 'POST', path: method, query: {}, headers: { 'content-type': 'application/grpc' }, body, kind: 'etcd' as const };
      const answer = yield* client.request(request, TIMEOUT);
      if (answer.status !== 200) throw new CallError((answer.body as { message?: string }).message ?? 'unknown error');
      return answer.body;
    } catch (error) {
      throw error instanceof CallError ? error : new CallError('context deadline exceeded');
    } finally {
      client.close();
    }
  }

  #certificate(): string | null {
    const { cert, key, cacert } = this.args;
    for (const path of [cacert, cert, key]) {
      if (path !== '' && !this.os.files.exists(path)) throw new CallError(`open ${path}: no such file or directory`);
    }
    return cert === '' ? null : this.os.files.read(cert);
  }
}

function run(session: Session, args: Arguments): Op<number> {
  const [command = '', sub = ''] = args.words;
  switch (command) {
    case 'get':
      return get(session, args);
    case 'put':
      return put(session, args);
    case 'del':
      return del(session, args);
    case 'endpoint':
      if (sub === 'health') return health(session, args);
      if (sub === 'status') return status(session, args);
      break;
    case 'member':
      if (sub === 'list') return members(session, args);
      break;
    case 'lease':
      if (['list', 'timetolive', 'grant', 'revoke'].includes(sub)) return leaseCommand(session, args, sub);
      break;
    case 'snapshot':
      if (sub === 'save') return snapshot(session, args);
      break;
    case 'version':
      return version(session);
  }
  throw new UsageError(command === '' ? 'no command given' : `unknown command ${JSON.stringify([command, sub].join(' ').trim())} for "etcdctl"`);
}

function* version({ os }: Session): Op<number> {
  os.log(`etcdctl version: ${VERSION}`);
  os.log('API version: 3.6');
  return 0;
}

function rangeOf({ words, prefix, fromKey }: Arguments): { readonly key: string; readonly rangeEnd?: string } {
  const [, key = '', end] = words;
  if (prefix) return key === '' ? { key: '\0', rangeEnd: '\0' } : { key, rangeEnd: prefixEnd(key) };
  if (fromKey) return { key: key === '' ? '\0' : key, rangeEnd: '\0' };
  return end === undefined ? { key } : { key, rangeEnd: end };
}

function* get(session: Session, args: Arguments): Op<number> {
  if (args.words.length < 2) throw new UsageError('get command needs one argument as key and an optional argument as range_end');
  const { os } = session;
  const request = { ...rangeOf(args), ...(args.revision > 0 ? { revision: args.revision } : {}) };
  const answer = (yield* session.call('/etcdserverpb.KV/Range', request)) as RangeResponse;
  const kvs = args.limit > 0 ? answer.kvs.slice(0, args.limit) : answer.kvs;
  if (args.output === 'json') {
    const shown = kvs.map((kv) => ({
      key: toBase64(kv.key),
      create_revision: kv.createRevision,
      mod_revision: kv.modRevision,
      version: kv.version,
      ...(args.keysOnly ? {} : { value: bytesToBase64(valueOf(kv)) }),
      ...(kv.lease ? { lease: kv.lease } : {}),
    }));
    const more = kvs.length < answer.count ? { more: true } : {};
    os.log(JSON.stringify({ header: headerOf(answer.header), ...(args.countOnly ? {} : { kvs: shown }), ...more, count: answer.count }));
    return 0;
  }
  if (args.output === 'fields' || args.countOnly) {
    os.log(`"Count" : ${answer.count}`);
    if (args.countOnly) return 0;
  }
  for (const kv of kvs) {
    if (!args.valueOnly) os.log(kv.key);
    os.log(args.keysOnly ? '' : textOf(valueOf(kv)));
  }
  return 0;
}

/** The bytes of a value. */
function valueOf(kv: KeyValue): Uint8Array {
  const value = kv.value as Readonly<Record<string, unknown>> | SealedValue;
  if (value instanceof SealedValue) return sealedBytes(value, kv.key, kv.modRevision);
  const text = value[TEXT];
  return bytesOf(typeof text === 'string' ? text : JSON.stringify(value));
}

function* put(session: Session, args: Arguments): Op<number> {
  const [, key, text] = args.words;
  if (key === undefined) throw new UsageError('put command needs 1 argument and input from stdin or 2 arguments');
  yield* session.call('/etcdserverpb.KV/Put', { key, value: deepFreeze(parsed(text ?? '')) });
  session.os.log('OK');
  return 0;
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // not JSON: kept as text
  }
  return { [TEXT]: text };
}

function* del(session: Session, args: Arguments): Op<number> {
  if (args.words.length < 2) throw new UsageError('del command needs one argument as key and an optional argument as range_end');
  const request: DeleteRangeRequest = rangeOf(args);
  const answer = (yield* session.call('/etcdserverpb.KV/DeleteRange', request)) as {
    readonly responseDeleteRange?: { readonly deleted: number };
  };
  session.os.log(String(answer.responseDeleteRange?.deleted ?? 0));
  return 0;
}

const hexId = (id: number): string => id.toString(16).padStart(16, '0');

function* leaseCommand(session: Session, args: Arguments, sub: string): Op<number> {
  const { os } = session;
  const call = (method: string, body: object): Op<unknown> => session.call(method, body);
  const word = args.words[2];
  if (sub === 'list') {
    const { leases } = (yield* call('/etcdserverpb.Lease/LeaseLeases', {})) as { readonly leases: readonly number[] };
    os.log(`found ${leases.length} leases`);
    for (const id of leases) os.log(hexId(id));
    return 0;
  }
  if (word === undefined) throw new UsageError(`lease ${sub} command needs ${sub === 'grant' ? 'TTL' : 'lease ID'} argument`);
  if (sub === 'grant') {
    const { id, ttl } = (yield* call('/etcdserverpb.Lease/LeaseGrant', { ttl: Number(word), id: 0 })) as { readonly id: number; readonly ttl: number };
    os.log(`lease ${hexId(id)} granted with TTL(${ttl}s)`);
    return 0;
  }
  const id = Number.parseInt(word, 16);
  if (sub === 'revoke') {
    yield* call('/etcdserverpb.Lease/LeaseRevoke', { id });
    os.log(`lease ${hexId(id)} revoked`);
    return 0;
  }
  const { ttl, grantedTtl, keys } = (yield* call('/etcdserverpb.Lease/LeaseTimeToLive', { id })) as { readonly ttl: number; readonly grantedTtl: number; readonly keys: readonly string[] };
  if (ttl < 0) os.log(`lease ${hexId(id)} already expired`);
  else os.log(`lease ${hexId(id)} granted with TTL(${grantedTtl}s), remaining(${ttl}s)${args.keysOnly ? `, attached keys([${keys.join(' ')}])` : ''}`);
  return 0;
}

const took = (micros: number): string => `${micros / MILLISECOND}ms`;

function* health(session: Session, args: Arguments): Op<number> {
  const { os } = session;
  let bad = false;
  for (const endpoint of args.endpoints) {
    const begun = os.sim.now;
    try {
      yield* session.call('/etcdserverpb.KV/Range', { key: 'health' }, endpoint);
      os.log(`${endpoint} is healthy: successfully committed proposal: took = ${took(os.sim.now - begun)}`);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      os.logError(`${endpoint} is unhealthy: failed to commit proposal: ${error.message}`);
      bad = true;
    }
  }
  if (!bad) return 0;
  throw new CallError('unhealthy cluster');
}

interface Status {
  readonly header: ResponseHeader;
  readonly version: string;
  readonly leader: number;
  readonly raftIndex: number;
  readonly raftTerm: number;
  readonly keys: number;
}

function* status(session: Session, args: Arguments): Op<number> {
  const rows: string[][] = [];
  const shown: object[] = [];
  for (const endpoint of args.endpoints) {
    const s = (yield* session.call('/etcdserverpb.Maintenance/Status', {}, endpoint)) as Status;
    const size = s.keys * 2_048;
    const id = memberId(s.header.memberId);
    const storage = s.version.replace(/\.\d+$/, '.0');
    const [leads, index] = [s.leader === s.header.memberId, String(s.raftIndex)];
    rows.push([endpoint, id, s.version, storage, sizeText(size), sizeText(size), '0%', '0 B', String(leads), 'false', String(s.raftTerm), index, index, '', '', 'false']);
    const header = headerOf(s.header);
    shown.push({ Endpoint: endpoint, Status: { header, version: s.version, dbSize: size, leader: memberNumber(s.leader), raftIndex: s.raftIndex, raftTerm: s.raftTerm } });
  }
  const head =
    'ENDPOINT|ID|VERSION|STORAGE VERSION|DB SIZE|IN USE|PERCENTAGE NOT IN USE|QUOTA|IS LEADER|IS LEARNER|RAFT TERM|RAFT INDEX|RAFT APPLIED INDEX|ERRORS|DOWNGRADE TARGET VERSION|DOWNGRADE ENABLED';
  print(session.os, args.output, head.split('|'), rows, shown);
  return 0;
}

const sizeText = (bytes: number): string => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e3)} kB`);

function* members(session: Session, args: Arguments): Op<number> {
  const answer = (yield* session.call('/etcdserverpb.Cluster/MemberList', {})) as {
    readonly members: readonly { readonly id: number; readonly name: string; readonly peerUrl: string; readonly clientUrl: string }[];
  };
  const rows = answer.members.map((m) => [memberId(m.id), 'started', m.name, m.peerUrl, m.clientUrl, 'false']);
  const shown = { members: answer.members.map((m) => ({ ID: memberNumber(m.id), name: m.name, peerURLs: [m.peerUrl], clientURLs: [m.clientUrl] })) };
  print(session.os, args.output, ['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'], rows, shown);
  return 0;
}

function* snapshot(session: Session, args: Arguments): Op<number> {
  const path = args.words[2];
  if (path === undefined) throw new UsageError('snapshot save expects one argument');
  const answer = (yield* session.call('/etcdserverpb.KV/Range', { key: '\0', rangeEnd: '\0' })) as RangeResponse;
  const lines = answer.kvs.map((kv) => JSON.stringify({ key: kv.key, revision: kv.modRevision, value: bytesToBase64(valueOf(kv)) }));
  session.os.files.write(path, `${lines.join('\n')}\n`, 0o600);
  session.os.log(`Snapshot saved at ${path}`);
  session.os.log(`Server version ${VERSION.replace(/\.\d+$/, '.0')}`);
  return 0;
}

const memberNumber = (id: number): string => BigInt(`0x${memberId(id)}`).toString();

const headerOf = ({ memberId: id, revision, raftTerm }: ResponseHeader): object => ({
  cluster_id: memberNumber(0),
  member_id: memberNumber(id),
  revision,
  raft_term: raftTerm,
});

function print(os: Os, output: string, head: readonly string[], rows: readonly (readonly string[])[], json: unknown): void {
  if (output === 'json') os.log(JSON.stringify(json));
  else if (output === 'table') for (const line of table(head, rows)) os.log(line);
  else for (const row of rows) os.log(row.join(', '));
}

/** Titles in the middle, cells to the left but numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const rule = `+${widths.map((w) => '-'.repeat(w + 2)).join('+')}+`;
  const middle = (text: string, width: number): string => text.padStart(text.length + Math.ceil((width - text.length) / 2)).padEnd(width);
  const cell = (text: string, width: number): string => (/^\d+$/.test(text) ? text.padStart(width) : text.padEnd(width));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line(row.map((text, i) => cell(text, widths[i] as number))));
  return [rule, line(head.map((title, i) => middle(title, widths[i] as number))), rule, ...body, rule];
}
