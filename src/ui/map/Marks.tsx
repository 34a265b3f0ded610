// Many Pods of one machine, drawn as marks on one canvas. The list of objects has the same Pods for keyboard and
// screen reader.

import { useEffect, useRef } from 'react';
import { useT } from '../i18n/i18n.ts';
import { useIds, useScene } from '../scene/hooks.ts';
import { useUi } from '../state/ui.ts';
import { type MachineLayout, slotRect } from './layout.ts';
import { podState } from './Mark.tsx';

const DENSITY = 2;

export function Marks({ machine }: { readonly machine: MachineLayout }) {
  const scene = useScene();
  const t = useT();
  const ids = useIds(`pods@${machine.name}`);
  const select = useUi((s) => s.select);
  const palette = useUi((s) => `${s.theme} ${s.palette}`);
  const ref = useRef<HTMLCanvasElement>(null);
  const { area } = machine.pods;

  useEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return;
    const style = getComputedStyle(canvas);
    const colour = (state: string): string => style.getPropertyValue(`--${state}`).trim() || 'gray';
    const colours = { ok: colour('ok'), progressing: colour('progressing'), failed: colour('failed'), idle: colour('idle') };
    const draw = (id: string): void => {
      const slot = scene.slots.slotOf(id);
      const pod = scene.get(id);
      if (slot === undefined) return;
      const r = slotRect(machine, slot);
      const x = (r.x - area.x) * DENSITY;
      const y = (r.y - area.y) * DENSITY;
      const size = r.w * DENSITY;
      context.clearRect(x - 1, y - 1, size + 2, size + 2);
      if (pod?.type !== 'pod') return;
      const state = podState(pod);
      context.strokeStyle = context.fillStyle = colours[state === 'terminating' || state === 'waiting' ? 'progressing' : state];
      context.lineWidth = 3;
      context.setLineDash(state === 'progressing' || state === 'waiting' ? [5, 4] : []);
      if (state === 'ok' || state === 'failed') context.fillRect(x, y, size, size);
      else context.strokeRect(x + 2, y + 2, size - 4, size - 4);
      if (state === 'failed' || state === 'terminating') {
        context.strokeStyle = state === 'failed' ? colour('surface') : colours.progressing;
        context.beginPath();
        context.moveTo(x + 5, y + 5);
        context.lineTo(x + size - 5, y + size - 5);
        if (state === 'failed') {
          context.moveTo(x + size - 5, y + 5);
          context.lineTo(x + 5, y + size - 5);
        }
        context.stroke();
      }
    };
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const id of ids) draw(id);
    const stops = ids.map((id) => scene.subscribe(id, () => draw(id)));
    return () => {
      for (const stop of stops) stop();
    };
  }, [scene, ids, machine, area, palette]);

  return (
    <canvas
      ref={ref}
      className="marks"
      width={area.w * DENSITY}
      height={area.h * DENSITY}
      style={{ left: area.x - machine.rect.x, top: area.y - machine.rect.y, width: area.w, height: area.h }}
      role="img"
      aria-label={t('map.marks', { machine: machine.name })}
      onClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const { columns, slotW, gap } = machine.pods;
        const column = Math.floor((((event.clientX - box.left) / box.width) * area.w) / (slotW + gap));
        const row = Math.floor((((event.clientY - box.top) / box.height) * area.h) / (slotW + gap));
        const id = scene.slots.at(machine.name, row * columns + column);
        if (id) select(id);
      }}
    />
  );
}
