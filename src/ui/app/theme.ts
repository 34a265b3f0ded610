// Puts the chosen theme, palette and amount of movement on the document, where the style sheets find them.

import { useSyncExternalStore } from 'react';
import { useUi } from '../state/ui.ts';

const system = matchMedia('(prefers-color-scheme: dark)');

const isDark = (): boolean => {
  const { theme } = useUi.getState();
  return theme === 'dark' || (theme === 'system' && system.matches);
};

function follow(): void {
  const { palette, reducedMotion, presenter } = useUi.getState();
  const root = document.documentElement;
  root.dataset.theme = isDark() ? 'dark' : 'light';
  root.dataset.palette = palette;
  root.dataset.motion = reducedMotion ? 'reduced' : 'full';
  root.dataset.presenter = String(presenter);
}

export function startTheme(): void {
  follow();
  useUi.subscribe(follow);
  system.addEventListener('change', follow);
}

export const useDark = (): boolean =>
  useSyncExternalStore((listener) => {
    const stop = useUi.subscribe(listener);
    system.addEventListener('change', listener);
    return () => {
      stop();
      system.removeEventListener('change', listener);
    };
  }, isDark);
