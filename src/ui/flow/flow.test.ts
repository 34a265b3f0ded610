// Payloads as YAML, and comparisons.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { diffLines, withContext } from './diff.ts';
import { funnelOf } from './funnel.ts';
import { toYaml } from './yaml.ts';

describe('yaml', () => {
  it('reads well', () => {
    const pod = { kind: 'Pod', metadata: { name: 'a', labels: {} }, spec: { containers: [{ name: 'x', args: ['-c', 'true'], ports: [] }] }, message: 'one\ntwo' };
    expect(toYaml(pod)).toBe(
      'kind: Pod\nmetadata:\n  name: a\n  labels: {}\nspec:\n  containers:\n  - name: x\n    args:\n    - "-c"\n    - "true"\n    ports: []\nmessage: |\n  one\n  two',
    );
  });

  it('means what the value is', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, fc.string().filter((s) => !s.includes('\n')), fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(fc.stringMatching(/^[a-zA-Z./-]{1,8}$/), tie('any'), { maxKeys: 3 })),
    })).any;
    fc.assert(fc.property(value, (v) => {
        expect(parse(toYaml(v))).toEqual(v);
      }));
  });

  it('is bounded', () => {
    expect(toYaml(Array.from({ length: 100_000 }, (_, i) => ({ i }))).split('\n').length).toBeLessThan(5_000);
  });
});

describe('diff', () => {
  it('keeps what is common', () => {
    expect(diffLines('a\nb\nc', 'a\nx\nc').map((l) => l.sign + l.text)).toEqual([' a', '-b', '+x', ' c']);
    expect(diffLines('', 'a').map((l) => l.sign + l.text)).toEqual(['+a']);
    expect(withContext(diffLines('1\n2\n3\n4\n5\n6', '1\n2\n3\n4\n5\n7'), 1).map((l) => l && l.sign + l.text)).toEqual([' 5', '-6', '+7']);
  });

  it('leads from the one text to the other', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after);
        const side = (sign: string): string => lines.filter((l) => l.sign !== sign).map((l) => l.text).join('\n');
        expect(side('+')).toBe(before);
        expect(side('-')).toBe(after);
      }),
    );
  });
});

describe('funnel', () => {
  const detail = {
    feasible: 2, evaluated: 3, chosen: 'worker-2', message: '',
    scores: { 'worker-1': { NodeResourcesFit: 40, TaintToleration: 300, total: 340 }, 'worker-2': { NodeResourcesFit: 60, TaintToleration: 300, total: 360 } },
    rejected: { 'control-plane-1': ['node(s) had untolerated taint(s)'] },
  };

  it('puts the chosen node first and refused ones last', () => {
    const funnel = funnelOf('scheduler', 'schedule', detail);
    expect(funnel?.nodes.map((node) => `${node.name} ${node.total ?? node.reasons.join()}`)).toEqual([
      'worker-2 360', 'worker-1 340', 'control-plane-1 node(s) had untolerated taint(s)',
    ]);
    expect(funnel).toMatchObject({ plugins: ['NodeResourcesFit', 'TaintToleration'], chosen: 'worker-2', feasible: 2 });
  });

  it('takes the only node that fits without scores, and none at all', () => {
    expect(funnelOf('scheduler', 'schedule', { ...detail, scores: {} })?.nodes[0]).toEqual({ name: 'worker-2', reasons: [], scores: {}, total: null });
    expect(funnelOf('scheduler', 'schedule', { ...detail, chosen: null, scores: {} })).toMatchObject({ chosen: '', feasible: 0 });
  });

  it('leaves other records alone', () => {
    expect(funnelOf('scheduler', 'schedule', { feasible: 1, evaluated: 1, chosen: 'worker-1' })).toBeNull();
    expect(funnelOf('kubelet', 'syncPod', detail)).toBeNull();
  });
});
