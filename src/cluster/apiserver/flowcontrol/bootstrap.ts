// The mandatory and the suggested FlowSchemas and PriorityLevelConfigurations (apiserver/pkg/apis/flowcontrol/bootstrap/default.go).

import type { FlowSchema, PriorityLevelConfiguration } from '../../api/generated/types.ts';

const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1';
const METADATA = Object.freeze({ annotations: Object.freeze({ 'apf.kubernetes.io/autoupdate-spec': 'true' }) });

interface Limits {
  readonly shares: number;
  readonly lendable: number;
  /** Number of queues and how many of them a flow is dealt; absent: requests without a seat are rejected. */
  readonly queues?: readonly [count: number, hand: number];
}

const LEVELS: Readonly<Record<string, Limits | null>> = {
  'catch-all': { shares: 5, lendable: 0 },
  exempt: null,
  system: { shares: 30, lendable: 33, queues: [64, 6] },
  'node-high': { shares: 40, lendable: 25, queues: [64, 6] },
  'leader-election': { shares: 10, lendable: 0, queues: [16, 4] },
  'workload-high': { shares: 40, lendable: 50, queues: [128, 6] },
  'workload-low': { shares: 100, lendable: 90, queues: [128, 6] },
  'global-default': { shares: 20, lendable: 50, queues: [128, 6] },
};

const level = (name: string, limits: Limits | null): PriorityLevelConfiguration =>
  ({
    apiVersion: API_VERSION,
    kind: 'PriorityLevelConfiguration',
    metadata: { name, ...METADATA },
    spec: limits
      ? {
          type: 'Limited',
          limited: {
            nominalConcurrencyShares: limits.shares,
            lendablePercent: limits.lendable,
            limitResponse: limits.queues
              ? { type: 'Queue', queuing: { queues: limits.queues[0], handSize: limits.queues[1], queueLengthLimit: 50 } }
              : { type: 'Reject' },
          },
        }
      : { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  }) as unknown as PriorityLevelConfiguration;

const group = (name: string): object => ({ kind: 'Group', group: { name } });
const user = (name: string): object => ({ kind: 'User', user: { name } });
const account = (name: string): object => ({ kind: 'ServiceAccount', serviceAccount: { name, namespace: 'kube-system' } });
const resources = (verbs: readonly string[], apiGroup: string, names: readonly string[], clusterScope: boolean): object => ({
  verbs,
  apiGroups: [apiGroup],
  resources: names,
  namespaces: ['*'],
  ...(clusterScope ? { clusterScope } : {}),
});

const ALL_RESOURCES = { resourceRules: [resources(['*'], '*', ['*'], true)] };
const ALL = { ...ALL_RESOURCES, nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] };
const EVERYBODY = [group('system:unauthenticated'), group('system:authenticated')];

function schema(name: string, precedence: number, priorityLevel: string, distinguisher: string, subjects: readonly object[], rules: object): FlowSchema {
  return {
    apiVersion: API_VERSION,
    kind: 'FlowSchema',
    metadata: { name, ...METADATA },
    spec: {
      priorityLevelConfiguration: { name: priorityLevel },
      matchingPrecedence: precedence,
      ...(distinguisher === '' ? {} : { distinguisherMethod: { type: distinguisher } }),
      rules: [{ subjects, ...rules }],
    },
  } as unknown as FlowSchema;
}

export const bootstrapLevels = (): readonly PriorityLevelConfiguration[] =>
  Object.keys(LEVELS).map((name) => level(name, LEVELS[name] as Limits | null));

export const bootstrapSchemas = (): readonly FlowSchema[] => [
  schema('exempt', 1, 'exempt', '', [group('system:masters')], ALL),
  schema('catch-all', 10_000, 'catch-all', 'ByUser', EVERYBODY, ALL),
  schema('system-nodes', 500, 'system', 'ByUser', [group('system:nodes')], ALL),
  schema('system-node-high', 400, 'node-high', 'ByUser', [group('system:nodes')], {
    resourceRules: [
      resources(['*'], '', ['nodes', 'nodes/status'], true),
      resources(['*'], 'coordination.k8s.io', ['leases'], false),
    ],
  }),
  schema('probes', 2, 'exempt', '', EVERYBODY, { nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }] }),
  schema(
    'system-leader-election',
    100,
    'leader-election',
    'ByUser',
    [user('system:kube-controller-manager'), user('system:kube-scheduler'), account('*')],
    { resourceRules: [resources(['get', 'create', 'update'], 'coordination.k8s.io', ['leases'], false)] },
  ),
  schema('kube-controller-manager', 800, 'workload-high', 'ByNamespace', [user('system:kube-controller-manager')], ALL),
  schema('kube-scheduler', 800, 'workload-high', 'ByNamespace', [user('system:kube-scheduler')], ALL),
  schema('kube-system-service-accounts', 900, 'workload-high', 'ByNamespace', [account('*')], ALL),
  schema('service-accounts', 9_000, 'workload-low', 'ByUser', [group('system:serviceaccounts')], ALL),
  schema('global-default', 9_900, 'global-default', 'ByUser', EVERYBODY, ALL),
];
