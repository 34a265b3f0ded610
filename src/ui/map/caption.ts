// Where the caption goes: at the mover's destination, inside the map, and off the two ends of the path.

import type { Rect } from './layout.ts';

export interface Size {
  readonly w: number;
  readonly h: number;
}

const MARGIN = 10;

const overlap = (a: Rect, b: Rect): number =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));

/** All in screen pixels. `avoid` holds the rectangles that must stay visible, most important first. */
export function placeCaption(view: Size, caption: Size, at: Rect, avoid: readonly Rect[]): { readonly x: number; readonly y: number } {
  const middle = at.x + at.w / 2 - caption.w / 2;
  const level = at.y + at.h / 2 - caption.h / 2;
  const candidates = [
    { x: middle, y: at.y + at.h + MARGIN },
    { x: middle, y: at.y - caption.h - MARGIN },
    { x: at.x + at.w + MARGIN, y: level },
    { x: at.x - caption.w - MARGIN, y: level },
    { x: at.x + at.w + MARGIN, y: at.y + at.h + MARGIN },
    { x: at.x - caption.w - MARGIN, y: at.y + at.h + MARGIN },
    { x: at.x + at.w + MARGIN, y: at.y - caption.h - MARGIN },
    { x: at.x - caption.w - MARGIN, y: at.y - caption.h - MARGIN },
  ];
  let best = candidates[0] as { x: number; y: number };
  let bestCost = Infinity;
  for (const candidate of candidates) {
    const x = Math.max(MARGIN, Math.min(candidate.x, view.w - caption.w - MARGIN));
    const y = Math.max(MARGIN, Math.min(candidate.y, view.h - caption.h - MARGIN));
    const box = { x, y, ...caption };
    const moved = Math.hypot(x - candidate.x, y - candidate.y);
    const cost = moved * 2 + avoid.reduce((sum, rect, i) => sum + overlap(box, rect) / (i === 0 ? 10 : 20), 0);
    if (cost < bestCost - 0.5) {
      bestCost = cost;
      best = { x, y };
    }
  }
  return best;
}
