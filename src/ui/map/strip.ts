// What stands in the strip of desired state: owners with what they own below them, then Services; and the Pods that
// have no machine yet. A pure function of rows.

import type { ObjectRow, PodRow } from '../../session/protocol.ts';
import type { Rect } from './layout.ts';

const SHOWN: ReadonlySet<string> = new Set([
  'deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'jobs.batch', 'cronjobs.batch', 'replicationcontrollers', 'services', 'horizontalpodautoscalers.autoscaling',
  'persistentvolumeclaims',
]);
const SYSTEM: ReadonlySet<string> = new Set(['kube-system', 'kube-flannel', 'kube-public', 'kube-node-lease']);

export const isSystemNamespace = (namespace: string): boolean => SYSTEM.has(namespace);

export const STRIP_TITLE = 26;
export const STRIP_ROW = 22;
const WAITING = 26;

/** True for what the cluster itself brought along. */
export function isSystem(row: ObjectRow | PodRow): boolean {
  if (isSystemNamespace(row.namespace)) return true;
  if (row.type === 'pod') return false;
  if (row.namespace === 'default' && row.name === 'kubernetes') return true;
  return (row.kind === 'ConfigMap' && row.name === 'kube-root-ca.crt') || (row.kind === 'ServiceAccount' && row.name === 'default');
}

export const belongsInStrip = (row: ObjectRow): boolean => SHOWN.has(row.resource);

export interface StripEntry {
  readonly id: string;
  readonly depth: number;
  readonly rect: Rect;
}

export interface Strip {
  readonly entries: readonly StripEntry[];
  readonly byId: ReadonlyMap<string, Rect>;
  /** How many more there are than fit. */
  readonly more: number;
  readonly waiting: Rect;
}

/** `objects` are the rows to show, already filtered; `area` is the whole strip in world units. */
export function layoutStrip(objects: readonly ObjectRow[], area: Rect): Strip {
  const ordered = inOrder(objects);
  const room = Math.max(1, Math.floor((area.h - STRIP_TITLE - WAITING - 4) / STRIP_ROW));
  const fit = ordered.length <= room ? ordered : ordered.slice(0, room - 1);
  const entries = fit.map(({ row, depth }, i) => ({
    id: row.id,
    depth,
    rect: { x: area.x + 8 + depth * 14, y: area.y + STRIP_TITLE + i * STRIP_ROW, w: area.w - 16 - depth * 14, h: STRIP_ROW - 3 },
  }));
  return {
    entries,
    byId: new Map(entries.map((e) => [e.id, e.rect])),
    more: ordered.length - fit.length,
    waiting: { x: area.x + 8, y: area.y + area.h - WAITING, w: area.w - 16, h: WAITING - 4 },
  };
}

function inOrder(objects: readonly ObjectRow[]): { row: ObjectRow; depth: number }[] {
  const sorted = objects.toSorted(
    (a, b) => Number(a.kind === 'Service') - Number(b.kind === 'Service') || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
  );
  const present = new Set(sorted.map((row) => `${row.namespace} ${row.kind}/${row.name}`));
  const children = new Map<string, ObjectRow[]>();
  const roots: ObjectRow[] = [];
  for (const row of sorted) {
    const owner = `${row.namespace} ${row.owner}`;
    if (row.owner !== '' && present.has(owner)) children.set(owner, [...(children.get(owner) ?? []), row]);
    else roots.push(row);
  }
  const result: { row: ObjectRow; depth: number }[] = [];
  const visit = (row: ObjectRow, depth: number): void => {
    result.push({ row, depth });
    if (depth < 4) for (const child of children.get(`${row.namespace} ${row.kind}/${row.name}`) ?? []) visit(child, depth + 1);
  };
  for (const row of roots) visit(row, 0);
  return result;
}
