// Log lines on stderr in klog's form: `I1121 12:00:00.000000   12345 file.go:1] text`.

import type { Os } from '../cluster/machine/process.ts';

export function klog(os: Os, line: string, severity: 'I' | 'W' | 'E' = 'I'): void {
  const at = os.sim.microTime();
  os.logError(`${severity}${at.slice(5, 7)}${at.slice(8, 10)} ${at.slice(11, 26)} ${String(os.process.pid).padStart(7)} ${line}`);
}
