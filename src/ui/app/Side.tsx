// A panel along an edge whose size the person chooses: by dragging the line beside it, or with the arrow keys on that line. Dragged
// too small it folds. Sizes are remembered.

import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react';

const KEY = 'orrery.sizes';
const STEP = 16;

function remembered(): Record<string, unknown> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
  } catch {
    return {};
  }
}

function remember(name: string, size: number): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...remembered(), [name]: size }));
  } catch {
    // A full or forbidden storage only means that the size is forgotten.
  }
}

interface Props {
  readonly edge: 'left' | 'right' | 'bottom';
  /** What the line is called. */
  readonly label: string;
  readonly open: boolean;
  readonly onOpen: (open: boolean) => void;
  /** Pixels. */
  readonly initial: number;
  readonly min: number;
  /** Of what surrounds it, in percent. */
  readonly most: number;
  /** Pixels that stay when it is folded. */
  readonly folded?: number;
  readonly children: ReactNode;
}

export function Side({ edge, label, open, onOpen, initial, min, most, folded = 0, children }: Props) {
  const panel = useRef<HTMLDivElement>(null);
  const grip = useRef<{ readonly at: number; readonly size: number } | null>(null);
  const [size, setSize] = useState(() => {
    const before = remembered()[edge];
    return typeof before === 'number' ? Math.max(min, before) : initial;
  });
  const upright = edge !== 'bottom';

  const measured = (): number => (upright ? panel.current?.offsetWidth : panel.current?.offsetHeight) ?? size;
  const limit = (): number => {
    const around = panel.current?.parentElement;
    return Math.max(min, (((upright ? around?.clientWidth : around?.clientHeight) ?? 0) * most) / 100);
  };
  /** Makes it so large if that is possible, or folds it. */
  const resize = (wanted: number): void => {
    const wide = wanted >= (min + folded) / 2;
    if (wide) setSize(Math.min(limit(), Math.max(min, wanted)));
    if (wide !== open) onOpen(wide);
  };
  const position = (event: PointerEvent): number => (upright ? event.clientX : event.clientY) * (edge === 'left' ? 1 : -1);

  const onKeyDown = (event: KeyboardEvent): void => {
    const larger = { left: 'ArrowRight', right: 'ArrowLeft', bottom: 'ArrowUp' }[edge];
    const smaller = { left: 'ArrowLeft', right: 'ArrowRight', bottom: 'ArrowDown' }[edge];
    if (event.key === 'Enter') onOpen(!open);
    else if (event.key === larger) resize(open ? measured() + STEP : min);
    else if (event.key === smaller) resize(measured() <= min ? 0 : Math.max(min, measured() - STEP));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const line = (
    <div
      className={upright ? 'separator' : 'separator horizontal'}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={upright ? 'vertical' : 'horizontal'}
      aria-valuenow={Math.round(open ? size : folded)}
      aria-valuemin={folded}
      onKeyDown={onKeyDown}
      onKeyUp={() => remember(edge, size)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { at: position(event), size: measured() };
      }}
      onPointerMove={(event) => {
        if (grip.current) resize(grip.current.size + position(event) - grip.current.at);
      }}
      onLostPointerCapture={() => {
        grip.current = null;
        remember(edge, size);
      }}
    />
  );
  const length = open ? size : folded;
  const style = upright ? { width: length, maxWidth: `${most}%` } : { height: length, maxHeight: `${most}%` };
  return (
    <>
      {edge !== 'left' && line}
      <div ref={panel} className="panel side" style={style}>
        {children}
      </div>
      {edge === 'left' && line}
    </>
  );
}
