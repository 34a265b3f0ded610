// Amounts of a resource, as apimachinery/pkg/api/resource.Quantity: exact to a billionth, written in canonical form.

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

export interface Quantity {
  /** The amount in billionths. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
  /** Canonical text, as it stands in stored objects. */
  readonly text: string;
  /** The amount, rounded up to a whole number (capped where a double would lose units). */
  readonly value: number;
  /** Thousandths, rounded up: how the scheduler counts CPU. */
  readonly milli: number;
}

const NANO = 1_000_000_000n;
const LARGEST = (2n ** 63n - 1n) * NANO;
const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_WRONG = "unable to parse quantity's suffix";
const NUMBER_WRONG = 'unable to parse numeric part of quantity';

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 };
const DECIMAL_SUFFIXES = new Map(Object.entries(DECIMAL).map(([suffix, exponent]) => [exponent, suffix]));
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*)([-+]?\d*)$/;
const KNOWN_LIMIT = 10_000;
const MAX_LENGTH = 1_000;

const known = new Map<string, Quantity>();

/** Text that is no quantity; `message` is upstream's. */
export class QuantityError extends Error {}

/** Reads a quantity. Throws QuantityError. */
export function parseQuantity(text: string): Quantity {
  const before = known.get(text);
  if (before) return before;
  const made = parse(text);
  if (known.size >= KNOWN_LIMIT) known.clear();
  known.set(text, made);
  return made;
}

/** A quantity, or undefined where the text is none. */
export function tryQuantity(text: string): Quantity | undefined {
  try {
    return parseQuantity(text);
  } catch {
    return undefined;
  }
}

function parse(text: string): Quantity {
  const m = text.length <= MAX_LENGTH ? SHAPE.exec(text) : null;
  if (!m) throw new QuantityError(FORMAT_WRONG);
  const [sign, whole, fraction, letters, exponentText] = [1, 2, 3, 4, 5].map((i) => m[i] ?? '') as [string, string, string, string, string];
  if (text === '') throw new QuantityError(FORMAT_WRONG);
  if (whole === '' && fraction === '') throw new QuantityError(NUMBER_WRONG);
  const digits = BigInt(`${whole}${fraction}`);
  let format: QuantityFormat = 'DecimalSI';
  let ten = -fraction.length;
  let two = 0;
  if ((letters === 'e' || letters === 'E') && exponentText !== '') {
    const exponent = /^[-+]?\d+$/.test(exponentText) ? Number(exponentText) : Number.NaN;
    if (!Number.isInteger(exponent) || Math.abs(exponent) > 1_000) throw new QuantityError(SUFFIX_WRONG);
    ten += exponent;
    format = 'DecimalExponent';
  } else if (exponentText !== '') throw new QuantityError(SUFFIX_WRONG);
  else if (Object.hasOwn(DECIMAL, letters)) ten += DECIMAL[letters] as number;
  else if (Object.hasOwn(BINARY, letters)) {
    two = (BINARY[letters] as number) * 10;
    format = 'BinarySI';
  } else throw new QuantityError(SUFFIX_WRONG);
  let nanos = scale(digits << BigInt(two), ten + 9);
  if (nanos > LARGEST) nanos = LARGEST;
  return make(sign === '-' ? -nanos : nanos, format);
}

/** amount × 10^exponent, rounded up to a whole number. */
function scale(amount: bigint, exponent: number): bigint {
  if (exponent >= 0) return amount * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (amount + divisor - 1n) / divisor;
}

const up = (nanos: bigint, unit: bigint): bigint => (nanos > 0n ? (nanos + unit - 1n) / unit : nanos / unit);

function make(nanos: bigint, format: QuantityFormat): Quantity {
  return {
    nanos,
    format,
    text: canonical(nanos, format),
    value: Number(up(nanos, NANO)),
    milli: Number(up(nanos, 1_000_000n)),
  };
}

function canonical(nanos: bigint, format: QuantityFormat): string {
  if (nanos === 0n) return '0';
  const sign = nanos < 0n ? '-' : '';
  let amount = nanos < 0n ? -nanos : nanos;
  if (format === 'BinarySI' && amount >= 1024n * NANO && amount % NANO === 0n) {
    amount /= NANO;
    let power = 0;
    while (power < 6 && amount % 1024n === 0n) {
      amount /= 1024n;
      power++;
    }
    return `${sign}${amount}${BINARY_SUFFIXES[power]}`;
  }
  let exponent = -9;
  while (exponent < 18 && amount % 1000n === 0n) {
    amount /= 1000n;
    exponent += 3;
  }
  if (format !== 'DecimalExponent') return `${sign}${amount}${DECIMAL_SUFFIXES.get(exponent)}`;
  return exponent === 0 ? `${sign}${amount}` : `${sign}${amount}e${exponent}`;
}

/** The canonical text of a quantity, which may come as a JSON number. Throws QuantityError. */
export const canonicalQuantity = (value: string | number): string => parseQuantity(String(value).trim()).text;

/** Whole units, rounded up: bytes of memory, number of pods. 0 for undefined. */
export const quantityValue = (text: string | undefined): number => (text === undefined ? 0 : parseQuantity(text).value);

/** Thousandths, rounded up: millicores. 0 for undefined. */
export const quantityMilli = (text: string | undefined): number => (text === undefined ? 0 : parseQuantity(text).milli);

/** -1, 0, 1. */
export function compareQuantity(a: string, b: string): number {
  const [x, y] = [parseQuantity(a).nanos, parseQuantity(b).nanos];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** a + b, in the format of the first that is not zero. */
export function addQuantity(a: string, b: string): string {
  const [x, y] = [parseQuantity(a), parseQuantity(b)];
  return make(x.nanos + y.nanos, x.nanos === 0n ? y.format : x.format).text;
}

/** a − b. */
export function subtractQuantity(a: string, b: string): string {
  const [x, y] = [parseQuantity(a), parseQuantity(b)];
  return make(x.nanos - y.nanos, x.nanos === 0n ? y.format : x.format).text;
}

/** A quantity of so many thousandths: `formatMilli(1500)` is `1500m`. */
export const formatMilli = (milli: number): string => make(BigInt(Math.ceil(milli)) * 1_000_000n, 'DecimalSI').text;

/** A whole quantity: `formatQuantity(2 ** 30, 'BinarySI')` is `1Gi`. */
export const formatQuantity = (value: number, format: QuantityFormat): string => make(BigInt(Math.ceil(value)) * NANO, format).text;
