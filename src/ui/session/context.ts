// The way from a component to the session.

import { createContext, useContext } from 'react';
import type { Player } from './player.ts';

const PlayerContext = createContext<Player | null>(null);
export const PlayerProvider = PlayerContext.Provider;

export function usePlayerApi(): Player {
  const player = useContext(PlayerContext);
  if (!player) throw new Error('no player around this component');
  return player;
}
