// The manifest: text above, what is wrong with it or what the cluster answered below.

import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { DiffResult, TextProblem } from '../../session/protocol.ts';
import { Boundary } from '../app/Boundary.tsx';
import { Diff } from '../flow/Code.tsx';
import { useT } from '../i18n/i18n.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { useUi } from '../state/ui.ts';
import { type ExampleKey, exampleText, GROUPS } from './examples.ts';
import type { EditorHandle } from './MonacoEditor.tsx';
import { PlainEditor } from './PlainEditor.tsx';
import { Problems } from './Problems.tsx';
import { misplacedPunctuation, withHalfWidth } from './punctuation.ts';
import { fits, LARGEST_TEXT, replaceText, useText } from './text.ts';

const CHECK_AFTER = 350;
/** Above this size the text is checked only when it is applied: characters. */
const CHECK_UP_TO = 400_000;

const touchOnly = matchMedia('(hover: none) and (pointer: coarse)').matches;

/** Monaco, or the plain editor when its files cannot be had. */
const Monaco = lazy(async () => {
  try {
    return await import('./MonacoEditor.tsx');
  } catch {
    return { default: ({ onApply, onTooLarge, onReady }: Parameters<typeof PlainEditor>[0]) => <PlainEditor onApply={onApply} onTooLarge={onTooLarge} onReady={onReady} /> };
  }
});

export function EditorPanel({ plain = false }: { readonly plain?: boolean }) {
  const t = useT();
  const player = usePlayerApi();
  const text = useText((s) => s.text);
  const ready = usePlayer((s) => s.status.type === 'ready' && !s.busy);
  const booted = usePlayer((s) => s.clock.booted);
  const asked = usePlayer((s) => s.problems);
  const stepAfterApply = useUi((s) => s.stepAfterApply);
  const set = useUi((s) => s.set);
  const [checked, setChecked] = useState<readonly TextProblem[]>([]);
  const [askedFor, setAskedFor] = useState('');
  const [diff, setDiff] = useState<DiffResult | null>(null);
  const [refusedFor, setRefusedFor] = useState<string | null>(null);
  const tooLarge = refusedFor === text;
  const box = useRef<HTMLElement>(null);
  const handle = useRef<EditorHandle | null>(null);
  const onReady = useCallback((ready: EditorHandle | null) => {
    handle.current = ready;
  }, []);
  const onTooLarge = useCallback(() => setRefusedFor(useText.getState().text), []);
  const usePlain = plain || touchOnly;
  // The cluster comes first: Monaco is four megabytes of script and would hold it up. Once begun, it stays.
  const [begun, setBegun] = useState(false);
  useEffect(() => (booted && !begun ? whenIdle(() => setBegun(true)) : undefined), [booted, begun]);
  const blank = text.trim() === '';

  useEffect(() => {
    if (!ready || text.length > CHECK_UP_TO) return;
    let wanted = true;
    const timer = setTimeout(() => {
      void player.check(text).then((found) => {
        if (wanted) setChecked(found);
      });
    }, CHECK_AFTER);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [player, text, ready]);

  const misplaced = useMemo(() => (text.length > CHECK_UP_TO ? [] : misplacedPunctuation(text)), [text]);
  // What the cluster said belongs to the text that it was said of.
  const problems = useMemo(
    () => merged(askedFor === text ? asked : [], text.length > CHECK_UP_TO ? [] : checked, misplaced),
    [askedFor, text, asked, checked, misplaced],
  );

  const run = (type: 'apply' | 'delete'): void => {
    const now = useText.getState().text;
    if (!ready || now.trim() === '') return;
    if (!fits(now)) {
      onTooLarge();
      return;
    }
    setDiff(null);
    setAskedFor(now);
    void player.act({ type, text: now });
  };
  const compare = (): void => {
    const now = useText.getState().text;
    if (!fits(now)) {
      onTooLarge();
      return;
    }
    setAskedFor(now);
    void player.dryRun(now).then(setDiff);
  };
  const apply = (): void => run('apply');

  useFileDrop(box, onTooLarge);

  return (
    <section className="editor" aria-label={t('panels.editor')} data-testid="editor" ref={box}>
      <div className="editor-bar">
        <button type="button" className="primary" onClick={apply} disabled={!ready || blank} title={t('editor.applyTitle')} data-testid="apply">
          {t('editor.apply')}
        </button>
        <button type="button" onClick={compare} disabled={!ready || blank} title={t('editor.dryRunTitle')} data-testid="dry-run">
          {t('editor.dryRun')}
        </button>
        <button type="button" onClick={() => run('delete')} disabled={!ready || blank} title={t('editor.deleteTitle')} data-testid="delete-manifest">
          {t('editor.delete')}
        </button>
        {!usePlain && (
          <button type="button" className="quiet" onClick={() => handle.current?.format()} disabled={blank} title={t('editor.formatTitle')}>
            {t('editor.format')}
          </button>
        )}
      </div>
      <div className="editor-bar second">
        <label className="check editor-option">
          <input type="checkbox" checked={stepAfterApply} onChange={(e) => set({ stepAfterApply: e.target.checked })} data-testid="step-after" />
          {t('editor.stepAfter')}
        </label>
        <select
          value=""
          aria-label={t('editor.starterReplace')}
          onChange={(e) => {
            const key = e.target.value as ExampleKey;
            void exampleText(key, t(`editor.examples.${key}.hint`)).then(replaceText);
          }}
          data-testid="starters"
        >
          <option value="">{t('editor.starter')}</option>
          {GROUPS.map((group) => (
            <optgroup key={group.key} label={t(`editor.exampleGroups.${group.key}`)}>
              {group.examples.map((key) => (
                <option key={key} value={key}>
                  {t(`editor.examples.${key}.title`)}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </div>
      <div className="editor-text">
        {usePlain ? (
          <PlainEditor onApply={apply} onTooLarge={onTooLarge} onReady={onReady} />
        ) : !begun ? (
          <p className="panel-hint">{t('editor.loading')}</p>
        ) : (
          <Boundary name="monaco">
            <Suspense fallback={<p className="panel-hint">{t('editor.loading')}</p>}>
              <Monaco problems={problems} onApply={apply} onTooLarge={onTooLarge} onReady={onReady} />
            </Suspense>
          </Boundary>
        )}
      </div>
      {tooLarge && (
        <p className="notice-line error" role="alert">
          {t('editor.tooLarge')}
        </p>
      )}
      {misplaced.length > 0 && (
        <p className="notice-line">
          <button type="button" onClick={() => replaceText(withHalfWidth(text, misplaced))} data-testid="fix-punctuation">
            {t('editor.fixPunctuation')}
          </button>
        </p>
      )}
      {diff ? <DiffView diff={diff} onClose={() => setDiff(null)} /> : <Problems problems={problems} onGo={(p) => handle.current?.reveal(p.line, p.column)} />}
    </section>
  );
}

/** Calls back when the page has drawn what it has and waits; at the latest after some seconds. Returns the way to cancel. */
function whenIdle(then: () => void): () => void {
  if (!('requestIdleCallback' in window)) {
    const timer = setTimeout(then, 500);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(then, { timeout: 5_000 });
  return () => cancelIdleCallback(handle);
}

/** Files that are dropped on the editor are added below what is there. */
function useFileDrop(box: React.RefObject<HTMLElement | null>, onTooLarge: () => void): void {
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onDragOver = (event: DragEvent): void => event.preventDefault();
    const onDrop = (event: DragEvent): void => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      event.stopPropagation();
      if (file.size > LARGEST_TEXT) {
        onTooLarge();
        return;
      }
      void file.text().then((dropped) => {
        const { text } = useText.getState();
        replaceText(text.trim() === '' ? dropped : `${text.trimEnd()}\n---\n${dropped}`);
      });
    };
    element.addEventListener('dragover', onDragOver);
    element.addEventListener('drop', onDrop, { capture: true });
    return () => {
      element.removeEventListener('dragover', onDragOver);
      element.removeEventListener('drop', onDrop, { capture: true });
    };
  }, [box, onTooLarge]);
}

function merged(answered: readonly TextProblem[], checked: readonly TextProblem[], misplaced: ReturnType<typeof misplacedPunctuation>): readonly TextProblem[] {
  const own = misplaced.map(
    (m): TextProblem => ({
      line: m.line, column: m.column, endLine: m.line, endColumn: m.column + 1,
      message: `${m.found} → ${m.instead.trim()}`, field: '', severity: 'warning', code: 'punctuation',
    }),
  );
  // The cluster and the check before it often say the same of the same place; once is enough.
  const seen = new Set<string>();
  return [...answered, ...checked, ...own].filter((p) => {
    const key = `${p.line} ${p.code} ${p.field}`;
    if (seen.has(key) || seen.has(`${p.line} ${p.code} `)) return false;
    seen.add(key);
    return true;
  });
}

function DiffView({ diff, onClose }: { readonly diff: DiffResult; readonly onClose: () => void }) {
  const t = useT();
  return (
    <div className="editor-below" data-testid="diff">
      <header>
        <h3>{t('editor.diff')}</h3>
        <button type="button" className="quiet" onClick={onClose}>
          {t('editor.close')}
        </button>
      </header>
      {diff.objects.length === 0 && <p className="panel-hint">{t('editor.noDiff')}</p>}
      {diff.objects.map((object) => (
        <section key={object.title}>
          <h4>
            {object.title} <small>{object.before === '' ? t('editor.created') : object.before === object.after ? t('editor.unchanged') : ''}</small>
          </h4>
          {object.before !== object.after && <Diff before={object.before} after={object.after} label={object.title} />}
        </section>
      ))}
      {diff.problems.map((p) => (
        <p key={`${p.line} ${p.message}`} className="error">
          {p.message}
        </p>
      ))}
    </div>
  );
}
