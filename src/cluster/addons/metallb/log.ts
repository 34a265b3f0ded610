// Lines as go-kit's JSON logger writes them, keys in order.

import type { Os } from '../../machine/process.ts';

export type Logger = (level: 'info' | 'warn' | 'error', caller: string, fields: Readonly<Record<string, unknown>>) => void;

export const logger =
  (os: Os): Logger =>
  (level, caller, fields) => {
    const all: Record<string, unknown> = { ...fields, caller, level, ts: os.sim.time() };
    const sorted: Record<string, unknown> = {};
    for (const key of Object.keys(all).toSorted()) sorted[key] = all[key];
    os.log(JSON.stringify(sorted));
  };
