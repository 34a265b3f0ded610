// The node network: one line with the wires of all machines, and the registry beyond it.

import { Globe } from 'lucide-react';
import { memo } from 'react';
import { useT } from '../i18n/i18n.ts';
import { useRow } from '../scene/hooks.ts';
import { useLit } from './context.ts';
import { centre, type MachineLayout, type MapLayout } from './layout.ts';

export const Backdrop = memo(function Backdrop({ layout }: { readonly layout: MapLayout }) {
  const t = useT();
  const lit = useLit('network');
  const registryLit = useLit('registry');
  const { line, bounds, registry } = layout;
  const control = useRow(layout.machines.find((m) => m.role === 'control-plane')?.id ?? '', 'machine');
  const cidr = control?.address ? `${control.address.split('.').slice(0, 3).join('.')}.0/24` : '';
  return (
    <div className="backdrop" style={{ width: bounds.w, height: bounds.h }}>
      <svg width={bounds.w} height={bounds.h} aria-hidden="true">
        {layout.machines.map((machine) => (
          <Wire key={machine.id} machine={machine} top={line.y} bottom={line.y + line.h} />
        ))}
        <line className="wire" x1={line.x + line.w} y1={line.y + line.h / 2} x2={registry.x} y2={line.y + line.h / 2} strokeDasharray="4 4" />
      </svg>
      <div className={`network-line ${lit}`} style={{ left: line.x, top: line.y, width: line.w, height: line.h }}>
        <span>{cidr === '' ? t('map.networkPlain') : t('map.network', { cidr })}</span>
      </div>
      <div className={`registry ${registryLit}`} style={{ left: registry.x, top: registry.y, width: registry.w, height: registry.h }} data-testid="registry">
        <Globe size={14} aria-hidden="true" />
        {t('map.registry')}
      </div>
    </div>
  );
});

function Wire({ machine, top, bottom }: { readonly machine: MachineLayout; readonly top: number; readonly bottom: number }) {
  const row = useRow(machine.id, 'machine');
  const chip = machine.chips.eth0;
  if (!chip) return null;
  const { x } = centre(chip);
  const above = chip.y < top;
  const cut = row !== undefined && (!row.linkUp || !row.powered);
  return <line className={`wire ${cut ? 'wire-cut' : ''}`} x1={x} y1={above ? chip.y + chip.h : bottom} x2={x} y2={above ? top : chip.y} />;
}
