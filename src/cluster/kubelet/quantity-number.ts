// A resource quantity as a plain number of base units, for sums and comparisons on one machine.

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1, n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
  Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4, Pi: 1024 ** 5, Ei: 1024 ** 6,
};

const known = new Map<string, number>();
const SHAPE = /^([+-]?[0-9.]+)([a-zA-Z]*)$/;

/** `100m` → 0.1, `64Mi` → 67108864, `1e3` → 1000; 0 for what is not a quantity. */
export function parseQuantityNumber(text: string): number {
  let value = known.get(text);
  if (value === undefined) {
    const m = SHAPE.exec(text);
    const unit = m ? SUFFIXES[m[2] as string] : undefined;
    value = m && unit !== undefined ? Number(m[1]) * unit : Number(text) || 0;
    if (known.size > 4096) known.clear();
    known.set(text, value);
  }
  return value;
}
