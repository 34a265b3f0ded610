// A terminal on the operator's machine, with kubectl in it.

import '@xterm/xterm/css/xterm.css';
import { useEffect, useRef } from 'react';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { LineEditor } from './line-editor.ts';
import { TerminalScreen } from './screen.ts';

/** The line being written and the commands before it outlive the panel. */
const editor = new LineEditor();

export function TerminalPanel() {
  const t = useT();
  const player = usePlayerApi();
  const box = useRef<HTMLDivElement>(null);
  const screen = useRef<TerminalScreen | null>(null);
  const ready = usePlayer((s) => s.status.type === 'ready' && s.clock.booted);
  const past = usePlayer((s) => s.clock.view < s.clock.live);
  const theme = useUi((s) => s.theme);
  const palette = useUi((s) => s.palette);
  const label = t('terminal.label');

  useEffect(() => {
    const element = box.current;
    if (!ready || !element) return;
    const opened = new TerminalScreen(player, editor, element, label);
    screen.current = opened;
    opened.focus();
    return () => {
      opened.dispose();
      screen.current = null;
    };
  }, [player, ready, label]);

  useEffect(() => {
    if (box.current) screen.current?.setTheme(box.current);
  }, [theme, palette]);

  return (
    <section className="terminal" aria-label={t('panels.terminal')} data-testid="terminal">
      {past && <p className="terminal-past">{t('terminal.past')}</p>}
      <div className="terminal-screen" ref={box} tabIndex={-1} />
    </section>
  );
}
