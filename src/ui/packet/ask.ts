// Asking and showing: from the question as it is written to an answer in the store.

import type { PacketAnswer, PacketEnd, PacketQuestion } from '../../session/protocol.ts';
import type { Player } from '../session/player.ts';
import { useUi } from '../state/ui.ts';
import { failingStep, stepsOf } from './steps.ts';
import { usePacket } from './store.ts';

/** The sender that a person means: by its value, or by its name. */
export function meantSender(text: string, ends: readonly PacketEnd[]): string {
  const wanted = text.trim();
  const end = ends.find((e) => e.value === wanted) ?? ends.find((e) => e.name === wanted || `${e.namespace}/${e.name}` === wanted || e.address === wanted);
  return end?.value ?? wanted;
}

/** The question as it stands in the fields. */
export function written(ends: readonly PacketEnd[], backend?: string): PacketQuestion {
  const { from, to, protocol, port, size } = usePacket.getState();
  const whole = (text: string, least: number): number | null => (/^\d{1,5}$/.test(text.trim()) && Number(text) >= least && Number(text) <= 65_535 ? Number(text) : null);
  const bytes = whole(size, 28);
  return {
    from: meantSender(from, ends),
    to: to.trim(),
    protocol: protocol === '' ? null : protocol,
    port: whole(port, 1),
    ...(bytes === null ? {} : { size: bytes }),
    ...(backend === undefined ? {} : { backend }),
  };
}

export function showAnswer(answer: PacketAnswer | null): void {
  const steps = answer === null ? [] : stepsOf(answer);
  usePacket.setState((s) => ({ busy: false, answer, total: steps.length, step: 0, shown: steps.length > 0, turn: s.turn + 1, settled: false }));
}

export async function ask(player: Player, question: PacketQuestion): Promise<void> {
  usePacket.setState({ busy: true });
  showAnswer((await player.query((api) => api.askPacket(question))) ?? null);
}

/** A session that was shared with a packet opens with it on the map. */
export async function askShared(player: Player, question: PacketQuestion): Promise<void> {
  useUi.getState().set({ bottomTab: 'packet' });
  usePacket.setState({ from: question.from, to: question.to, protocol: question.protocol ?? '', port: question.port === null ? '' : String(question.port), size: question.size === undefined ? '' : String(question.size) });
  await ask(player, question);
}

/** One that really flowed. */
export async function showTraced(player: Player, record: number): Promise<void> {
  usePacket.setState({ busy: true });
  showAnswer((await player.query((api) => api.tracedPacket(record))) ?? null);
}

export function toFailure(): void {
  const { answer } = usePacket.getState();
  const at = answer === null ? -1 : failingStep(stepsOf(answer));
  if (at >= 0) usePacket.setState((s) => ({ step: at, shown: true, turn: s.turn + 1, settled: true }));
}
