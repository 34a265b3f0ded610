// The packet on the map: the whole way faint, what it has travelled drawn, the hop that is looked at with its caption. The rest steps back.

import { useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import type { PacketAnswer } from '../../session/protocol.ts';
import { placeCaption } from '../map/caption.ts';
import { useLayout, useLitStore } from '../map/context.ts';
import { anchor, type MapLayout, type Point, type Rect } from '../map/layout.ts';
import { lengthOf, pathData, pointAlong, resolvePlace, routeBetween, type SlotOf } from '../map/places.ts';
import { OnMap, useViewport } from '../map/viewport.ts';
import { useScene } from '../scene/hooks.ts';
import { useUi } from '../state/ui.ts';
import '../styles/packet.css';
import type { Words } from './en.ts';
import { type PacketStep, sameStretch, stepsOf } from './steps.ts';
import { usePacket } from './store.ts';
import { useWords } from './useWords.ts';
import { senderText, stepText } from './words.ts';

/** How long the token takes over one hop: milliseconds. */
const TRAVEL = 700;

interface Drawn {
  readonly points: readonly Point[];
  readonly lit: readonly string[];
  readonly to: Rect;
  readonly from: Rect;
}

/** True for a device of a machine that stands for the machine as a whole. */
const isHidden = (layout: MapLayout, slotOf: SlotOf, place: string): boolean => place.split('/').length === 3 && resolvePlace(layout, slotOf, place).key === place.slice(0, place.lastIndexOf('/'));

/** The path of one step: from where the one before ended, through its own places. */
function drawStep(layout: MapLayout, slotOf: SlotOf, before: PacketStep | undefined, step: PacketStep): Drawn | null {
  // A device that the map does not draw is passed in silence, where something else of the step is drawn.
  const shownOf = (s: PacketStep): readonly string[] => {
    const drawn = s.places.filter((place) => !isHidden(layout, slotOf, place));
    return drawn.length > 0 ? drawn : s.places;
  };
  const start = before !== undefined && sameStretch(before, step) ? shownOf(before).at(-1) : undefined;
  const places = start === undefined ? shownOf(step) : [start, ...shownOf(step)];
  const [first] = places;
  if (first === undefined) return null;
  const origin = resolvePlace(layout, slotOf, first);
  const points: Point[] = [anchor(origin.rect)];
  const lit = new Set<string>([origin.key, `frame/${origin.machine}`]);
  let to = origin;
  for (const [i, place] of places.slice(1).entries()) {
    const route = routeBetween(layout, slotOf, places[i] as string, place);
    points.push(...route.points.slice(1));
    for (const key of route.lit) lit.add(key);
    lit.add(`frame/${route.to.machine}`);
    to = route.to;
  }
  return { points, lit: [...lit], to: to.rect, from: origin.rect };
}

export function PacketPath() {
  const answer = usePacket((s) => s.answer);
  return answer === null ? null : <Way answer={answer} />;
}

function Way({ answer }: { readonly answer: PacketAnswer }) {
  const { step: at, turn, settled } = usePacket();
  const layout = useLayout();
  const scene = useScene();
  const w = useWords();
  const steps = useMemo(() => stepsOf(answer), [answer]);
  const step = steps[at];
  const drawn = useMemo(() => {
    const slotOf: SlotOf = (id) => scene.slots.slotOf(id);
    if (step === undefined) return null;
    const stretch = steps.flatMap((other, i) => {
      const d = sameStretch(other, step) ? drawStep(layout, slotOf, steps[i - 1], other) : null;
      return d === null ? [] : [{ i, d }];
    });
    return { stretch, now: stretch.find(({ i }) => i === at)?.d ?? null };
  }, [steps, step, at, layout, scene]);
  const now = drawn?.now ?? null;
  useKeepInSight(now?.to ?? null);
  useEffect(() => {
    useLitStore.setState({ keys: new Set(drawn?.stretch.flatMap(({ i, d }) => (i <= at ? d.lit : [])) ?? []) });
    return () => useLitStore.setState({ keys: new Set() });
  }, [drawn, at]);
  if (step === undefined || drawn === null) return null;
  const lost = step.kind === 'dns' ? step.dns.way?.delivered === false : step.hop.lost;
  return (
    <>
      <OnMap>
        <svg className={`mover packet-way way-${step.kind}`} aria-hidden="true" data-testid="packet-way">
          {drawn.stretch.map(({ i, d }) => (
            <path key={i} className={i < at ? 'packet-travelled' : 'mover-way'} d={pathData(d.points)} />
          ))}
          {now && <Token key={turn} now={now} settled={settled} lost={lost} />}
        </svg>
      </OnMap>
      {now && <Caption now={now} step={step} k={at + 1} n={steps.length} sender={senderText(w, answer)} avoid={drawn.stretch.flatMap(({ d }) => [d.from, d.to])} w={w} />}
    </>
  );
}

function Token({ now, settled, lost }: { readonly now: Drawn; readonly settled: boolean; readonly lost: boolean }) {
  const still = useUi((s) => s.reducedMotion) || settled;
  const token = useRef<SVGGElement>(null);
  const trail = useRef<SVGPathElement>(null);
  const { points, to } = now;
  useLayoutEffect(() => {
    const length = trail.current?.getTotalLength() ?? lengthOf(points);
    if (trail.current) trail.current.style.strokeDasharray = String(length || 1);
    const draw = (share: number): void => {
      const p = pointAlong(points, share);
      token.current?.setAttribute('transform', `translate(${p.x} ${p.y})`);
      if (trail.current) trail.current.style.strokeDashoffset = String(length * (1 - share));
    };
    if (still) {
      draw(1);
      return;
    }
    const born = performance.now();
    let frame = 0;
    const tick = (time: number): void => {
      const share = Math.min(1, Math.max(0, time - born) / TRAVEL);
      draw(share < 0.5 ? 2 * share * share : 1 - (-2 * share + 2) ** 2 / 2);
      if (share < 1) frame = requestAnimationFrame(tick);
    };
    draw(0);
    frame = requestAnimationFrame(tick);
    return () => cancelAnimationFrame(frame);
  }, [points, still]);
  return (
    <>
      <rect className="mover-frame strong" x={to.x - 3} y={to.y - 3} width={to.w + 6} height={to.h + 6} rx="6" />
      {points.length > 1 && <path className="mover-trail" d={pathData(points)} ref={trail} />}
      <g ref={token} className="token">
        <circle className="token-ring" r={9} />
        {lost ? <path className="packet-cross" d="M-4 -4L4 4M4 -4L-4 4" /> : <circle className="token-core" r={5} />}
      </g>
    </>
  );
}

/** Shows the whole map again when the hop would be where the person cannot see it. */
function useKeepInSight(to: Rect | null): void {
  const viewport = useViewport();
  const layout = useLayout();
  useEffect(() => {
    if (to === null) return;
    const { zoom, width, height, ...origin } = viewport.view;
    const p = anchor(to);
    const x = p.x * zoom + origin.x;
    const y = p.y * zoom + origin.y;
    if (x >= 0 && y >= 0 && x <= width && y <= height) return;
    viewport.fit(layout.bounds, 0.012);
  }, [to, viewport, layout]);
}

interface CaptionProps {
  readonly now: Drawn;
  readonly step: PacketStep;
  readonly k: number;
  readonly n: number;
  readonly sender: string;
  /** Other stops, which had better stay in sight. */
  readonly avoid: readonly Rect[];
  readonly w: Words;
}

function Caption({ now, step, k, n, sender, avoid, w }: CaptionProps) {
  const ref = useRef<HTMLDivElement>(null);
  const viewport = useViewport();
  const text = stepText(w, step, sender);
  const presenter = useUi((s) => s.presenter);
  useLayoutEffect(() => {
    const place = (): void => {
      const box = ref.current;
      if (!box) return;
      const { x, y, zoom, width, height } = viewport.view;
      const toScreen = (r: Rect): Rect => ({ x: r.x * zoom + x, y: r.y * zoom + y, w: r.w * zoom, h: r.h * zoom });
      const to = toScreen(now.to);
      const spot = placeCaption({ w: width, h: height }, { w: box.offsetWidth, h: box.offsetHeight }, to, [to, toScreen(now.from), ...avoid.map(toScreen)]);
      box.style.transform = `translate(${Math.round(spot.x)}px, ${Math.round(spot.y)}px)`;
    };
    place();
    return viewport.subscribe(place);
  }, [viewport, now, avoid, text, presenter]);
  return (
    <div ref={ref} className={`caption packet-caption way-${step.kind}`} data-testid="packet-caption">
      <span className="caption-head">
        <span className="caption-phase">{step.kind === 'dns' ? w.dns : w[step.kind]}</span>
        <span>{`${k}/${n}`}</span>
      </span>
      <span className="caption-text">{text}</span>
    </div>
  );
}
