// The map: a window that the person pans and zooms, and the machines on it.

import { Maximize, Minus, Plus } from 'lucide-react';
import { useCallback, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { ObjectRow } from '../../session/protocol.ts';
import { Mover } from '../app/later.tsx';
import { useT } from '../i18n/i18n.ts';
import { useIds, useScene } from '../scene/hooks.ts';
import type { SceneModel } from '../scene/model.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { PacketPath } from '../app/later.tsx';
import { usePacket } from '../packet/store.ts';
import { Backdrop } from './Backdrop.tsx';
import { LayoutContext, type ZoomLevel, ZoomContext, zoomLevel } from './context.ts';
import { type Arrangement, layoutMap, type MachineInput, type MapLayout, roomFor } from './layout.ts';
import { Legend } from './Legend.tsx';
import { Machine } from './Machine.tsx';
import { ObjectStrip } from './ObjectStrip.tsx';
import { Relations } from './Relations.tsx';
import { Story } from './Story.tsx';
import { belongsInStrip, isSystem, layoutStrip, type Strip } from './strip.ts';
import { Viewport } from './viewport.ts';
import { Spot, Window } from './Window.tsx';

/** The layout for what is there now; the same value until a position really changes. */
function useMapLayout(scene: SceneModel, arrangement: Arrangement): MapLayout {
  const machines = useIds('machines');
  // Slots are given and freed as Pods come and go.
  useIds('pods');
  const wanted = JSON.stringify(
    machines.flatMap((id): MachineInput[] => {
      const row = scene.get(id);
      return row?.type === 'machine' ? [{ id, name: row.name, role: row.role, runtime: row.runtime, ...(row.network === undefined ? {} : { network: row.network }), slots: roomFor(scene.slots.used(row.name)) }] : [];
    }),
  );
  return useMemo(() => layoutMap(JSON.parse(wanted) as MachineInput[], arrangement), [wanted, arrangement]);
}

function useStrip(scene: SceneModel, layout: MapLayout): { readonly strip: Strip; readonly waiting: readonly string[] } {
  const objects = useIds('objects');
  const waitingIds = useIds('pods@');
  const withSystem = useUi((s) => s.systemObjects);
  return useMemo(() => {
    const rows: ObjectRow[] = [];
    for (const id of objects) {
      const row = scene.get(id);
      if (row?.type !== 'object' || !belongsInStrip(row)) continue;
      if (withSystem || !isSystem(row)) rows.push(row);
    }
    return { strip: layoutStrip(rows, layout.objects), waiting: waitingIds };
  }, [scene, objects, waitingIds, layout, withSystem]);
}

export function MapView({ arrangement = 'wide' }: { readonly arrangement?: Arrangement }) {
  const scene = useScene();
  const t = useT();
  const layout = useMapLayout(scene, arrangement);
  const { strip, waiting } = useStrip(scene, layout);
  const presenter = useUi((s) => s.presenter);
  const packet = usePacket((s) => s.shown);
  const following = usePlayer((s) => s.cue !== null) || packet;
  const box = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  const [viewport] = useState(() => new Viewport());
  const level = useZoomLevel(viewport);

  useLayoutEffect(() => {
    viewport.configure({ min: Math.min(0.4, 400 / Math.max(1, layout.bounds.w)), max: 5 }, (moving) => {
      box.current?.classList.toggle('moving', moving);
      if (moving) moved.current = true;
    });
  }, [viewport, layout]);

  const fit = useCallback(() => {
    moved.current = false;
    const b = layout.bounds;
    if (b.w <= 0) return;
    if (arrangement === 'wide') viewport.fit(b, 0.012);
    else {
      const width = box.current?.clientWidth ?? b.w;
      viewport.set({ x: 6, y: 6, zoom: (width - 12) / b.w });
    }
  }, [viewport, layout, arrangement]);

  // Before it is painted, so that it is never seen elsewhere.
  useLayoutEffect(() => {
    if (!moved.current) fit();
  }, [fit, presenter]);

  useLayoutEffect(
    () =>
      viewport.subscribe((view, before) => {
        if ((view.width !== before.width || view.height !== before.height) && !moved.current) fit();
      }),
    [viewport, fit],
  );

  const magnify = (factor: number): void => {
    moved.current = true;
    viewport.zoomBy(factor);
  };

  return (
    <section ref={box} className={`map zoom-${level} ${following ? 'following' : ''}`} aria-label={t('map.label')} data-testid="map" data-zoom={level}>
      <LayoutContext value={layout}>
        <ZoomContext value={level}>
          <Window
            viewport={viewport}
            map={
              <>
                <Spot rect={layout.bounds} above={false}>
                  <Backdrop layout={layout} />
                </Spot>
                {layout.machines.map((machine) => (
                  <Spot key={machine.id} rect={machine.rect} above>
                    <Machine layout={machine} />
                  </Spot>
                ))}
                <Spot rect={layout.objects} above>
                  <ObjectStrip rect={layout.objects} strip={strip} waiting={waiting} />
                </Spot>
              </>
            }
          >
            <Relations strip={strip} />
            {packet ? <PacketPath /> : following && <Mover />}
            <Story />
          </Window>
        </ZoomContext>
      </LayoutContext>
      <Legend />
      <div className="map-tools">
        <button type="button" onClick={() => magnify(1.3)} aria-label={t('map.zoomIn')} title={t('map.zoomIn')}>
          <Plus size={16} aria-hidden="true" />
        </button>
        <button type="button" onClick={() => magnify(1 / 1.3)} aria-label={t('map.zoomOut')} title={t('map.zoomOut')}>
          <Minus size={16} aria-hidden="true" />
        </button>
        <button type="button" onClick={fit} aria-label={t('map.fit')} title={t('map.fit')} data-testid="fit">
          <Maximize size={16} aria-hidden="true" />
        </button>
      </div>
    </section>
  );
}

function useZoomLevel(viewport: Viewport): ZoomLevel {
  const last = useRef<ZoomLevel>('cards');
  const level = (): ZoomLevel => (last.current = zoomLevel(viewport.view.zoom, last.current));
  return useSyncExternalStore(viewport.subscribe, level);
}
