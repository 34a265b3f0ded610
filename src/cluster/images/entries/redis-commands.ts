// The everyday commands of redis over one data set: strings, lists, hashes, sets, expiry (redis.io/commands). Replies are values
// of its protocol; the texts of errors are the server's.

import { globPattern } from './redis-glob.ts';

export type Reply = { readonly ok: string } | { readonly error: string } | number | string | null | readonly Reply[];

type Value =
  | { readonly type: 'string'; text: string }
  | { readonly type: 'list'; readonly items: string[] }
  | { readonly type: 'hash'; readonly fields: Map<string, string> }
  | { readonly type: 'set'; readonly members: Set<string> };

interface Entry {
  readonly value: Value;
  /** Milliseconds; undefined: never. */
  expires: number | undefined;
}

const OK: Reply = { ok: 'OK' };
const WRONG_TYPE: Reply = { error: 'WRONGTYPE Operation against a key holding the wrong kind of value' };
const NOT_INTEGER: Reply = { error: 'ERR value is not an integer or out of range' };
const SYNTAX: Reply = { error: 'ERR syntax error' };

export const isError = (reply: Reply): reply is { readonly error: string } => typeof reply === 'object' && reply !== null && 'error' in reply;

/** One logical database. `now` gives milliseconds. */
export class RedisData {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get size(): number {
    for (const key of [...this.#entries.keys()]) this.#live(key);
    return this.#entries.size;
  }

  get expiring(): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.expires !== undefined) count++;
    return count;
  }

  clear(): void {
    this.#entries.clear();
  }

  keys(): string[] {
    return [...this.#entries.keys()].filter((key) => this.#live(key) !== undefined);
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.expires === undefined || entry.expires > this.#now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  /** Runs a command that reads or changes data; undefined when it is none of them. */
  run(name: string, args: readonly string[]): Reply | undefined {
    const command = COMMANDS[name];
    if (!command) return undefined;
    const [least, most, body] = command;
    if (args.length < least || args.length > most) return { error: `ERR wrong number of arguments for '${name.toLowerCase()}' command` };
    return body(this, args);
  }

  get<T extends Value['type']>(key: string, type: T): Extract<Value, { type: T }> | null | 'wrong' {
    const entry = this.#live(key);
    if (!entry) return null;
    return entry.value.type === type ? (entry.value as Extract<Value, { type: T }>) : 'wrong';
  }

  put(key: string, value: Value, expires?: number): void {
    this.#entries.set(key, { value, expires });
  }

  /** The value of that type, made when it is missing. */
  open<T extends Value['type']>(key: string, empty: Extract<Value, { type: T }>): Extract<Value, { type: T }> | 'wrong' {
    const found = this.get(key, empty.type as T);
    if (found !== null) return found;
    this.put(key, empty);
    return empty;
  }

  remove(key: string): boolean {
    return this.#live(key) !== undefined && this.#entries.delete(key);
  }

  typeOf(key: string): string {
    return this.#live(key)?.value.type ?? 'none';
  }

  expire(key: string, milliseconds: number | undefined): boolean {
    const entry = this.#live(key);
    if (!entry) return false;
    entry.expires = milliseconds === undefined ? undefined : this.#now() + milliseconds;
    this.#live(key);
    return true;
  }

  /** Milliseconds; -1: never, -2: no such key. */
  ttl(key: string): number {
    const entry = this.#live(key);
    if (!entry) return -2;
    return entry.expires === undefined ? -1 : entry.expires - this.#now();
  }

  /** The commands that make the data anew. */
  dump(): string[][] {
    const commands: string[][] = [];
    for (const key of this.keys()) {
      const { value, expires } = this.#entries.get(key) as Entry;
      if (value.type === 'string') commands.push(['SET', key, value.text]);
      else if (value.type === 'list') commands.push(['RPUSH', key, ...value.items]);
      else if (value.type === 'set') commands.push(['SADD', key, ...value.members]);
      else commands.push(['HSET', key, ...[...value.fields].flat()]);
      if (expires !== undefined) commands.push(['PEXPIRE', key, String(expires - this.#now())]);
    }
    return commands;
  }

  rename(from: string, to: string): boolean {
    const entry = this.#live(from);
    if (!entry) return false;
    this.#entries.delete(from);
    this.#entries.set(to, entry);
    return true;
  }
}

type Body = (data: RedisData, args: readonly string[]) => Reply;
type Command = readonly [least: number, most: number, body: Body];

const MANY = Number.POSITIVE_INFINITY;
const a = (args: readonly string[], i: number): string => args[i] ?? '';
const integer = (text: string): number | undefined => (/^-?\d{1,16}$/.test(text) ? Number(text) : undefined);

function set(data: RedisData, [key = '', text = '', ...options]: readonly string[]): Reply {
  let expires: number | undefined;
  const words = options.map((o) => o.toUpperCase());
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === 'NX' && data.typeOf(key) !== 'none') return null;
    if (word === 'XX' && data.typeOf(key) === 'none') return null;
    if (word === 'EX' || word === 'PX') {
      const amount = integer(a(options, ++i));
      if (amount === undefined) return NOT_INTEGER;
      if (amount <= 0) return { error: "ERR invalid expire time in 'set' command" };
      expires = word === 'EX' ? amount * 1000 : amount;
    } else if (!['NX', 'XX', 'KEEPTTL', 'GET'].includes(word as string)) return SYNTAX;
  }
  data.put(key, { type: 'string', text });
  if (expires !== undefined) data.expire(key, expires);
  return OK;
}

function add(data: RedisData, key: string, amount: number | undefined): Reply {
  if (amount === undefined) return NOT_INTEGER;
  const value = data.open(key, { type: 'string', text: '0' });
  if (value === 'wrong') return WRONG_TYPE;
  const before = integer(value.text);
  if (before === undefined) return NOT_INTEGER;
  value.text = String(before + amount);
  return before + amount;
}

function read(data: RedisData, key: string): Reply {
  const value = data.get(key, 'string');
  return value === 'wrong' ? WRONG_TYPE : (value?.text ?? null);
}

function push(data: RedisData, [key = '', ...items]: readonly string[], left: boolean): Reply {
  const list = data.open(key, { type: 'list', items: [] });
  if (list === 'wrong') return WRONG_TYPE;
  if (left) for (const item of items) list.items.unshift(item);
  else list.items.push(...items);
  return list.items.length;
}

function pop(data: RedisData, key: string, left: boolean): Reply {
  const list = data.get(key, 'list');
  if (list === 'wrong') return WRONG_TYPE;
  const item = (left ? list?.items.shift() : list?.items.pop()) ?? null;
  if (list?.items.length === 0) data.remove(key);
  return item;
}

function range(data: RedisData, args: readonly string[]): Reply {
  const [from, to] = [integer(a(args, 1)), integer(a(args, 2))];
  if (from === undefined || to === undefined) return NOT_INTEGER;
  const list = data.get(a(args, 0), 'list');
  if (list === 'wrong') return WRONG_TYPE;
  const items = list?.items ?? [];
  const at = (i: number): number => (i < 0 ? items.length + i : i);
  return items.slice(Math.max(0, at(from)), at(to) + 1);
}

function hashSet(data: RedisData, [key = '', ...pairs]: readonly string[], name: string): Reply {
  if (pairs.length % 2 === 1) return { error: `ERR wrong number of arguments for '${name}' command` };
  const hash = data.open(key, { type: 'hash', fields: new Map() });
  if (hash === 'wrong') return WRONG_TYPE;
  const before = hash.fields.size;
  for (let i = 0; i < pairs.length; i += 2) hash.fields.set(a(pairs, i), a(pairs, i + 1));
  return hash.fields.size - before;
}

const withHash = (data: RedisData, key: string, to: (fields: Map<string, string>) => Reply): Reply => {
  const hash = data.get(key, 'hash');
  return hash === 'wrong' ? WRONG_TYPE : to(hash?.fields ?? new Map());
};
const withSet = (data: RedisData, key: string, to: (members: Set<string>) => Reply): Reply => {
  const found = data.get(key, 'set');
  return found === 'wrong' ? WRONG_TYPE : to(found?.members ?? new Set());
};
const count = (args: readonly string[], counts: (key: string) => boolean): number => args.filter(counts).length;
const expireBy =
  (unit: number): Body =>
  (data, args) => {
    const amount = integer(a(args, 1));
    return amount === undefined ? NOT_INTEGER : Number(data.expire(a(args, 0), amount * unit));
  };
const left = (data: RedisData, key: string, unit: number): number => {
  const ttl = data.ttl(key);
  return ttl < 0 ? ttl : Math.round(ttl / unit);
};

const COMMANDS: Readonly<Record<string, Command>> = {
  SET: [2, MANY, set],
  SETEX: [3, 3, (d, x) => set(d, [a(x, 0), a(x, 2), 'EX', a(x, 1)])],
  SETNX: [2, 2, (d, x) => (set(d, [a(x, 0), a(x, 1), 'NX']) === null ? 0 : 1)],
  GET: [1, 1, (d, x) => read(d, a(x, 0))],
  GETSET: [2, 2, (d, x) => { const before = read(d, a(x, 0)); if (!isError(before)) set(d, x); return before; }],
  GETDEL: [1, 1, (d, x) => { const before = read(d, a(x, 0)); if (!isError(before)) d.remove(a(x, 0)); return before; }],
  MSET: [2, MANY, (d, x) => { for (let i = 0; i + 1 < x.length; i += 2) set(d, [a(x, i), a(x, i + 1)]); return OK; }],
  MGET: [1, MANY, (d, x) => x.map((key) => { const value = read(d, key); return isError(value) ? null : value; })],
  APPEND: [2, 2, (d, x) => { const v = d.open(a(x, 0), { type: 'string', text: '' }); if (v === 'wrong') return WRONG_TYPE; v.text += a(x, 1); return v.text.length; }],
  STRLEN: [1, 1, (d, x) => { const value = read(d, a(x, 0)); return isError(value) ? value : String(value ?? '').length; }],
  INCR: [1, 1, (d, x) => add(d, a(x, 0), 1)],
  DECR: [1, 1, (d, x) => add(d, a(x, 0), -1)],
  INCRBY: [2, 2, (d, x) => add(d, a(x, 0), integer(a(x, 1)))],
  DECRBY: [2, 2, (d, x) => { const n = integer(a(x, 1)); return add(d, a(x, 0), n === undefined ? n : -n); }],
  DEL: [1, MANY, (d, x) => count(x, (key) => d.remove(key))],
  UNLINK: [1, MANY, (d, x) => count(x, (key) => d.remove(key))],
  EXISTS: [1, MANY, (d, x) => count(x, (key) => d.typeOf(key) !== 'none')],
  TYPE: [1, 1, (d, x) => ({ ok: d.typeOf(a(x, 0)) })],
  RENAME: [2, 2, (d, x) => (d.rename(a(x, 0), a(x, 1)) ? OK : { error: 'ERR no such key' })],
  KEYS: [1, 1, (d, x) => { const pattern = globPattern(a(x, 0)); return d.keys().filter((key) => pattern.test(key)); }],
  SCAN: [1, MANY, (d, x) => { const at = x.findIndex((w) => w.toUpperCase() === 'MATCH'); const pattern = globPattern(at < 0 ? '*' : a(x, at + 1)); return ['0', d.keys().filter((key) => pattern.test(key))]; }],
  DBSIZE: [0, 0, (d) => d.size],
  FLUSHDB: [0, 1, (d) => { d.clear(); return OK; }],
  FLUSHALL: [0, 1, (d) => { d.clear(); return OK; }],
  EXPIRE: [2, 3, expireBy(1000)],
  PEXPIRE: [2, 3, expireBy(1)],
  PERSIST: [1, 1, (d, x) => (d.ttl(a(x, 0)) >= 0 ? Number(d.expire(a(x, 0), undefined)) : 0)],
  TTL: [1, 1, (d, x) => left(d, a(x, 0), 1000)],
  PTTL: [1, 1, (d, x) => left(d, a(x, 0), 1)],
  LPUSH: [2, MANY, (d, x) => push(d, x, true)],
  RPUSH: [2, MANY, (d, x) => push(d, x, false)],
  LPOP: [1, 1, (d, x) => pop(d, a(x, 0), true)],
  RPOP: [1, 1, (d, x) => pop(d, a(x, 0), false)],
  LLEN: [1, 1, (d, x) => { const list = d.get(a(x, 0), 'list'); return list === 'wrong' ? WRONG_TYPE : (list?.items.length ?? 0); }],
  LRANGE: [3, 3, range],
  LINDEX: [2, 2, (d, x) => { const items = range(d, [a(x, 0), a(x, 1), a(x, 1)]); return Array.isArray(items) ? ((items[0] as Reply | undefined) ?? null) : items; }],
  HSET: [3, MANY, (d, x) => hashSet(d, x, 'hset')],
  HMSET: [3, MANY, (d, x) => { const reply = hashSet(d, x, 'hmset'); return isError(reply) ? reply : OK; }],
  HGET: [2, 2, (d, x) => withHash(d, a(x, 0), (h) => h.get(a(x, 1)) ?? null)],
  HGETALL: [1, 1, (d, x) => withHash(d, a(x, 0), (h) => [...h].flat())],
  HKEYS: [1, 1, (d, x) => withHash(d, a(x, 0), (h) => [...h.keys()])],
  HVALS: [1, 1, (d, x) => withHash(d, a(x, 0), (h) => [...h.values()])],
  HLEN: [1, 1, (d, x) => withHash(d, a(x, 0), (h) => h.size)],
  HEXISTS: [2, 2, (d, x) => withHash(d, a(x, 0), (h) => Number(h.has(a(x, 1))))],
  HDEL: [2, MANY, (d, x) => withHash(d, a(x, 0), (h) => count(x.slice(1), (field) => h.delete(field)))],
  SADD: [2, MANY, (d, x) => { const s = d.open(a(x, 0), { type: 'set', members: new Set() }); if (s === 'wrong') return WRONG_TYPE; const before = s.members.size; for (const m of x.slice(1)) s.members.add(m); return s.members.size - before; }],
  SREM: [2, MANY, (d, x) => withSet(d, a(x, 0), (s) => count(x.slice(1), (m) => s.delete(m)))],
  SMEMBERS: [1, 1, (d, x) => withSet(d, a(x, 0), (s) => [...s])],
  SISMEMBER: [2, 2, (d, x) => withSet(d, a(x, 0), (s) => Number(s.has(a(x, 1))))],
  SCARD: [1, 1, (d, x) => withSet(d, a(x, 0), (s) => s.size)],
};

/** Commands that change data: they go into the append-only file. */
export const WRITES = new Set([
  'SET', 'SETEX', 'SETNX', 'GETSET', 'GETDEL', 'MSET', 'APPEND', 'INCR', 'DECR', 'INCRBY', 'DECRBY', 'DEL', 'UNLINK', 'RENAME', 'FLUSHDB', 'FLUSHALL', 'EXPIRE', 'PEXPIRE', 'PERSIST',
  'LPUSH', 'RPUSH', 'LPOP', 'RPOP', 'HSET', 'HMSET', 'HDEL', 'SADD', 'SREM',
]);
