// Short messages that go away, and the banner after a crash.

import { useEffect, useState } from 'react';
import type { Action } from '../../session/protocol.ts';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';

const STAY = 5_000;

export function Notices() {
  const t = useT();
  const player = usePlayerApi();
  const notice = usePlayer((s) => s.notice);
  const fromLink = usePlayer((s) => s.fromLink);
  const [hidden, setHidden] = useState(0);
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(() => setHidden(notice.turn), STAY);
    return () => clearTimeout(timer);
  }, [notice]);
  const shown = notice !== null && notice.turn !== hidden;
  return (
    <div className="notices" role="status" data-testid="notices">
      {shown && (
        <p className="notice">
          {t(`notice.${notice.key}`)}
          {notice.key === 'fromLink' && fromLink && (
            <button type="button" onClick={() => void player.backToOwn()}>
              {t('notice.backToOwn')}
            </button>
          )}
        </p>
      )}
    </div>
  );
}

/** What the person had asked for. */
function wordsOf(action: Action): string {
  switch (action.type) {
    case 'kubectl':
      return `kubectl ${action.argv.join(' ')}`;
    case 'apply':
    case 'delete':
      return action.text.slice(0, 200);
    case 'terminal':
      return action.keys.trim();
    default:
      return '';
  }
}

export function CrashBanner() {
  const t = useT();
  const player = usePlayerApi();
  const status = usePlayer((s) => s.status);
  if (status.type !== 'crashed') return null;
  const { pending, again, reason } = status;
  const words = pending === null ? '' : wordsOf(pending);
  return (
    <div className="crash" role="alert" data-testid="crash">
      <p>
        <b>{t(`crash.${reason}`)}</b> {t('crash.kept')}
      </p>
      {again && pending && (
        <p>
          {t('crash.again')} <code>{words}</code>
        </p>
      )}
      <div>
        {again ? (
          <button type="button" className="primary" onClick={() => void player.recoverWithout()} data-testid="recover-without">
            {t('crash.without')}
          </button>
        ) : (
          <button type="button" className="primary" onClick={() => void player.recover()} data-testid="recover">
            {t('crash.restart')}
          </button>
        )}
        <button type="button" onClick={() => void player.reset(null)}>
          {t('crash.fresh')}
        </button>
      </div>
    </div>
  );
}
