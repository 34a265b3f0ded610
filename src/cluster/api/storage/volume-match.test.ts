// Facts of upstream's index_test.go (pkg/controller/volume/persistentvolume).

import { describe, expect, it } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../generated/types.ts';
import { isExclusive } from './attachment.ts';
import { findBestMatch, mismatch } from './volume-match.ts';

const MODES = { O: 'ReadWriteOnce', R: 'ReadOnlyMany', M: 'ReadWriteMany', P: 'ReadWriteOncePod' } as const;
const modes = (letters: string): readonly string[] => [...letters].map((letter) => MODES[letter as keyof typeof MODES]);

interface VolumeFacts {
  readonly bound?: { readonly name?: string; readonly namespace?: string; readonly uid?: string };
  readonly labels?: Readonly<Record<string, string>>;
  readonly storageClass?: string;
  readonly phase?: string;
  readonly deleting?: boolean;
}

function volume(name: string, size: string, letters: string, { bound, labels, storageClass, phase = 'Available', deleting }: VolumeFacts = {}): PersistentVolume {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, ...(labels ? { labels } : {}), ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
    spec: {
      capacity: { storage: size },
      accessModes: modes(letters),
      ...(bound ? { claimRef: bound } : {}),
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
    },
    status: { phase },
  };
}

function claim(size: string, letters = 'RO', more: Partial<PersistentVolumeClaim['spec']> = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'claim01', namespace: 'myns', uid: 'claim-uid' },
    spec: { accessModes: modes(letters), resources: { requests: { storage: size } }, ...more },
    status: {},
  };
}

const there = { 'should-exist': 'true' };
const VOLUMES: readonly PersistentVolume[] = [
  volume('gce-pd-10', '10G', 'OR'),
  volume('gce-pd-20', '20G', 'OR', { bound: { uid: 'def456' } }),
  volume('nfs-5', '5G', 'ORM'),
  volume('gce-pd-1', '1G', 'OR', { bound: { uid: 'abc123' } }),
  volume('nfs-10', '10G', 'ORM'),
  volume('gce-pd-5', '5G', 'OR'),
  volume('nfs-1', '1G', 'ORM'),
  volume('gce-pd-2', '20000G', 'O', { labels: there }),
  volume('gce-pd-silver1', '10000G', 'O', { labels: there, storageClass: 'silver' }),
  volume('gce-pd-silver2', '100G', 'O', { storageClass: 'silver' }),
  volume('gce-pd-gold', '50G', 'O', { storageClass: 'gold' }),
];

const MATCHES: readonly (readonly [what: string, claim: PersistentVolumeClaim, found: string | undefined])[] = [
  ['8G of two modes', claim('8G'), 'gce-pd-10'],
  ['5G of three modes', claim('5G', 'ROM'), 'nfs-5'],
  ['the bound one is passed over', claim('1G'), 'gce-pd-5'],
  ['none is large enough', claim('999G'), undefined],
  ['no volume has the label', claim('999G', 'RO', { selector: { matchLabels: { 'should-not-exist': 'true' } } }), undefined],
  ['the labelled one lacks a mode', claim('20000G', 'RO', { selector: { matchLabels: there } }), undefined],
  ['size, label and mode', claim('20000G', 'O', { selector: { matchLabels: there } }), 'gce-pd-2'],
  ['class and label', claim('1G', 'O', { storageClassName: 'silver', selector: { matchLabels: there } }), 'gce-pd-silver1'],
  ['class', claim('1G', 'O', { storageClassName: 'silver' }), 'gce-pd-silver2'],
];

const GCE = volume('gce', '10G', 'OR');
const EBS = volume('ebs', '10G', 'O');
const NFS = volume('nfs', '10G', 'ORM');
const taken = (v: PersistentVolume): PersistentVolume => ({ ...v, spec: { ...v.spec, claimRef: {} } });

const LEVELS: readonly (readonly [letters: string, volumes: readonly PersistentVolume[], found: string])[] = [
  ['O', [GCE, EBS, NFS], 'ebs'],
  ['OR', [GCE, EBS, NFS], 'gce'],
  ['MOR', [GCE, EBS, NFS], 'nfs'],
  ['M', [GCE, EBS, NFS], 'nfs'],
  ['O', [GCE, taken(EBS), NFS], 'gce'],
  ['O', [taken(GCE), taken(EBS), NFS], 'nfs'],
  ['R', [GCE, taken(EBS), NFS], 'gce'],
];

const mine = { name: 'claim01', namespace: 'myns' };
const others = { name: 'foo', namespace: 'bar' };
type Bound = VolumeFacts['bound'];
const prebound = (refs: Readonly<Record<string, Bound>>): readonly PersistentVolume[] =>
  (
    [
      ['pv1', '1Gi', 'O'],
      ['pv5', '5Gi', 'O'],
      ['pv8', '8Gi', 'O'],
      ['pvBadSize', '1Mi', 'O'],
      ['pvBadMode', '1Gi', 'R'],
    ] as const
  ).map(([name, size, letters]) => volume(name, size, letters, refs[name] ? { bound: refs[name] } : {}));

const PREBOUND: readonly (readonly [what: string, refs: Readonly<Record<string, Bound>>, found: string])[] = [
  ['none', {}, 'pv1'],
  ['the smallest to another claim', { pv1: others }, 'pv5'],
  ['the largest to this claim', { pv8: mine }, 'pv8'],
  ['too small a one to this claim', { pvBadSize: mine }, 'pv1'],
  ['one of another mode to this claim', { pvBadMode: mine }, 'pv1'],
];

describe('findBestMatch', () => {
  it(`chooses by size, mode, label and class: ${MATCHES.length} cases of upstream's TestMatchVolume`, () => {
    for (const [what, wanted, found] of MATCHES) expect([what, findBestMatch(wanted, VOLUMES)?.metadata.name]).toEqual([what, found]);
  });

  it(`takes no more modes than needed: ${LEVELS.length} cases of upstream's TestFindingVolumeWithDifferentAccessModes`, () => {
    for (const [letters, volumes, found] of LEVELS) expect([letters, findBestMatch(claim('1G', letters), volumes)?.metadata.name]).toEqual([letters, found]);
  });

  it(`prefers what is promised to the claim: ${PREBOUND.length} cases of upstream's TestFindingPreboundVolumes`, () => {
    for (const [what, refs, found] of PREBOUND) expect([what, findBestMatch(claim('1Gi', 'O'), prebound(refs))?.metadata.name]).toEqual([what, found]);
  });

  it("leaves what is bound: 1 case of upstream's TestMatchingWithBoundVolumes", () => {
    const volumes = [volume('gce001', '1G', 'OR', { bound: { uid: 'abc123' } }), volume('gce002', '1G', 'OR')];
    expect(findBestMatch(claim('1G'), volumes)?.metadata.name).toBe('gce002');
  });

  it('passes over volumes that are not Available or being deleted, and waits for the first consumer', () => {
    expect(findBestMatch(claim('1G'), [volume('failed', '1G', 'OR', { phase: 'Failed' }), volume('going', '1G', 'OR', { deleting: true })])).toBeUndefined();
    expect(findBestMatch(claim('1G'), [GCE], true)).toBeUndefined();
    expect(findBestMatch(claim('1G'), [volume('kept', '1G', 'OR', { bound: mine })], true)?.metadata.name).toBe('kept');
  });
});

it('mismatch says why a volume that is asked for by name cannot be had', () => {
  expect(mismatch(volume('v', '1Gi', 'O'), claim('2Gi', 'O'))).toBe('requested PV is too small');
  expect(mismatch(volume('v', '1Gi', 'O', { storageClass: 'fast' }), claim('1Gi', 'O'))).toBe('storageClassName does not match');
  expect(mismatch(volume('v', '1Gi', 'O'), claim('1Gi', 'O', { volumeMode: 'Block' }))).toBe('incompatible volumeMode');
  expect(mismatch(volume('v', '1Gi', 'O'), claim('1Gi', 'M'))).toBe('incompatible accessMode');
  expect(mismatch(volume('v', '1Gi', 'OM'), claim('1Gi', 'M'))).toBeUndefined();
});

it('one node at a time unless some mode allows more', () => {
  const facts = ['O', 'P', 'OR', 'OM', 'M', ''].map((letters) => isExclusive(volume('v', '1Gi', letters)));
  expect(facts).toEqual([true, true, false, false, false, false]);
});
