// What is being watched: the clock, the flows, the chosen flow and the step in it. Written by session/player.ts only.

import { create } from 'zustand';
import type { Action, ActionResult, Clock, FlowSummary, StoryRecord, TextProblem } from '../../session/protocol.ts';

export type Status =
  | { readonly type: 'opening' }
  | { readonly type: 'ready' }
  | {
      readonly type: 'crashed';
      readonly reason: 'error' | 'silent';
      /** What was being done when it happened. */
      readonly pending: Action | null;
      /** The same input has done it before. */
      readonly again: boolean;
    };

/** The message that the map shows: a step of a flow, drawn at the view. */
export interface Cue {
  readonly record: StoryRecord;
  readonly index: number;
  readonly total: number;
  /** Counts up with each step, so that the same record shown twice is drawn twice. */
  readonly turn: number;
  /** True when the person went back: it is shown arrived, without movement. */
  readonly settled: boolean;
}

export interface PlayerState {
  readonly status: Status;
  readonly clock: Clock;
  readonly flows: readonly FlowSummary[];
  /** The chosen flow, 0 for none. */
  readonly flow: number;
  readonly index: number;
  readonly total: number;
  readonly atEnd: boolean;
  readonly cue: Cue | null;
  /** Steps advance by themselves. */
  readonly flowPlaying: boolean;
  /** A command is under way. */
  readonly busy: boolean;
  readonly result: ActionResult | null;
  readonly problems: readonly TextProblem[];
  /** The session came from a link; the person's own was set aside. */
  readonly fromLink: boolean;
  readonly notice: Notice | null;
}

/** A short message that goes away: a key of the catalogue. */
export interface Notice {
  readonly key: 'copied' | 'copyFailed' | 'linkTooLong' | 'linkBroken' | 'forked' | 'undone' | 'nothingToUndo' | 'restored' | 'fromLink' | 'failed' | 'deleted';
  readonly turn: number;
}

export const NO_CLOCK: Clock = { view: 0, live: 0, earliest: 0, playing: false, speed: 1, recordId: 0, booted: false };

export const usePlayer = create<PlayerState>()(() => ({
  status: { type: 'opening' },
  clock: NO_CLOCK,
  flows: [],
  flow: 0,
  index: 0,
  total: 0,
  atEnd: false,
  cue: null,
  flowPlaying: false,
  busy: false,
  result: null,
  problems: [],
  fromLink: false,
  notice: null,
}));
