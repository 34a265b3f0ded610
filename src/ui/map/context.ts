// What the parts of the map share: the layout, the coarse zoom level and what is lit.

import { createContext, useContext } from 'react';
import { create } from 'zustand';
import type { MapLayout } from './layout.ts';

/** far: Pods are marks. cards: Pods show name and status. near: Pods show what is inside them. */
export type ZoomLevel = 'far' | 'cards' | 'near';

/** The level for a zoom factor, with a little reluctance to change so that it does not flicker at the border. */
export function zoomLevel(zoom: number, before: ZoomLevel): ZoomLevel {
  const near = before === 'near' ? 1.65 : 1.8;
  const cards = before === 'far' ? 0.55 : 0.5;
  return zoom >= near ? 'near' : zoom >= cards ? 'cards' : 'far';
}

export const ZoomContext = createContext<ZoomLevel>('cards');
export const useZoom = (): ZoomLevel => useContext(ZoomContext);

interface Lit {
  /** Keys of the elements on the mover's path; empty = nothing is being followed. */
  readonly keys: ReadonlySet<string>;
}

export const useLitStore = create<Lit>()(() => ({ keys: new Set() }));

/** `lit`, `dim`, or '' while nothing is being followed. */
export const useLit = (key: string): '' | 'lit' | 'dim' => useLitStore((s) => (s.keys.size === 0 ? '' : s.keys.has(key) ? 'lit' : 'dim'));

/** Whether one of several elements is lit, which keeps the frame around them readable. */
export const useLitAny = (has: (key: string) => boolean): '' | 'lit' | 'dim' =>
  useLitStore((s) => {
    if (s.keys.size === 0) return '';
    for (const key of s.keys) if (has(key)) return 'lit';
    return 'dim';
  });

export const LayoutContext = createContext<MapLayout | null>(null);

export function useLayout(): MapLayout {
  const layout = useContext(LayoutContext);
  if (!layout) throw new Error('no layout around this component');
  return layout;
}
