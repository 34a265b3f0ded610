// A row of tabs with the keys that screen readers expect, and the panel of the chosen one.

import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react';

export interface Tab<K extends string> {
  readonly key: K;
  readonly label: string;
  readonly badge?: string;
  readonly content: () => ReactNode;
}

interface Props<K extends string> {
  readonly label: string;
  readonly tabs: readonly Tab<K>[];
  readonly chosen: K;
  readonly onChoose: (key: K) => void;
  readonly extra?: ReactNode;
  readonly position?: 'top' | 'bottom';
}

export function Tabs<K extends string>({ label, tabs, chosen, onChoose, extra, position = 'top' }: Props<K>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const current = tabs.find((tab) => tab.key === chosen) ?? tabs[0];

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0 || !current) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(current) + step + tabs.length) % tabs.length];
    if (!next) return;
    onChoose(next.key);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.key}"]`)?.focus();
  };

  const bar = (
    <div className="tab-bar">
      <div role="tablist" tabIndex={-1} aria-label={label} className="tab-list" ref={list} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button
            key={tab.key}
            type="button"
            role="tab"
            id={`${id}-${tab.key}`}
            data-tab={tab.key}
            data-testid={`tab-${tab.key}`}
            aria-selected={tab === current}
            aria-controls={`${id}-panel`}
            tabIndex={tab === current ? 0 : -1}
            onClick={() => onChoose(tab.key)}
          >
            {tab.label}
            {tab.badge && <span className="badge">{tab.badge}</span>}
          </button>
        ))}
      </div>
      {extra}
    </div>
  );
  return (
    <div className="tabs">
      {position === 'top' && bar}
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current?.key ?? ''}`} className="tab-panel">
        {current?.content()}
      </div>
      {position === 'bottom' && bar}
    </div>
  );
}
