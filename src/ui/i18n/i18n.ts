// The page's texts in the person's language: one catalogue at a time, loaded when its language is first chosen.

import { useSyncExternalStore } from 'react';
import { type Language, useUi } from '../state/ui.ts';
import { areTold, loadSentences } from '../story/sentences.ts';
import { type Level, textIn, type Translate, translator } from './translate.ts';

export type { Translate } from './translate.ts';

const catalogueOf = async (language: Language): Promise<Level> => (language === 'en' ? (await import('./en.ts')).en : (await import('./zh-CN.ts')).zhCN);

let current: Level = {};
let translate: Translate = translator(current);
const listeners = new Set<() => void>();

async function change(language: Language): Promise<void> {
  const [catalogue] = await Promise.all([catalogueOf(language), areTold() ? loadSentences(language) : null]);
  if (useUi.getState().language !== language) return;
  current = catalogue;
  translate = translator(catalogue);
  document.documentElement.lang = language;
  for (const listener of listeners) listener();
}

export async function startI18n(): Promise<void> {
  useUi.subscribe((state, before) => {
    if (state.language !== before.language) void change(state.language);
  });
  await change(useUi.getState().language);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

export const useT = (): Translate => useSyncExternalStore(subscribe, () => translate);

/** The plain sentence for a problem's code; codes that have none of their own get the general one. */
export function problemSentence(t: Translate, code: string): string {
  return textIn(current, `problem.${code}`) ?? t('problem.other');
}
