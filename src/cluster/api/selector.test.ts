import { describe, expect, test } from 'vitest';
import { checkFieldSelector, fieldsMatch } from './fields.ts';
import { mustResource } from './kinds.ts';
import { matcherOf, matchLabels, parseFieldSelector, parseLabelSelector, selectorOf, selectorText } from './selector.ts';

describe('label selectors (cases of apimachinery/pkg/labels/selector_test.go)', () => {
  test.each([
    ['', {}, true],
    ['x=y', { x: 'y' }, true],
    ['x==y', { x: 'z' }, false],
    ['x=y,z=w', { x: 'y', z: 'w' }, true],
    ['x!=y', {}, true],
    ['x!=y', { x: 'y' }, false],
    ['!x', { x: '' }, false],
    ['x', { x: '' }, true],
    ['x in (a,b)', { x: 'b' }, true],
    ['x in (a, b)', {}, false],
    ['x notin (a,b)', {}, true],
    ['x notin (a,b)', { x: 'a' }, false],
    ['x>1', { x: '2' }, true],
    ['x<1', { x: '2' }, false],
    ['x=', { x: '' }, true],
    ['x in ()', { x: '' }, true],
    ['constructor', {}, false],
  ])('%s on %j', (text, labels, expected) => {
    expect(matchLabels(parseLabelSelector(text), labels as Record<string, string>)).toBe(expected);
  });

  test.each(['x=a||y=b', 'x==a==b', '!x=a', 'x in (a', 'x,', ',x', 'x y', 'x>a', '=', '(x)'])('%s is no selector', (text) => {
    expect(() => parseLabelSelector(text)).toThrow(/unable to parse requirement/);
  });

  test('text is canonical', () => {
    expect(selectorText(parseLabelSelector('z in (b,a), a != 1,!q, w'))).toBe('a!=1,!q,w,z in (a,b)');
  });

  test('selector objects: absent selects nothing, empty everything', () => {
    expect(matcherOf(undefined)({ a: '1' })).toBe(false);
    expect(matcherOf({})({ a: '1' })).toBe(true);
    const selector = { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['db'] }] };
    expect(matcherOf(selector)({ app: 'web' })).toBe(true);
    expect(matcherOf(selector)({ app: 'web', tier: 'db' })).toBe(false);
    expect(selectorText(selectorOf(selector))).toBe('app=web,tier notin (db)');
  });
});

describe('field selectors', () => {
  const pods = mustResource('pods');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default' },
    spec: { nodeName: 'n1', containers: [] },
    status: { phase: 'Running' },
  };

  test('match', () => {
    expect(fieldsMatch(parseFieldSelector('spec.nodeName=n1,status.phase!=Failed,metadata.name==web'), pods, pod)).toBe(true);
    expect(fieldsMatch(parseFieldSelector('spec.nodeName='), pods, pod)).toBe(false);
  });

  test('only what the kind offers', () => {
    expect(() => checkFieldSelector(pods, parseFieldSelector('spec.image=x'))).toThrow('field label not supported: spec.image');
    expect(() => parseFieldSelector('nonsense')).toThrow("invalid selector: 'nonsense'; can't understand 'nonsense'");
  });
});
