// What the person chose about the page itself: panels, language, theme, selection. Chosen once, remembered.

import { create } from 'zustand';
import { type PhoneTab, type PlayMode, type Remembered, remember, remembered } from './remembered.ts';

export type { BottomTab, Language, Palette, PhoneTab, PlayMode, RightTab, Theme } from './remembered.ts';

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

export const useUi = create<UiState>()((set) => ({
  ...remembered(),
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

useUi.subscribe(remember);
