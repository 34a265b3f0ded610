// What a person may do to a machine's cable, or to the way between it and another machine: cut it, slow it, let it lose packets.

import { useId, useState } from 'react';
import type { WireAction } from '../../session/protocol.ts';
import { useT } from '../i18n/i18n.ts';
import { useIds, useRow } from '../scene/hooks.ts';
import { usePlayerApi } from '../session/context.ts';
import { ALL, FIELDS, NOTHING, wireAction } from './cable.ts';

export function CablePanel({ id }: { readonly id: string }) {
  const t = useT();
  const player = usePlayerApi();
  const row = useRow(id, 'machine');
  const others = useIds('machines').filter((other) => other !== id);
  const [to, setTo] = useState(ALL);
  const [fields, setFields] = useState(NOTHING);
  const label = useId();
  if (!row) return null;
  const { name } = row;
  const action = wireAction(name, to, fields);
  const whole = (more: Partial<WireAction>): WireAction => ({ type: 'wire', machine: name, ...(to === ALL ? {} : { to }), ...more });
  const mend = (): void => {
    setFields(NOTHING);
    void player.wire(whole({}));
  };
  return (
    <section aria-labelledby={label} data-testid="cable">
      <h3 id={label}>{t('cable.title')}</h3>
      <p className="muted" data-testid="cable-state">
        {row.linkUp ? (row.linkFault ?? t('cable.sound')) : t('map.linkDown')}
      </p>
      <dl className="facts cable">
        <div>
          <dt>
            <label htmlFor={`${label}-to`}>{t('cable.to')}</label>
          </dt>
          <dd>
            <select id={`${label}-to`} value={to} onChange={(e) => setTo(e.target.value)}>
              <option value={ALL}>{t('cable.everybody')}</option>
              {others.map((other) => (
                <option key={other} value={other.slice('machine/'.length)}>
                  {other.slice('machine/'.length)}
                </option>
              ))}
            </select>
          </dd>
        </div>
        {FIELDS.map((field) => (
          <div key={field}>
            <dt>
              <label htmlFor={`${label}-${field}`}>{t(`cable.${field}`)}</label>
            </dt>
            <dd>
              <input
                id={`${label}-${field}`}
                value={fields[field]}
                inputMode={field === 'drop' ? 'text' : 'decimal'}
                placeholder={field === 'drop' ? 'udp/8472' : '0'}
                onChange={(e) => setFields({ ...fields, [field]: e.target.value })}
                data-testid={`cable-${field}`}
              />
            </dd>
          </div>
        ))}
      </dl>
      <p className="ask-here">
        <button type="button" disabled={action === null} onClick={() => action && void player.wire(action)} data-testid="cable-apply">
          {t('cable.apply')}
        </button>
        <button type="button" onClick={() => void player.wire(whole({ cut: true }))} data-testid="cable-cut">
          {t('cable.cut')}
        </button>
        <button type="button" onClick={mend} data-testid="cable-mend">
          {t('cable.mend')}
        </button>
      </p>
    </section>
  );
}
