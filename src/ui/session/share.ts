// A session as a link: `#s=` and the log as JSON, deflated, in base64url. A link may come from anyone, so everything
// in it is measured before it is unpacked and checked before it is used.

import { deflateSync, Inflate, strFromU8, strToU8 } from 'fflate';
import * as v from 'valibot';
import type { SessionLog } from '../../session/protocol.ts';

const PREFIX = '#s=';
/** Longest link that is read, in characters, and largest log that it may unpack to, in bytes. */
const LONGEST_LINK = 1_500_000;
const LARGEST_LOG = 12 * 1024 * 1024;
/** Longest link that is offered; many programs cut longer ones. */
export const LONGEST_SHARED = 32_000;

/** A longer session would take too long to replay. */
const LONGEST_SESSION = 24 * 3600 * 1_000_000;
const text = v.pipe(v.string(), v.maxLength(4 * 1024 * 1024));
const word = v.pipe(v.string(), v.maxLength(65_536));
const instant = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LONGEST_SESSION));
/** The year 2200, in microseconds. */
const LATEST_EPOCH = 7_258_118_400_000_000;
const screenSize = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000));
const namespace = v.optional(v.pipe(v.string(), v.maxLength(63)));

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What clients outside the page did: a request, and the frames of an upgraded one. */
const RequestSchema = v.strictObject({
  method: word,
  url: word,
  headers: v.record(word, word),
  body: v.optional(text),
  upgrade: v.optional(v.boolean()),
  admin: v.optional(v.boolean()),
});
const FrameSchema = v.union([
  v.strictObject({ channel: v.literal('stdin'), data: text }),
  v.strictObject({ channel: v.literal('stdin'), end: v.literal(true) }),
  v.strictObject({ channel: v.literal('resize'), columns: screenSize, rows: screenSize }),
  v.strictObject({ id: count, open: count }),
  v.strictObject({ id: count, data: text }),
  v.strictObject({ id: count, end: v.literal(true) }),
]);

const ActionSchema = v.variant('type', [
  v.strictObject({ type: v.literal('apply'), text, namespace, fieldValidation: v.optional(v.picklist(['Strict', 'Warn', 'Ignore'])) }),
  v.strictObject({ type: v.literal('delete'), text, namespace }),
  v.strictObject({ type: v.literal('kubectl'), argv: v.pipe(v.array(word), v.maxLength(200)), stdin: v.optional(text) }),
  v.strictObject({ type: v.literal('terminal'), keys: text }),
  v.strictObject({ type: v.literal('complete'), argv: v.pipe(v.array(word), v.maxLength(200)) }),
  v.strictObject({ type: v.literal('http'), id: count, request: RequestSchema }),
  v.strictObject({ type: v.literal('http-frame'), id: count, frame: FrameSchema }),
  v.strictObject({ type: v.literal('http-end'), id: count, how: v.picklist(['finish', 'abort']) }),
  v.strictObject({ type: v.literal('terminal-size'), columns: screenSize, rows: screenSize }),
]);

/** The packet that was being asked about. */
const PacketSchema = v.strictObject({
  from: v.pipe(v.string(), v.maxLength(512)),
  to: v.pipe(v.string(), v.maxLength(2_048)),
  protocol: v.nullable(v.picklist(['tcp', 'udp', 'icmp'])),
  port: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
  size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(28), v.maxValue(65_535))),
  backend: v.optional(v.pipe(v.string(), v.maxLength(64))),
});

const LogSchema = v.strictObject({
  version: v.literal(1),
  seed: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1)),
  topology: v.strictObject({
    controlPlanes: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7)),
    workers: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(200)),
    runtime: v.optional(v.picklist(['containerd', 'cri-o', 'docker'])),
    network: v.optional(v.picklist(['flannel', 'calico'])),
    cpus: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(256))),
    memoryBytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2 ** 30), v.maxValue(2 ** 40))),
  }),
  epoch: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(LATEST_EPOCH))),
  inputs: v.pipe(v.array(v.strictObject({ at: instant, action: ActionSchema })), v.maxLength(20_000)),
  until: instant,
  view: v.optional(instant),
  viewRecord: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  packet: v.optional(PacketSchema),
});

/** A checked log, or null when the value is none. Inputs must be in the order of time. */
export function parseLog(value: unknown): SessionLog | null {
  const result = v.safeParse(LogSchema, value);
  if (!result.success) return null;
  const log = result.output as SessionLog;
  return log.inputs.every((input, i) => i === 0 || input.at >= (log.inputs[i - 1]?.at ?? 0)) ? log : null;
}

export function encodeLog(log: SessionLog): string {
  return PREFIX + toBase64Url(deflateSync(strToU8(JSON.stringify(log)), { level: 9 }));
}

export type Decoded = { readonly log: SessionLog } | { readonly problem: 'none' | 'tooLong' | 'broken' };

/** Reads a URL's hash. `none`: it carries no session. */
export function decodeHash(hash: string): Decoded {
  if (!hash.startsWith(PREFIX)) return { problem: 'none' };
  if (hash.length > LONGEST_LINK) return { problem: 'tooLong' };
  try {
    const bytes = inflateAtMost(fromBase64Url(hash.slice(PREFIX.length)), LARGEST_LOG);
    if (bytes === null) return { problem: 'tooLong' };
    const log = parseLog(JSON.parse(strFromU8(bytes)));
    return log ? { log } : { problem: 'broken' };
  } catch {
    return { problem: 'broken' };
  }
}

/** Inflates piece by piece and gives up (null) as soon as the limit is passed. Throws on broken input. */
function inflateAtMost(packed: Uint8Array, limit: number): Uint8Array | null {
  const parts: Uint8Array[] = [];
  let size = 0;
  let finished = false;
  const inflate = new Inflate((part, final) => {
    size += part.length;
    finished ||= final;
    if (size <= limit) parts.push(part);
  });
  const piece = 16_384;
  for (let at = 0; at < packed.length && size <= limit; at += piece) {
    inflate.push(packed.subarray(at, at + piece), at + piece >= packed.length);
  }
  if (size > limit) return null;
  if (!finished) throw new Error('cut short');
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 8_192) binary += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

function fromBase64Url(encoded: string): Uint8Array {
  const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
