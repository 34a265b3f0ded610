// What Orrery is, its licence, its keys, and what it simplifies on purpose: the browser's own modal dialog. Its texts
// and its style are loaded with it, when it is first opened.

import { X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useUi } from '../state/ui.ts';
import '../styles/about.css';
import { type AboutText, en } from './en.ts';
import { zh } from './zh.ts';

interface Props {
  /** Called once the dialog is closed, by its button, by Esc or by a click beside it. */
  readonly onClosed: () => void;
}

export function About({ onClosed }: Props) {
  const text: AboutText = useUi((s) => s.language) === 'en' ? en : zh;
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    dialog.showModal();
    const beside = (event: MouseEvent): void => {
      if (event.target === dialog) dialog.close();
    };
    dialog.addEventListener('click', beside);
    return () => dialog.removeEventListener('click', beside);
  }, []);
  return (
    <dialog ref={ref} className="about" aria-labelledby="about-title" onClose={onClosed} data-testid="about">
      <header className="about-head">
        <h2 id="about-title">{text.title}</h2>
        <button type="button" className="quiet icon" onClick={() => ref.current?.close()} aria-label={text.close} title={text.close} data-testid="about-close">
          <X size={18} aria-hidden="true" />
        </button>
      </header>
      <div className="about-body" role="region" aria-labelledby="about-title" tabIndex={0}>
        <p>{text.what}</p>
        <dl className="about-facts">
          {Object.entries(text.facts).map(([key, fact]) => (
            <div key={key}>
              <dt>{fact.name}</dt>
              <dd>{fact.value}</dd>
            </div>
          ))}
        </dl>
        <Keys text={text.keys} />
        <Simplified text={text.simplified} />
      </div>
    </dialog>
  );
}

function Keys({ text }: { readonly text: AboutText['keys'] }) {
  return (
    <section>
      <h3>{text.title}</h3>
      <dl className="about-keys">
        {Object.entries(text.list).map(([key, row]) => (
          <div key={key}>
            <dt>
              {row.keys.split(' ').map((cap) => (
                <kbd key={cap}>{cap}</kbd>
              ))}
            </dt>
            <dd>{row.does}</dd>
          </div>
        ))}
      </dl>
      <p className="muted">{text.where}</p>
    </section>
  );
}

function Simplified({ text }: { readonly text: AboutText['simplified'] }) {
  return (
    <section>
      <h3>{text.title}</h3>
      <p className="muted">{text.intro}</p>
      <div className="about-rooms">
        {Object.entries(text.rooms).map(([room, { name, facts }]) => (
          <section key={room} data-room={room}>
            <h4>{name}</h4>
            <ul>
              {Object.entries(facts).map(([key, fact]) => (
                <li key={key}>{fact}</li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </section>
  );
}
