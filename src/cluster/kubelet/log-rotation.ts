// Rotation of containers' logs (kubelet/logs/container_log_manager.go): a file above containerLogMaxSize gets the time as a suffix,
// the one before it is compressed, and only so many are kept.

import { ContainerLog } from '../runtime/container-log.ts';
import type { ContainerStatus } from '../runtime/cri.ts';
import { formatTime, SECOND, type Micros } from '../sim/time.ts';
import type { Context } from './context.ts';

/** containerLogMonitorInterval: files are looked at in this rhythm. */
const INTERVAL: Micros = 10 * SECOND;
/** What gzip leaves of a log. */
const COMPRESSED = 0.1;

/** From now on the running container's log is rotated. */
export function rotateLog(context: Context, { logPath }: ContainerStatus): void {
  const { os, config } = context;
  const log = os.machine.files.attached(logPath);
  if (!(log instanceof ContainerLog)) return;
  log.watchSize(config.containerLogMaxSize, () => {
    const { sim } = os;
    const { cause } = sim;
    sim.cause = null;
    sim.after(INTERVAL - (sim.now % INTERVAL), () => os.process.alive && rotate(context, log, logPath));
    sim.cause = cause;
  });
}

/** The container is gone for good: so are its files. */
export function removeLog({ os }: Context, { logPath }: ContainerStatus): void {
  const { files } = os.machine;
  const slash = logPath.lastIndexOf('/');
  const directory = logPath.slice(0, slash);
  if (!files.exists(directory)) return;
  const name = logPath.slice(slash + 1);
  for (const file of files.list(directory)) if (file === name || file.startsWith(`${name}.`)) files.remove(`${directory}/${file}`);
}

function rotate({ os, config }: Context, log: ContainerLog, path: string): void {
  const { files } = os.machine;
  if (files.attached(path) !== log) return;
  const slash = path.lastIndexOf('/');
  const directory = path.slice(0, slash);
  const prefix = `${path.slice(slash + 1)}.`;
  const old = files.list(directory).filter((name) => name.startsWith(prefix));
  // One is the file that is written, one the new name.
  for (const name of old.splice(0, Math.max(0, old.length - (config.containerLogMaxFiles - 2)))) files.remove(`${directory}/${name}`);
  for (const name of old) if (!name.endsWith('.gz')) compress(os.machine.files, `${directory}/${name}`);
  const stamp = formatTime(os.sim.epoch + os.sim.now).slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  files.attach(`${path}.${stamp}`, log.rotate(config.containerLogMaxSize), 0o640);
}

function compress(files: Context['os']['files'], path: string): void {
  const bytes = Math.round(files.stat(path).size * COMPRESSED);
  files.remove(path);
  files.attach(`${path}.gz`, { bytes, text: () => '' }, 0o640);
}
