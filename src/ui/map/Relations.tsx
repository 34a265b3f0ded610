// What the selected object is related to, drawn on demand: its owner, what it owns, and what a Service selects.

import { useEffect, useMemo, useState } from 'react';
import { usePlayerApi } from '../session/context.ts';
import { useIds, useRow, useScene } from '../scene/hooks.ts';
import type { SceneModel } from '../scene/model.ts';
import { usePlayer } from '../state/player.ts';
import { usePacket } from '../packet/store.ts';
import { useUi } from '../state/ui.ts';
import { useLayout } from './context.ts';
import { centre, type MapLayout, type Rect, slotRect } from './layout.ts';
import type { Strip } from './strip.ts';
import { OnMap } from './viewport.ts';

const MOST = 60;

export function Relations({ strip }: { readonly strip: Strip }) {
  const selected = useUi((s) => s.selected);
  const cue = usePlayer((s) => s.cue);
  const packet = usePacket((s) => s.shown);
  if (selected === '' || cue || packet || !selected.startsWith('object/')) return null;
  return <Lines id={selected} strip={strip} />;
}

function Lines({ id, strip }: { readonly id: string; readonly strip: Strip }) {
  const layout = useLayout();
  const scene = useScene();
  const pods = useIds('pods');
  useRow(id, id.startsWith('object/pods/') ? 'pod' : 'object');
  const selector = useSelector(id);
  const related = useMemo(() => relatedTo(scene, id, pods, selector), [scene, id, pods, selector]);
  const from = rectOf(layout, strip, scene, id);
  if (!from) return null;
  const a = centre(from);
  return (
    <OnMap>
      <svg className="relations" aria-hidden="true" data-testid="relations">
        {related.slice(0, MOST).map(({ id: other, kind }) => {
          const to = rectOf(layout, strip, scene, other);
          if (!to) return null;
          const b = centre(to);
          const bend = Math.abs(b.y - a.y) / 2;
          return <path key={other} className={`relation relation-${kind}`} d={`M${a.x} ${a.y}C${a.x} ${a.y + bend} ${b.x} ${b.y - bend} ${b.x} ${b.y}`} />;
        })}
      </svg>
    </OnMap>
  );
}

function rectOf(layout: MapLayout, strip: Strip, scene: SceneModel, id: string): Rect | undefined {
  const known = strip.byId.get(id);
  if (known) return known;
  const row = scene.get(id);
  if (row?.type !== 'pod') return undefined;
  if (row.machine === '') return strip.waiting;
  const machine = layout.byName.get(row.machine);
  const slot = scene.slots.slotOf(id);
  return machine && slot !== undefined ? slotRect(machine, slot) : undefined;
}

interface Related {
  readonly id: string;
  readonly kind: 'owner' | 'owned' | 'selected';
}

function relatedTo(scene: SceneModel, id: string, pods: readonly string[], selector: Readonly<Record<string, string>> | null): readonly Related[] {
  const row = scene.get(id);
  if (row?.type !== 'pod' && row?.type !== 'object') return [];
  const self = `${row.type === 'pod' ? 'Pod' : row.kind}/${row.name}`;
  const result: Related[] = [];
  const visit = (other: string): void => {
    const o = scene.get(other);
    if ((o?.type !== 'pod' && o?.type !== 'object') || o.namespace !== row.namespace || other === id) return;
    if (o.owner === self) result.push({ id: other, kind: 'owned' });
    else if (row.owner !== '' && row.owner === `${o.type === 'pod' ? 'Pod' : o.kind}/${o.name}`) result.push({ id: other, kind: 'owner' });
    else if (selector && o.type === 'pod' && Object.entries(selector).every(([k, v]) => o.labels[k] === v)) result.push({ id: other, kind: 'selected' });
  };
  for (const other of pods) visit(other);
  for (const other of scene.list('objects')) visit(other);
  return result;
}

/** A Service's selector; it is not in the row, so the object is asked for. */
function useSelector(id: string): Readonly<Record<string, string>> | null {
  const player = usePlayerApi();
  const [known, setKnown] = useState<{ readonly id: string; readonly selector: Readonly<Record<string, string>> } | null>(null);
  useEffect(() => {
    let wanted = true;
    if (!id.startsWith('object/services/')) return;
    void player.object(id).then((view) => {
      const found = (view?.object as { spec?: { selector?: Record<string, string> } } | null)?.spec?.selector;
      if (wanted && found) setKnown({ id, selector: found });
    });
    return () => {
      wanted = false;
    };
  }, [player, id]);
  return known?.id === id ? known.selector : null;
}
