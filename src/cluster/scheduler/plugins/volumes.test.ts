// Facts of upstream's tests of the volume plugins (volume_binding_test.go, volume_zone_test.go, volume_restrictions_test.go, csi_test.go).

import { describe, expect, it } from 'vitest';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, Volume } from '../../api/generated/types.ts';
import { BIND_COMPLETED } from '../../api/storage/volume-match.ts';
import type { Client } from '../../client/client.ts';
import type { Plugin, Snapshot } from '../framework/types.ts';
import { NodeInfo } from '../nodeinfo.ts';
import { podInfoOf } from '../podinfo.ts';
import type { StorageObjects } from '../storage-objects.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';
import { volumeBinding } from './volume-binding.ts';
import { volumeRestrictions } from './volume-restrictions.ts';
import { volumeZone } from './volume-zone.ts';

interface World {
  readonly claims?: readonly PersistentVolumeClaim[];
  readonly volumes?: readonly PersistentVolume[];
  readonly classes?: readonly StorageClass[];
  readonly limits?: Readonly<Record<string, number>>;
}

const named = <T extends { readonly metadata: { readonly name: string } }>(items: readonly T[] = [], name: string): T | undefined => items.find((item) => item.metadata.name === name);

const objectsOf = ({ claims, volumes = [], classes = CLASSES, limits = {} }: World): StorageObjects =>
  ({
    claim: (_: string, name: string) => named(claims, name),
    volume: (name: string) => named(volumes, name),
    volumes: () => volumes,
    storageClass: (name: string) => named(classes, name),
    driver: () => undefined,
    capacities: () => [],
    attachments: () => [],
    csiNode: () => ({ spec: { drivers: Object.entries(limits).map(([name, count]) => ({ name, nodeID: 'n', allocatable: { count } })) } }),
  }) as unknown as StorageObjects;

const storageClass = (name: string, volumeBindingMode?: string, provisioner = 'kubernetes.io/no-provisioner'): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  ...(volumeBindingMode ? { volumeBindingMode } : {}),
});
const CLASSES = [storageClass('immediate-sc', 'Immediate'), storageClass('wait-sc', 'WaitForFirstConsumer'), storageClass('wait-hdd-sc', 'WaitForFirstConsumer'), storageClass('made-sc', 'WaitForFirstConsumer', 'example.com/made')];

const claim = (name: string, className: string | undefined, volumeName = '', more: { readonly phase?: string; readonly size?: string; readonly modes?: readonly string[] } = {}): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', uid: name, ...(volumeName === '' ? {} : { annotations: { [BIND_COMPLETED]: 'yes' } }) },
  spec: {
    ...(className === undefined ? {} : { storageClassName: className }),
    ...(volumeName === '' ? {} : { volumeName }),
    ...(more.modes ? { accessModes: more.modes } : {}),
    resources: { requests: { storage: more.size ?? '1Gi' } },
  },
  status: { phase: more.phase ?? (volumeName === '' ? 'Pending' : 'Bound') },
});

const volume = (name: string, className: string, affinity: Readonly<Record<string, string>> = {}, size = '200Gi'): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: size },
    storageClassName: className,
    ...(Object.keys(affinity).length === 0
      ? {}
      : { nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: Object.entries(affinity).map(([key, value]) => ({ key, operator: 'In', values: [value] })) }] } } }),
  },
  status: { phase: 'Available' },
});

const podWith = (...claims: readonly string[]): Pod => podOf(claims.map((claimName) => ({ name: claimName.toLowerCase(), persistentVolumeClaim: { claimName } })));
let pods = 0;
const podOf = (volumes: readonly Volume[]): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'pod-a', namespace: 'default', uid: `pod-${++pods}` },
  spec: { containers: [], volumes },
  status: {},
});

function nodeOf(name: string, labels: Readonly<Record<string, string>> = {}, running: readonly Pod[] = []): NodeInfo {
  const info = new NodeInfo(name);
  info.setNode({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } }, spec: {}, status: {} } satisfies Node);
  for (const pod of running) info.addPod(podInfoOf(pod));
  return info;
}

/** What PreFilter says, or what Filter says of each node; '' is yes. */
function ask(plugin: Plugin, pod: Pod, nodes: readonly NodeInfo[]): string | readonly string[] {
  const info = podInfoOf(pod);
  const snapshot = { nodes, byName: new Map(nodes.map((node) => [node.name, node])), withAffinity: new Set(), withRequiredAntiAffinity: new Set() } as Snapshot;
  const pre = plugin.preFilter?.(info, snapshot);
  if (pre?.status) return pre.status.code === 'Skip' ? 'skip' : pre.status.reasons.join(', ');
  return nodes.map((node) => plugin.filter?.(pre?.state, info, node)?.reasons.join(', ') ?? '');
}

const NO_VOLUME = "node(s) didn't find available persistent volumes to bind";
const zone = (z: string): Readonly<Record<string, string>> => ({ 'topology.kubernetes.io/region': `region-${z}`, 'topology.kubernetes.io/zone': `zone-${z}` });
const onNode = (name: string): Readonly<Record<string, string>> => ({ 'kubernetes.io/hostname': name });

const BINDING: readonly (readonly [what: string, pod: Pod, world: World, nodes: readonly NodeInfo[], said: string | readonly string[]])[] = [
  ['no claims', podWith(), {}, [nodeOf('node-a')], 'skip'],
  ['all bound', podWith('pvc-a'), { claims: [claim('pvc-a', 'wait-sc', 'pv-a')], volumes: [volume('pv-a', 'wait-sc')] }, [nodeOf('node-a')], ['']],
  ['the claim does not exist', podWith('pvc-a'), {}, [nodeOf('node-a')], 'persistentvolumeclaim "pvc-a" not found'],
  ['one of two does not exist', podWith('pvc-a', 'pvc-b'), { claims: [claim('pvc-a', 'wait-sc', 'pv-a')] }, [nodeOf('node-a')], 'persistentvolumeclaim "pvc-b" not found'],
  ['not bound, of an immediate class', podWith('pvc-a'), { claims: [claim('pvc-a', 'immediate-sc')] }, [nodeOf('node-a')], 'pod has unbound immediate PersistentVolumeClaims'],
  ['not bound, nothing to be had', podWith('pvc-a'), { claims: [claim('pvc-a', 'wait-sc')] }, [nodeOf('node-a')], [NO_VOLUME]],
  [
    'one bound elsewhere, one not to be had',
    podWith('pvc-a', 'pvc-b'),
    { claims: [claim('pvc-a', 'wait-sc', 'pv-a'), claim('pvc-b', 'wait-sc')], volumes: [volume('pv-a', 'wait-sc', { foo: 'bar' })] },
    [nodeOf('node-a', { foo: 'barbar' })],
    [`node(s) didn't match PersistentVolume's node affinity, ${NO_VOLUME}`],
  ],
  ['the volume does not exist', podWith('pvc-a'), { claims: [claim('pvc-a', 'wait-sc', 'pv-a')] }, [nodeOf('node-a')], ['node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)']],
  [
    'the claim is lost',
    podWith('pvc-a'),
    { claims: [claim('pvc-a', 'wait-sc', 'pv-a', { phase: 'Lost' })] },
    [nodeOf('node-a')],
    'persistentvolumeclaim "pvc-a" bound to non-existent persistentvolume "pv-a"',
  ],
  [
    'local volumes',
    podWith('pvc-a'),
    { claims: [claim('pvc-a', 'wait-sc', '', { size: '50Gi' })], volumes: [volume('pv-a-0', 'wait-sc', onNode('node-a')), volume('pv-b-0', 'wait-sc', onNode('node-b'), '100Gi')] },
    [nodeOf('node-a'), nodeOf('node-b'), nodeOf('node-c')],
    ['', '', NO_VOLUME],
  ],
  [
    'local volumes of two classes',
    podWith('pvc-0', 'pvc-1'),
    {
      claims: [claim('pvc-0', 'wait-sc', '', { size: '50Gi' }), claim('pvc-1', 'wait-hdd-sc', '', { size: '100Gi' })],
      volumes: ['a', 'b'].flatMap((n) => [volume(`pv-${n}-0`, 'wait-sc', onNode(`node-${n}`)), volume(`pv-${n}-2`, 'wait-hdd-sc', onNode(`node-${n}`), '100Gi')]),
    },
    [nodeOf('node-a'), nodeOf('node-b'), nodeOf('node-c')],
    ['', '', NO_VOLUME],
  ],
  [
    'volumes of zones',
    podWith('pvc-a'),
    { claims: [claim('pvc-a', 'wait-sc', '', { size: '50Gi' })], volumes: [volume('pv-a-0', 'wait-sc', zone('a')), volume('pv-b-0', 'wait-sc', zone('b'), '100Gi')] },
    ['a', 'b', 'c'].map((z) => nodeOf(`zone-${z}-node`, zone(z))),
    ['', '', NO_VOLUME],
  ],
];

const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const CONFLICT = 'node(s) had no available volume zone';
const OUTSIDE = { uselessLabel: 'none' };
type Labels = Readonly<Record<string, string>>;

/** The volume's labels, the node's, and what Filter says. */
const ZONES: readonly (readonly [volume: Labels, node: Labels, said: string])[] = [
  [{ [BETA_ZONE]: 'us-west1-a' }, {}, ''],
  [{ [BETA_ZONE]: 'us-west1-a' }, { [BETA_ZONE]: 'us-west1-a', ...OUTSIDE }, ''],
  [{ [BETA_REGION]: 'us-west1', ...OUTSIDE }, { [BETA_REGION]: 'us-west1', ...OUTSIDE }, ''],
  [{ [BETA_REGION]: 'us-west1', ...OUTSIDE }, { [BETA_REGION]: 'no_us-west1', ...OUTSIDE }, CONFLICT],
  [{ [BETA_ZONE]: 'us-west1-a' }, { [BETA_ZONE]: 'no_us-west1-a', ...OUTSIDE }, CONFLICT],
  [{ [ZONE]: 'us-west1-a' }, { [ZONE]: 'us-west1-a', ...OUTSIDE }, ''],
  [{ [REGION]: 'us-west1', ...OUTSIDE }, { [REGION]: 'us-west1', ...OUTSIDE }, ''],
  [{ [REGION]: 'us-west1', ...OUTSIDE }, { [REGION]: 'no_us-west1', ...OUTSIDE }, CONFLICT],
  [{ [ZONE]: 'us-west1-a' }, { [ZONE]: 'no_us-west1-a', ...OUTSIDE }, CONFLICT],
  [{ [ZONE]: 'us-west1-a', [REGION]: 'us-west1-a' }, { [ZONE]: 'us-west1-a' }, CONFLICT],
  [{ [ZONE]: 'us-west1-a' }, { [BETA_ZONE]: 'us-west1-a' }, CONFLICT],
  [{ [BETA_ZONE]: 'us-west1-a' }, { [ZONE]: 'us-west1-a' }, ''],
  [{ [BETA_ZONE]: 'us-west1-a' }, { [ZONE]: 'us-west1-b' }, CONFLICT],
];
const SEVERAL_ZONES: typeof ZONES = [
  [{ [BETA_ZONE]: 'us-west1-c__us-west1-a' }, {}, ''],
  [{ [BETA_ZONE]: 'us-west1-c__us-west1-a' }, { [BETA_ZONE]: 'us-west1-a', ...OUTSIDE }, ''],
  [{ [BETA_ZONE]: 'us-west1-a' }, { [BETA_ZONE]: 'us-west1-b', ...OUTSIDE }, CONFLICT],
  [{ [ZONE]: 'us-west1-c__us-west1-a' }, { [ZONE]: 'us-west1-a', ...OUTSIDE }, ''],
  [{ [ZONE]: 'us-west1-a' }, { [ZONE]: 'us-west1-b', ...OUTSIDE }, CONFLICT],
];
const ZONE_CLAIMS: readonly (readonly [claim: PersistentVolumeClaim, said: string])[] = [
  [claim('c', undefined), 'PersistentVolumeClaim had no pv name and storageClass name'],
  [claim('c', 'Class_0'), 'storageclasses.storage.k8s.io "Class_0" not found'],
  [claim('c', 'unset'), 'VolumeBindingMode not set for StorageClass "unset"'],
  [claim('c', 'wait-sc'), 'skip'],
];

const pd = (readOnly?: boolean): Volume => ({ name: 'd', gcePersistentDisk: { pdName: 'foo', ...(readOnly ? { readOnly } : {}) } });
const ebs = (volumeID: string): Volume => ({ name: 'd', awsElasticBlockStore: { volumeID } });
const iscsi = (iqn: string): Volume => ({ name: 'd', iscsi: { targetPortal: '127.0.0.1:3260', iqn, lun: 0 } });
const rbd = (image: string): Volume => ({ name: 'd', rbd: { monitors: ['a', 'b'], pool: 'foo', image } });
const DISK = 'node(s) had no available disk';

const DISKS: readonly (readonly [what: string, mine: Volume, theirs: Volume | null, said: string])[] = [
  ['a disk that nobody has', pd(), null, ''],
  ['GCE: the same disk', pd(), pd(), DISK],
  ['GCE: both only read', pd(true), pd(true), ''],
  ['EBS: the same disk', ebs('foo'), ebs('foo'), DISK],
  ['EBS: another', ebs('bar'), ebs('foo'), ''],
  ['iSCSI: the same target', iscsi('foo'), iscsi('foo'), DISK],
  ['iSCSI: another', iscsi('bar'), iscsi('foo'), ''],
  ['RBD: the same image', rbd('bar'), rbd('bar'), DISK],
  ['RBD: another', rbd('baz'), rbd('bar'), ''],
];

describe('VolumeBinding', () => {
  it(`PreFilter and Filter: ${BINDING.length} cases of upstream's TestVolumeBinding`, () => {
    for (const [what, pod, world, nodes, said] of BINDING) {
      expect([what, ask(volumeBinding(objectsOf(world), {} as Client), pod, nodes)]).toEqual([what, said]);
    }
  });

  it('a class with a provisioner makes what is not there', () => {
    expect(ask(volumeBinding(objectsOf({ claims: [claim('pvc-a', 'made-sc')] }), {} as Client), podWith('pvc-a'), [nodeOf('node-a')])).toEqual(['']);
  });
});

describe('VolumeZone', () => {
  const said = (labels: Labels, node: Labels): unknown => {
    const bare: PersistentVolume = { ...volume('v', ''), metadata: { name: 'v', labels } };
    const info = new NodeInfo('host1');
    info.setNode({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'host1', labels: node }, spec: {}, status: {} });
    const world = { claims: [claim('c', undefined, 'v')], volumes: [bare] };
    return ask(volumeZone(objectsOf(world)), podWith('c'), [info]);
  };

  it(`one zone: ${ZONES.length + 1} cases of upstream's TestSingleZone`, () => {
    expect(ask(volumeZone(objectsOf({})), podWith(), [nodeOf('host1')])).toBe('skip');
    for (const [labels, node, wanted] of ZONES) expect([labels, node, said(labels, node)]).toEqual([labels, node, [wanted]]);
  });

  it(`several zones: ${SEVERAL_ZONES.length} cases of upstream's TestMultiZone`, () => {
    for (const [labels, node, wanted] of SEVERAL_ZONES) expect([labels, node, said(labels, node)]).toEqual([labels, node, [wanted]]);
  });

  it(`unbound claims: ${ZONE_CLAIMS.length} cases of upstream's TestWithBinding`, () => {
    for (const [wanted, text] of ZONE_CLAIMS) {
      const world = { claims: [wanted], classes: [...CLASSES, storageClass('unset')] };
      expect(ask(volumeZone(objectsOf(world)), podWith('c'), [nodeOf('host1')])).toBe(text);
    }
  });
});

describe('VolumeRestrictions', () => {
  it(`disks on one node: ${DISKS.length} cases of upstream's TestGCEDiskConflicts, TestAWSDiskConflicts, TestISCSIDiskConflicts and TestRBDDiskConflicts`, () => {
    for (const [what, mine, theirs, said] of DISKS) {
      const node = nodeOf('n', {}, theirs ? [podOf([theirs])] : []);
      expect([what, ask(volumeRestrictions(objectsOf({})), podOf([mine]), [node])]).toEqual([what, [said]]);
    }
  });

  it("ReadWriteOncePod: 4 cases of upstream's TestAccessModeConflicts", () => {
    const world = { claims: [claim('alone', undefined, 'v', { modes: ['ReadWriteOncePod'] }), claim('many', undefined, 'w', { modes: ['ReadWriteMany'] })] };
    const plugin = volumeRestrictions(objectsOf(world));
    const text = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode';
    expect(ask(plugin, podWith(), [nodeOf('n')])).toBe('skip');
    expect(ask(plugin, podWith('many'), [nodeOf('n', {}, [podWith('many')])])).toBe('skip');
    expect(ask(plugin, podWith('alone'), [nodeOf('n', {}, [podWith('many')])])).toEqual(['']);
    expect(ask(plugin, podWith('alone'), [nodeOf('n'), nodeOf('m', {}, [podWith('alone')])])).toEqual([text, text]);
  });
});

it('NodeVolumeLimits counts what a node has of a driver: volumes that it has already are free', () => {
  const disk = (name: string): PersistentVolume => ({ ...volume(name, 'made-sc'), spec: { csi: { driver: 'example.com/made', volumeHandle: name } } });
  const world = { claims: ['a', 'b', 'c'].map((name) => claim(name, 'made-sc', `v-${name}`)), volumes: ['v-a', 'v-b', 'v-c'].map(disk), limits: { 'example.com/made': 2 } };
  const node = nodeOf('n', {}, [podWith('a'), podWith('b')]);
  const plugin = nodeVolumeLimits(objectsOf(world));
  expect(ask(plugin, podWith('b'), [node])).toEqual(['']);
  expect(ask(plugin, podWith('c'), [node])).toEqual(['node(s) exceed max volume count']);
  expect(ask(plugin, podWith('c'), [nodeOf('m', {}, [podWith('a')])])).toEqual(['']);
});
