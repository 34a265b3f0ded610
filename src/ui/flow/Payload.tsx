// What a record carried: the payload, and the value that it changed, before and after.

import { X } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { PacketAnswer, RecordDetail } from '../../session/protocol.ts';
import { clockText } from '../app/format.ts';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { useUi } from '../state/ui.ts';
import { actorName } from '../story/actors.ts';
import { tell } from '../story/story.ts';
import { Diff, Yaml } from './Code.tsx';
import { Funnel } from './Funnel.tsx';
import { funnelOf } from './funnel.ts';
import { toYaml } from './yaml.ts';

export function Payload() {
  const t = useT();
  const player = usePlayerApi();
  const id = useUi((s) => s.payload);
  const showPayload = useUi((s) => s.showPayload);
  const [found, setFound] = useState<{ readonly id: number; readonly record: RecordDetail | null } | null>(null);
  const record = found?.id === id ? found.record : undefined;
  useEffect(() => {
    let wanted = true;
    void player.record(id).then((answer) => {
      if (wanted) setFound({ id, record: answer });
    });
    return () => {
      wanted = false;
    };
  }, [player, id]);
  return (
    <section className="payload" aria-label={t('payload.title', { id })} data-testid="payload">
      <header>
        <h2>{t('flow.payload')}</h2>
        <button type="button" className="quiet" onClick={() => showPayload(0)} aria-label={t('payload.close')} title={t('payload.close')}>
          <X size={16} aria-hidden="true" />
        </button>
      </header>
      {record === null && <p className="panel-hint">{t('payload.gone')}</p>}
      {record && <Body record={record} />}
    </section>
  );
}

function Body({ record }: { readonly record: RecordDetail }) {
  const t = useT();
  const language = useUi((s) => s.language);
  const { change } = record;
  const funnel = useMemo(() => funnelOf(record.kind, record.verb, record.detail), [record]);
  const detail = useMemo(() => (record.detail === null || record.detail === undefined ? '' : toYaml(record.detail)), [record]);
  const [before, after] = useMemo(() => [yamlOrNothing(change?.before), yamlOrNothing(change?.after)], [change]);
  return (
    <div className="payload-body">
      <p className="payload-sentence">{tell(record, language)}</p>
      <dl className="facts">
        <dt>{t('payload.from')}</dt>
        <dd title={record.from}>{actorName(record.from, language)}</dd>
        <dt>{t('payload.to')}</dt>
        <dd title={record.to}>{actorName(record.to, language)}</dd>
        <dt>{t('payload.kind')}</dt>
        <dd>
          <code>{`${record.kind} ${record.verb}`}</code>
        </dd>
        <dt>{t('payload.time')}</dt>
        <dd>{`${clockText(record.start)} + ${t('flow.ms', { ms: ((record.end - record.start) / 1000).toFixed(3) })}`}</dd>
      </dl>
      <Hops id={record.id} kind={record.kind} />
      {funnel && <Funnel funnel={funnel} />}
      {change && (
        <>
          <h3>{t('payload.change')}</h3>
          <p className="muted">
            <code>{change.key}</code>
          </p>
          <Diff before={before} after={after} label={t('payload.change')} />
        </>
      )}
      {detail !== '' && (
        <>
          <h3>{t('payload.detail')}</h3>
          <Yaml text={detail} label={t('payload.detail')} />
        </>
      )}
      {detail === '' && !change && <p className="panel-hint">{t('payload.none')}</p>}
    </div>
  );
}

const CARRIED: ReadonlySet<string> = new Set(['packet', 'http', 'dns', 'probe']);

/** The way to the hops of the packet that carried it, when they were written down. */
function Hops({ id, kind }: { readonly id: number; readonly kind: string }) {
  const t = useT();
  const player = usePlayerApi();
  const [answer, setAnswer] = useState<PacketAnswer | null>(null);
  useEffect(() => {
    let wanted = true;
    if (CARRIED.has(kind)) void player.query((api) => api.tracedPacket(id)).then((found = null) => wanted && setAnswer(found));
    return () => {
      wanted = false;
    };
  }, [player, id, kind]);
  if (answer === null || !CARRIED.has(kind)) return null;
  const show = async (): Promise<void> => {
    const { showAnswer } = await import('../packet/ask.ts');
    useUi.getState().set({ bottomTab: 'packet', bottomOpen: true, phoneTab: 'packet' });
    showAnswer(answer);
  };
  return (
    <p>
      <button type="button" onClick={() => void show()} data-testid="payload-hops">
        {t('payload.hops')}
      </button>
    </p>
  );
}

const yamlOrNothing = (value: unknown): string => (value === null || value === undefined ? '' : toYaml(value));
