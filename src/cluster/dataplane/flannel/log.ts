// flanneld's log: lines as klog writes them.

import type { Os } from '../../machine/process.ts';

/** `where` is the place in flannel v0.27.4's source, as its lines have it. */
export type Log = (severity: 'I' | 'W' | 'E', where: string, text: string) => void;

export function flannelLog(os: Os): Log {
  const { sim } = os;
  const threadId = '1'.padStart(7);
  return (severity, where, text) => {
    const time = sim.microTime();
    os.logError(`${severity}${time.slice(5, 7)}${time.slice(8, 10)} ${time.slice(11, 26)} ${threadId} ${where}] ${text}`);
  };
}
