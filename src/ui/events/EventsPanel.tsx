// The cluster's Event objects, newest first.

import { TriangleAlert } from 'lucide-react';
import { useDeferredValue, useMemo } from 'react';
import type { EventRow } from '../../session/protocol.ts';
import { ageText } from '../app/format.ts';
import { useT } from '../i18n/i18n.ts';
import { useIds, useScene } from '../scene/hooks.ts';
import { objectIdFor } from '../scene/find.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { useEventFilter } from './filter.ts';

const MOST = 200;

export function EventsHead() {
  const t = useT();
  const { query, warningsOnly } = useEventFilter();
  return (
    <div className="flow-head">
      <input type="search" value={query} placeholder={t('events.filter')} aria-label={t('events.filter')} onChange={(e) => useEventFilter.setState({ query: e.target.value })} />
      <label className="check">
        <input type="checkbox" checked={warningsOnly} onChange={(e) => useEventFilter.setState({ warningsOnly: e.target.checked })} data-testid="warnings-only" />
        {t('events.warningsOnly')}
      </label>
    </div>
  );
}

export function EventsPanel({ withHead = false }: { readonly withHead?: boolean }) {
  const t = useT();
  const scene = useScene();
  const ids = useDeferredValue(useIds('events'));
  const select = useUi((s) => s.select);
  const now = usePlayer((s) => Math.floor(s.clock.view / 1_000_000));
  const { query, warningsOnly: warnings } = useEventFilter();

  const shown = useMemo(() => {
    const word = query.trim().toLowerCase();
    const rows: EventRow[] = [];
    for (const id of ids) {
      const row = scene.get(id);
      if (row?.type !== 'event' || (warnings && row.eventType !== 'Warning')) continue;
      if (word === '' || `${row.reason} ${row.object} ${row.message}`.toLowerCase().includes(word)) rows.push(row);
    }
    return rows.toSorted((a, b) => b.lastAt - a.lastAt || (a.id < b.id ? 1 : -1)).slice(0, MOST);
  }, [scene, ids, warnings, query]);

  return (
    <div className="events-panel" data-testid="events">
      {withHead && <EventsHead />}
      <div className="events-scroll" tabIndex={0} role="region" aria-label={t('panels.events')}>
        {shown.length === 0 ? (
          <p className="panel-hint">{t('events.empty')}</p>
        ) : (
          <table className="events-table">
            <thead>
              <tr>
                <th scope="col">{t('events.columns.type')}</th>
                <th scope="col">{t('events.columns.when')}</th>
                <th scope="col">{t('events.columns.reason')}</th>
                <th scope="col">{t('events.columns.object')}</th>
                <th scope="col">{t('events.columns.message')}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.id} className={row.eventType === 'Warning' ? 'warning' : ''} data-testid="event">
                  <td>
                    {row.eventType === 'Warning' && <TriangleAlert size={13} aria-hidden="true" />}
                    {row.eventType === 'Warning' ? t('events.warning') : t('events.normal')}
                  </td>
                  <td>{t('events.age', { age: ageText(t, now * 1_000_000 - row.lastAt) })}</td>
                  <td>
                    {row.reason} {row.count > 1 && t('events.count', { count: row.count })}
                  </td>
                  <td>
                    <button type="button" className="link" onClick={() => select(objectIdFor(scene, row.object, row.objectNamespace))}>
                      {row.object}
                    </button>
                  </td>
                  <td>{row.message}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </div>
  );
}
