// shutdown, poweroff and reboot on a machine (systemd 257); systemctl and journalctl: machine/cli. Containers have none of them.

import { shutDown } from '../../../machine/shutdown.ts';
import { MILLISECOND } from '../../../sim/time.ts';
import type { Applet, AppletContext } from '../applet.ts';

/** The machine goes down when this command and who called it have ended. */
function goDown({ os }: AppletContext, reboot: boolean): void {
  os.sim.after(200 * MILLISECOND, () => shutDown(os.machine, reboot));
}

const poweroff: Applet = function* (c) {
  goDown(c, false);
  return 0;
};

const reboot: Applet = function* (c) {
  goDown(c, true);
  return 0;
};

const shutdown: Applet = function* (c) {
  goDown(c, c.args.includes('-r') || c.args.includes('--reboot'));
  return 0;
};

export const SYSTEMD_APPLETS: Readonly<Record<string, Applet>> = { poweroff, reboot, shutdown };
