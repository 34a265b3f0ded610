// What parts of the map need of React Flow: where the map stands under its window, and a way to put something on it.

import { useReactFlow, useStoreApi, ViewportPortal } from '@xyflow/react';
import { useMemo } from 'react';
import type { Rect } from './layout.ts';

export interface View {
  /** Screen = map × zoom + (x, y). */
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  /** Of the window, in pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Viewport {
  readonly view: View;
  /** Calls the listener when the map is moved or the window gets another size; returns how to stop. */
  subscribe(listener: () => void): () => void;
  /** Shows a part of the map, with `padding` as a share of the window around it. */
  fit(part: Rect, padding: number): void;
}

/** Puts something on the map, in its coordinates. */
export const OnMap = ViewportPortal;

export function useViewport(): Viewport {
  const store = useStoreApi();
  const { fitBounds } = useReactFlow();
  return useMemo(
    () => ({
      get view() {
        const { transform, width, height } = store.getState();
        const [x, y, zoom] = transform;
        return { x, y, zoom, width, height };
      },
      subscribe: (listener) =>
        store.subscribe((state, before) => {
          if (state.transform !== before.transform || state.width !== before.width || state.height !== before.height) listener();
        }),
      fit: (part, padding) => void fitBounds({ x: part.x, y: part.y, width: part.w, height: part.h }, { padding }),
    }),
    [store, fitBounds],
  );
}
