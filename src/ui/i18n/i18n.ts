// Starts the catalogues and keeps the document's language in step with the person's choice. A language is loaded when
// it is first chosen.

import i18next, { type TFunction } from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import { type Language, useUi } from '../state/ui.ts';
import { areTold, loadSentences } from '../story/sentences.ts';
import type { en } from './en.ts';

type Catalogue = typeof en;

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'ui';
    resources: { ui: Catalogue };
  }
}

export type Translate = TFunction<'ui'>;

const catalogue = async (language: Language) => (language === 'en' ? (await import('./en.ts')).en : (await import('./zh-CN.ts')).zhCN);

export async function startI18n(): Promise<void> {
  const { language } = useUi.getState();
  const ui = await catalogue(language);
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    defaultNS: 'ui',
    ns: ['ui'],
    resources: { [language]: { ui } },
    interpolation: { escapeValue: false },
  });
  document.documentElement.lang = language;
  useUi.subscribe((state, before) => {
    if (state.language !== before.language) void change(state.language);
  });
}

async function change(language: Language): Promise<void> {
  const [ui] = await Promise.all([catalogue(language), areTold() ? loadSentences(language) : null]);
  i18next.addResourceBundle(language, 'ui', ui);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export const useT = (): Translate => useTranslation('ui').t;

/** The plain sentence for a problem's code; codes that have none of their own get the general one. */
export function problemSentence(t: Translate, code: string): string {
  const known = code as keyof Catalogue['problem'];
  return i18next.exists(`problem.${code}`, { ns: 'ui' }) ? t(`problem.${known}`) : t('problem.other');
}
