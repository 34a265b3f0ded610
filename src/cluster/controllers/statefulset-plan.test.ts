// The StatefulSet controller's decisions about one lineup; the situations are those of upstream's stateful_set_control_test.go.

import { describe, expect, it } from 'vitest';
import type { ControllerRevision, Pod, StatefulSet } from '../api/generated/types.ts';
import { owned } from './statefulset-claims.ts';
import { claimsOf, completeUpdate, countStatus, lineUp, nextToUpdate, ordinalOf, podOf, wantsCurrent } from './statefulset-plan.ts';

const set = (spec: object = {}, status: object = {}): StatefulSet =>
  ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default', uid: 'set' },
    spec: {
      replicas: 3,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      template: { metadata: { labels: { app: 'db' } }, spec: { containers: [{ name: 'c', image: 'x' }], volumes: [{ name: 'data', emptyDir: {} }, { name: 'tmp', emptyDir: {} }] } },
      ...spec,
    },
    status: { replicas: 0, ...status },
  }) as unknown as StatefulSet;

const pod = (ordinal: number, revision = 'new', more: { ready?: boolean; deleting?: boolean } = {}): Pod =>
  ({
    metadata: { name: `db-${ordinal}`, uid: `u${ordinal}`, labels: { 'controller-revision-hash': revision }, ...(more.deleting ? { deletionTimestamp: 't' } : {}) },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }] },
  }) as unknown as Pod;

const revision = (name: string): ControllerRevision => ({ metadata: { name } }) as unknown as ControllerRevision;
const names = (pods: readonly (Pod | null)[]): (string | undefined)[] => pods.map((p) => p?.metadata.name);

describe('lineup', () => {
  it('tells replicas from condemned ones, which go from the end', () => {
    const line = lineUp(set({ replicas: 2 }), [4, 0, 2, 3].map((i) => pod(i)), 0);
    expect(names(line.replicas.map((r) => r.pod))).toEqual(['db-0', undefined]);
    expect(names(line.condemned)).toEqual(['db-4', 'db-3', 'db-2']);
    expect(line.firstUnhealthy).toBeNull();
  });
  it('starts where spec.ordinals says', () => {
    const line = lineUp(set({ replicas: 2, ordinals: { start: 5 } }), [pod(4), pod(5)], 0);
    expect(line.replicas.map((r) => [r.ordinal, r.pod?.metadata.name])).toEqual([[5, 'db-5'], [6, undefined]]);
    expect(names(line.condemned)).toEqual(['db-4']);
  });
  it.each([['db-0', 0], ['db-12', 12], ['db', -1], ['db-x', -1], ['other-1', -1], ['db-1-2', -1]])('%s has ordinal %i', (name, ordinal) => {
    expect(ordinalOf(set(), { ...pod(0), metadata: { name } } as Pod)).toBe(ordinal);
  });
});

describe('rolling update', () => {
  const next = (s: StatefulSet, pods: readonly Pod[]): string | undefined => nextToUpdate(s, lineUp(s, pods, 0).replicas, 'new', 0)?.metadata.name;
  it.each<[string, string | undefined, object, readonly Pod[]]>([
    ['the highest first', 'db-2', {}, [pod(0, 'old'), pod(1, 'old'), pod(2, 'old')]],
    ['the next when that is well', 'db-1', {}, [pod(0, 'old'), pod(1, 'old'), pod(2)]],
    ['none while one is not ready', undefined, {}, [pod(0, 'old'), pod(1, 'old'), pod(2, 'new', { ready: false })]],
    ['an old one though it is broken', 'db-2', {}, [pod(0, 'old'), pod(1, 'old'), pod(2, 'old', { ready: false })]],
    ['none while one terminates', undefined, {}, [pod(0, 'old'), pod(1, 'old'), pod(2, 'old', { deleting: true })]],
    ['not below the partition', undefined, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }, [pod(0, 'old'), pod(1, 'old'), pod(2)]],
    ['none with OnDelete', undefined, { updateStrategy: { type: 'OnDelete' } }, [pod(0, 'old'), pod(1, 'old'), pod(2, 'old')]],
    ['none when all are new', undefined, {}, [pod(0), pod(1), pod(2)]],
  ])('%s', (_, expected, spec, pods) => expect(next(set(spec), pods)).toBe(expected));

  it('below the partition a new Pod is of the old revision', () => {
    const s = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } });
    expect([wantsCurrent(s, 0), wantsCurrent(s, 1)]).toEqual([true, false]);
  });

  it('counts, and completes when all are updated and ready', () => {
    const counted = countStatus(set(), [pod(0, 'old'), pod(1), pod(2, 'new', { ready: false })], revision('old'), revision('new'), 0);
    expect(counted).toMatchObject({ replicas: 3, readyReplicas: 2, currentReplicas: 1, updatedReplicas: 2, currentRevision: 'old', updateRevision: 'new' });
    expect(completeUpdate(set(), counted)).toBe(counted);
    const all = countStatus(set(), [pod(0), pod(1), pod(2)], revision('old'), revision('new'), 0);
    expect(completeUpdate(set(), all)).toMatchObject({ currentRevision: 'new', currentReplicas: 3 });
  });
});

describe('identity and storage', () => {
  const templates = [{ metadata: { name: 'data', labels: { tier: 'a' } }, spec: { accessModes: ['ReadWriteOnce'] } }];
  it('gives the Pod its name, host and claim', () => {
    const s = set({ volumeClaimTemplates: templates });
    const made = podOf(s, s.spec.template, 1, 'db-abc');
    expect(made.metadata).toMatchObject({
      name: 'db-1',
      labels: { app: 'db', 'apps.kubernetes.io/pod-index': '1', 'statefulset.kubernetes.io/pod-name': 'db-1', 'controller-revision-hash': 'db-abc' },
    });
    expect(made.spec).toMatchObject({ hostname: 'db-1', subdomain: 'db' });
    expect(made.spec.volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-1' } }, { name: 'tmp', emptyDir: {} }]);
    expect(claimsOf(s, 1)[0]?.metadata).toEqual({ name: 'data-db-1', namespace: 'default', labels: { tier: 'a', app: 'db' } });
  });

  it.each<[string, string, number, readonly string[]]>([
    ['Retain', 'Retain', 0, []],
    ['Delete', 'Retain', 0, ['set']],
    ['Delete', 'Retain', 7, ['set']],
    ['Retain', 'Delete', 0, []],
    ['Retain', 'Delete', 7, ['u7']],
    ['Delete', 'Delete', 0, ['set']],
    ['Delete', 'Delete', 7, ['u7']],
  ])('whenDeleted %s, whenScaled %s, ordinal %i: owned by %j', (whenDeleted, whenScaled, ordinal, owners) => {
    const s = set({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
    const metadata = owned({ name: 'claim' }, s, pod(ordinal));
    expect((metadata.ownerReferences ?? []).map((r) => r.uid)).toEqual(owners);
    expect(owned(metadata, s, pod(ordinal))).toBe(metadata);
  });
});
