// What the marks mean.

import { useT } from '../i18n/i18n.ts';
import { Mark } from './Mark.tsx';

export function Legend() {
  const t = useT();
  return (
    <details className="legend" data-testid="legend">
      <summary>{t('map.legend')}</summary>
      <ul>
        <li>
          <Mark state="ok" /> {t('map.legendOk')}
        </li>
        <li>
          <Mark state="progressing" /> {t('map.legendProgressing')}
        </li>
        <li>
          <Mark state="waiting" /> {t('map.waiting')}
        </li>
        <li>
          <Mark state="failed" /> {t('map.legendFailed')}
        </li>
        <li>
          <Mark state="terminating" /> {t('map.legendTerminating')}
        </li>
        <li>
          <Mark state="idle" /> {t('map.legendIdle')}
        </li>
      </ul>
    </details>
  );
}
