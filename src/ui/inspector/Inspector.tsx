// What is selected, in full: desired against observed, relations, events, YAML.

import { Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { ObjectView } from '../../session/protocol.ts';
import { Confirm } from '../app/Confirm.tsx';
import { ageText } from '../app/format.ts';
import { Yaml } from '../flow/Code.tsx';
import { type Translate, useT } from '../i18n/i18n.ts';
import { Mark, podState } from '../map/Mark.tsx';
import { AskHere } from '../packet/AskHere.tsx';
import { useRow } from '../scene/hooks.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { MachineFacts } from './MachineFacts.tsx';

export function Inspector() {
  const t = useT();
  const id = useUi((s) => s.selected);
  if (id === '') return <p className="panel-hint">{t('inspector.nothing')}</p>;
  return id.startsWith('machine/') ? <MachineFacts key={id} id={id} /> : <ObjectFacts key={id} id={id} />;
}

/** How long a row must be quiet before its object is asked for: milliseconds. */
const SETTLE = 60;

/** Asks for the object again whenever its row changes, but not more often than a person can read. */
function useObjectView(id: string): ObjectView | null {
  const player = usePlayerApi();
  const pod = useRow(id, 'pod');
  const object = useRow(id, 'object');
  const moment = usePlayer((s) => s.clock.recordId === 0 || s.clock.playing ? 0 : s.clock.recordId);
  const [view, setView] = useState<ObjectView | null>(null);
  useEffect(() => {
    let wanted = true;
    const timer = setTimeout(
      () =>
        void player.object(id).then((found) => {
          if (wanted) setView(found);
        }),
      SETTLE,
    );
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [player, id, pod, object, moment]);
  return view;
}

function ObjectFacts({ id }: { readonly id: string }) {
  const t = useT();
  const view = useObjectView(id);
  const pod = useRow(id, 'pod');
  const object = useRow(id, 'object');
  const row = pod ?? object;
  const now = usePlayer((s) => Math.floor(s.clock.view / 1_000_000) * 1_000_000);
  const [, , namespace = '', name = ''] = id.split('/');
  const kind = pod ? 'Pod' : (object?.kind ?? '');
  return (
    <article className="inspector" tabIndex={0} data-testid="inspector" aria-label={`${kind} ${name}`}>
      <header>
        <h2>
          {row && <Mark state={pod ? podState(pod) : (object?.health ?? 'idle')} size={14} />}
          <span className="kind">{kind}</span> {name}
        </h2>
        <p className="muted">
          {namespace}
          {pod ? ` · ${pod.status} · ${pod.readyText}${pod.machine === '' ? '' : ` · ${pod.machine}`}${pod.ip === '' ? '' : ` · ${pod.ip}`}` : ''}
          {row ? ` · ${ageText(t, now - row.createdAt)}` : ''}
        </p>
        {row && <DeleteButton resource={id.split('/')[1] ?? ''} namespace={namespace} name={name} />}
      </header>
      {row && <AskHere kind={kind} namespace={namespace} name={name} />}
      {!row && <p className="panel-hint">{t('inspector.gone')}</p>}
      {view && view.desired.length > 0 && <Desired view={view} t={t} />}
      {view && <Relations view={view} t={t} />}
      {view && view.events.length > 0 && (
        <section>
          <h3>{t('inspector.events')}</h3>
          <ul className="event-list">
            {view.events.map((event) => (
              <li key={event.id} className={event.eventType === 'Warning' ? 'warning' : ''}>
                <b>{event.reason}</b> <span className="muted">{t('events.age', { age: ageText(t, now - event.lastAt) })}</span>
                <br />
                {event.message}
              </li>
            ))}
          </ul>
        </section>
      )}
      {view && view.yaml !== '' && (
        <section>
          <h3>{t('inspector.yaml')}</h3>
          <Yaml text={view.yaml} label={t('inspector.yaml')} />
        </section>
      )}
    </article>
  );
}

function Desired({ view, t }: { readonly view: ObjectView; readonly t: Translate }) {
  return (
    <section>
      <h3>{t('inspector.desired')}</h3>
      <table className="desired" data-testid="desired">
        <thead>
          <tr>
            <th scope="col">{t('inspector.field')}</th>
            <th scope="col">{t('inspector.want')}</th>
            <th scope="col">{t('inspector.have')}</th>
          </tr>
        </thead>
        <tbody>
          {view.desired.map((pair) => (
            <tr key={pair.field}>
              <td>
                <code>{pair.field}</code>
              </td>
              <td>{pair.desired}</td>
              <td title={pair.met ? t('inspector.met') : t('inspector.unmet')}>
                <Mark state={pair.met ? 'ok' : 'progressing'} size={10} /> {pair.observed}
                <span className="visually-hidden">{pair.met ? t('inspector.met') : t('inspector.unmet')}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Relations({ view, t }: { readonly view: ObjectView; readonly t: Translate }) {
  const select = useUi((s) => s.select);
  if (view.owner === '' && view.owned.length === 0) return null;
  const link = (id: string) => (
    <button type="button" className="link" onClick={() => select(id)}>
      {id.split('/').slice(-1)[0]} <small>{id.split('/')[1]}</small>
    </button>
  );
  return (
    <section>
      {view.owner !== '' && (
        <p>
          <b>{t('inspector.owner')}</b> {link(view.owner)}
        </p>
      )}
      {view.owned.length > 0 && (
        <>
          <h3>{t('inspector.owned')}</h3>
          <ul className="links">
            {view.owned.slice(0, 100).map((id) => (
              <li key={id}>{link(id)}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function DeleteButton({ resource, namespace, name }: { readonly resource: string; readonly namespace: string; readonly name: string }) {
  const t = useT();
  const player = usePlayerApi();
  const [asking, setAsking] = useState(false);
  const label = `${resource}/${name}`;
  return (
    <>
      <button type="button" className="quiet danger-text" onClick={() => setAsking(true)} title={t('inspector.deleteTitle', { name: label })} data-testid="delete-object">
        <Trash2 size={15} aria-hidden="true" /> {t('inspector.delete')}
      </button>
      {asking && (
        <Confirm
          question={t('inspector.deleteSure', { name: label })}
          yes={t('inspector.yes')}
          no={t('inspector.no')}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes) void player.act({ type: 'kubectl', argv: ['delete', resource, name, ...(namespace === '' ? [] : ['-n', namespace]), '--wait=false'] });
          }}
        />
      )}
    </>
  );
}
