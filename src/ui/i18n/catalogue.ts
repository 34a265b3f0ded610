// The catalogue of a language, loaded when it is first chosen.

import type { Language } from '../state/remembered.ts';

export const loadCatalogue = async (language: Language) => (language === 'en' ? (await import('./en.ts')).en : (await import('./zh-CN.ts')).zhCN);
