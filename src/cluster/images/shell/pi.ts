// `perl -Mbignum=bpi -wle 'print bpi(2000)'`, the Job of the Kubernetes documentation: the digits of pi.

/** The digits that the command line asks for, or null when it asks for something else. */
export function perlPi(args: readonly string[]): string | null {
  const m = /print\s+bpi\((\d+)\)/.exec(args.join(' '));
  if (!m || !args.some((arg) => arg.startsWith('-Mbignum'))) return null;
  return piDigits(Math.min(10_000, Number(m[1])));
}

/** `digits` significant digits, by Machin's formula. */
export function piDigits(digits: number): string {
  const scale = 10n ** BigInt(digits + 9);
  const value = 4n * (4n * arctanOfInverse(5n, scale) - arctanOfInverse(239n, scale));
  const text = (value / 10n ** 9n).toString();
  const last = Number((value / 10n ** 9n) % 10n);
  const next = Number((value / 10n ** 8n) % 10n);
  const rounded = next >= 5 && last < 9 ? `${text.slice(0, -1)}${last + 1}` : text;
  return `${rounded[0] ?? '3'}.${rounded.slice(1, digits)}`;
}

function arctanOfInverse(x: bigint, scale: bigint): bigint {
  let term = scale / x;
  let sum = term;
  for (let n = 3n, sign = -1n; term !== 0n; n += 2n, sign = -sign) {
    term /= x * x;
    sum += (sign * term) / n;
  }
  return sum;
}
