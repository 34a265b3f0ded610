// Facts of upstream's binder_test.go (pkg/controller/volume/persistentvolume): what one sync of a claim or of a volume leaves.

import { expect, it } from 'vitest';
import type { PersistentVolume, PersistentVolumeClaim } from '../api/generated/types.ts';
import { type ApiObject, keyOf } from '../api/meta.ts';
import { notFound } from '../api/status.ts';
import { Simulation, type Op } from '../sim/simulation.ts';
import type { ControllerContext } from './context.ts';
import { VolumeBinder } from './persistentvolume-binder.ts';

/** `c`: bound by the controller, `b`: the binding is complete. */
type Marks = '' | 'c' | 'b' | 'cb';
/** name, size, the claim's uid, the claim's name, phase, marks, class, labels. */
type V = readonly [name: string, size: string, uid: string, claim: string, phase: string, marks?: Marks, className?: string, label?: string];
/** name, uid, size, volume, phase, marks, class, label, size in the status. */
type C = readonly [name: string, uid: string, size: string, volume: string, phase: string, marks?: Marks, className?: string, label?: string, capacity?: string];

interface Case {
  readonly what: string;
  readonly volumes: readonly V[];
  readonly claims: readonly C[];
  /** Afterwards, where they differ. */
  readonly volumesAfter?: readonly V[];
  readonly claimsAfter?: readonly C[];
  readonly events?: readonly string[];
  readonly fails?: boolean;
}

const CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
const COMPLETED = 'pv.kubernetes.io/bind-completed';
const marked = (marks: Marks): object =>
  marks === '' ? {} : { annotations: { ...(marks.includes('c') ? { [CONTROLLER]: 'yes' } : {}), ...(marks.includes('b') ? { [COMPLETED]: 'yes' } : {}) } };

const volumeOf = ([name, size, uid, claim, phase, marks = '', className, label]: V): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, uid: `${name}-uid`, resourceVersion: '1', ...marked(marks), ...(label ? { labels: { foo: label } } : {}) },
  spec: {
    capacity: { storage: size },
    accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
    persistentVolumeReclaimPolicy: 'Retain',
    ...(className === undefined ? {} : { storageClassName: className }),
    ...(claim === '' ? {} : { claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: claim, ...(uid === '' ? {} : { uid }) } }),
  },
  status: { phase },
});

const claimOf = ([name, uid, size, volume, phase, marks = '', className, label, capacity]: C): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', uid, resourceVersion: '1', ...marked(marks) },
  spec: {
    accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
    resources: { requests: { storage: size } },
    ...(volume === '' ? {} : { volumeName: volume }),
    ...(className === undefined ? {} : { storageClassName: className }),
    ...(label ? { selector: { matchLabels: { foo: label } } } : {}),
  },
  status: { phase, ...(phase === 'Bound' ? { capacity: { storage: capacity ?? size } } : {}) },
});

const marksOf = ({ metadata }: ApiObject): Marks => `${metadata.annotations?.[CONTROLLER] ? 'c' : ''}${metadata.annotations?.[COMPLETED] ? 'b' : ''}` as Marks;
const shownVolume = (v: PersistentVolume): readonly string[] => [v.metadata.name, v.spec.claimRef?.uid ?? '', v.spec.claimRef?.name ?? '', v.status.phase ?? '', marksOf(v)];
const shownClaim = (c: PersistentVolumeClaim): readonly string[] => [c.metadata.name, c.spec.volumeName ?? '', c.status.phase ?? '', marksOf(c), c.status.capacity?.['storage'] ?? ''];

class FakeInformer<T extends ApiObject> {
  readonly objects: Map<string, T>;

  constructor(objects: readonly T[]) {
    this.objects = new Map(objects.map((object) => [keyOf(object), object]));
  }

  addHandler(): void {}
  addIndex(): void {}
  index(): readonly T[] {
    return [];
  }
  list(): readonly T[] {
    return [...this.objects.values()];
  }
  getByKey(key: string): T | undefined {
    return this.objects.get(key);
  }
  get(_: string, name: string): T | undefined {
    return this.objects.get(name);
  }
}

/** Runs one sync in a world of its own. */
function run({ volumes, claims }: Case, of: 'claim' | 'volume'): { volumes: readonly unknown[]; claims: readonly unknown[]; events: readonly string[]; failed: boolean } {
  const sim = new Simulation({ seed: 1 });
  const os = { sim, go: () => null, logError: () => undefined };
  const events: string[] = [];
  const persistentvolumes = new FakeInformer<ApiObject>(volumes.map(volumeOf));
  const persistentvolumeclaims = new FakeInformer<ApiObject>(claims.map(claimOf));
  const informers: Readonly<Record<string, FakeInformer<ApiObject>>> = { persistentvolumes, persistentvolumeclaims };
  const nothing = new FakeInformer<ApiObject>([]);
  function* write(resource: string, object: ApiObject, status: boolean): Op<ApiObject> {
    const { objects } = informers[resource] as FakeInformer<ApiObject>;
    const before = objects.get(keyOf(object)) as ApiObject & { status?: unknown };
    const resourceVersion = String(Number(before.metadata.resourceVersion) + 1);
    const next = status ? { ...before, status: (object as { status?: unknown }).status } : { ...object, status: before.status };
    const saved = { ...next, metadata: { ...next.metadata, resourceVersion } };
    objects.set(keyOf(object), saved);
    return saved;
  }
  const client = {
    os,
    update: (resource: string, object: ApiObject) => write(resource, object, false),
    updateStatus: (resource: string, object: ApiObject) => write(resource, object, true),
    *get(resource: string, _: string, name: string): Op<never> {
      throw notFound({ group: '', plural: resource }, name);
    },
  };
  const context = {
    os,
    informers: { informer: (resource: string) => informers[resource] ?? nothing },
    client: () => client,
    recorder: () => ({ event: (_: unknown, type: string, reason: string) => void events.push(`${type} ${reason}`) }),
  } as unknown as ControllerContext;
  const binder = new VolumeBinder(context);
  let failed = false;
  try {
    const sync = of === 'claim' ? binder.syncClaim(`default/${claims[0]?.[0]}`) : binder.syncVolume(volumes[0]?.[0] ?? '');
    expect(sync.next().done).toBe(true);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('invalid binding')) throw error;
    failed = true;
  }
  return {
    volumes: (persistentvolumes.list() as readonly PersistentVolume[]).map(shownVolume),
    claims: (persistentvolumeclaims.list() as readonly PersistentVolumeClaim[]).map(shownClaim),
    events,
    failed,
  };
}

const free = (name: string, size = '1Gi', ...more: readonly string[]): V => [name, size, '', '', 'Available', '', ...more] as unknown as V;
const FAILED = ['Normal FailedBinding'];

const CLAIMS: readonly Case[] = [
  { what: '1-1', volumes: [free('v')], claims: [['c', 'u', '1Gi', '', 'Pending']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
  { what: '1-2', volumes: [free('v')], claims: [['c', 'u', '10Gi', '', 'Pending']], events: FAILED },
  { what: '1-3', volumes: [free('v')], claims: [['c', 'u', '10Gi', '', 'Bound']], claimsAfter: [['c', 'u', '10Gi', '', 'Pending']], events: FAILED },
  {
    what: '1-4',
    volumes: [free('v1', '10Gi'), free('v2')],
    claims: [['c', 'u', '1Gi', '', 'Pending']],
    volumesAfter: [free('v1', '10Gi'), ['v2', '1Gi', 'u', 'c', 'Bound', 'c']],
    claimsAfter: [['c', 'u', '1Gi', 'v2', 'Bound', 'cb']],
  },
  {
    what: '1-5',
    volumes: [['v1', '10Gi', '', 'c', 'Pending'], free('v2')],
    claims: [['c', 'u', '1Gi', '', 'Pending']],
    volumesAfter: [['v1', '10Gi', 'u', 'c', 'Bound'], free('v2')],
    claimsAfter: [['c', 'u', '1Gi', 'v1', 'Bound', 'cb', undefined, undefined, '10Gi']],
  },
  {
    what: '1-6',
    volumes: [['v1', '10Gi', 'u', 'c', 'Pending'], free('v2')],
    claims: [['c', 'u', '1Gi', '', 'Pending']],
    volumesAfter: [['v1', '10Gi', 'u', 'c', 'Bound'], free('v2')],
    claimsAfter: [['c', 'u', '1Gi', 'v1', 'Bound', 'cb', undefined, undefined, '10Gi']],
  },
  { what: '1-7', volumes: [['v', '10Gi', 'other', 'c', 'Pending']], claims: [['c', 'u', '1Gi', '', 'Pending']], events: FAILED },
  { what: '1-8', volumes: [['v', '1Gi', 'u', 'c', 'Pending', 'c']], claims: [['c', 'u', '1Gi', '', 'Pending']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
  { what: '1-9', volumes: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claims: [['c', 'u', '1Gi', '', 'Pending']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
  { what: '1-10', volumes: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claims: [['c', 'u', '1Gi', 'v', 'Pending', 'cb']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
  {
    what: '1-11',
    volumes: [['v', '1Gi', '', '', 'Available', '', undefined, 'true']],
    claims: [['c', 'u', '1Gi', '', 'Pending', '', undefined, 'true']],
    volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']],
    claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']],
  },
  { what: '1-12', volumes: [free('v')], claims: [['c', 'u', '1Gi', '', 'Pending', '', undefined, 'true']], events: FAILED },
  { what: '2-1', volumes: [], claims: [['c', 'u', '10Gi', 'v', 'Pending']] },
  { what: '2-2', volumes: [], claims: [['c', 'u', '10Gi', 'v', 'Bound']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Pending']] },
  { what: '2-3', volumes: [free('v')], claims: [['c', 'u', '1Gi', 'v', 'Pending']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'b']] },
  { what: '2-4', volumes: [['v', '1Gi', '', 'c', 'Pending']], claims: [['c', 'u', '1Gi', 'v', 'Pending']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'b']] },
  { what: '2-5', volumes: [['v', '1Gi', 'u', 'c', 'Pending']], claims: [['c', 'u', '1Gi', 'v', 'Pending']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'b']] },
  { what: '2-6', volumes: [['v', '1Gi', 'x', 'other', 'Bound']], claims: [['c', 'u', '1Gi', 'v', 'Bound']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Pending']], events: ['Warning FailedBinding'] },
  { what: '2-7', volumes: [['v', '1Gi', 'x', 'other', 'Bound']], claims: [['c', 'u', '1Gi', 'v', 'Bound', 'c']], fails: true },
  { what: '2-8', volumes: [free('v')], claims: [['c', 'u', '1Gi', 'v', 'Pending', '', undefined, 'true']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'b']] },
  { what: '3-1', volumes: [], claims: [['c', 'u', '10Gi', '', 'Bound', 'cb']], claimsAfter: [['c', 'u', '10Gi', '', 'Lost', 'cb']], events: ['Warning ClaimLost'] },
  { what: '3-2', volumes: [], claims: [['c', 'u', '10Gi', 'v', 'Bound', 'cb']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Lost', 'cb']], events: ['Warning ClaimLost'] },
  { what: '3-3', volumes: [free('v', '10Gi')], claims: [['c', 'u', '10Gi', 'v', 'Pending', 'cb']], volumesAfter: [['v', '10Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Bound', 'cb']] },
  { what: '3-4', volumes: [['v', '10Gi', 'x', 'c', 'Pending']], claims: [['c', 'u', '10Gi', 'v', 'Pending', 'cb']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Lost', 'cb']], events: ['Warning ClaimMisbound'] },
  { what: '3-5', volumes: [['v', '10Gi', 'u', 'c', 'Pending']], claims: [['c', 'u', '10Gi', 'v', 'Pending', 'b']], volumesAfter: [['v', '10Gi', 'u', 'c', 'Bound']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Bound', 'b']] },
  { what: '3-6', volumes: [['v', '10Gi', 'x', 'other', 'Pending']], claims: [['c', 'u', '10Gi', 'v', 'Pending', 'b']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Lost', 'b']], events: ['Warning ClaimMisbound'] },
  { what: '3-7', volumes: [free('v', '10Gi')], claims: [['c', 'u', '10Gi', 'v', 'Pending', 'cb', undefined, 'true']], volumesAfter: [['v', '10Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '10Gi', 'v', 'Bound', 'cb']] },
  {
    what: '13-1',
    volumes: [free('v1'), free('v2', '10Gi', 'gold')],
    claims: [['c', 'u', '1Gi', '', 'Pending', '', 'gold']],
    volumesAfter: [free('v1'), ['v2', '10Gi', 'u', 'c', 'Bound', 'c']],
    claimsAfter: [['c', 'u', '1Gi', 'v2', 'Bound', 'cb', undefined, undefined, '10Gi']],
  },
  {
    what: '13-2',
    volumes: [free('v1', '1Gi', 'gold'), free('v2', '10Gi')],
    claims: [['c', 'u', '1Gi', '', 'Pending']],
    volumesAfter: [free('v1', '1Gi', 'gold'), ['v2', '10Gi', 'u', 'c', 'Bound', 'c']],
    claimsAfter: [['c', 'u', '1Gi', 'v2', 'Bound', 'cb', undefined, undefined, '10Gi']],
  },
  {
    what: '13-3',
    volumes: [free('v1', '1Gi', 'silver'), free('v2', '10Gi', 'gold')],
    claims: [['c', 'u', '1Gi', '', 'Pending', '', 'gold']],
    volumesAfter: [free('v1', '1Gi', 'silver'), ['v2', '10Gi', 'u', 'c', 'Bound', 'c']],
    claimsAfter: [['c', 'u', '1Gi', 'v2', 'Bound', 'cb', undefined, undefined, '10Gi']],
  },
  { what: '13-4', volumes: [free('v', '1Gi', '')], claims: [['c', 'u', '1Gi', '', 'Pending', '', '']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
  { what: '13-5', volumes: [free('v', '1Gi', '')], claims: [['c', 'u', '1Gi', '', 'Pending']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
  { what: '13-6', volumes: [free('v')], claims: [['c', 'u', '1Gi', '', 'Pending', '', '']], volumesAfter: [['v', '1Gi', 'u', 'c', 'Bound', 'c']], claimsAfter: [['c', 'u', '1Gi', 'v', 'Bound', 'cb']] },
];

const VOLUMES: readonly Case[] = [
  { what: '4-1', volumes: [['v', '10Gi', '', '', 'Pending']], claims: [], volumesAfter: [['v', '10Gi', '', '', 'Available']] },
  { what: '4-2', volumes: [['v', '10Gi', '', 'c', 'Pending']], claims: [], volumesAfter: [['v', '10Gi', '', 'c', 'Available']] },
  { what: '4-3', volumes: [['v', '10Gi', 'u', 'c', 'Bound']], claims: [], volumesAfter: [['v', '10Gi', 'u', 'c', 'Released']] },
  { what: '4-4', volumes: [['v', '10Gi', 'u', 'c', 'Bound']], claims: [['c', 'x', '10Gi', 'v', 'Bound', 'b']], volumesAfter: [['v', '10Gi', 'u', 'c', 'Released']] },
  { what: '4-5, by the controller', volumes: [['v', '10Gi', 'u', 'c', 'Bound', 'c']], claims: [['c', 'u', '10Gi', '', 'Pending']] },
  { what: '4-5, by a person', volumes: [['v', '10Gi', 'u', 'c', 'Bound']], claims: [['c', 'u', '10Gi', '', 'Pending']] },
  { what: '4-6', volumes: [['v', '10Gi', 'u', 'c', 'Available']], claims: [['c', 'u', '10Gi', 'v', 'Bound']], volumesAfter: [['v', '10Gi', 'u', 'c', 'Bound']] },
  { what: '4-7', volumes: [['v', '10Gi', 'u', 'c', 'Bound', 'c']], claims: [['c', 'u', '10Gi', 'other', 'Bound']], volumesAfter: [['v', '10Gi', '', '', 'Available']] },
  { what: '4-8', volumes: [['v', '10Gi', 'u', 'c', 'Bound']], claims: [['c', 'u', '10Gi', 'other', 'Bound']], volumesAfter: [['v', '10Gi', '', 'c', 'Available']] },
];

for (const [of, cases] of [
  ['claim', CLAIMS],
  ['volume', VOLUMES],
] as const) {
  it(`one sync of a ${of}: ${cases.length} cases of upstream's TestSync`, () => {
    for (const one of cases) {
      const wanted = {
        volumes: (one.volumesAfter ?? one.volumes).map((v) => shownVolume(volumeOf(v))),
        claims: (one.claimsAfter ?? one.claims).map((c) => shownClaim(claimOf(c))),
        events: one.events ?? [],
        failed: one.fails ?? false,
      };
      expect([one.what, run(one, of)]).toEqual([one.what, wanted]);
    }
  });
}
