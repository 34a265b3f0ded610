// The bar at the top: what this is, which cluster, and the choices about the page.

import { Contrast, Info, Languages, Link, Monitor, Moon, PanelBottom, PanelLeft, PanelRight, Presentation, Sun, Undo2, Waves } from 'lucide-react';
import { useRef, useState } from 'react';
import { useT } from '../i18n/i18n.ts';
import { useIds, useScene } from '../scene/hooks.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { type Theme, useUi } from '../state/ui.ts';
import { Boundary } from './Boundary.tsx';
import { Brand } from './Brand.tsx';
import { About } from './later.tsx';

const NEXT_THEME: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

export function TopBar({ narrow = false }: { readonly narrow?: boolean }) {
  const t = useT();
  const player = usePlayerApi();
  const ui = useUi();
  const canUndo = usePlayer((s) => s.flows.length > 0);
  const ThemeIcon = ui.theme === 'dark' ? Moon : ui.theme === 'light' ? Sun : Monitor;
  const themeLabel = t('top.theme', { theme: t(`themes.${ui.theme}`) });
  const paletteLabel = t('top.palette', { palette: t(`palettes.${ui.palette}`) });
  const motionLabel = t('top.motion', { state: ui.reducedMotion ? t('top.off') : t('top.on') });
  return (
    <header className="top-bar" data-testid="top-bar">
      <Brand />
      <ClusterState />
      <div className="top-actions">
        <button type="button" className="quiet" onClick={() => void player.undo()} disabled={!canUndo} title={t('top.undoTitle')} data-testid="undo">
          <Undo2 size={16} aria-hidden="true" />
          <span className="wide-only">{t('top.undo')}</span>
        </button>
        <button type="button" className="quiet" onClick={() => void player.share()} title={t('top.shareTitle')} data-testid="share">
          <Link size={16} aria-hidden="true" />
          <span className="wide-only">{t('top.share')}</span>
        </button>
        {!narrow && (
          <button type="button" className="quiet" onClick={() => ui.set({ presenter: true })} title={t('top.presentTitle')} data-testid="present">
            <Presentation size={16} aria-hidden="true" />
            <span className="wide-only">{t('top.present')}</span>
          </button>
        )}
        <button
          type="button"
          className="quiet"
          onClick={() => ui.set({ language: ui.language === 'en' ? 'zh-CN' : 'en' })}
          title={t('top.languageTitle')}
          lang={ui.language === 'en' ? 'zh-CN' : 'en'}
          data-testid="language"
        >
          <Languages size={16} aria-hidden="true" />
          {t('top.language')}
        </button>
        <span className="divider" />
        <button type="button" className="quiet icon" onClick={() => ui.set({ theme: NEXT_THEME[ui.theme] })} title={themeLabel} aria-label={themeLabel} data-testid="theme">
          <ThemeIcon size={16} aria-hidden="true" />
        </button>
        <button
          type="button"
          className="quiet icon"
          onClick={() => ui.set({ palette: ui.palette === 'atlas' ? 'contrast' : 'atlas' })}
          title={paletteLabel}
          aria-label={paletteLabel}
          data-testid="palette"
        >
          <Contrast size={16} aria-hidden="true" />
        </button>
        <button
          type="button"
          className="quiet icon"
          aria-pressed={!ui.reducedMotion}
          onClick={() => ui.set({ reducedMotion: !ui.reducedMotion })}
          title={motionLabel}
          aria-label={motionLabel}
          data-testid="motion"
        >
          <Waves size={16} aria-hidden="true" />
        </button>
        <AboutButton />
        {!narrow && <PanelSwitches />}
      </div>
    </header>
  );
}

function AboutButton() {
  const t = useT();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const closed = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <button ref={button} type="button" className="quiet icon" aria-haspopup="dialog" onClick={() => setOpen(true)} title={t('top.about')} aria-label={t('top.about')} data-testid="about-open">
        <Info size={16} aria-hidden="true" />
      </button>
      {open && (
        <Boundary name="about">
          <About onClosed={closed} />
        </Boundary>
      )}
    </>
  );
}

function PanelSwitches() {
  const t = useT();
  const { set, leftOpen, rightOpen, bottomOpen } = useUi();
  return (
    <>
      <span className="divider" />
      <button type="button" className="quiet icon" aria-pressed={leftOpen} onClick={() => set({ leftOpen: !leftOpen })} title={t('panels.left')} aria-label={t('panels.left')} data-testid="toggle-left">
        <PanelLeft size={16} aria-hidden="true" />
      </button>
      <button type="button" className="quiet icon" aria-pressed={bottomOpen} onClick={() => set({ bottomOpen: !bottomOpen })} title={t('panels.bottom')} aria-label={t('panels.bottom')} data-testid="toggle-bottom">
        <PanelBottom size={16} aria-hidden="true" />
      </button>
      <button type="button" className="quiet icon" aria-pressed={rightOpen} onClick={() => set({ rightOpen: !rightOpen })} title={t('panels.right')} aria-label={t('panels.right')} data-testid="toggle-right">
        <PanelRight size={16} aria-hidden="true" />
      </button>
    </>
  );
}

function ClusterState() {
  const t = useT();
  const scene = useScene();
  const machines = useIds('machines');
  const state = usePlayer((s) =>
    s.status.type !== 'ready' || !s.clock.booted ? 'booting' : s.clock.playing ? 'running' : s.cue ? 'stepping' : s.clock.view < s.clock.live ? 'past' : 'paused',
  );
  usePlayer((s) => s.clock.booted);
  const version = machines.map((id) => scene.get(id)).find((row) => row?.type === 'machine' && row.version !== '');
  return (
    <p className="cluster-state" data-testid="cluster-state" data-state={state}>
      {version?.type === 'machine' && <span>{t('top.version', { version: version.version })}</span>}
      <span className={`run-state run-${state}`}>{t(`top.${state}`)}</span>
    </p>
  );
}
