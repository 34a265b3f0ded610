// The packet that is being asked about: the question as it is written, its answer, and which hop the map shows.

import { create } from 'zustand';
import type { PacketAnswer } from '../../session/protocol.ts';

export type ProtocolChoice = '' | 'tcp' | 'udp' | 'icmp';

export interface PacketState {
  readonly from: string;
  readonly to: string;
  readonly protocol: ProtocolChoice;
  readonly port: string;
  /** Bytes; '' for few. */
  readonly size: string;
  readonly busy: boolean;
  readonly answer: PacketAnswer | null;
  /** Steps of the answer: questions to name servers, hops there, hops back. */
  readonly total: number;
  /** The one shown, from 0. */
  readonly step: number;
  /** The map shows it, and Back and Next go along it. */
  readonly shown: boolean;
  /** Counts up with each step; `settled` shows it arrived. */
  readonly turn: number;
  readonly settled: boolean;
}

export const usePacket = create<PacketState>()(() => ({
  from: '', to: '', protocol: '', port: '', size: '', busy: false, answer: null, total: 0, step: 0, shown: false, turn: 0, settled: false,
}));

export function goToHop(step: number, settled = false): void {
  usePacket.setState((s) => ({ step: Math.max(0, Math.min(step, s.total - 1)), shown: s.total > 0, turn: s.turn + 1, settled }));
}

/** One hop on or back; false when the map shows no packet. */
export function stepPacket(direction: 1 | -1): boolean {
  const { shown, step } = usePacket.getState();
  if (shown) goToHop(step + direction, direction === -1);
  return shown;
}

/** The map goes back to the flow. */
export function hidePacket(): void {
  if (usePacket.getState().shown) usePacket.setState({ shown: false });
}
