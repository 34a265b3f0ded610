// The transport: where in time the page stands and how it moves. Its controls never change place.

import { Pause, Play, RotateCcw, SkipForward, StepBack, StepForward } from 'lucide-react';
import { useState } from 'react';
import type { StepLevel } from '../../session/protocol.ts';
import { clockText } from '../app/format.ts';
import { NewCluster } from '../app/later.tsx';
import { useT } from '../i18n/i18n.ts';
import { usePacket } from '../packet/store.ts';
import { usePlayerApi } from '../session/context.ts';
import { usePlayer } from '../state/player.ts';
import { type PlayMode, useUi } from '../state/ui.ts';
import { Scrub } from './Scrub.tsx';

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 100] as const;
const PACES = [0.5, 0.75, 1, 1.5, 2, 4] as const;
const LEVELS = ['phase', 'call', 'all'] as const;

export function Transport() {
  const t = useT();
  const player = usePlayerApi();
  const flow = usePlayer((s) => s.flow);
  const packet = usePacket((s) => s.shown);
  const live = usePlayer((s) => s.clock.view >= s.clock.live);
  const [asking, setAsking] = useState(false);
  return (
    <section className="transport" aria-label={t('transport.label')} data-testid="transport">
      <button type="button" className="quiet" onClick={() => setAsking(true)} title={t('transport.resetTitle')} data-testid="reset">
        <RotateCcw size={16} aria-hidden="true" />
        <span className="wide-only">{t('transport.reset')}</span>
      </button>
      <div className="transport-main">
        <button type="button" disabled={flow === 0 && !packet} onClick={() => void player.step(-1)} title={t('transport.backTitle')} data-testid="step-back">
          <StepBack size={18} aria-hidden="true" />
          <span className="wide-only">{t('transport.back')}</span>
        </button>
        <PlayButton />
        <button type="button" disabled={flow === 0 && !packet} onClick={() => void player.step(1)} title={t('transport.nextTitle')} data-testid="step-next">
          <span className="wide-only">{t('transport.next')}</span>
          <StepForward size={18} aria-hidden="true" />
        </button>
      </div>
      <Position />
      <Scrub />
      <Clock />
      <button type="button" className="quiet" disabled={live} onClick={() => void player.toLive()} title={t('transport.liveTitle')} data-testid="live">
        <SkipForward size={16} aria-hidden="true" />
        <span className="wide-only">{t('transport.live')}</span>
      </button>
      <Choices />
      {asking && (
        <NewCluster
          of={player.topology}
          onAnswer={(topology) => {
            setAsking(false);
            if (topology) void player.reset(topology);
          }}
        />
      )}
    </section>
  );
}

/** True when Play moves the steps of the chosen flow. */
export function useStepMode(): boolean {
  const flow = usePlayer((s) => s.flow);
  return useUi((s) => s.playMode === 'steps') && flow !== 0;
}

function PlayButton() {
  const t = useT();
  const player = usePlayerApi();
  const steps = useStepMode();
  const playing = usePlayer((s) => s.flowPlaying || s.clock.playing);
  const toggle = (): void => {
    if (playing) void player.pause();
    else if (steps) player.playFlow();
    else void player.play();
  };
  const label = playing ? t('transport.pause') : t('transport.play');
  return (
    <button type="button" className="primary" onClick={toggle} data-testid="play" aria-label={label}>
      {playing ? <Pause size={18} aria-hidden="true" /> : <Play size={18} aria-hidden="true" />}
      <span className="wide-only">{label}</span>
    </button>
  );
}

/** k of n and the phase. */
export function Position() {
  const t = useT();
  const { flow, index, total, atEnd } = usePlayer();
  const phase = usePlayer((s) => s.cue?.record.phase);
  const packet = usePacket((s) => s.shown);
  const { step, total: hops } = usePacket();
  return (
    <div className="position" data-testid="position">
      {packet ? (
        <span className="count">{t('transport.hop', { index: step + 1, total: hops })}</span>
      ) : flow === 0 ? (
        <span className="muted">{t('transport.noFlow')}</span>
      ) : (
        <>
          <span className={`phase-name ${phase ? `phase-${phase}` : ''}`}>{phase ? t(`phases.${phase}`) : '–'}</span>
          <span className="count">{t(atEnd ? 'transport.position' : 'transport.positionOpen', { index, total })}</span>
        </>
      )}
    </div>
  );
}

function Clock() {
  const t = useT();
  const view = usePlayer((s) => s.clock.view);
  return (
    <time className="clock" title={t('top.clock')} data-testid="clock">
      {clockText(view)}
    </time>
  );
}

function Choices() {
  const t = useT();
  const player = usePlayerApi();
  const { set, level, speed, pace } = useUi();
  const steps = useStepMode();
  const flow = usePlayer((s) => s.flow);
  const levelNames: Readonly<Record<StepLevel, string>> = { phase: t('transport.levelPhase'), call: t('transport.levelCall'), all: t('transport.levelAll') };
  return (
    <div className="choices">
      <label>
        <span>{t('transport.level')}</span>
        <select value={level} onChange={(e) => void player.setLevel(e.target.value as StepLevel)} data-testid="level">
          {LEVELS.map((l) => (
            <option key={l} value={l}>
              {levelNames[l]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t('transport.mode')}</span>
        <select
          value={steps ? 'steps' : 'clock'}
          onChange={(e) => {
            const playMode = e.target.value as PlayMode;
            if (playMode === 'steps') void player.pause();
            else player.stopFlow();
            set({ playMode });
          }}
          data-testid="play-mode"
        >
          <option value="steps" disabled={flow === 0}>
            {t('transport.modeSteps')}
          </option>
          <option value="clock">{t('transport.modeClock')}</option>
        </select>
      </label>
      <label>
        <span>{steps ? t('transport.pace') : t('transport.speed')}</span>
        <select
          value={steps ? pace : speed}
          onChange={(e) => {
            const value = Number(e.target.value);
            if (steps) set({ pace: value });
            else void player.setSpeed(value);
          }}
          data-testid="speed"
        >
          {(steps ? PACES : SPEEDS).map((s) => (
            <option key={s} value={s}>
              {`${s}×`}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
