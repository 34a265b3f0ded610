// The editor proper. The text lives in the store; Monaco shows and edits it.

import { useEffect, useRef } from 'react';
import type { TextProblem } from '../../session/protocol.ts';
import { useDark } from '../app/theme.ts';
import { useT } from '../i18n/i18n.ts';
import { monaco } from './monaco.ts';
import { fits, typed, useText } from './text.ts';

interface Props {
  readonly problems: readonly TextProblem[];
  readonly onApply: () => void;
  readonly onTooLarge: () => void;
  /** Gives the editor's commands when it is there, null when it goes. */
  readonly onReady: (handle: EditorHandle | null) => void;
}

export interface EditorHandle {
  format(): void;
  reveal(line: number, column: number): void;
}

export default function MonacoEditor({ problems, onApply, onTooLarge, onReady }: Props) {
  const t = useT();
  const box = useRef<HTMLDivElement>(null);
  const editor = useRef<monaco.editor.IStandaloneCodeEditor | null>(null);
  const apply = useRef(onApply);
  const dark = useDark();
  const turn = useText((s) => s.turn);
  const label = t('editor.label');

  useEffect(() => {
    if (!box.current) return;
    const model = monaco.editor.createModel(useText.getState().text, 'yaml', monaco.Uri.parse('inmemory://manifest.yaml'));
    model.updateOptions({ tabSize: 2, insertSpaces: true });
    const created = monaco.editor.create(box.current, {
      model,
      automaticLayout: true,
      minimap: { enabled: false },
      fontSize: 14,
      lineHeight: 21,
      fontFamily: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace',
      lineNumbersMinChars: 3,
      lineDecorationsWidth: 6,
      folding: true,
      scrollBeyondLastLine: false,
      renderLineHighlight: 'line',
      tabSize: 2,
      quickSuggestions: { other: true, strings: true, comments: false },
      unicodeHighlight: { ambiguousCharacters: false },
      fixedOverflowWidgets: true,
      wordWrap: 'off',
      padding: { top: 6 },
    });
    editor.current = created;
    const change = model.onDidChangeContent(() => typed(model.getValue()));
    created.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, () => apply.current());
    onReady({
      format: () => void created.getAction('editor.action.formatDocument')?.run(),
      reveal: (line, column) => {
        created.revealLineInCenter(line);
        created.setPosition({ lineNumber: line, column });
        created.focus();
      },
    });
    return () => {
      onReady(null);
      change.dispose();
      created.dispose();
      model.dispose();
    };
    // The editor is made once; what changes later is handed over below.
  }, [onReady]);

  useEffect(() => {
    apply.current = onApply;
  }, [onApply]);

  useEffect(() => {
    editor.current?.updateOptions({ ariaLabel: label });
  }, [label]);

  useEffect(() => {
    monaco.editor.setTheme(dark ? 'orrery-dark' : 'orrery-light');
  }, [dark]);

  // A text from outside replaces the old one as an edit, so that it can be undone.
  useEffect(() => {
    const model = editor.current?.getModel();
    const { text } = useText.getState();
    if (!model || model.getValue() === text) return;
    model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
  }, [turn]);

  useEffect(() => {
    const model = editor.current?.getModel();
    if (!model) return;
    monaco.editor.setModelMarkers(
      model,
      'cluster',
      problems.map((p) => ({
        startLineNumber: p.line,
        startColumn: p.column,
        endLineNumber: p.endLine,
        endColumn: Math.max(p.endColumn, p.endLine === p.line ? p.column + 1 : 1),
        message: p.message,
        severity: p.severity === 'error' ? monaco.MarkerSeverity.Error : monaco.MarkerSeverity.Warning,
      })),
    );
  }, [problems]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onPaste = (event: ClipboardEvent): void => {
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (fits(text)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      onTooLarge();
    };
    element.addEventListener('paste', onPaste, { capture: true });
    return () => element.removeEventListener('paste', onPaste, { capture: true });
  }, [onTooLarge]);

  return <div ref={box} className="monaco" data-testid="monaco" />;
}
