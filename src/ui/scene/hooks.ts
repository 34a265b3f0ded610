// React's view of the scene: a component reads rows by id or ids by group and re-renders alone.

import { createContext, useCallback, useContext, useSyncExternalStore } from 'react';
import type { Row } from '../../session/protocol.ts';
import type { SceneModel } from './model.ts';

const SceneContext = createContext<SceneModel | null>(null);
export const SceneProvider = SceneContext.Provider;

export function useScene(): SceneModel {
  const scene = useContext(SceneContext);
  if (!scene) throw new Error('no scene around this component');
  return scene;
}

type RowOf<T extends Row['type']> = Extract<Row, { type: T }>;

/** The row with this id if it is of that type, and again after each change. */
export function useRow<T extends Row['type']>(id: string, type: T): RowOf<T> | undefined {
  const scene = useScene();
  const subscribe = useCallback((listener: () => void) => scene.subscribe(id, listener), [scene, id]);
  const row = useSyncExternalStore(subscribe, () => scene.get(id));
  return row?.type === type ? (row as RowOf<T>) : undefined;
}

/** The ids of a group, and again after each change of its membership. */
export function useIds(group: string): readonly string[] {
  const scene = useScene();
  const subscribe = useCallback((listener: () => void) => scene.subscribe(group, listener), [scene, group]);
  return useSyncExternalStore(subscribe, () => scene.list(group));
}
