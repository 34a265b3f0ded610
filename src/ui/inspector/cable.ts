// What a person types about a cable, and the action that it is.

import type { WireAction } from '../../session/protocol.ts';

const MILLISECOND = 1_000;
const MEGABIT = 1_000_000;

export type Field = 'delay' | 'loss' | 'rate' | 'mtu' | 'drop';
export const FIELDS: readonly Field[] = ['delay', 'loss', 'rate', 'mtu', 'drop'];
export const NOTHING: Readonly<Record<Field, string>> = { delay: '', loss: '', rate: '', mtu: '', drop: '' };
/** Towards everybody. */
export const ALL = '';

/** The action; null when something cannot be read. */
export function wireAction(machine: string, to: string, fields: Readonly<Record<Field, string>>): WireAction | null {
  const number = (text: string, scale: number): number | undefined => (text.trim() === '' ? undefined : Number(text) * scale);
  const [delay, loss, rate, mtu] = [number(fields.delay, MILLISECOND), number(fields.loss, 0.01), number(fields.rate, MEGABIT), number(fields.mtu, 1)];
  const drop = fields.drop.trim() === '' ? null : /^(tcp|udp)[/ ](\d{1,5})$/i.exec(fields.drop.trim());
  const wrong = [delay, loss, rate, mtu].some((n) => n !== undefined && !(n >= 0)) || (loss ?? 0) > 1 || (drop === null && fields.drop.trim() !== '');
  if (wrong) return null;
  return {
    type: 'wire',
    machine,
    ...(to === ALL ? {} : { to }),
    ...(delay === undefined ? {} : { delay }),
    ...(loss === undefined ? {} : { loss }),
    ...(rate === undefined ? {} : { rate }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(drop === null ? {} : { blocked: [{ protocol: (drop[1] as string).toLowerCase() as 'tcp' | 'udp', port: Number(drop[2]) }] }),
  };
}
