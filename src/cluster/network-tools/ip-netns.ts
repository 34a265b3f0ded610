// `ip netns` and nsenter: commands in another network namespace of the machine.

import type { Os, Process, Program } from '../machine/process.ts';
import { Netns } from '../network/netns.ts';
import { loginShell } from '../network/sshd.ts';
import type { Op } from '../sim/simulation.ts';

/** The named namespaces of the machine: those that a runtime has put into /var/run/netns. */
export function namedNetns(os: Os): ReadonlyMap<string, Netns> {
  const found = new Map<string, Netns>();
  for (const { netns } of os.machine.processes.values()) if (netns instanceof Netns && netns !== os.machine.hostNetns) found.set(netns.name, netns);
  return found;
}

/** `ip netns list|exec NAME COMMAND|pids NAME|identify PID`. */
export function* ipNetns(os: Os, [verb = 'list', name = '', ...command]: readonly string[]): Op<number> {
  const all = namedNetns(os);
  if (verb === 'list' || verb === 'ls' || verb === 'show') {
    for (const [i, known] of [...all.keys()].entries()) os.log(`${known} (id: ${i})`);
    return 0;
  }
  if (verb === 'identify') {
    const netns = os.machine.processes.get(Number(name))?.netns;
    os.log(netns instanceof Netns && netns !== os.machine.hostNetns ? netns.name : '');
    return 0;
  }
  const netns = all.get(name);
  if (verb !== 'exec' && verb !== 'pids') {
    os.logError(`Command "${verb}" is unknown, try "ip netns help".`);
    return 255;
  }
  if (netns === undefined) {
    os.logError(`Cannot open network namespace "${name}": No such file or directory`);
    return 255;
  }
  if (verb === 'exec') return yield* inside(os, netns, command);
  for (const process of os.machine.processes.values()) if (process.netns === netns) os.log(String(process.pid));
  return 0;
}

/** `nsenter -t PID -n COMMAND`: the command in the network namespace of a process. */
export const nsenterProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  let target: Process | undefined;
  while (args[0]?.startsWith('-')) {
    const flag = args.shift() as string;
    if (flag === '--') break;
    const pid = /^(?:--target=|-t)(\d+)$/.exec(flag)?.[1] ?? (flag === '-t' || flag === '--target' ? args.shift() : undefined);
    if (pid === undefined) continue;
    target = os.machine.processes.get(Number(pid));
    if (target === undefined) {
      os.logError(`nsenter: cannot open /proc/${pid}/ns/net: No such file or directory`);
      return 1;
    }
  }
  if (target === undefined) {
    os.logError('nsenter: no target PID specified');
    return 1;
  }
  return yield* inside(os, target.netns, args.length > 0 ? args : ['bash']);
};

function* inside(os: Os, netns: Process['netns'], argv: readonly string[]): Op<number> {
  const shell = loginShell();
  if (shell === null) {
    os.logError(`exec of "${argv[0] ?? ''}" failed: No such file or directory`);
    return 1;
  }
  const { tty, stdin } = os;
  const child = os.spawn(shell.program, { argv, netns, ...(stdin === null ? {} : { stdin }), ...(tty === null ? {} : { tty }) });
  return (yield* child.wait()).code;
}
