// The current step on the map: its path, the token on it, and the caption at its end. `drawMover` is a pure function
// of simulated time; the wall clock only chooses which instant between start and end is drawn next.

import { useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import { useT } from '../i18n/i18n.ts';
import { useScene } from '../scene/hooks.ts';
import type { SceneModel } from '../scene/model.ts';
import { type Cue, usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { useTell } from '../story/useTell.ts';
import { placeCaption } from './caption.ts';
import { useLayout, useLitStore } from './context.ts';
import { anchor, type MapLayout, type Point, type Rect, slotRect } from './layout.ts';
import { pathData, pointAlong, routeBetween, type Route } from './places.ts';
import { OnMap, useViewport } from './viewport.ts';

/** How long the token takes along its path, whatever the distance in simulated time: milliseconds. */
const TRAVEL = 800;

/** Where the token of a message stands at an instant of the simulation. */
export function drawMover(points: readonly Point[], start: number, end: number, time: number): Point {
  const share = end > start ? (time - start) / (end - start) : time >= end ? 1 : 0;
  return pointAlong(points, share);
}

/** Where the Pod that the step is about stands, so that the caption leaves it in sight. */
function subjectRect(layout: MapLayout, scene: SceneModel, cue: Cue): Rect | null {
  const row = scene.get(objectKey(cue));
  const slot = row?.type === 'pod' ? scene.slots.slotOf(row.id) : undefined;
  const machine = row?.type === 'pod' ? layout.byName.get(row.machine) : undefined;
  return machine && slot !== undefined ? slotRect(machine, slot) : null;
}

const objectKey = (cue: Cue): string => {
  const s = cue.record.subject;
  return s && s.name !== '' ? `object/${s.resource}${s.group === '' ? '' : `.${s.group}`}/${s.namespace}/${s.name}` : '';
};

export function Mover() {
  const cue = usePlayer((s) => s.cue);
  const layout = useLayout();
  const scene = useScene();
  // A phase is no single message: its caption stands on the network line and nothing is dimmed.
  const phase = useUi((s) => s.level === 'phase');
  const route = useMemo((): Route | null => {
    if (!cue) return null;
    if (!phase) return routeBetween(layout, (id) => scene.slots.slotOf(id), cue.record.from, cue.record.to);
    const line = { key: 'network', rect: layout.line, machine: '' };
    return { points: [], from: line, to: line, lit: [] };
  }, [cue, layout, scene, phase]);
  useKeepInSight(phase ? null : route);
  useEffect(() => {
    useLitStore.setState({ keys: new Set(cue && route && !phase ? [...route.lit, `frame/${route.from.machine}`, `frame/${route.to.machine}`, objectKey(cue)] : []) });
    return () => useLitStore.setState({ keys: new Set() });
  }, [cue, route, phase]);
  if (!cue || !route) return null;
  return (
    <>
      {!phase && <Path key={cue.turn} cue={cue} route={route} />}
      <Caption cue={cue} route={route} />
    </>
  );
}

/** Shows the whole map again when the message would arrive where the person cannot see it. */
function useKeepInSight(route: Route | null): void {
  const viewport = useViewport();
  const layout = useLayout();
  useEffect(() => {
    if (!route) return;
    const { zoom, width, height, ...origin } = viewport.view;
    const p = anchor(route.to.rect);
    const x = p.x * zoom + origin.x;
    const y = p.y * zoom + origin.y;
    if (x >= 0 && y >= 0 && x <= width && y <= height) return;
    viewport.fit(layout.bounds, 0.012);
  }, [route, viewport, layout]);
}

function Path({ cue, route }: { readonly cue: Cue; readonly route: Route }) {
  const still = useUi((s) => s.reducedMotion) || cue.settled;
  const token = useRef<SVGGElement>(null);
  const trail = useRef<SVGPathElement>(null);
  const { points } = route;
  const phase = cue.record.phase;
  const local = points.length === 1;

  useLayoutEffect(() => {
    const { start, end } = cue.record;
    // A step without a length in time still needs to be seen moving: it is drawn over one unit.
    const until = end > start ? end : start + 1;
    const length = trail.current?.getTotalLength() ?? 0;
    const draw = (time: number): void => {
      const share = (time - start) / (until - start);
      const p = drawMover(points, start, until, time);
      token.current?.setAttribute('transform', `translate(${p.x} ${p.y})`);
      token.current?.style.setProperty('--share', String(Math.min(1, share)));
      if (trail.current) trail.current.style.strokeDashoffset = String(length * (1 - Math.min(1, share)));
    };
    if (trail.current) trail.current.style.strokeDasharray = String(length || 1);
    if (still) {
      draw(until);
      return;
    }
    const born = performance.now();
    let frame = 0;
    const tick = (now: number): void => {
      const share = Math.min(1, Math.max(0, now - born) / TRAVEL);
      draw(start + (until - start) * ease(share));
      if (share < 1) frame = requestAnimationFrame(tick);
    };
    draw(start);
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [cue, points, still]);

  const { from, to } = route;
  return (
    <OnMap>
      <svg className={`mover phase-${phase}`} aria-hidden="true" data-testid="mover">
        <Frame rect={to.rect} strong />
        {!local && <Frame rect={from.rect} strong={false} />}
        {!local && <path className="mover-way" d={pathData(points)} />}
        {!local && <path className="mover-trail" d={pathData(points)} ref={trail} />}
        <g ref={token} className={local ? 'token token-local' : 'token'}>
          <circle className="token-ring" r={local ? 11 : 9} />
          <circle className="token-core" r={5} />
        </g>
      </svg>
    </OnMap>
  );
}

const ease = (x: number): number => (x < 0.5 ? 2 * x * x : 1 - (-2 * x + 2) ** 2 / 2);

function Frame({ rect, strong }: { readonly rect: Rect; readonly strong: boolean }) {
  return <rect className={strong ? 'mover-frame strong' : 'mover-frame'} x={rect.x - 3} y={rect.y - 3} width={rect.w + 6} height={rect.h + 6} rx="6" />;
}

/** The sentence, in screen pixels so that it stays readable at any zoom. */
function Caption({ cue, route }: { readonly cue: Cue; readonly route: Route }) {
  const t = useT();
  const language = useUi((s) => s.language);
  const tell = useTell();
  const showPayload = useUi((s) => s.showPayload);
  const presenter = useUi((s) => s.presenter);
  const viewport = useViewport();
  const layout = useLayout();
  const scene = useScene();
  const ref = useRef<HTMLButtonElement>(null);

  useLayoutEffect(() => {
    const place = (): void => {
      const box = ref.current;
      if (!box) return;
      const { x, y, zoom, width, height } = viewport.view;
      const toScreen = (r: Rect): Rect => ({ x: r.x * zoom + x, y: r.y * zoom + y, w: r.w * zoom, h: r.h * zoom });
      const to = toScreen(route.to.rect);
      const size = { w: box.offsetWidth, h: box.offsetHeight };
      const subject = subjectRect(layout, scene, cue);
      const avoid = [to, toScreen(route.from.rect), ...(subject ? [toScreen(subject)] : [])];
      const spot = placeCaption({ w: width, h: height }, size, to, avoid);
      box.style.transform = `translate(${Math.round(spot.x)}px, ${Math.round(spot.y)}px)`;
    };
    place();
    return viewport.subscribe(place);
  }, [viewport, layout, scene, route, cue, language, presenter]);

  const { record } = cue;
  return (
    <button
      ref={ref}
      type="button"
      className={`caption phase-${record.phase}`}
      title={t('map.payload')}
      data-testid="caption"
      onClick={() => showPayload(record.id)}
    >
      <span className="caption-head">
        <span className="caption-phase">{t(`phases.${record.phase}`)}</span>
        <span>
          {cue.index}/{cue.total}
        </span>
      </span>
      <span className="caption-text">{tell(record)}</span>
    </button>
  );
}
