// Profiles: how a configuration changes the default plugins, and what it may not say.

import { describe, expect, it } from 'vitest';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from '../client/informer.ts';
import { Random } from '../sim/random.ts';
import { readConfiguration } from './configuration.ts';
import type { Listers } from './listers.ts';
import { DEFAULT_PLUGINS, frameworkOf, type Handle, mergePluginSets, type PluginSet } from './profile.ts';
import { podInfoOf } from './podinfo.ts';
import type { StorageObjects } from './storage-objects.ts';
import { cluster, node, pod, table } from './testing/objects.ts';

const nobody = {} as unknown;
const handle: Handle = {
  client: nobody as Client,
  factory: nobody as InformerFactory,
  listers: { defaultSelector: () => null, namespaceLabels: () => ({}), budgets: () => [] } as unknown as Listers,
  claims: { claim: () => undefined, deviceClass: () => undefined, follow: () => {} },
  storage: nobody as StorageObjects,
  random: new Random(1, 'p'),
};

const file = (more: object): string => JSON.stringify({ apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration', ...more });
/** The plugins that score, with what they give one machine, in their order. */
function scorersOf(profile: object): readonly string[] {
  const { profiles } = readConfiguration(file({ profiles: [profile] }));
  const framework = frameworkOf(profiles[0] as never, handle);
  const cache = cluster([node('n', { allocatable: { cpu: '4', memory: '4Gi', pods: '10' } })]);
  const scored = framework.score(podInfoOf(pod({ requests: [{ cpu: '2', memory: '1Gi' }] })), cache.nodes, cache);
  return scored.byPlugin.map(({ name, scores }) => `${name}=${scores[0] as number}`);
}

describe('plugins of a profile', () => {
  const set = (enabled: string, disabled = ''): PluginSet => {
    const refs = enabled.split(' ').filter(Boolean).map((ref) => ({ name: ref.split(':')[0] as string, ...(ref.includes(':') ? { weight: Number(ref.split(':')[1]) } : {}) }));
    const off = disabled.split(' ').filter(Boolean).map((name) => ({ name }));
    return { ...(refs.length > 0 ? { enabled: refs } : {}), ...(off.length > 0 ? { disabled: off } : {}) };
  };
  table('custom sets over default ones', 'TestMergePlugins', [
    { name: 'one more', defaults: set('D1 D2'), custom: set('C'), wanted: set('D1 D2 C') },
    { name: 'before a default one', defaults: set('D1 D2'), custom: set('C D2', 'D2'), wanted: set('D1 C D2', 'D2') },
    { name: 'before all', defaults: set('D1 D2'), custom: set('C D1 D2', '*'), wanted: set('C D1 D2', '*') },
    { name: 'another order', defaults: set('D1 D2'), custom: set('D2 D1', '*'), wanted: set('D2 D1', '*') },
    { name: 'nothing', defaults: set('D1 D2'), custom: set(''), wanted: set('D1 D2') },
    { name: 'other weights', defaults: set('P1 P2 P3'), custom: set('P1:2 P3:3'), wanted: set('P1:2 P2 P3:3') },
    { name: 'the order stays', defaults: set('P1 P2 P3'), custom: set('P2:2 P1:1'), wanted: set('P1:1 P2:2 P3') },
    { name: 'one twice', defaults: set('P1 P2 P3'), custom: set('P1 P2:2 P3 P2:4'), wanted: set('P1 P2:4 P3 P2:2') },
    { name: 'more, and less', defaults: set('D1 D2'), custom: set('C1 C2', 'D2'), wanted: set('D1 C1 C2', 'D2') },
    { name: 'another weight', defaults: set('D'), custom: set('D:5'), wanted: set('D:5') },
    { name: 'less by default', defaults: set('D', 'D2'), custom: set('C'), wanted: set('D C', 'D2') },
    { name: 'only less', defaults: set('D'), custom: set('', 'D'), wanted: set('', 'D') },
  ], ({ defaults, custom, wanted }) => [mergePluginSets(defaults, custom), wanted]);

  it('are those of 1.36 by default', () => {
    expect(DEFAULT_PLUGINS.filter((ref) => ref.weight !== undefined).map((ref) => `${ref.name}=${ref.weight}`)).toEqual([
      'TaintToleration=3', 'NodeAffinity=2', 'NodeResourcesFit=1', 'PodTopologySpread=2', 'InterPodAffinity=2', 'NodeResourcesBalancedAllocation=1', 'ImageLocality=1',
    ]);
    expect(scorersOf({})).toEqual(['TaintToleration=300', 'NodeResourcesFit=62', 'NodeResourcesBalancedAllocation=87', 'ImageLocality=0']);
  });

  it('score with other weights, in another order, or not at all', () => {
    expect(scorersOf({ plugins: { multiPoint: { enabled: [{ name: 'NodeResourcesFit', weight: 10 }] } } })).toContain('NodeResourcesFit=620');
    expect(scorersOf({ plugins: { score: { disabled: [{ name: 'TaintToleration' }, { name: 'ImageLocality' }] } } })).toEqual(['NodeResourcesFit=62', 'NodeResourcesBalancedAllocation=87']);
    expect(scorersOf({ plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeResourcesBalancedAllocation', weight: 2 }] } } })).toEqual(['NodeResourcesBalancedAllocation=174']);
    // Named here and everywhere: first, with the weight from here.
    expect(scorersOf({ plugins: { score: { enabled: [{ name: 'ImageLocality', weight: 7 }, { name: 'NodeResourcesFit', weight: 2 }] } } }).slice(0, 2)).toEqual(['ImageLocality=0', 'NodeResourcesFit=124']);
  });

  it('take their arguments', () => {
    const packing = { pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu' }] } } }] };
    expect(scorersOf(packing)).toContain('NodeResourcesFit=50');
  });

  it.each([
    ['a plugin that is not there', { profiles: [{ plugins: { score: { enabled: [{ name: 'Foo' }] } } }] }, 'Foo does not exist'],
    ['nothing that binds', { profiles: [{ plugins: { bind: { disabled: [{ name: '*' }] } } }] }, 'at least one bind plugin is needed'],
    ['a name twice', { profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }] }, 'profiles[1].schedulerName: Duplicate value: "a"'],
    ['no name', { profiles: [{ schedulerName: 'a' }, {}] }, 'profiles[1].schedulerName: Required value'],
    ['two ways to sort the queue', { profiles: [{ schedulerName: 'a' }, { schedulerName: 'b', plugins: { queueSort: { enabled: [{ name: 'PrioritySort' }] } } }] }, 'queueSort must be the same for all profiles'],
    ['more than all machines', { percentageOfNodesToScore: 101 }, 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
    ['a field that is not there', { profile: [] }, 'strict decoding error: unknown field "profile"'],
    ['another kind', { kind: 'Foo' }, 'no kind "Foo" is registered for version "kubescheduler.config.k8s.io/v1"'],
    ['a back-off that shrinks', { podInitialBackoffSeconds: 20 }, 'podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds'],
    ['constraints beside the built-in ones', { profiles: [{ pluginConfig: [{ name: 'PodTopologySpread', args: { defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }] } }] }] }, 'when .defaultConstraints are not empty'],
  ])('refuse %s', (_, more, wanted) => {
    const read = (): void => readConfiguration(file(more)).profiles.forEach((profile) => frameworkOf(profile, handle));
    expect(read).toThrow(wanted);
  });
});
