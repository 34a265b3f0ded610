// The page: which arrangement is shown, and what lies over all of them.

import { useEffect, useSyncExternalStore } from 'react';
import { saveOnLeave } from '../editor/text.ts';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { Boundary } from './Boundary.tsx';
import { useKeys } from './keys.ts';
import { CrashBanner, Notices } from './Notices.tsx';
import { Phone } from './Phone.tsx';
import { Presenter } from './Presenter.tsx';
import { Shell } from './Shell.tsx';

const narrow = matchMedia('(max-width: 760px)');
const useNarrow = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      narrow.addEventListener('change', listener);
      return () => narrow.removeEventListener('change', listener);
    },
    () => narrow.matches,
  );

export function App() {
  const t = useT();
  const player = usePlayerApi();
  const presenter = useUi((s) => s.presenter);
  const opening = usePlayer((s) => s.status.type === 'opening');
  const phone = useNarrow();
  useKeys(player);
  useEffect(saveOnLeave, []);
  useEffect(() => {
    const save = (): void => {
      if (document.hidden) void player.save();
    };
    document.addEventListener('visibilitychange', save);
    return () => document.removeEventListener('visibilitychange', save);
  }, [player]);
  return (
    <Boundary name="page">
      <CrashBanner />
      {presenter ? <Presenter /> : phone ? <Phone /> : <Shell />}
      <Notices />
      {opening && (
        <p className="opening" role="status" data-testid="opening">
          {t('booting')}
        </p>
      )}
    </Boundary>
  );
}
