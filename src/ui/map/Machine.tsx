// One machine with its insides: host services, interfaces, tables and the Pods that run on it.

import { Box, Laptop, Server } from 'lucide-react';
import { memo, useEffect } from 'react';
import type { MachineRow } from '../../session/protocol.ts';
import { type Translate, useT } from '../i18n/i18n.ts';
import { useIds, useRow, useScene } from '../scene/hooks.ts';
import { machineDrawn } from '../session/drawn.ts';
import { useUi } from '../state/ui.ts';
import { useLit } from './context.ts';
import { type MachineLayout, type Rect, slotRect } from './layout.ts';
import { Mark, type MarkState } from './Mark.tsx';
import { Marks } from './Marks.tsx';
import { PodCard } from './PodCard.tsx';

export const Machine = memo(function Machine({ layout }: { readonly layout: MachineLayout }) {
  const row = useRow(layout.id, 'machine');
  const t = useT();
  const lit = useLit(`frame/${layout.name}`);
  const selected = useUi((s) => s.selected === layout.id);
  useEffect(machineDrawn, []);
  const { rect } = layout;
  const off = row !== undefined && !row.powered;
  return (
    <div
      className={`machine machine-${layout.role} ${lit} ${off ? 'machine-off' : ''} ${selected ? 'selected' : ''}`}
      style={{ width: rect.w, height: rect.h }}
      data-testid="machine"
      data-machine={layout.name}
    >
      <Title layout={layout} row={row} t={t} />
      {Object.entries(layout.chips).map(([name, chip]) => (
        <Chip key={name} machine={layout.name} name={name} rect={inside(chip, rect)} />
      ))}
      <Pods layout={layout} />
    </div>
  );
});

const inside = (r: Rect, outer: Rect): Rect => ({ ...r, x: r.x - outer.x, y: r.y - outer.y });

function Title({ layout, row, t }: { readonly layout: MachineLayout; readonly row: MachineRow | undefined; readonly t: Translate }) {
  const select = useUi((s) => s.select);
  const lit = useLit(layout.id);
  const Icon = layout.role === 'operator' ? Laptop : layout.role === 'worker' ? Box : Server;
  const state = row ? stateOf(row, t) : null;
  return (
    <button
      type="button"
      tabIndex={-1}
      className={`machine-title ${lit === 'lit' ? 'lit' : ''}`}
      style={{ height: layout.title.h }}
      onClick={() => select(layout.id)}
      data-testid="machine-title"
    >
      <Icon size={14} aria-hidden="true" />
      <span className="machine-name">{layout.role === 'operator' ? t('map.operator') : layout.name}</span>
      {layout.role !== 'operator' && row && <span className="machine-address">{row.podCidr === '' || row.network === 'calico' ? row.address : row.podCidr}</span>}
      {layout.role !== 'operator' && state && (
        <span className={`machine-state state-${state.mark}`} title={row?.readyReason}>
          <Mark state={state.mark} size={10} />
          {state.word}
        </span>
      )}
    </button>
  );
}

function stateOf(row: MachineRow, t: Translate): { readonly mark: MarkState; readonly word: string } {
  if (!row.powered) return { mark: 'failed', word: t('map.off') };
  if (!row.linkUp) return { mark: 'failed', word: t('map.linkDown') };
  if (row.ready === 'Absent') return { mark: 'waiting', word: t('map.absent') };
  if (row.ready === 'False') return { mark: 'failed', word: t('map.notReady') };
  if (row.ready === 'Unknown') return { mark: 'failed', word: t('map.unknown') };
  return row.unschedulable ? { mark: 'idle', word: t('map.cordoned') } : { mark: 'ok', word: t('map.ready') };
}

interface ChipProps {
  readonly machine: string;
  readonly name: string;
  readonly rect: Rect;
}

const DEVICES: ReadonlySet<string> = new Set(['eth0', 'flannel.1', 'cni0']);

const Chip = memo(function Chip(props: ChipProps) {
  if (DEVICES.has(props.name)) return <Device {...props} />;
  if (props.name === 'tables') return <Tables {...props} />;
  return <Service {...props} />;
});

const at = (r: Rect) => ({ left: r.x, top: r.y, width: r.w, height: r.h });

/** A process of the machine itself: kubelet, containerd; on the operator's machine whatever runs there. */
function Service({ machine, name, rect }: ChipProps) {
  const scene = useScene();
  const ids = useIds(`processes@${machine}`);
  const lit = useLit(`machine/${machine}/${name}`);
  const t = useT();
  const running = ids.some((id) => {
    const row = scene.get(id);
    return row?.type === 'process' && (row.place === `machine/${machine}/${name}` || row.comm === name);
  });
  const idle = name === 'kubectl' && !running;
  return (
    <div className={`chip chip-service ${lit} ${running || idle ? '' : 'chip-ghost'}`} style={at(rect)} data-testid="service" data-name={name}>
      {name}
      {!running && !idle && <small>{t('map.stopped')}</small>}
    </div>
  );
}

function Device({ machine, name, rect }: ChipProps) {
  const row = useRow(`interface/${machine}/host/${name}`, 'interface');
  const lit = useLit(`machine/${machine}/${name}`);
  const t = useT();
  const up = row?.up ?? false;
  const host = machine === 'operator';
  return (
    <div
      className={`chip chip-device ${lit} ${up || host ? '' : 'chip-ghost'}`}
      style={at(rect)}
      title={row ? row.addresses.join(' ') : t('map.down')}
      data-testid="device"
      data-name={name}
    >
      {name}
    </div>
  );
}

function Tables({ machine, rect }: ChipProps) {
  const row = useRow(`machine/${machine}`, 'machine');
  const lit = useLit(`machine/${machine}/tables`);
  const t = useT();
  const tables = row?.tables ?? { rules: 0, routes: 0, neighbours: 0, fdb: 0 };
  return (
    <div className={`chip chip-tables ${lit}`} style={at(rect)} title={t('map.tablesTitle', tables)} data-testid="tables">
      {t('map.tables', tables)}
    </div>
  );
}

function Pods({ layout }: { readonly layout: MachineLayout }) {
  const scene = useScene();
  const ids = useIds(`pods@${layout.name}`);
  if (layout.role === 'operator') return null;
  if (layout.pods.dense) return <Marks machine={layout} />;
  return (
    <>
      {ids.map((id) => {
        const slot = scene.slots.slotOf(id);
        if (slot === undefined) return null;
        const r = inside(slotRect(layout, slot), layout.rect);
        return <PodCard key={id} id={id} x={r.x} y={r.y} w={r.w} h={r.h} />;
      })}
    </>
  );
}
