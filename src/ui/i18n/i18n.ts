// Starts the catalogues and keeps the document's language in step with the person's choice.

import i18next, { type TFunction } from 'i18next';
import { useSyncExternalStore } from 'react';
import { type Language, useUi } from '../state/ui.ts';
import { areTold, loadSentences } from '../story/sentences.ts';
import { loadCatalogue } from './catalogue.ts';
import type { en } from './en.ts';

type Catalogue = typeof en;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'ui';
    resources: { ui: Catalogue };
  }
}

export type Translate = TFunction<'ui'>;

export async function startI18n(): Promise<void> {
  const { language } = useUi.getState();
  const ui = await loadCatalogue(language);
  await i18next.init({
    lng: language,
    fallbackLng: false,
    defaultNS: 'ui',
    ns: ['ui'],
    resources: { [language]: { ui } },
    interpolation: { escapeValue: false },
  });
  show(language);
  useUi.subscribe((state, before) => {
    if (state.language !== before.language) void change(state.language);
  });
}

async function change(language: Language): Promise<void> {
  const [ui] = await Promise.all([loadCatalogue(language), areTold() ? loadSentences(language) : null]);
  i18next.addResourceBundle(language, 'ui', ui);
  await i18next.changeLanguage(language);
  show(language);
}

let translate: Translate;
const listeners = new Set<() => void>();

function show(language: Language): void {
  translate = i18next.getFixedT(language, 'ui');
  document.documentElement.lang = language;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Texts in the language of the page; only after `startI18n`. */
export const useT = (): Translate => useSyncExternalStore(subscribe, () => translate);

/** The plain sentence for a problem's code; codes that have none of their own get the general one. */
export function problemSentence(t: Translate, code: string): string {
  const known = code as keyof Catalogue['problem'];
  return i18next.exists(`problem.${code}`, { ns: 'ui' }) ? t(`problem.${known}`) : t('problem.other');
}
