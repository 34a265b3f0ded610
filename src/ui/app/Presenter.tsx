// What a class sees: the map, the caption, the transport and k of n. Nothing else.

import { X } from 'lucide-react';
import { useT } from '../i18n/i18n.ts';
import { MapView } from '../map/MapView.tsx';
import { useUi } from '../state/ui.ts';
import { Transport } from '../transport/Transport.tsx';
import { Boundary } from './Boundary.tsx';
import { Announcer, Payload } from './later.tsx';

export function Presenter() {
  const t = useT();
  const { payload, blank, set } = useUi();
  return (
    <div className="presenter" data-testid="presenter">
      <Boundary name="map">
        <MapView />
      </Boundary>
      <Announcer />
      <Transport />
      <button type="button" className="quiet icon leave" onClick={() => set({ presenter: false })} aria-label={t('payload.close')} title={t('payload.close')}>
        <X size={18} aria-hidden="true" />
      </button>
      {payload !== 0 && (
        <div className="payload-drawer">
          <Payload />
        </div>
      )}
      {blank && <div className="blank" data-testid="blank" />}
    </div>
  );
}
