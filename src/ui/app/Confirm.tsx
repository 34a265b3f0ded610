// A question with two answers, in the browser's own modal dialog.

import { useEffect, useRef } from 'react';

interface Props {
  readonly question: string;
  readonly yes: string;
  readonly no: string;
  readonly onAnswer: (yes: boolean) => void;
}

export function Confirm({ question, yes, no, onAnswer }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
  }, []);
  return (
    <dialog ref={ref} className="confirm" aria-label={question} onCancel={() => onAnswer(false)} data-testid="confirm">
      <p>{question}</p>
      <div className="confirm-answers">
        <button type="button" onClick={() => onAnswer(false)}>
          {no}
        </button>
        <button type="button" className="danger" onClick={() => onAnswer(true)} data-testid="confirm-yes">
          {yes}
        </button>
      </div>
    </dialog>
  );
}
