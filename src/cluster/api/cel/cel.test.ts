// The expression language as Kubernetes uses it: values, libraries, errors, limits.

import { describe, expect, test } from 'vitest';
import { CelError, celToJson, compileCel, type CelEnvironment, type CelProgram, provideCel } from './cel.ts';
import { celEngine } from './engine.ts';

provideCel(celEngine);

const LOOSE: CelEnvironment = { variables: { object: 'dyn', params: 'dyn' } };
const object = {
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    replicas: 3,
    ratio: 0.5,
    containers: [
      { name: 'a', image: 'nginx' },
      { name: 'b', image: 'redis', resources: { limits: { cpu: '500m' } } },
    ],
  },
};
function run(source: string, environment = LOOSE, variables: Record<string, unknown> = { object }): unknown {
  const program = compileCel(source, environment);
  if (program instanceof CelError) return program.message;
  const value = program.evaluate(variables);
  return value instanceof CelError ? `!${value.message}` : celToJson(value);
}

test.each([
  ['object.spec.replicas <= 5', true],
  ['object.spec.replicas + 1', 4],
  ['object.spec.replicas == 3.0', true],
  ['object.spec.ratio < 1', true],
  ['has(object.spec.replicas) && !has(object.spec.nothing)', true],
  ['has(object.spec.containers[1].resources)', true],
  ["object.spec.containers.all(c, c.image.startsWith('nginx') || c.name == 'b')", true],
  ["object.spec.containers.exists(c, has(c.resources) && c.resources.limits.cpu == '500m')", true],
  ["object.spec.containers.map(c, c.name).join(',')", 'a,b'],
  ["object.metadata.labels.exists(k, k == 'app')", true],
  ["'app' in object.metadata.labels", true],
  ["object.spec.?nothing.orValue('x')", 'x'],
  ['object.?spec.replicas.optMap(r, r * 2).orValue(0)', 6],
  ['[3, 1, 2].isSorted()', false],
  ['[3, 1, 2].sum() + [1, 2].max() + [5, 4].min()', 12],
  ['[1, 2, 3].indexOf(2)', 1],
  ["'abc 123'.find('[0-9]+') + string(size('a1b2'.findAll('[0-9]')))", '1232'],
  ["quantity('1Gi').isGreaterThan(quantity('500Mi')) && quantity('100m').add(quantity('1')).compareTo(quantity('1100m')) == 0", true],
  ["ip('192.168.0.1').family() == 4 && cidr('192.168.0.0/24').containsIP('192.168.0.77') && !isIP('x')", true],
  ["url('https://a.b:8443/p?q=1').getPort() + url('https://a.b:8443/p').getHostname()", '8443a.b'],
  ['sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])', true],
  ["'%s has %d'.format(['x', 3])", 'x has 3'],
  ["format.dns1123Label().validate('Bad!').hasValue()", true],
  ["'a-b'.replace('-', '+').upperAscii()", 'A+B'],
  ['[1, 2].all(i, v, i < v) && object.metadata.labels.all(k, v, k != v)', true],
  ["['x', 'y'].transformList(i, v, v + string(i))", ['x0', 'y1']],
  ["timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z') && duration('1h') > duration('59m')", true],
  [
    'Object{metadata: Object.metadata{labels: {"a": "b"}}, spec: Object.spec{replicas: object.spec.replicas + 1}}',
    { metadata: { labels: { a: 'b' } }, spec: { replicas: 4 } },
  ],
  ['false && object.nothing.x || true', true],
  ['params == null', true],
  ['type(object.spec.replicas) == int', true],
])('%s', (source, value) => expect(run(source)).toEqual(value));

test.each([
  ['object.spec.nothing', '!no such key: nothing'],
  ['object.spec.containers[7]', '!index out of bounds: 7'],
  ['1 / 0', '!division by zero'],
  ["object.spec.replicas + 'x'", '!no such overload'],
])('%s fails: %s', (source, message) => expect(run(source)).toBe(message));

const TYPED: CelEnvironment = {
  variables: {
    self: {
      object: 'self',
      fields: {
        replicas: 'int',
        name: 'string',
        at: 'timestamp',
        tags: { list: 'string' },
        nested: { object: 'self.nested', fields: { on: 'bool' } },
      },
    },
  },
};
describe('with types', () => {
  const self = { replicas: 2, name: 'x', at: '2026-01-01T00:00:00Z', tags: ['a'], nested: { on: true } };
  test.each([
    ['self.replicas > 1 && self.nested.on', true],
    ['has(self.nested.on) && self.at.getFullYear() == 2026', true],
    ["self.tags.all(t, t == 'a')", true],
    ['self.nested == self.nested', true],
  ])('%s', (source, value) => expect(run(source, TYPED, { self })).toBe(value));
  test.each([
    ['self.replica > 1', "ERROR: <input>:1:5: undefined field 'replica'\n | self.replica > 1\n | ....^"],
    [
      "self.replicas == 'x'",
      "ERROR: <input>:1:15: found no matching overload for '_==_' applied to '(int, string)'\n | self.replicas == 'x'\n | ..............^",
    ],
    ['other > 1', "ERROR: <input>:1:1: undeclared reference to 'other' (in container '')\n | other > 1\n | ^"],
    [
      'self.name.startWith("x")',
      "ERROR: <input>:1:20: undeclared reference to 'startWith' (in container '')\n | self.name.startWith(\"x\")\n | ...................^",
    ],
    [
      'self.name.startsWith(1)',
      "ERROR: <input>:1:21: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.name.startsWith(1)\n | ....................^",
    ],
    [
      'self.replicas >',
      "ERROR: <input>:1:16: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.replicas >\n | ...............^",
    ],
    ['(self.replicas', "ERROR: <input>:1:15: Syntax error: missing ')' at '<EOF>'\n | (self.replicas\n | ..............^"],
    ['has(self.wrong)', "ERROR: <input>:1:9: undefined field 'wrong'\n | has(self.wrong)\n | ........^"],
  ])('%s', (source, message) => expect(run(source, TYPED, { self })).toBe(message));
});

test('work is limited, results have types', () => {
  const program = compileCel('object.all(a, object.all(b, object.all(c, a + b + c > 0)))', LOOSE) as CelProgram;
  const many = Array.from({ length: 200 }, (_, i) => i + 1);
  expect((program.evaluate({ object: many }) as CelError).message).toBe('operation cancelled: actual cost limit exceeded');
  expect((compileCel('1 + 1', LOOSE) as CelProgram).type).toBe('int');
  expect((compileCel("['a']", LOOSE) as CelProgram).type).toBe('list(string)');
});
