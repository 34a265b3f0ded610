// The map: React Flow carries the machines and lets the person pan and zoom; everything inside them is ours.

import { type Node, type NodeProps, ReactFlow, type ReactFlowInstance, ReactFlowProvider, useStore } from '@xyflow/react';
import { Maximize, Minus, Plus } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ObjectRow } from '../../session/protocol.ts';
import { Mover, PacketPath } from '../app/later.tsx';
import { useT } from '../i18n/i18n.ts';
import { usePacket } from '../packet/store.ts';
import { useIds, useScene } from '../scene/hooks.ts';
import type { SceneModel } from '../scene/model.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { Backdrop } from './Backdrop.tsx';
import { LayoutContext, type ZoomLevel, ZoomContext, zoomLevel } from './context.ts';
import { type Arrangement, layoutMap, type MachineInput, type MachineLayout, type MapLayout, roomFor } from './layout.ts';
import { Legend } from './Legend.tsx';
import { Machine } from './Machine.tsx';
import { ObjectStrip } from './ObjectStrip.tsx';
import { Relations } from './Relations.tsx';
import { Story } from './Story.tsx';
import { belongsInStrip, isSystem, layoutStrip, type Strip } from './strip.ts';

type MachineNode = Node<{ readonly layout: MachineLayout }, 'machine'>;
type BackdropNode = Node<{ readonly layout: MapLayout }, 'backdrop'>;
type StripNode = Node<{ readonly layout: MapLayout; readonly strip: Strip; readonly waiting: readonly string[] }, 'strip'>;
type MapNode = MachineNode | BackdropNode | StripNode;

const nodeTypes = {
  machine: ({ data }: NodeProps<MachineNode>) => <Machine layout={data.layout} />,
  backdrop: ({ data }: NodeProps<BackdropNode>) => <Backdrop layout={data.layout} />,
  strip: ({ data }: NodeProps<StripNode>) => <ObjectStrip rect={data.layout.objects} strip={data.strip} waiting={data.waiting} />,
};

const PRO = { hideAttribution: true };

export function MapView({ arrangement = 'wide' }: { readonly arrangement?: Arrangement }) {
  return (
    <ReactFlowProvider>
      <Canvas arrangement={arrangement} />
    </ReactFlowProvider>
  );
}

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

function Canvas({ arrangement }: { readonly arrangement: Arrangement }) {
  const scene = useScene();
  const t = useT();
  const layout = useMapLayout(scene, arrangement);
  const { strip, waiting } = useStrip(scene, layout);
  const presenter = useUi((s) => s.presenter);
  const packet = usePacket((s) => s.shown);
  const following = usePlayer((s) => s.cue !== null) || packet;
  const box = useRef<HTMLDivElement>(null);
  const flow = useRef<ReactFlowInstance<MapNode> | null>(null);
  const moved = useRef(false);
  const level = useZoomLevel();

  const nodes = useMemo<MapNode[]>(() => {
    const still = { draggable: false, selectable: false, connectable: false, focusable: false } as const;
    // React Flow lets nothing through to nodes that it has no use for itself.
    const touchable = { ...still, style: { pointerEvents: 'all' } } as const;
    return [
      { id: 'backdrop', type: 'backdrop', position: { x: 0, y: 0 }, data: { layout }, width: layout.bounds.w, height: layout.bounds.h, zIndex: 0, ...still },
      ...layout.machines.map(
        (m): MachineNode => ({ id: m.id, type: 'machine', position: { x: m.rect.x, y: m.rect.y }, data: { layout: m }, width: m.rect.w, height: m.rect.h, zIndex: 1, ...touchable }),
      ),
      { id: 'strip', type: 'strip', position: { x: layout.objects.x, y: layout.objects.y }, data: { layout, strip, waiting }, width: layout.objects.w, height: layout.objects.h, zIndex: 1, ...touchable },
    ];
  }, [layout, strip, waiting]);

  const fit = useCallback(() => {
    moved.current = false;
    const b = layout.bounds;
    if (b.w <= 0) return;
    if (arrangement === 'wide') void flow.current?.fitBounds({ x: b.x, y: b.y, width: b.w, height: b.h }, { padding: 0.012 });
    else {
      const width = box.current?.clientWidth ?? b.w;
      const zoom = (width - 12) / b.w;
      void flow.current?.setViewport({ x: 6, y: 6, zoom });
    }
  }, [layout, arrangement]);

  useEffect(() => {
    if (!moved.current) fit();
  }, [fit, presenter]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      // React Flow measures itself in the same frame; fit when it knows its new size.
      if (!moved.current) requestAnimationFrame(fit);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [fit]);

  return (
    <section ref={box} className={`map zoom-${level} ${following ? 'following' : ''}`} aria-label={t('map.label')} data-testid="map" data-zoom={level}>
      <LayoutContext value={layout}>
        <ZoomContext value={level}>
          <ReactFlow<MapNode>
            nodes={nodes}
            nodeTypes={nodeTypes}
            onInit={(instance) => {
              flow.current = instance;
              fit();
            }}
            onMoveStart={(event) => {
              box.current?.classList.add('moving');
              if (event) moved.current = true;
            }}
            onMoveEnd={() => box.current?.classList.remove('moving')}
            minZoom={Math.min(0.4, 400 / Math.max(1, layout.bounds.w))}
            maxZoom={5}
            nodesDraggable={false}
            nodesConnectable={false}
            nodesFocusable={false}
            edgesFocusable={false}
            elementsSelectable={false}
            disableKeyboardA11y
            deleteKeyCode={null}
            selectionKeyCode={null}
            multiSelectionKeyCode={null}
            panActivationKeyCode={null}
            zoomActivationKeyCode={null}
            zoomOnDoubleClick={false}
            proOptions={PRO}
          >
            <Relations strip={strip} />
            {packet ? <PacketPath /> : following && <Mover />}
            <Story />
          </ReactFlow>
        </ZoomContext>
      </LayoutContext>
      <Legend />
      <div className="map-tools">
        <button type="button" onClick={() => zoomBy(flow.current, moved, 1.3)} aria-label={t('map.zoomIn')} title={t('map.zoomIn')}>
          <Plus size={16} aria-hidden="true" />
        </button>
        <button type="button" onClick={() => zoomBy(flow.current, moved, 1 / 1.3)} aria-label={t('map.zoomOut')} title={t('map.zoomOut')}>
          <Minus size={16} aria-hidden="true" />
        </button>
        <button type="button" onClick={fit} aria-label={t('map.fit')} title={t('map.fit')} data-testid="fit">
          <Maximize size={16} aria-hidden="true" />
        </button>
      </div>
    </section>
  );
}

function zoomBy(flow: ReactFlowInstance<MapNode> | null, moved: { current: boolean }, factor: number): void {
  moved.current = true;
  if (flow) void flow.zoomTo(flow.getZoom() * factor);
}

function useZoomLevel(): ZoomLevel {
  const [level, setLevel] = useState<ZoomLevel>('cards');
  const seen = useStore((s) => zoomLevel(s.transform[2], level));
  if (seen !== level) setLevel(seen);
  return seen;
}
