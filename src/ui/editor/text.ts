// The text in the editor: one buffer, saved shortly after each change and at once when the page goes away. Nothing
// else in the page ever writes over it without the person asking.

import { create } from 'zustand';
import deployment from './examples/deployment.yaml?raw';

const KEY = 'orrery.text';
const SAVE_AFTER = 150;
/** As much as the API server accepts in one request: bytes. */
export const LARGEST_TEXT = 3 * 1024 * 1024;

interface TextState {
  readonly text: string;
  /** Counts up when the text was replaced from outside of the editor. */
  readonly turn: number;
}

function saved(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const useText = create<TextState>()(() => ({ text: saved() ?? deployment, turn: 0 }));

let timer: ReturnType<typeof setTimeout> | undefined;

function save(): void {
  clearTimeout(timer);
  timer = undefined;
  try {
    localStorage.setItem(KEY, useText.getState().text);
  } catch {
    // Too large or forbidden: the text lives on in the open page.
  }
}

/** What the person typed. */
export function typed(text: string): void {
  if (text === useText.getState().text) return;
  useText.setState({ text });
  clearTimeout(timer);
  timer = setTimeout(save, SAVE_AFTER);
}

/** Puts another text into the editor, at the person's wish. */
export function replaceText(text: string): void {
  useText.setState((s) => ({ text, turn: s.turn + 1 }));
  save();
}

/** Saves at once when the page is hidden or left. Returns the way to stop. */
export function saveOnLeave(): () => void {
  const leave = (): void => {
    if (timer !== undefined) save();
  };
  addEventListener('pagehide', leave);
  document.addEventListener('visibilitychange', leave);
  return () => {
    removeEventListener('pagehide', leave);
    document.removeEventListener('visibilitychange', leave);
  };
}

/** True when a text of this many UTF-16 units cannot be more than the limit, or its bytes are not. */
export function fits(text: string): boolean {
  if (text.length > LARGEST_TEXT) return false;
  if (text.length * 3 <= LARGEST_TEXT) return true;
  return new TextEncoder().encode(text).length <= LARGEST_TEXT;
}
