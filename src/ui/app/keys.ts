// The keys of a class. They work wherever the focus is, but never while somebody types or composes.

import { useEffect } from 'react';
import { hidePacket, usePacket } from '../packet/store.ts';
import type { Player } from '../session/player.ts';
import { useUi } from '../state/ui.ts';
import { SEARCH_ID } from '../tree/ObjectTree.tsx';

/** True where keys are not ours: in fields and the code editor, below an open dialog, and while an input method composes. */
function isTyping(event: KeyboardEvent): boolean {
  if (event.isComposing || event.keyCode === 229) return true;
  if (document.querySelector('dialog[open]')) return true;
  const target = event.target as HTMLElement | null;
  return target?.closest('input:not([type=checkbox]), textarea, select, [contenteditable=true], .monaco, .terminal, dialog') != null;
}

/** Elements for which Space and Enter mean themselves. */
const isPressable = (event: KeyboardEvent): boolean => (event.target as HTMLElement | null)?.closest('button, a, summary, input, [role=slider]') != null;
/** Elements in which arrows and page keys move something of their own. */
const ownsArrows = (event: KeyboardEvent): boolean => (event.target as HTMLElement | null)?.closest('[role=tree], [role=tablist], [role=slider], [role=separator]') != null;

export function useKeys(player: Player): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const ui = useUi.getState();
      if (event.key === 'F5' && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        ui.set({ presenter: !ui.presenter, payload: 0 });
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (handle(event, player)) {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [player]);
}

/** Returns true when the key meant something. */
function handle(event: KeyboardEvent, player: Player): boolean {
  const ui = useUi.getState();
  if (ui.blank && event.key !== 'F5') {
    ui.set({ blank: false });
    return true;
  }
  switch (event.key) {
    case 'ArrowRight':
    case 'PageDown':
      if (event.key === 'ArrowRight' && ownsArrows(event)) return false;
      void player.step(1);
      return true;
    case 'ArrowLeft':
    case 'PageUp':
      if (event.key === 'ArrowLeft' && ownsArrows(event)) return false;
      void player.step(-1);
      return true;
    case ' ':
      if (isPressable(event)) return false;
      void player.step(1);
      return true;
    case '/':
      ui.set({ leftOpen: true, presenter: false, phoneTab: 'objects' });
      requestAnimationFrame(() => document.getElementById(SEARCH_ID)?.focus());
      return true;
    case '.':
    case 'b':
      if (!ui.presenter) return false;
      ui.set({ blank: true });
      return true;
    case 'Escape':
      if (ui.payload !== 0) ui.showPayload(0);
      else if (usePacket.getState().shown) hidePacket();
      else if (ui.presenter) ui.set({ presenter: false });
      else if (ui.selected !== '') ui.select('');
      else return false;
      return true;
    case 'Home':
      if (ownsArrows(event)) return false;
      void player.stepTo(0);
      return true;
    default:
      return false;
  }
}
