// x-kubernetes-validations: the rules of the docs, on create and on update.

import { expect, test } from 'vitest';
import { provideCel } from '../../api/cel/cel.ts';
import { celEngine } from '../../api/cel/engine.ts';
import { Rules } from './rules.ts';
import { checkVersionSchema } from './schema-validation.ts';
import type { Schema } from './schema.ts';

provideCel(celEngine);

const schema = (spec: Schema): Schema => ({ type: 'object', properties: { spec: { type: 'object', ...spec } } });

const texts = (given: Schema, spec: unknown, old?: unknown): string[] =>
  new Rules(given)
    .check({ apiVersion: 'a/v1', kind: 'A', metadata: { name: 'x' }, spec }, old === undefined ? undefined : { spec: old })
    .map((e) => `${e.field}: ${e.message}`);

const replicas = schema({
  'x-kubernetes-validations': [
    { rule: 'self.minReplicas <= self.replicas', message: 'replicas should be greater than or equal to minReplicas.' },
    {
      rule: 'self.replicas <= self.maxReplicas',
      messageExpression: "'replicas ' + string(self.replicas) + ' exceed ' + string(self.maxReplicas)",
    },
  ],
  properties: {
    replicas: { type: 'integer' },
    minReplicas: { type: 'integer' },
    maxReplicas: { type: 'integer' },
    name: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'Value is immutable' }] },
    tags: { type: 'array', items: { type: 'string', 'x-kubernetes-validations': [{ rule: "self.startsWith('t')" }] } },
    mode: {
      type: 'string',
      'x-kubernetes-validations': [{ rule: "self != 'odd'", reason: 'FieldValueForbidden', message: 'no odd modes' }],
    },
  },
});

test('rules speak about their own value', () => {
  const good = { replicas: 2, minReplicas: 1, maxReplicas: 3 };
  expect(texts(replicas, good)).toEqual([]);
  expect(texts(replicas, { ...good, replicas: 0 })).toEqual([
    'spec: Invalid value: replicas should be greater than or equal to minReplicas.',
  ]);
  expect(texts(replicas, { ...good, replicas: 5 })).toEqual(['spec: Invalid value: replicas 5 exceed 3']);
  expect(texts(replicas, { ...good, tags: ['ta', 'b'] })).toEqual([`spec.tags[1]: Invalid value: "b": failed rule: self.startsWith('t')`]);
  expect(texts(replicas, { ...good, mode: 'odd' })).toEqual(['spec.mode: Forbidden: no odd modes']);
});

test('transition rules need an old value, and what has not changed may stay', () => {
  const good = { replicas: 2, minReplicas: 1, maxReplicas: 3, name: 'a' };
  expect(texts(replicas, good, { ...good, name: 'b' })).toEqual(['spec.name: Invalid value: "a": Value is immutable']);
  expect(texts(replicas, { ...good, mode: 'odd' }, { ...good, mode: 'odd', replicas: 1 })).toEqual([]);
});

test('an optional oldSelf is asked on create, too', () => {
  const given = schema({
    properties: {
      n: {
        type: 'integer',
        'x-kubernetes-validations': [{ rule: 'self >= oldSelf.orValue(10)', optionalOldSelf: true, message: 'may not shrink' }],
      },
    },
  });
  expect(texts(given, { n: 9 })).toEqual(['spec.n: Invalid value: 9: may not shrink']);
  expect(texts(given, { n: 9 }, { n: 8 })).toEqual([]);
});

test('rules that do not compile are refused with the definition', () => {
  const given = schema({ 'x-kubernetes-validations': [{ rule: 'self.nothing > 1' }], properties: { a: { type: 'integer' } } });
  const [error] = checkVersionSchema(given, 'schema', false);
  expect(error?.field).toBe('schema.properties[spec].x-kubernetes-validations[0].rule');
  expect(error?.message).toContain("compilation failed: ERROR: <input>:1:5: undefined field 'nothing'");
});
