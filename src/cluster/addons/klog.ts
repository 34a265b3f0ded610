// Lines as klog writes them: severity, month and day, time, thread, where in the source, text.

import { formatTime } from '../sim/time.ts';
import type { Os } from '../machine/process.ts';

export interface Klog {
  info(where: string, text: string): void;
  warning(where: string, text: string): void;
  error(where: string, text: string): void;
}

export function klog(os: Os): Klog {
  const line = (severity: string, where: string, text: string): void => {
    const time = formatTime(os.sim.epoch + os.sim.now);
    const micros = String((os.sim.epoch + os.sim.now) % 1_000_000).padStart(6, '0');
    os.logError(`${severity}${time.slice(5, 7)}${time.slice(8, 10)} ${time.slice(11, 19)}.${micros} ${String(os.process.pid % 100_000).padStart(7)} ${where}] ${text}`);
  };
  return { info: (where, text) => line('I', where, text), warning: (where, text) => line('W', where, text), error: (where, text) => line('E', where, text) };
}
