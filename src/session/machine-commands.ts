// Which programs a machine of the cluster has beside what every Linux has: those of its runtime, of systemd and of the network.

import { exportfsProgram } from '../cluster/addons/nfs-server/server.ts';
import { calicoctlProgram } from '../cluster/dataplane/calico/calicoctl/program.ts';
import { BASIC_NETWORK_PROGRAMS, TABLE_PROGRAMS } from '../cluster/network-tools/commands.ts';
import { sshProgram } from '../cluster/network-tools/ssh.ts';
import { journalctlProgram } from '../cluster/machine/cli/journalctl.ts';
import { pgrepProgram, psProgram } from '../cluster/machine/cli/ps.ts';
import { systemctlProgram } from '../cluster/machine/cli/systemctl.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import type { Program } from '../cluster/machine/process.ts';
import { crictlProgram } from '../cluster/runtime/cli/crictl.ts';
import { ctrProgram } from '../cluster/runtime/cli/ctr.ts';
import { dockerProgram } from '../cluster/runtime/cli/docker.ts';

type Programs = Readonly<Record<string, Program>>;

/** On the operator's machine and on nodes. */
const EVERYWHERE: Programs = {
  ssh: sshProgram, systemctl: systemctlProgram, journalctl: journalctlProgram, ps: psProgram, pgrep: pgrepProgram, ...BASIC_NETWORK_PROGRAMS,
  exportfs: exportfsProgram,
};

const ON_NODES: Programs = { crictl: crictlProgram, ...TABLE_PROGRAMS };

/** By the systemd unit whose package brings them. */
const BY_UNIT: Programs = { docker: dockerProgram, containerd: ctrProgram };
const NAME: Readonly<Record<string, string>> = { containerd: 'ctr' };
/** Downloaded by whoever set the cluster up. */
const BY_FILE: Programs = { calicoctl: calicoctlProgram };

/** What `machine` has, and a key that is the same for machines with the same. */
export function programsOf({ units, files }: Machine): { readonly key: string; readonly programs: () => Programs } {
  const names = units.names();
  const isNode = names.includes('kubelet');
  const packages = Object.keys(BY_UNIT).filter((unit) => names.includes(unit));
  const downloaded = Object.keys(BY_FILE).filter((name) => files.exists(`/usr/local/bin/${name}`));
  return {
    key: `${isNode} ${packages.join()} ${downloaded.join()}`,
    programs: () => ({
      ...EVERYWHERE,
      ...(isNode ? ON_NODES : {}),
      ...Object.fromEntries(downloaded.map((name) => [name, BY_FILE[name] as Program])),
      ...Object.fromEntries(packages.map((unit) => [NAME[unit] ?? unit, BY_UNIT[unit] as Program])),
    }),
  };
}
