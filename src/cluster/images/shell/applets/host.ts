// The way from a container to its machine: `chroot /host` where the machine's disk is mounted there (kubectl debug node/…), and
// `nsenter -t 1 -m …` from a Pod in the machine's PID namespace. What runs then is root's shell on the machine.

import type { Files } from '../../../machine/files.ts';
import type { NamespaceRef, Process } from '../../../machine/process.ts';
import { loginShell } from '../../../network/sshd.ts';
import type { Op } from '../../../sim/simulation.ts';
import { type Applet, type AppletContext, AppletError } from '../applet.ts';
import { runProgram } from '../program-applet.ts';

const MACHINE_ID = 'etc/machine-id';

/** Runs a command line as the machine's own shell would. */
function onMachine(c: AppletContext, command: readonly string[], files: Files, netns: NamespaceRef): Op<number> {
  const shell = loginShell();
  if (shell === null) throw new AppletError(`failed to execute ${command[0] ?? 'bash'}: No such file or directory`, 127);
  return runProgram(c, shell.program, command.length === 0 ? ['bash'] : command, { files, netns, env: { ...c.env, HOME: '/root', PWD: '/', PS1: shell.prompt } });
}

const chroot: Applet = function* (c) {
  const [root, ...command] = c.args.filter((arg, i) => !(arg.startsWith('--') && i === 0));
  if (root === undefined) throw new AppletError('missing operand', 125);
  const { files, machine, process } = c.os;
  const id = `${root.replace(/\/$/, '')}/${MACHINE_ID}`;
  if (root !== '/' && files.exists(id) && files.read(id).trim() === machine.machineId) return yield* onMachine(c, command, machine.files, process.netns);
  if (!files.isDirectory(root)) throw new AppletError(`cannot change root directory to '${root}': No such file or directory`, 125);
  return command.length === 0 ? 0 : yield* c.run(command, c.stdin, c.stdout);
};

const nsenter: Applet = function* (c) {
  const args = [...c.args];
  let target = 0;
  let flags = '';
  while (args[0]?.startsWith('-')) {
    const flag = args.shift() as string;
    if (flag === '--') break;
    const pid = /^(?:--target=|-t)(\d+)$/.exec(flag)?.[1] ?? (flag === '-t' || flag === '--target' ? args.shift() : undefined);
    if (pid !== undefined) target = Number(pid);
    else flags += flag.startsWith('--') ? (LONG[flag] ?? '') : flag.slice(1);
  }
  const seen = seesMachine(c.os.process) ? c.os.machine.processes.get(target) : undefined;
  if (target === 0) throw new AppletError('no target PID specified');
  if (seen === undefined && target !== 1) throw new AppletError(`cannot open /proc/${target}/ns/net: No such file or directory`);
  if (seen === undefined || !/[am]/.test(flags)) return yield* c.run(args.length > 0 ? args : ['sh'], c.stdin, c.stdout);
  return yield* onMachine(c, args, seen.files, /[an]/.test(flags) ? seen.netns : c.os.process.netns);
};

const LONG: Readonly<Record<string, string>> = { '--all': 'a', '--mount': 'm', '--net': 'n', '--uts': 'u', '--ipc': 'i', '--pid': 'p', '--cgroup': 'C' };

/** It is in the machine's PID namespace. */
function seesMachine(process: Process): boolean {
  for (let p: Process | null = process; p !== null; p = p.parent) if (p.isolatePids) return false;
  return true;
}

export const HOST_APPLETS: Readonly<Record<string, Applet>> = { chroot, nsenter };
