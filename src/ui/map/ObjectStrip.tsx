// The strip of desired state on the map: what is asked for, before and beside its being real.

import { memo } from 'react';
import { shorten } from '../app/format.ts';
import { useT } from '../i18n/i18n.ts';
import { useRow } from '../scene/hooks.ts';
import { useUi } from '../state/ui.ts';
import { useLit, useLitAny } from './context.ts';
import type { Rect } from './layout.ts';
import { Mark, podState } from './Mark.tsx';
import { STRIP_ROW, STRIP_TITLE, type Strip } from './strip.ts';

interface Props {
  readonly rect: Rect;
  readonly strip: Strip;
  readonly waiting: readonly string[];
}

const MOST_WAITING = 5;

export const ObjectStrip = memo(function ObjectStrip({ rect, strip, waiting }: Props) {
  const t = useT();
  const lit = useLitAny((key) => strip.byId.has(key) || waiting.includes(key));
  return (
    <section className={`strip ${lit}`} style={{ width: rect.w, height: rect.h }} aria-label={t('map.objects')} data-testid="desired-state">
      <h3 className="strip-title" style={{ height: STRIP_TITLE }} title={t('map.objectsHint')}>
        {t('map.objects')}
      </h3>
      {strip.entries.length === 0 && <p className="strip-empty">{t('map.nothingDesired')}</p>}
      {strip.entries.map((entry) => (
        <Entry key={entry.id} id={entry.id} x={entry.rect.x - rect.x} y={entry.rect.y - rect.y} w={entry.rect.w} h={entry.rect.h} />
      ))}
      {strip.more > 0 && (
        <p className="strip-more" style={{ top: STRIP_TITLE + strip.entries.length * STRIP_ROW }}>
          {t('map.more', { count: strip.more })}
        </p>
      )}
      {waiting.length > 0 && (
        <div className="strip-waiting" style={{ top: strip.waiting.y - rect.y, height: strip.waiting.h }} data-testid="unscheduled">
          <span>{t('map.waiting')}</span>
          {waiting.slice(0, MOST_WAITING).map((id) => (
            <Waiting key={id} id={id} />
          ))}
          {waiting.length > MOST_WAITING && <span>{t('map.more', { count: waiting.length - MOST_WAITING })}</span>}
        </div>
      )}
    </section>
  );
});

interface EntryProps {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

const SHORT_KIND: Readonly<Record<string, string>> = {
  Deployment: 'deploy', ReplicaSet: 'rs', StatefulSet: 'sts', DaemonSet: 'ds', Service: 'svc', CronJob: 'cj', Job: 'job', ReplicationController: 'rc',
};

const Entry = memo(function Entry({ id, x, y, w, h }: EntryProps) {
  const row = useRow(id, 'object');
  const selected = useUi((s) => s.selected === id);
  const select = useUi((s) => s.select);
  const lit = useLit(id);
  if (!row) return null;
  return (
    <button
      type="button"
      tabIndex={-1}
      className={`strip-entry ${lit} ${selected ? 'selected' : ''}`}
      style={{ left: x, top: y, width: w, height: h }}
      onClick={() => select(id)}
      title={`${row.kind} ${row.namespace}/${row.name}`}
      data-testid="desired-object"
      data-kind={row.kind}
      data-name={row.name}
    >
      <Mark state={row.health} size={10} />
      <span className="strip-kind">{SHORT_KIND[row.kind] ?? row.kind}</span>
      <span className="strip-name">{shorten(row.name, 16)}</span>
      <span className="strip-summary">{row.summary}</span>
    </button>
  );
});

function Waiting({ id }: { readonly id: string }) {
  const pod = useRow(id, 'pod');
  const select = useUi((s) => s.select);
  const lit = useLit(id);
  const t = useT();
  if (!pod) return null;
  return (
    <button
      type="button"
      tabIndex={-1}
      className={`strip-pod ${lit}`}
      title={pod.name}
      aria-label={t('map.pod', { name: pod.name, status: pod.status, ready: pod.readyText })}
      data-testid="pod"
      data-pod={pod.name}
      data-state={podState(pod)}
      onClick={() => select(id)}
    >
      <Mark state={podState(pod)} size={14} />
    </button>
  );
}
