import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { plainYaml, WHOLE_LINES } from './yaml-plain.ts';

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', 'true', 'Null', 'no', 'y', '~', '1', '0x1f', '1e3', '.5', '127.0.0.1', '10.96.0.0/12', '10.0.0.1:6443', '0s', '100Mi', '250m', '87600h0m0s', '1m30s', '3.6.8-0', '1.2.3', '007', '--a=*,-b', '--a=b', '--a=http://h:1', 'a:', 'a: b', 'a #b', 'a#b', '-', '--', '---', '--a-', 'x,y', '[x', 'LS0tLS1=', 'a:b', '/', '*', 'a\nb', '=', '<<', '@x', 'NaN', '.inf', 'inf'),
);
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, text, fc.integer(), fc.boolean(), fc.constant(null), fc.double(), tie('list'), tie('map')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(fc.oneof(text, fc.constantFrom('name', 'apiVersion', 'a.b/c', 'f:x')), fc.oneof(tie('value'), fc.constant(undefined)), { maxKeys: 5, noNullPrototype: true }),
}));

test('what is written fast is what the library writes', () => {
  const same = fc.property(json.map, (map) => {
    const fast = plainYaml(map as object);
    return fast === undefined || fast === stringify(map, WHOLE_LINES);
  });
  expect(fc.check(same, { numRuns: 4_000 })).toMatchObject({ failed: false });
});

test('configuration is written fast; shared parts and blocks of lines are left to the library', () => {
  const pod = { apiVersion: 'v1', metadata: { name: 'etcd' }, spec: { containers: [{ command: ['etcd', '--data-dir=/var/lib/etcd'], env: [] }], n: 1 } };
  expect(plainYaml(pod)).toBe(stringify(pod, WHOLE_LINES));
  const shared = { a: 'b' };
  expect(plainYaml({ one: shared, two: shared })).toBeUndefined();
  expect(plainYaml({ lines: 'a\nb\n' })).toBeUndefined();
});
