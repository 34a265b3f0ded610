// Where the map stands under its window, and the gestures that move it: dragging, wheel and pinch. Plain state with listeners; the
// layer is moved without React.

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

export interface ZoomLimits {
  readonly min: number;
  readonly max: number;
}

/** A press that moves less than this is a click: pixels. */
const SLACK = 4;
/** The wheel has stopped when nothing came for this long: milliseconds. */
const WHEEL_PAUSE = 150;

const clamp = (value: number, { min, max }: ZoomLimits): number => Math.min(max, Math.max(min, value));

/** How much one turn of the wheel magnifies; with Ctrl, which is also how a touchpad tells of a pinch, more. */
const magnification = (event: WheelEvent): number =>
  2 ** (-event.deltaY * (event.deltaMode === 1 ? 0.05 : event.deltaMode === 0 ? 0.002 : 1) * (event.ctrlKey ? 10 : 1));

/** The view after magnifying to `zoom`, with the given point of the window staying over its place. */
export function zoomAround(view: View, zoom: number, at: { readonly x: number; readonly y: number }): View {
  const factor = zoom / view.zoom;
  return { ...view, zoom, x: at.x - (at.x - view.x) * factor, y: at.y - (at.y - view.y) * factor };
}

/** The view with a part of the map in the middle, as large as it goes with `padding` as a share of the window around it. */
export function fitted(view: View, part: Rect, padding: number, limits: ZoomLimits): View {
  const room = 1 + padding;
  const zoom = clamp(Math.min(view.width / (part.w * room), view.height / (part.h * room)), limits);
  return { ...view, zoom, x: view.width / 2 - (part.x + part.w / 2) * zoom, y: view.height / 2 - (part.y + part.h / 2) * zoom };
}

export class Viewport {
  #limits: ZoomLimits = { min: 0.4, max: 5 };
  #onGesture: (moving: boolean) => void = () => undefined;
  #view: View = { x: 0, y: 0, zoom: 1, width: 0, height: 0 };
  #layer: HTMLElement | null = null;
  readonly #listeners = new Set<(view: View, before: View) => void>();

  get view(): View {
    return this.#view;
  }

  readonly subscribe = (listener: (view: View, before: View) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** @param onGesture called when a person begins and ends moving the map */
  configure(limits: ZoomLimits, onGesture: (moving: boolean) => void): void {
    this.#limits = limits;
    this.#onGesture = onGesture;
  }

  set(change: Partial<View>): void {
    const before = this.#view;
    this.#view = { ...before, ...change };
    this.#draw();
    for (const listener of this.#listeners) listener(this.#view, before);
  }

  /** Shows a part of the map. */
  fit(part: Rect, padding: number): void {
    if (this.#view.width > 0) this.set(fitted(this.#view, part, padding, this.#limits));
  }

  /** Magnifies around the middle of the window. */
  zoomBy(factor: number): void {
    this.#zoomTo(this.#view.zoom * factor, { x: this.#view.width / 2, y: this.#view.height / 2 });
  }

  #zoomTo(zoom: number, at: { readonly x: number; readonly y: number }): void {
    this.set(zoomAround(this.#view, clamp(zoom, this.#limits), at));
  }

  #draw(): void {
    const { x, y, zoom } = this.#view;
    if (this.#layer) this.#layer.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
  }

  /** Makes `pane` the window and moves `layer` under it; returns how to stop. */
  attach(pane: HTMLElement, layer: HTMLElement): () => void {
    this.#layer = layer;
    const measure = (): void => this.set({ width: pane.clientWidth, height: pane.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(pane);
    const stop = new AbortController();
    const { signal } = stop;
    this.#listenToWheel(pane, signal);
    this.#listenToPointers(pane, signal);
    return () => {
      observer.disconnect();
      stop.abort();
      this.#layer = null;
    };
  }

  #listenToWheel(pane: HTMLElement, signal: AbortSignal): void {
    let pause: ReturnType<typeof setTimeout> | undefined;
    const turned = (event: WheelEvent): void => {
      event.preventDefault();
      if (pause === undefined) this.#onGesture(true);
      clearTimeout(pause);
      pause = setTimeout(() => {
        pause = undefined;
        this.#onGesture(false);
      }, WHEEL_PAUSE);
      const box = pane.getBoundingClientRect();
      this.#zoomTo(this.#view.zoom * magnification(event), { x: event.clientX - box.x, y: event.clientY - box.y });
    };
    pane.addEventListener('wheel', turned, { passive: false, signal });
    signal.addEventListener('abort', () => clearTimeout(pause));
  }

  #listenToPointers(pane: HTMLElement, signal: AbortSignal): void {
    const pressed = new Map<number, { x: number; y: number }>();
    let moving = false;
    let travelled = 0;
    const down = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      if (pressed.size === 0) travelled = 0;
      pressed.set(event.pointerId, { x: event.clientX, y: event.clientY });
    };
    const move = (event: PointerEvent): void => {
      const last = pressed.get(event.pointerId);
      if (!last) return;
      // A button that was let go outside of the page.
      if (event.buttons === 0) {
        up(event);
        return;
      }
      const dx = event.clientX - last.x;
      const dy = event.clientY - last.y;
      travelled += Math.hypot(dx, dy);
      if (!moving) {
        if (travelled < SLACK) return;
        moving = true;
        // From here on it is no click, and it goes on outside of the window.
        pane.setPointerCapture(event.pointerId);
        this.#onGesture(true);
      }
      const other = [...pressed].find(([id]) => id !== event.pointerId)?.[1];
      pressed.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (other === undefined) {
        this.set({ x: this.#view.x + dx, y: this.#view.y + dy });
        return;
      }
      // Two fingers: what lies between them stays between them.
      const box = pane.getBoundingClientRect();
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      const middle = { x: (event.clientX + other.x) / 2 - box.x, y: (event.clientY + other.y) / 2 - box.y };
      const panned = { ...this.#view, x: this.#view.x + dx / 2, y: this.#view.y + dy / 2 };
      this.set(before > 0 ? zoomAround(panned, clamp(panned.zoom * (after / before), this.#limits), middle) : panned);
    };
    const up = (event: PointerEvent): void => {
      pressed.delete(event.pointerId);
      if (!moving || pressed.size > 0) return;
      moving = false;
      this.#onGesture(false);
    };
    const clicked = (event: MouseEvent): void => {
      if (travelled >= SLACK) event.stopPropagation();
      travelled = 0;
    };
    pane.addEventListener('pointerdown', down, { signal });
    pane.addEventListener('pointermove', move, { signal });
    pane.addEventListener('pointerup', up, { signal });
    pane.addEventListener('pointercancel', up, { signal });
    pane.addEventListener('click', clicked, { signal, capture: true });
  }
}
