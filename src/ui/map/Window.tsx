// The window onto the map: a layer in map coordinates that the person drags and magnifies, and what stands still above it.

import { createContext, type CSSProperties, type ReactNode, useContext, useLayoutEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import type { Rect } from './layout.ts';
import type { Viewport } from './viewport.ts';

const ViewportContext = createContext<Viewport | null>(null);
const LayerContext = createContext<HTMLElement | null>(null);

export function useViewport(): Viewport {
  const viewport = useContext(ViewportContext);
  if (!viewport) throw new Error('no map around this component');
  return viewport;
}

interface Props {
  readonly viewport: Viewport;
  /** What lies on the map. */
  readonly map: ReactNode;
  /** What stands above it in the window, or is put on it by `OnMap`. */
  readonly children: ReactNode;
}

export function Window({ viewport, map, children }: Props) {
  const pane = useRef<HTMLDivElement>(null);
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  useLayoutEffect(() => (pane.current && layer ? viewport.attach(pane.current, layer) : undefined), [viewport, layer]);
  return (
    <ViewportContext value={viewport}>
      <div ref={pane} className="map-window">
        <div ref={setLayer} className="map-layer">
          {map}
        </div>
      </div>
      <LayerContext value={layer}>{children}</LayerContext>
    </ViewportContext>
  );
}

/** A place on the map. */
export function Spot({ rect, above, children }: { readonly rect: Rect; readonly above: boolean; readonly children: ReactNode }) {
  const style: CSSProperties = { transform: `translate(${rect.x}px, ${rect.y}px)`, width: rect.w, height: rect.h, zIndex: above ? 1 : 0 };
  return (
    <div className="map-spot" style={style}>
      {children}
    </div>
  );
}

/** Puts something on the map, in its coordinates. */
export function OnMap({ children }: { readonly children: ReactNode }) {
  const layer = useContext(LayerContext);
  return layer && createPortal(children, layer);
}
