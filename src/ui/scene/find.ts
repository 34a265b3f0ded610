// From `Kind/name` in a namespace to the id of the row that shows it.

import type { SceneModel } from './model.ts';

/** '' when nothing of that name is in the scene. */
export function objectIdFor(scene: SceneModel, reference: string, namespace: string): string {
  const [kind = '', name = ''] = reference.split('/');
  if (kind === 'Pod') return `object/pods/${namespace}/${name}`;
  if (kind === 'Node') return `machine/${name}`;
  for (const id of scene.list('objects')) {
    const row = scene.get(id);
    if (row?.type === 'object' && row.kind === kind && row.name === name && (row.namespace === namespace || row.namespace === '')) return id;
  }
  return '';
}
