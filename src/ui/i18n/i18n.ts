// Starts the catalogues and keeps the document's language in step with the person's choice.

import i18next, { type TFunction } from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import { type Language, useUi } from '../state/ui.ts';
import { en } from './en.ts';
import { zhCN } from './zh-CN.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'ui';
    resources: { ui: typeof en };
  }
}

export type Translate = TFunction<'ui'>;

export async function startI18n(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: useUi.getState().language,
    fallbackLng: 'en',
    defaultNS: 'ui',
    ns: ['ui'],
    resources: { en: { ui: en }, 'zh-CN': { ui: zhCN } },
    interpolation: { escapeValue: false },
  });
  follow(useUi.getState().language);
  useUi.subscribe((state, before) => {
    if (state.language === before.language) return;
    void i18next.changeLanguage(state.language);
    follow(state.language);
  });
}

function follow(language: Language): void {
  document.documentElement.lang = language;
}

export const useT = (): Translate => useTranslation('ui').t;

const PROBLEM_CODES: ReadonlySet<string> = new Set(Object.keys(en.problem));

/** The plain sentence for a problem's code; codes that have none of their own get the general one. */
export function problemSentence(t: Translate, code: string): string {
  return t(`problem.${(PROBLEM_CODES.has(code) ? code : 'other') as keyof typeof en.problem}`);
}
