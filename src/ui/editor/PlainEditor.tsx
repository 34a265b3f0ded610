// A text area with line numbers: for touch screens, and for when Monaco cannot be loaded.

import { type KeyboardEvent, useEffect, useRef } from 'react';
import { useT } from '../i18n/i18n.ts';
import type { EditorHandle } from './MonacoEditor.tsx';
import { fits, typed, useText } from './text.ts';

interface Props {
  readonly onApply: () => void;
  readonly onTooLarge: () => void;
  readonly onReady: (handle: EditorHandle | null) => void;
}

export function PlainEditor({ onApply, onTooLarge, onReady }: Props) {
  const t = useT();
  const text = useText((s) => s.text);
  const ref = useRef<HTMLTextAreaElement>(null);

  useEffect(() => {
    onReady({
      format: () => {},
      reveal: (line) => {
        const area = ref.current;
        if (!area) return;
        const start = area.value.split('\n').slice(0, line - 1).join('\n').length + (line > 1 ? 1 : 0);
        area.focus();
        area.setSelectionRange(start, start + (area.value.slice(start).split('\n')[0]?.length ?? 0));
        area.scrollTop = Math.max(0, (line - 4) * 21);
      },
    });
    return () => onReady(null);
  }, [onReady]);

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onApply();
  };

  return (
    <textarea
      ref={ref}
      className="plain-editor"
      value={text}
      aria-label={t('editor.label')}
      spellCheck={false}
      autoCapitalize="off"
      autoCorrect="off"
      wrap="off"
      onChange={(e) => typed(e.target.value)}
      onPaste={(e) => {
        if (fits(e.clipboardData.getData('text/plain'))) return;
        e.preventDefault();
        onTooLarge();
      }}
      onKeyDown={onKeyDown}
      data-testid="plain-editor"
    />
  );
}
