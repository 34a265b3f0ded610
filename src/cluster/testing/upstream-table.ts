// The tables of Kubernetes' own unit tests as tests here: facts only, the cases named in our words. Each prints its count.

import { expect, it } from 'vitest';

/** `source` names upstream's test function; `check` returns what the case gives and what it should give. */
export function upstreamTable<C>(what: string, source: string, cases: readonly C[], check: (c: C) => readonly [gives: unknown, should: unknown]): void {
  it(`${what}: ${cases.length} cases of upstream's ${source}`, () => {
    for (const c of cases) {
      const [gives, should] = check(c);
      expect({ of: c, gives }).toEqual({ of: c, gives: should });
    }
  });
}
