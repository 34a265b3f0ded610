// Expansion of $(NAME), fields and resources of a Pod: upstream's tables.

import { describe, expect, it } from 'vitest';
import type { Container, Pod } from '../api/generated/types.ts';
import { expand, fieldValue, resourceValue } from './environment.ts';

const VARIABLES: Readonly<Record<string, string>> = { VAR_A: 'A', VAR_B: 'B', VAR_C: 'C', VAR_REF: '$(VAR_A)', VAR_EMPTY: '' };

const EXPANSIONS: readonly (readonly [input: string, expanded: string])[] = [
  ['$(VAR_A)', 'A'],
  ['$(VAR_A)-$(VAR_A)', 'A-A'],
  ['$(VAR_A)-1', 'A-1'],
  ['___$(VAR_B)___', '___B___'],
  ['___$(VAR_C)', '___C'],
  ['$(VAR_A)_$(VAR_B)_$(VAR_C)', 'A_B_C'],
  ['$$(VAR_B)_$(VAR_A)', '$(VAR_B)_A'],
  ['$$(VAR_A)_$$(VAR_B)', '$(VAR_A)_$(VAR_B)'],
  ['f000-$$VAR_A', 'f000-$VAR_A'],
  ['foo\\$(VAR_C)bar', 'foo\\Cbar'],
  ['foo\\\\$(VAR_C)bar', 'foo\\\\Cbar'],
  ['foo\\\\\\\\$(VAR_A)bar', 'foo\\\\\\\\Abar'],
  ['$(VAR_A$(VAR_B))', '$(VAR_A$(VAR_B))'],
  ['$(VAR_A$(VAR_B)', '$(VAR_A$(VAR_B)'],
  ['$(VAR_REF)', '$(VAR_A)'],
  ['%%$(VAR_REF)--$(VAR_REF)%%', '%%$(VAR_A)--$(VAR_A)%%'],
  ['foo$(VAR_EMPTY)bar', 'foobar'],
  ['foo$(VAR_Awhoops!', 'foo$(VAR_Awhoops!'],
  ['f00__(VAR_A)__', 'f00__(VAR_A)__'],
  ['$?_boo_$!', '$?_boo_$!'],
  ['$VAR_A', '$VAR_A'],
  ['$(VAR_DNE)', '$(VAR_DNE)'],
  ['$$$$$$(BIG_MONEY)', '$$$(BIG_MONEY)'],
  ['$$$$$$(VAR_A)', '$$$(VAR_A)'],
  ['$$$$$$$(GOOD_ODDS)', '$$$$(GOOD_ODDS)'],
  ['$$$$$$$(VAR_A)', '$$$A'],
  ['$VAR_A)', '$VAR_A)'],
  ['${VAR_A}', '${VAR_A}'],
  ['$(VAR_B)_______$(A', 'B_______$(A'],
  ['$(VAR_C)_______$(', 'C_______$('],
  ['$(VAR_A)foobarzab$', 'Afoobarzab$'],
  ['foo-\\$(VAR_A', 'foo-\\$(VAR_A'],
  ['--$($($($($--', '--$($($($($--'],
  ['$($($($($--foo$(', '$($($($($--foo$('],
  ['foo0--$($($($(', 'foo0--$($($($('],
  ['$(foo$$var)', '$(foo$$var)'],
  ['\n', '\n'],
];

const FIELDS: readonly (readonly [path: string, metadata: Pod['metadata'], value: string | RegExp])[] = [
  ['metadata.namespace', { namespace: 'object-namespace' }, 'object-namespace'],
  ['metadata.name', { name: 'object-name' }, 'object-name'],
  ['metadata.labels', { labels: { key: 'value' } }, 'key="value"'],
  ['metadata.labels', { labels: { key: 'value\n' } }, 'key="value\\n"'],
  ['metadata.annotations', { annotations: { builder: 'john-doe' } }, 'builder="john-doe"'],
  ["metadata.annotations['spec.pod.beta.kubernetes.io/statefulset-index']", { annotations: { 'spec.pod.beta.kubernetes.io/statefulset-index': '1' } }, '1'],
  ['metadata.whoops', { namespace: 'object-namespace' }, /unsupported fieldPath/],
  ["metadata.annotations['unescaped]forbidden[characters'inside[]key']", { annotations: { foo: 'bar' } }, /unsupported fieldPath/],
];

type Amounts = { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };

const RESOURCES: readonly (readonly [resource: string, divisor: string | undefined, resources: Amounts, value: string])[] = [
  ['limits.cpu', undefined, { limits: { cpu: '9' } }, '9'],
  ['requests.cpu', undefined, {}, '0'],
  ['requests.cpu', undefined, { requests: { cpu: '8' } }, '8'],
  ['requests.cpu', undefined, { requests: { cpu: '100m' } }, '1'],
  ['requests.cpu', '100m', { requests: { cpu: '1200m' } }, '12'],
  ['requests.memory', undefined, { requests: { memory: '100Mi' } }, '104857600'],
  ['requests.memory', '1Mi', { requests: { memory: '100Mi' }, limits: { memory: '1Gi' } }, '100'],
  ['limits.memory', undefined, { requests: { memory: '10Mi' }, limits: { memory: '100Mi' } }, '104857600'],
];

const NODE = { hostIp: '', podIp: '' };

describe('environment', () => {
  it(`expands references: ${EXPANSIONS.length} cases of upstream's TestMapping`, () => {
    for (const [input, expanded] of EXPANSIONS) expect(expand(input, (name) => VARIABLES[name])).toBe(expanded);
  });

  it(`reads fields: ${FIELDS.length} cases of upstream's TestExtractFieldPathAsString`, () => {
    for (const [path, metadata, value] of FIELDS) {
      const read = (): string => fieldValue({ metadata } as Pod, path, NODE);
      if (typeof value === 'string') expect(read()).toBe(value);
      else expect(read).toThrow(value);
    }
  });

  it(`reads resources: ${RESOURCES.length} cases of upstream's TestExtractResourceValue`, () => {
    for (const [resource, divisor, resources, value] of RESOURCES) {
      expect(resourceValue({ name: 'foo', resources } as Container, resource, divisor, { cpu: 2, memory: 4e9 })).toBe(value);
    }
  });
});
