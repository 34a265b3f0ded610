// What a quota is about and what a Pod uses of it, by upstream's tables (pkg/quota/v1/evaluator/core/pods_test.go); facts only.

import { describe } from 'vitest';
import type { Pod } from '../generated/types.ts';
import { upstreamTable } from '../../testing/upstream-table.ts';
import { namesFor } from './scopes.ts';
import { usageOf } from './usage.ts';

const KIND = { key: 'pods' };
const pod = (spec: object, status: object = {}): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [], ...spec }, status }) as unknown as Pod;

describe('scopes', () => {
  const SCOPES = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity'];
  const DEADLINE = { activeDeadlineSeconds: 30 };
  const near = (sort: 'podAffinity' | 'podAntiAffinity', how: 'required' | 'preferred', term: object): object => ({
    ...DEADLINE,
    affinity: { [sort]: { [`${how}DuringSchedulingIgnoredDuringExecution`]: how === 'required' ? [{ labelSelector: {}, ...term }] : [{ podAffinityTerm: { labelSelector: {}, ...term } }] } },
  });
  const ELSEWHERE = ['Terminating', 'BestEffort', 'CrossNamespacePodAffinity'];
  upstreamTable<readonly [string, spec: object, scopes: readonly string[]]>(
    'those that a Pod is in',
    'TestPodEvaluatorMatchingScopes',
    [
      ['an empty one', {}, ['NotTerminating', 'BestEffort']],
      ['with a priority class', { priorityClassName: 'class1' }, ['NotTerminating', 'BestEffort', 'PriorityClass']],
      [
        'with requests',
        { containers: [{ name: 'c', resources: { requests: { cpu: '1', memory: '50M', 'example.com/dongle': '1' }, limits: { cpu: '2', memory: '100M', 'example.com/dongle': '1' } } }] },
        ['NotTerminating', 'NotBestEffort'],
      ],
      ['with a deadline', DEADLINE, ['Terminating', 'BestEffort']],
      ['near Pods of named and selected namespaces', near('podAffinity', 'required', { namespaces: ['ns1'], namespaceSelector: {} }), ELSEWHERE],
      ['near Pods of named namespaces', near('podAffinity', 'required', { namespaces: ['ns1'] }), ELSEWHERE],
      ['rather near Pods of named and selected namespaces', near('podAffinity', 'preferred', { namespaces: ['ns2'], namespaceSelector: {} }), ELSEWHERE],
      ['rather near Pods of selected namespaces', near('podAffinity', 'preferred', { namespaceSelector: {} }), ELSEWHERE],
      ['rather far from Pods of selected namespaces', near('podAntiAffinity', 'preferred', { namespaceSelector: {} }), ELSEWHERE],
      ['far from Pods of named namespaces', near('podAntiAffinity', 'required', { namespaces: ['ns3'] }), ELSEWHERE],
    ],
    ([, spec, scopes]) => {
      const isIn = (scopeName: string): boolean => {
        const selector = scopeName === 'PriorityClass' ? { scopeName, operator: 'In', values: ['class1'] } : { scopeName, operator: 'Exists' };
        return namesFor(KIND, { scopeSelector: { matchExpressions: [selector] } }, ['pods'], pod(spec)).length > 0;
      };
      return [SCOPES.filter(isIn), scopes];
    },
  );
});

describe('usage', () => {
  type Resources = Readonly<Record<string, string>>;
  const sized = (requests: Resources, limits: Resources, allotted?: Resources): Pod =>
    pod({ containers: [{ name: 'c', resources: { requests, limits } }] }, { containerStatuses: [{ name: 'c', ...(allotted === undefined ? {} : { resources: { requests: allotted } }) }] });
  upstreamTable<readonly [string, Pod, cpu: string | undefined, memory: string | undefined]>(
    'while a Pod is resized the larger of what it asks for and what it has',
    'TestPodEvaluatorUsageResourceResize',
    [
      ['memory', sized({ memory: '200Mi' }, { memory: '400Mi' }, { memory: '150Mi' }), undefined, '200Mi'],
      ['CPU', sized({ cpu: '100m' }, { cpu: '200m' }, { cpu: '150m' }), '150m', undefined],
      ['both', sized({ cpu: '100m', memory: '200Mi' }, { cpu: '200m', memory: '400Mi' }, { cpu: '150m', memory: '250Mi' }), '150m', '250Mi'],
      ['nothing is known of what it has', sized({ cpu: '100m', memory: '200Mi' }, { cpu: '200m', memory: '400Mi' }), '100m', '200Mi'],
    ],
    ([, p, cpu, memory]) => {
      const usage = usageOf(KIND, p, () => false);
      return [[usage['requests.cpu'], usage['requests.memory'], usage['pods']], [cpu, memory, '1']];
    },
  );
});
