// The panel's words in the person's language.

import { useUi } from '../state/ui.ts';
import { en, type Words } from './en.ts';
import { zh } from './zh.ts';

export const useWords = (): Words => useUi((s) => (s.language === 'en' ? en : zh));
