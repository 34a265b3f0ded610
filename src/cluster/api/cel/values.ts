// JSON to values of CEL and back, as the types say: whole numbers become int, times and durations their own types, and
// objects with known fields instances of a class that stands for their type.

import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { Optional } from '@marcbachmann/cel-js';
import { bytesOf } from './library/text.ts';
import { CelError, type CelType } from './cel.ts';
import { toJsonText } from './library/opaque.ts';
import { timestampOf, timestampText } from './library/time.ts';

/** Reads a value; undefined stays undefined (an absent field). */
export type Reader = (value: unknown) => unknown;

type Bag = Record<string, unknown>;
type BagClass = new () => Bag;

/** Without any type: what JSON says. */
export function readAny(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : value;
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(readAny);
      if (Object.getPrototypeOf(value) !== Object.prototype) return value;
      return readFields(value as Bag);
    default:
      return value;
  }
}

function readFields(value: Bag): Bag {
  const out: Bag = {};
  for (const key in value) if (value[key] !== undefined) out[key] = readAny(value[key]);
  return out;
}

/** `classOf` gives the class of an object type. */
export function readerOf(type: CelType, classOf: (type: CelType & object) => BagClass): Reader {
  if (typeof type === 'object') return readerOfStructure(type, classOf);
  switch (type) {
    case 'int':
      return (v) => (typeof v === 'number' && Number.isInteger(v) ? BigInt(v) : v);
    case 'double':
      return (v) => (typeof v === 'bigint' ? Number(v) : v);
    case 'timestamp':
      return (v) => (typeof v === 'string' ? timestampOf(v) : v);
    case 'duration':
      return (v) => (typeof v === 'string' ? durationOf(v) : v);
    case 'bytes':
      return (v) => (typeof v === 'string' ? bytesOf(v) : v);
    case 'dyn':
      return readAny;
    default:
      return (v) => v;
  }
}

function readerOfStructure(type: CelType & object, classOf: (type: CelType & object) => BagClass): Reader {
  if ('opaque' in type) return (v) => v;
  if ('list' in type) {
    const read = readerOf(type.list, classOf);
    return (v) => (Array.isArray(v) ? v.map(read) : v);
  }
  if ('map' in type) {
    const read = readerOf(type.map, classOf);
    return (v) => (isObject(v) ? mapValues(v, read) : v);
  }
  const Class = classOf(type);
  const readers: [string, Reader][] = Object.keys(type.fields).map((name) => [name, readerOf(type.fields[name] as CelType, classOf)]);
  return (v) => {
    if (!isObject(v)) return v;
    const out = new Class();
    for (const [name, read] of readers) {
      const given = v[name];
      if (given !== undefined && given !== null) out[name] = read(given);
    }
    return out;
  };
}

const isObject = (v: unknown): v is Bag => typeof v === 'object' && v !== null && !Array.isArray(v);

function mapValues(value: Bag, read: Reader): Bag {
  const out: Bag = {};
  for (const key in value) if (value[key] !== undefined) out[key] = read(value[key]);
  return out;
}

const UNITS: Readonly<Record<string, bigint>> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  µs: 1_000n,
  ns: 1n,
};

/** A Go duration; undefined where the text is none. */
export function durationOf(text: string): Duration | undefined {
  const m = /^([-+]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.exec(text);
  if (!m && text !== '0') return undefined;
  let nanos = 0n;
  for (const [, number, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    const [whole = '0', fraction = ''] = (number as string).split('.');
    const size = UNITS[unit as string] as bigint;
    nanos += BigInt(whole || '0') * size + (BigInt(fraction.padEnd(9, '0').slice(0, 9) || '0') * size) / 1_000_000_000n;
  }
  if (text.startsWith('-')) nanos = -nanos;
  return new Duration(nanos / 1_000_000_000n, Number(nanos % 1_000_000_000n));
}

/** A result as plain JSON. */
export function toJson(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number(value);
    case 'object':
      return value === null ? null : objectToJson(value);
    default:
      return value;
  }
}

function objectToJson(value: object): unknown {
  if (value instanceof CelError) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Set) return [...value].map(toJson);
  const time = timestampText(value);
  if (time !== undefined) return time;
  if (value instanceof Duration || value instanceof UnsignedInt)
    return value instanceof UnsignedInt ? Number(value.valueOf()) : value.toString();
  if (value instanceof Optional) return value.hasValue() ? toJson(value.value()) : undefined;
  const text = toJsonText(value);
  if (text !== undefined) return text;
  const out: Bag = {};
  const entries = value instanceof Map ? value.entries() : Object.entries(value);
  for (const [key, field] of entries) {
    const plain = toJson(field);
    if (plain !== undefined) out[String(key)] = plain;
  }
  return out;
}
