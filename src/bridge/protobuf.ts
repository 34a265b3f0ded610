// Request bodies as kubectl 1.32 and later send them (application/vnd.kubernetes.protobuf) to JSON. The table of fields is made by
// scripts/protobuf.mjs. Zero values are always on the wire: they are dropped where Go's JSON has omitempty and no pointer.

import table from './protobuf-fields.json' with { type: 'json' };

const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const KINDS = table.kinds as Readonly<Record<string, number>>;
const MESSAGES = table.messages as readonly Readonly<Record<string, string>>[];

interface Field {
  readonly name: string;
  readonly list: boolean;
  readonly omitZero: boolean;
  readonly map: boolean;
  /** A letter, or a message's number. */
  readonly type: string;
}

const read: (ReadonlyMap<number, Field> | undefined)[] = [];

function fieldsOf(message: number): ReadonlyMap<number, Field> {
  return (read[message] ??= new Map(
    Object.entries(MESSAGES[message] ?? {}).map(([number, text]): [number, Field] => {
      const [, name = '', list, omit, map, type = ''] = /^([^:]*):(\[\])?(\?)?(\{\})?(.*)$/.exec(text) ?? [];
      return [Number(number), { name, list: list !== undefined, omitZero: omit !== undefined, map: map !== undefined, type }];
    }),
  ));
}

/** Thrown for bytes that are no such message. */
export class ProtobufError extends Error {}

class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get more(): boolean {
    return this.at < this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new ProtobufError('proto: unexpected EOF');
  }

  /** A field's number and its value: a number of the wire types that are numbers, else bytes. */
  field(): { readonly number: number; readonly value: bigint | Buffer } {
    const key = Number(this.varint());
    const number = key >> 3;
    switch (key & 7) {
      case 0:
        return { number, value: this.varint() };
      case 1:
        return { number, value: this.take(8) };
      case 2:
        return { number, value: this.take(Number(this.varint())) };
      case 5:
        return { number, value: this.take(4) };
      default:
        throw new ProtobufError(`proto: illegal wireType ${key & 7}`);
    }
  }

  take(length: number): Buffer {
    if (length < 0 || this.at + length > this.bytes.length) throw new ProtobufError('proto: unexpected EOF');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

type Json = unknown;

/** The object in a request body. @throws ProtobufError */
export function decodeProtobuf(body: Buffer): Json {
  if (MAGIC.some((byte, i) => body[i] !== byte)) throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  for (const unknown = new Cursor(body.subarray(4)); unknown.more; ) {
    const { number, value } = unknown.field();
    if (number === 2) raw = value as Buffer;
    if (number !== 1) continue;
    for (const meta = new Cursor(value as Buffer); meta.more; ) {
      const part = meta.field();
      if (part.number === 1) apiVersion = String(part.value);
      else if (part.number === 2) kind = String(part.value);
    }
  }
  const message = KINDS[messageName(apiVersion, kind)];
  if (message === undefined) throw new ProtobufError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  return { apiVersion, kind, ...(decodeMessage(raw, message) as object) };
}

/** `rbac.authorization.k8s.io/v1, Role` → `rbac/v1.Role`; options of the machinery stand with meta/v1, whatever the group. */
function messageName(apiVersion: string, kind: string): string {
  if (kind === 'DeleteOptions') return 'apis/meta/v1.DeleteOptions';
  const slash = apiVersion.indexOf('/');
  if (slash < 0) return `core/${apiVersion}.${kind}`;
  const group = apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const package_ = PACKAGES[group] ?? group.split('.')[0];
  return `${package_}/${version}.${kind}`;
}

const PACKAGES: Readonly<Record<string, string>> = {
  'internal.apiserver.k8s.io': 'apiserverinternal',
  'flowcontrol.apiserver.k8s.io': 'flowcontrol',
};

function decodeMessage(bytes: Buffer, message: number): Json {
  const fields = fieldsOf(message);
  const object: Record<string, Json> = {};
  for (const cursor = new Cursor(bytes); cursor.more; ) {
    const { number, value } = cursor.field();
    const field = fields.get(number);
    if (field === undefined) continue;
    const { name } = field;
    if (field.map) {
      const [key, item] = entry(value as Buffer, field.type);
      (object[name] ??= {} as Record<string, Json>, object[name] as Record<string, Json>)[key] = item;
      continue;
    }
    const decoded = decodeValue(value, field.type);
    if (name === '') Object.assign(object, decoded);
    else if (field.list) ((object[name] ??= []) as Json[]).push(decoded);
    else if (decoded !== undefined && !(field.omitZero && isZero(decoded))) object[name] = decoded;
  }
  return object;
}

function entry(bytes: Buffer, type: string): [string, Json] {
  let key = '';
  let value: Json = type === 's' || type === 'B' ? '' : decodeValue(Buffer.alloc(0), type);
  for (const cursor = new Cursor(bytes); cursor.more; ) {
    const field = cursor.field();
    if (field.number === 1) key = String(field.value);
    else if (field.number === 2) value = decodeValue(field.value, type);
  }
  return [key, value];
}

const isZero = (value: Json): boolean =>
  value === '' || value === 0 || value === false;

function decodeValue(value: bigint | Buffer, type: string): Json {
  switch (type) {
    case 's':
      return typeof value === 'bigint' ? String(value) : value.toString('utf8');
    case 'b':
      return value !== 0n;
    case 'i':
      return Number(value);
    case 'B':
      return (value as Buffer).toString('base64');
    case 'Q':
      return parts(value)[1]?.toString() ?? '0';
    case 'T':
    case 'M':
      return time(parts(value), type === 'M');
    case 'I': {
      const given = parts(value);
      return given[1] === 1n ? String(given[3] ?? '') : Number(given[2] ?? 0n);
    }
    case 'R': {
      const raw = parts(value)[1]?.toString() ?? '';
      return raw === '' ? undefined : JSON.parse(raw);
    }
    default:
      return decodeMessage(value as Buffer, Number(type));
  }
}

/** The fields of a small message by number. */
function parts(bytes: bigint | Buffer): (bigint | Buffer | undefined)[] {
  const found: (bigint | Buffer | undefined)[] = [];
  for (const cursor = new Cursor(bytes as Buffer); cursor.more; ) {
    const { number, value } = cursor.field();
    found[number] = value;
  }
  return found;
}

function time([, seconds, nanos]: (bigint | Buffer | undefined)[], micro: boolean): Json {
  if (seconds === undefined && nanos === undefined) return undefined;
  const text = new Date(Number(seconds ?? 0n) * 1_000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.floor(Number(nanos ?? 0n) / 1_000)).padStart(6, '0')}Z` : `${text}Z`;
}
