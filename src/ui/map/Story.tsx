// While the clock runs: the messages of each batch as brief tokens on a canvas, no more than one can look at.

import { useEffect, useRef } from 'react';
import type { StoryRecord } from '../../session/protocol.ts';
import { usePlayerApi } from '../session/context.ts';
import { useScene } from '../scene/hooks.ts';
import { useUi } from '../state/ui.ts';
import { useLayout } from './context.ts';
import type { Point } from './layout.ts';
import { pathData, pointAlong, routeBetween } from './places.ts';
import { useViewport } from './viewport.ts';

const MOST = 24;
/** Of the cluster's own chatter, only so much at once that the map stays calm. */
const MOST_CHATTER = 7;
const LIFE = 700;

interface Token {
  readonly points: readonly Point[];
  readonly path: Path2D;
  readonly colour: string;
  readonly own: boolean;
  readonly born: number;
}

export function Story() {
  const player = usePlayerApi();
  const layout = useLayout();
  const scene = useScene();
  const viewport = useViewport();
  const still = useUi((s) => s.reducedMotion);
  const look = useUi((s) => `${s.theme} ${s.palette}`);
  const ref = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return;
    const style = getComputedStyle(canvas);
    const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim() || 'gray';
    let tokens: Token[] = [];
    let frame = 0;
    const draw = (now: number): void => {
      tokens = tokens.filter((token) => now - token.born < LIFE);
      const { x, y, zoom, width, height } = viewport.view;
      const ratio = devicePixelRatio;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
      }
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.setTransform(zoom * ratio, 0, 0, zoom * ratio, x * ratio, y * ratio);
      for (const token of tokens) {
        const share = Math.max(0, now - token.born) / LIFE;
        const p = pointAlong(token.points, still ? 1 : share);
        context.globalAlpha = 0.8 * (1 - share * 0.6);
        context.strokeStyle = context.fillStyle = token.colour;
        context.lineWidth = 2;
        if (token.own) context.stroke(token.path);
        if (still) continue;
        context.globalAlpha = token.own ? 1 : 0.45;
        context.beginPath();
        context.arc(p.x, p.y, token.own ? 5 : 3, 0, Math.PI * 2);
        context.fill();
      }
      context.globalAlpha = 1;
      frame = tokens.length > 0 ? requestAnimationFrame(draw) : 0;
    };
    const stop = player.listen((story: readonly StoryRecord[]): void => {
      const room = MOST - tokens.length;
      if (room <= 0) return;
      // What a person caused goes first; the cluster's own chatter takes the room that is left.
      const chatter = Math.max(0, MOST_CHATTER - tokens.filter((token) => !token.own).length);
      const chosen = [...story.filter((r) => r.flow !== 0), ...story.filter((r) => r.flow === 0).slice(0, chatter)].slice(0, room);
      const born = performance.now();
      for (const record of chosen) {
        const route = routeBetween(layout, (id) => scene.slots.slotOf(id), record.from, record.to);
        if (route.points.length < 2) continue;
        const own = record.flow !== 0;
        tokens.push({ points: route.points, path: new Path2D(pathData(route.points)), colour: colour(own ? record.phase : 'ink-3'), own, born });
      }
      if (frame === 0 && tokens.length > 0) frame = requestAnimationFrame(draw);
    });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [player, layout, scene, viewport, still, look]);

  return <canvas ref={ref} className="story" aria-hidden="true" />;
}
