// Log lines in the form of Calico's components.

import type { Os } from '../../machine/process.ts';

export const CALICO_VERSION = 'v3.32.0';

/** `2026-11-21 18:24:03.120 [INFO][9] startup/startup.go 112: …`. */
export function log(os: Os, level: 'INFO' | 'WARNING' | 'ERROR', where: string, text: string): void {
  const time = os.sim.time();
  const millis = String(Math.floor(os.sim.now / 1000) % 1000).padStart(3, '0');
  os.log(`${time.slice(0, 10)} ${time.slice(11, 19)}.${millis} [${level}][${os.process.pid}] ${where}: ${text}`);
}
