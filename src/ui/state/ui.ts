// What the person chose about the page itself: panels, language, theme, selection. Chosen once, remembered.

import { create } from 'zustand';
import type { StepLevel } from '../../session/protocol.ts';

export type Language = 'en' | 'zh-CN';
export type Theme = 'system' | 'light' | 'dark';
export type Palette = 'atlas' | 'contrast';
export type RightTab = 'editor' | 'inspector' | 'payload';
export type BottomTab = 'flow' | 'events' | 'packet' | 'terminal';
export type PhoneTab = 'map' | 'objects' | 'editor' | 'inspector' | 'flow' | 'events' | 'packet' | 'terminal';
/** What Play moves: the steps of the chosen flow, or the clock of the whole cluster. */
export type PlayMode = 'steps' | 'clock';

interface Remembered {
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

export interface UiState extends Remembered {
  presenter: boolean;
  blank: boolean;
  phoneTab: PhoneTab;
  /** Id of the selected row, '' for none. */
  selected: string;
  /** Id of the record whose payload is open, 0 for none. */
  payload: number;
  playMode: PlayMode;
  set: (change: Partial<UiState>) => void;
  select: (id: string) => void;
  /** Opens the payload of a record; 0 closes it. */
  showPayload: (record: number) => void;
}

const KEY = 'orrery.ui';
const REMEMBERED = [
  'language', 'theme', 'palette', 'reducedMotion', 'leftOpen', 'rightOpen', 'bottomOpen', 'rightTab', 'bottomTab', 'level', 'speed', 'pace',
  'stepAfterApply', 'systemObjects',
] as const satisfies readonly (keyof Remembered)[];

function initial(): Remembered {
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

export const useUi = create<UiState>()((set) => ({
  ...initial(),
  presenter: false,
  blank: false,
  phoneTab: 'map',
  selected: '',
  payload: 0,
  playMode: 'clock',
  set: (change) => set(change),
  select: (id) => set((s) => ({ selected: id, ...(id !== '' && s.rightOpen ? { rightTab: 'inspector' as const } : {}) })),
  showPayload: (record) =>
    set((s) => ({ payload: record, rightTab: record !== 0 ? 'payload' : s.rightTab === 'payload' ? 'editor' : s.rightTab, rightOpen: s.rightOpen || (record !== 0 && !s.presenter) })),
}));

useUi.subscribe((state, before) => {
  if (REMEMBERED.every((key) => state[key] === before[key])) return;
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(REMEMBERED.map((key) => [key, state[key]]))));
  } catch {
    // A full or forbidden storage only means that the choice is forgotten.
  }
});
