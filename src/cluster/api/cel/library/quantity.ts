// Quantities and semantic versions: apiserver/pkg/cel/library/{quantity,semverlib}.go.

import type { Environment } from '@marcbachmann/cel-js';
import { addQuantity, formatQuantity, parseQuantity, type Quantity, QuantityError, subtractQuantity, tryQuantity } from '../../quantity.ts';
import { SYNC } from './lists.ts';
import { fault, Texted } from './opaque.ts';

class CelQuantity extends Texted {
  readonly quantity: Quantity;

  constructor(text: string) {
    super();
    this.quantity = parseQuantity(text);
  }

  get text(): string {
    return this.quantity.text;
  }
}

const NANO = 1_000_000_000n;

function made(text: string): CelQuantity {
  try {
    return new CelQuantity(text);
  } catch (error) {
    throw error instanceof QuantityError ? fault(error.message) : error;
  }
}

export function registerQuantity(env: Environment): void {
  const T = 'kubernetes.Quantity';
  const add = (signature: string, handler: (...args: never[]) => unknown): void => void env.registerFunction(signature, handler, SYNC);
  env.registerType(T, CelQuantity);
  env.registerOperator(`${T} == ${T}`, (a: CelQuantity, b: CelQuantity) => a.quantity.nanos === b.quantity.nanos);
  add(`quantity(string): ${T}`, (text: string) => made(text));
  add('isQuantity(string): bool', (text: string) => tryQuantity(text) !== undefined);
  add(`${T}.sign(): int`, ({ quantity: q }: CelQuantity) => (q.nanos > 0n ? 1n : q.nanos < 0n ? -1n : 0n));
  add(`${T}.isInteger(): bool`, ({ quantity: q }: CelQuantity) => q.nanos % NANO === 0n);
  add(`${T}.asInteger(): int`, ({ quantity: q }: CelQuantity) => {
    if (q.nanos % NANO !== 0n) throw fault('cannot convert value to integer');
    return q.nanos / NANO;
  });
  add(`${T}.asApproximateFloat(): double`, ({ quantity: q }: CelQuantity) => Number(q.nanos) / 1e9);
  const whole = (n: bigint): string => formatQuantity(Number(n), 'DecimalSI');
  add(`${T}.add(${T}): ${T}`, (a: CelQuantity, b: CelQuantity) => made(addQuantity(a.text, b.text)));
  add(`${T}.add(int): ${T}`, (a: CelQuantity, b: bigint) => made(addQuantity(a.text, whole(b))));
  add(`${T}.sub(${T}): ${T}`, (a: CelQuantity, b: CelQuantity) => made(subtractQuantity(a.text, b.text)));
  add(`${T}.sub(int): ${T}`, (a: CelQuantity, b: bigint) => made(subtractQuantity(a.text, whole(b))));
  add(`${T}.isLessThan(${T}): bool`, (a: CelQuantity, b: CelQuantity) => a.quantity.nanos < b.quantity.nanos);
  add(`${T}.isGreaterThan(${T}): bool`, (a: CelQuantity, b: CelQuantity) => a.quantity.nanos > b.quantity.nanos);
  add(`${T}.compareTo(${T}): int`, ({ quantity: a }: CelQuantity, { quantity: b }: CelQuantity) =>
    a.nanos < b.nanos ? -1n : a.nanos > b.nanos ? 1n : 0n,
  );
}

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?$/;

class Version extends Texted {
  readonly text: string;
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];

  constructor(text: string) {
    super();
    const m = VERSION.exec(text);
    if (!m)
      throw fault(
        text.split('.').length < 3
          ? 'No Major.Minor.Patch elements found'
          : `Invalid character(s) found in version ${JSON.stringify(text)}`,
      );
    this.text = text;
    this.numbers = [m[1], m[2], m[3]].map((n) => BigInt(n as string));
    this.pre = m[4] === undefined ? [] : m[4].split('.');
  }
}

function compareVersions(a: Version, b: Version): bigint {
  for (let i = 0; i < 3; i++) {
    const [x, y] = [a.numbers[i] as bigint, b.numbers[i] as bigint];
    if (x !== y) return x < y ? -1n : 1n;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return a.pre.length === b.pre.length ? 0n : a.pre.length === 0 ? 1n : -1n;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const [x, y] = [a.pre[i], b.pre[i]];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? -1n : 1n;
    const [m, n] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (m && n) return BigInt(x) < BigInt(y) ? -1n : 1n;
    return m !== n ? (m ? -1n : 1n) : x < y ? -1n : 1n;
  }
  return 0n;
}

/** `v1.2` and `01.2.3` become `1.2.0` and `1.2.3`. */
function normalized(text: string): string {
  const parts = text.replace(/^v/, '').split('.');
  while (parts.length < 3 && parts.every((p) => /^\d+$/.test(p))) parts.push('0');
  return parts.map((p, i) => (i < 3 ? p.replace(/^0+(?=\d)/, '') : p)).join('.');
}

export function registerSemver(env: Environment): void {
  const T = 'kubernetes.Semver';
  const add = (signature: string, handler: (...args: never[]) => unknown): void => void env.registerFunction(signature, handler, SYNC);
  env.registerType(T, Version);
  env.registerOperator(`${T} == ${T}`, (a: Version, b: Version) => compareVersions(a, b) === 0n);
  add(`semver(string): ${T}`, (text: string) => new Version(text));
  add(`semver(string, bool): ${T}`, (text: string, normalize: boolean) => new Version(normalize ? normalized(text) : text));
  add('isSemver(string): bool', (text: string) => VERSION.test(text));
  add('isSemver(string, bool): bool', (text: string, normalize: boolean) => VERSION.test(normalize ? normalized(text) : text));
  for (const [i, name] of ['major', 'minor', 'patch'].entries()) add(`${T}.${name}(): int`, (v: Version) => v.numbers[i] as bigint);
  add(`${T}.isLessThan(${T}): bool`, (a: Version, b: Version) => compareVersions(a, b) < 0n);
  add(`${T}.isGreaterThan(${T}): bool`, (a: Version, b: Version) => compareVersions(a, b) > 0n);
  add(`${T}.compareTo(${T}): int`, (a: Version, b: Version) => compareVersions(a, b));
}
