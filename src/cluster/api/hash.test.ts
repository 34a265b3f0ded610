import { expect, test } from 'vitest';
import { fnv1a, hashObject, podTemplateHash, safeEncode } from './hash.ts';

test('FNV-1a has its published values', () => {
  expect(fnv1a('')).toBe(0x811c9dc5);
  expect(fnv1a('a')).toBe(0xe40c292c);
  expect(fnv1a('foobar')).toBe(0xbf9cf968);
});

test('SafeEncodeString as apimachinery/pkg/util/rand encodes a decimal hash', () => {
  // '0'…'9' are 48…57; 48 % 27 = 21.
  expect(safeEncode('0123456789')).toBe('456789bcdf');
});

test('the template hash depends on content only', () => {
  const a = { metadata: { labels: { app: 'web', b: '2' } }, spec: { containers: [{ name: 'a', image: 'x' }] } };
  const b = { spec: { containers: [{ image: 'x', name: 'a' }] }, metadata: { labels: { b: '2', app: 'web' } } };
  expect(podTemplateHash(a)).toBe(podTemplateHash(b));
  expect(podTemplateHash(a)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5,10}$/);
  expect(podTemplateHash(a)).not.toBe(podTemplateHash(a, 1));
  expect(hashObject({ a: ['b'] })).not.toBe(hashObject({ a: 'b' }));
});
