// The sentences of each language; loaded when the first one is to be told.

import type { Language } from '../state/ui.ts';
import type { Sentences } from './keys.ts';

const loaded = new Map<Language, Sentences>();
let told = false;

/** Loads the sentences of a language; another one is spoken until then. */
export async function loadSentences(language: Language): Promise<void> {
  told = true;
  if (!loaded.has(language)) loaded.set(language, language === 'en' ? (await import('./en.ts')).EN : (await import('./zh.ts')).ZH);
}

/** Whether sentences are told, so that a new language needs its own. */
export const areTold = (): boolean => told;

/** Those of the language, or of the one that is there; undefined while none is loaded. */
export const sentencesOf = (language: Language): Sentences | undefined => loaded.get(language) ?? [...loaded.values()][0];
