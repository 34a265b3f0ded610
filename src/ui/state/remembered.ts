// What the person chose and the browser keeps: read before anything else of the page is there.

import type { StepLevel } from '../../session/protocol.ts';

export type Language = 'en' | 'zh-CN';
export type Theme = 'system' | 'light' | 'dark';
export type Palette = 'atlas' | 'contrast';
export type RightTab = 'editor' | 'inspector' | 'payload';
export type BottomTab = 'flow' | 'events' | 'packet' | 'terminal';
export type PhoneTab = 'map' | 'objects' | 'editor' | 'inspector' | 'flow' | 'events' | 'packet' | 'terminal';
/** What Play moves: the steps of the chosen flow, or the clock of the whole cluster. */
export type PlayMode = 'steps' | 'clock';

export interface Remembered {
  language: Language;
  theme: Theme;
  palette: Palette;
  reducedMotion: boolean;
  leftOpen: boolean;
  rightOpen: boolean;
  bottomOpen: boolean;
  rightTab: RightTab;
  bottomTab: BottomTab;
  level: StepLevel;
  speed: number;
  pace: number;
  stepAfterApply: boolean;
  systemObjects: boolean;
}

const KEY = 'orrery.ui';
const REMEMBERED = [
  'language', 'theme', 'palette', 'reducedMotion', 'leftOpen', 'rightOpen', 'bottomOpen', 'rightTab', 'bottomTab', 'level', 'speed', 'pace',
  'stepAfterApply', 'systemObjects',
] as const satisfies readonly (keyof Remembered)[];

/** The choices of the last visit, or what suits the browser. */
export function remembered(): Remembered {
  const defaults: Remembered = {
    language: /^zh\b/i.test(navigator.language) ? 'zh-CN' : 'en',
    theme: 'system',
    palette: 'atlas',
    reducedMotion: matchMedia('(prefers-reduced-motion: reduce)').matches,
    leftOpen: true,
    rightOpen: true,
    bottomOpen: true,
    rightTab: 'editor',
    bottomTab: 'flow',
    level: 'call',
    speed: 1,
    pace: 1,
    stepAfterApply: true,
    systemObjects: false,
  };
  try {
    const saved = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, unknown>;
    const usable = Object.entries(saved).filter(([k, value]) => k in defaults && typeof value === typeof defaults[k as keyof Remembered]);
    const choice: Remembered = { ...defaults, ...Object.fromEntries(usable) };
    return choice.rightTab === 'payload' ? { ...choice, rightTab: 'editor' } : choice;
  } catch {
    return defaults;
  }
}

/** Keeps the choices, when one of them has changed. */
export function remember(state: Remembered, before: Remembered): void {
  if (REMEMBERED.every((key) => state[key] === before[key])) return;
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(REMEMBERED.map((key) => [key, state[key]]))));
  } catch {
    // A full or forbidden storage only means that the choice is forgotten.
  }
}
