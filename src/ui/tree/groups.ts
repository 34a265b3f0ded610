// The list of objects as a tree of namespaces and kinds. A pure function of rows.

import { isSystem, isSystemNamespace } from '../map/strip.ts';
import type { MachineRow, ObjectRow, PodRow } from '../../session/protocol.ts';

export type Listed = MachineRow | ObjectRow | PodRow;

export interface KindGroup {
  readonly key: string;
  readonly kind: string;
  readonly rows: readonly Listed[];
}

export interface NamespaceGroup {
  readonly key: string;
  /** '' for what belongs to no namespace. */
  readonly namespace: string;
  readonly system: boolean;
  readonly kinds: readonly KindGroup[];
  readonly count: number;
}


/** Kinds that a learner looks for come first; the others follow by name. */
const FIRST = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob', 'Pod', 'Service', 'EndpointSlice', 'ConfigMap', 'Secret', 'PersistentVolumeClaim', 'PersistentVolume', 'StorageClass', 'Node', 'Namespace'];

/** Old words for the same things, so that a search for them finds what they are called now. */
const ALIASES: Readonly<Record<string, string>> = { master: 'control-plane', minion: 'worker', rc: 'replicationcontroller', svc: 'service', deploy: 'deployment', ns: 'namespace', ds: 'daemonset', sts: 'statefulset', cm: 'configmap', rs: 'replicaset', po: 'pod', pvc: 'persistentvolumeclaim', pv: 'persistentvolume', sc: 'storageclass', hpa: 'horizontalpodautoscaler', pdb: 'poddisruptionbudget', cj: 'cronjob' };

const rank = (kind: string): number => {
  const i = FIRST.indexOf(kind);
  return i < 0 ? FIRST.length : i;
};

const kindOf = (row: Listed): string => (row.type === 'pod' ? 'Pod' : row.type === 'machine' ? 'Machine' : row.kind);

export function matches(row: Listed, query: string): boolean {
  if (query === '') return true;
  const where = row.type === 'machine' ? '' : row.namespace;
  const text = `${kindOf(row)} ${where}/${row.name}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word) || text.includes(ALIASES[word] ?? word));
}

/** What the cluster made by itself and a learner did not ask for. */
const broughtAlong = (row: ObjectRow | PodRow): boolean => row.namespace === '' || isSystem(row);

export function groupRows(rows: readonly (ObjectRow | PodRow)[], query: string, withSystem: boolean): readonly NamespaceGroup[] {
  const spaces = new Map<string, Map<string, Listed[]>>();
  for (const row of rows) {
    if (query === '' ? !withSystem && broughtAlong(row) : !matches(row, query)) continue;
    let kinds = spaces.get(row.namespace);
    if (!kinds) spaces.set(row.namespace, (kinds = new Map()));
    const kind = kindOf(row);
    const list = kinds.get(kind);
    if (list) list.push(row);
    else kinds.set(kind, [row]);
  }
  return [...spaces]
    .map(([namespace, kinds]): NamespaceGroup => {
      const groups = [...kinds]
        .map(([kind, list]): KindGroup => ({ key: `${namespace}/${kind}`, kind, rows: list.toSorted(byName) }))
        .toSorted((a, b) => rank(a.kind) - rank(b.kind) || (a.kind < b.kind ? -1 : 1));
      return {
        key: `ns/${namespace}`,
        namespace,
        system: isSystemNamespace(namespace) || namespace === '',
        kinds: groups,
        count: groups.reduce((n, g) => n + g.rows.length, 0),
      };
    })
    .toSorted((a, b) => Number(a.system) - Number(b.system) || Number(a.namespace === '') - Number(b.namespace === '') || (a.namespace < b.namespace ? -1 : 1));
}

const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
