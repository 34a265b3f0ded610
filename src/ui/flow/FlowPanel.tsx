// The chosen flow as text: every step a numbered line, the current one announced. Only the lines in sight exist.

import { SkipBack } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Step, StepLevel } from '../../session/protocol.ts';
import { clockText } from '../app/format.ts';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { useTell } from '../story/useTell.ts';
import { flowTitle } from './title.ts';

const ROW = 30;
const PAGE = 100;
const SPARE = 8;

export function FlowPanel({ withHead = false }: { readonly withHead?: boolean }) {
  const t = useT();
  const none = usePlayer((s) => s.flows.length === 0);
  const flow = usePlayer((s) => s.flow);
  const level = useUi((s) => s.level);
  if (none) return <p className="panel-hint">{t('flow.none')}</p>;
  return (
    <div className="flow-panel" data-testid="flow-panel">
      {withHead && <FlowHead />}
      <Announcer />
      {flow !== 0 && <StepList key={`${flow} ${level}`} flow={flow} level={level} />}
    </div>
  );
}

/** Which flow is being followed. */
export function FlowHead() {
  const t = useT();
  const player = usePlayerApi();
  const flows = usePlayer((s) => s.flows);
  const flow = usePlayer((s) => s.flow);
  if (flows.length === 0) return null;
  const chosen = flows.find((f) => f.id === flow);
  return (
      <div className="flow-head">
        <label>
          <span>{t('flow.choose')}</span>
          <select value={flow} onChange={(e) => void player.chooseFlow(Number(e.target.value))} data-testid="flow-select">
            {flow === 0 && <option value={0}>–</option>}
            {flows.map((f) => (
              <option key={f.id} value={f.id}>
                {`${clockText(f.at)}  ${flowTitle(t, f)}`}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="quiet" onClick={() => void player.stepTo(0)} title={t('flow.start')} aria-label={t('flow.start')} disabled={flow === 0}>
          <SkipBack size={15} aria-hidden="true" />
        </button>
        {chosen && <span className="muted">{t(chosen.settled ? 'flow.settled' : 'flow.underWay')}</span>}
      </div>
  );
}

/** Reads the current step to those who listen. */
export function Announcer() {
  const t = useT();
  const cue = usePlayer((s) => s.cue);
  const tell = useTell();
  return (
    <p className="visually-hidden" aria-live="polite" data-testid="announcer">
      {cue && t('flow.announce', { index: cue.index, total: cue.total, phase: t(`phases.${cue.record.phase}`), sentence: tell(cue.record) })}
    </p>
  );
}

function StepList({ flow, level }: { readonly flow: number; readonly level: StepLevel }) {
  const t = useT();
  const player = usePlayerApi();
  const index = usePlayer((s) => s.index);
  const total = usePlayer((s) => s.total);
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: 20 });
  const [pages, setPages] = useState<ReadonlyMap<number, readonly Step[]>>(new Map());

  useEffect(() => {
    let wanted = true;
    const first = Math.floor(range.from / PAGE);
    const last = Math.floor(Math.max(range.from, Math.min(range.to, total) - 1) / PAGE);
    for (let page = first; page <= last; page++) {
      const full = Math.min(PAGE, total - page * PAGE);
      if (full <= 0 || (pages.get(page)?.length ?? 0) >= full) continue;
      void player.steps(flow, level, page * PAGE, PAGE).then(({ steps }) => {
        if (wanted && steps.length > 0) setPages((before) => new Map(before).set(page, steps));
      });
    }
    return () => {
      wanted = false;
    };
  }, [player, flow, level, range, total, pages]);

  // The current step stays in sight.
  useEffect(() => {
    const element = box.current;
    if (!element || index === 0) return;
    const top = (index - 1) * ROW;
    if (top < element.scrollTop + ROW || top > element.scrollTop + element.clientHeight - 2 * ROW) {
      element.scrollTop = Math.max(0, top - element.clientHeight / 3);
    }
  }, [index]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => {
      const from = Math.max(0, Math.floor(element.scrollTop / ROW) - SPARE);
      const to = Math.ceil((element.scrollTop + element.clientHeight) / ROW) + SPARE;
      setRange((before) => (before.from === from && before.to === to ? before : { from, to }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);

  const stepAt = (i: number): Step | undefined => pages.get(Math.floor(i / PAGE))?.[i % PAGE];
  const rows = [];
  for (let i = range.from; i < Math.min(range.to, total); i++) rows.push(i);
  return (
    <div className="steps" ref={box} tabIndex={0} role="group" aria-label={t('flow.steps')} data-testid="steps">
      {total === 0 && <p className="panel-hint">{t('flow.empty')}</p>}
      <ol style={{ height: total * ROW }}>
        {rows.map((i) => (
          <StepRow key={i} i={i} step={stepAt(i)} before={stepAt(i - 1)} current={i + 1 === index} done={i + 1 < index} total={total} />
        ))}
      </ol>
    </div>
  );
}

interface RowProps {
  readonly i: number;
  readonly step: Step | undefined;
  readonly before: Step | undefined;
  readonly current: boolean;
  readonly done: boolean;
  readonly total: number;
}

function StepRow({ i, step, before, current, done, total }: RowProps) {
  const t = useT();
  const player = usePlayerApi();
  const tell = useTell();
  const showPayload = useUi((s) => s.showPayload);
  return (
    <li
      className={`step ${current ? 'current' : ''} ${done ? 'done' : ''}`}
      style={{ top: i * ROW, height: ROW }}
      aria-setsize={total}
      aria-posinset={i + 1}
      aria-current={current ? 'step' : undefined}
    >
      <span className={`step-phase ${step ? `phase-${step.phase}` : ''}`}>{step && step.phase !== before?.phase ? t(`phases.${step.phase}`) : ''}</span>
      <button type="button" className="step-go" onClick={() => void player.stepTo(i + 1)} data-testid="step">
        <span className="step-number">{i + 1}</span>
        <span className="step-text">{step ? tell(step) : t('flow.loading')}</span>
      </button>
      {step && (
        <>
          <span className="step-time">{clockText(step.start)}</span>
          <button type="button" className="quiet step-payload" onClick={() => showPayload(step.id)}>
            {t('flow.payload')}
          </button>
        </>
      )}
    </li>
  );
}
