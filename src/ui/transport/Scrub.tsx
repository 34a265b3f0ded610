// The bar of time from the earliest to the newest moment, with a mark for each action.

import { type KeyboardEvent, type PointerEvent, useRef } from 'react';
import { clockText } from '../app/format.ts';
import { flowTitle } from '../flow/title.ts';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';

const SECOND = 1_000_000;

export function Scrub() {
  const t = useT();
  const player = usePlayerApi();
  const clock = usePlayer((s) => s.clock);
  const flows = usePlayer((s) => s.flows);
  const bar = useRef<HTMLDivElement>(null);
  const last = Math.max(clock.live, clock.view, 1);
  const share = (time: number): string => `${Math.min(100, (time / last) * 100)}%`;

  const seekTo = (event: PointerEvent): void => {
    const box = bar.current?.getBoundingClientRect();
    if (box && box.width > 0) void player.seek(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * last);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const target =
      event.key === 'Home' ? 0 : event.key === 'End' ? last : event.key === 'ArrowUp' ? clock.view + SECOND : event.key === 'ArrowDown' ? clock.view - SECOND : null;
    if (target === null) return;
    event.preventDefault();
    event.stopPropagation();
    void player.seek(Math.max(0, target));
  };

  return (
    <div className="scrub">
      <div
        ref={bar}
        className="scrub-bar"
        role="slider"
        tabIndex={0}
        aria-label={t('transport.scrub')}
        aria-valuemin={0}
        aria-valuemax={Math.round(last / 1000)}
        aria-valuenow={Math.round(clock.view / 1000)}
        aria-valuetext={clockText(clock.view)}
        data-testid="scrub"
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          seekTo(event);
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) seekTo(event);
        }}
      >
        <div className="scrub-done" style={{ width: share(clock.view) }} />
        <div className="scrub-thumb" style={{ left: share(clock.view) }} />
      </div>
      {flows.map((flow) => (
        <button
          key={flow.id}
          type="button"
          tabIndex={-1}
          className="scrub-mark"
          style={{ left: share(flow.at) }}
          title={t('transport.flowMark', { time: clockText(flow.at), title: flowTitle(t, flow) })}
          aria-label={t('transport.flowMark', { time: clockText(flow.at), title: flowTitle(t, flow) })}
          onClick={() => void player.chooseFlow(flow.id)}
        />
      ))}
    </div>
  );
}
