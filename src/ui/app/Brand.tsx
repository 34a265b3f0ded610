// The name and its sign: three orbits around one centre.

import { useT } from '../i18n/i18n.ts';

export function Brand() {
  const t = useT();
  return (
    <h1 className="brand" title={t('tagline')}>
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
        <g fill="none" stroke="currentColor" strokeWidth="1.8">
          <circle cx="16" cy="16" r="13" />
          <ellipse cx="16" cy="16" rx="13" ry="5.5" transform="rotate(-30 16 16)" />
        </g>
        <circle cx="16" cy="16" r="3.6" fill="currentColor" />
        <circle cx="27" cy="9.6" r="2.6" fill="var(--progressing)" />
      </svg>
      <span className="brand-name">{t('brand')}</span>
    </h1>
  );
}
