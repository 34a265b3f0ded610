// What is wrong, in the cluster's words with a plain sentence under each, and what kubectl printed.

import { CircleX, TriangleAlert } from 'lucide-react';
import type { TextProblem } from '../../session/protocol.ts';
import { problemSentence, useT } from '../i18n/i18n.ts';
import { usePlayer } from '../state/player.ts';

const MOST = 50;

export function Problems({ problems, onGo }: { readonly problems: readonly TextProblem[]; readonly onGo: (problem: TextProblem) => void }) {
  const t = useT();
  const result = usePlayer((s) => s.result);
  const busy = usePlayer((s) => s.busy);
  return (
    <div className="editor-below" aria-live="polite" data-testid="problems">
      {busy && <p className="muted">{t('editor.busy')}</p>}
      {problems.length > 0 && (
        <ul className="problem-list">
          {problems.slice(0, MOST).map((p) => (
            <li key={`${p.line} ${p.column} ${p.message}`} className={p.severity} data-testid="problem" data-code={p.code}>
              <button type="button" onClick={() => onGo(p)}>
                {p.severity === 'error' ? <CircleX size={15} aria-hidden="true" /> : <TriangleAlert size={15} aria-hidden="true" />}
                <span>
                  <span className="problem-words">{p.message}</span>
                  <span className="problem-plain">
                    {problemSentence(t, p.code)} <small>{t('editor.atLine', { line: p.line })}</small>
                  </span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {result && result.output.length > 0 && (
        <pre className={`answer ${result.exitCode === 0 ? '' : 'error'}`} data-testid="answer">
          {result.output.slice(0, 200).map((o) => `${o.line}\n`)}
        </pre>
      )}
    </div>
  );
}
