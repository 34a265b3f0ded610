// systemctl on a machine: units by name, what they do and what they last said (systemctl(1), systemd 257).

import type { Op } from '../../sim/simulation.ts';
import { type Micros, SECOND } from '../../sim/time.ts';
import type { Machine } from '../machine.ts';
import type { Os, Program } from '../process.ts';
import { shutDown } from '../shutdown.ts';
import { clock, journalLine, weekday } from './journal-text.ts';

/** How long `systemctl stop` waits for the process to end: TimeoutStopSec. */
const STOP_TIMEOUT: Micros = 90 * SECOND;
const NOT_FOUND = 4;
const NOT_ACTIVE = 3;
const LAST_LINES = 10;

export const systemctlProgram: Program = function* (os: Os): Op<number> {
  const words = os.argv.slice(1).filter((arg) => !arg.startsWith('-'));
  const [verb = 'list-units', ...names] = words;
  const units = names.map((name) => name.replace(/\.service$/, ''));
  switch (verb) {
    case 'list-units':
      return listUnits(os);
    case 'daemon-reload':
      return 0;
    case 'poweroff':
    case 'reboot':
      // When this command has ended.
      os.sim.after(0, () => shutDown(os.machine, verb === 'reboot'));
      return 0;
  }
  if (units.length === 0) {
    os.logError('Too few arguments.');
    return 1;
  }
  const run = COMMANDS[verb];
  if (run === undefined) {
    os.logError(`Unknown command verb '${verb}'.`);
    return 1;
  }
  let code = 0;
  for (const name of units) code = (yield* run(os, name)) || code;
  return code;
};

const known = (machine: Machine, name: string): boolean => machine.units.names().includes(name);

/** Says that there is none, in the words of each verb. */
function missing(os: Os, verb: string, name: string): number {
  if (verb === 'status') {
    os.logError(`Unit ${name}.service could not be found.`);
    return NOT_FOUND;
  }
  os.logError(`Failed to ${verb} ${name}.service: Unit ${name}.service not ${verb === 'stop' ? 'loaded' : 'found'}.`);
  return 5;
}

const COMMANDS: Readonly<Record<string, (os: Os, name: string) => Op<number>>> = {
  *start(os, name) {
    if (!known(os.machine, name)) return missing(os, 'start', name);
    os.machine.units.start(name);
    return 0;
  },
  *stop(os, name) {
    if (!known(os.machine, name)) return missing(os, 'stop', name);
    yield* stopped(os.machine, name, () => os.machine.units.stop(name));
    return 0;
  },
  *restart(os, name) {
    if (!known(os.machine, name)) return missing(os, 'restart', name);
    yield* stopped(os.machine, name, () => os.machine.units.restart(name));
    return 0;
  },
  *kill(os, name) {
    if (!known(os.machine, name)) return missing(os, 'kill', name);
    os.machine.units.status(name).process?.kill(os.argv.some((arg) => /^(-s|--signal=)?(SIG)?(KILL|9)$/.test(arg) || arg === '-9') ? 'SIGKILL' : 'SIGTERM');
    return 0;
  },
  *'is-active'(os, name) {
    const state = known(os.machine, name) ? os.machine.units.status(name).state : 'inactive';
    os.log(state);
    return state === 'active' ? 0 : known(os.machine, name) ? NOT_ACTIVE : NOT_FOUND;
  },
  *'is-enabled'(os, name) {
    const enabled = known(os.machine, name) && os.machine.units.isEnabled(name);
    os.log(enabled ? 'enabled' : known(os.machine, name) ? 'disabled' : 'not-found');
    return enabled ? 0 : known(os.machine, name) ? 1 : NOT_FOUND;
  },
  *enable(os, name) {
    if (!known(os.machine, name)) return missing(os, 'enable', name);
    if (!os.machine.units.isEnabled(name)) os.logError(`Created symlink '${wantedBy(name)}' → '${unitFile(name)}'.`);
    os.machine.units.enable(name, true);
    if (os.argv.includes('--now')) os.machine.units.start(name);
    return 0;
  },
  *disable(os, name) {
    if (!known(os.machine, name)) return missing(os, 'disable', name);
    if (os.machine.units.isEnabled(name)) os.logError(`Removed '${wantedBy(name)}'.`);
    os.machine.units.enable(name, false);
    if (os.argv.includes('--now')) yield* stopped(os.machine, name, () => os.machine.units.stop(name));
    return 0;
  },
  *cat(os, name) {
    if (!known(os.machine, name)) {
      os.logError(`No files found for ${name}.service.`);
      return 1;
    }
    const { description = name, argv, restart = 'no', restartSec } = os.machine.units.spec(name);
    os.log(`# ${unitFile(name)}\n[Unit]\nDescription=${description}\n\n[Service]\nExecStart=${argv.join(' ')}\nRestart=${restart}`);
    if (restartSec !== undefined) os.log(`RestartSec=${restartSec}`);
    os.log('\n[Install]\nWantedBy=multi-user.target');
    return 0;
  },
  *status(os, name) {
    if (!known(os.machine, name)) return missing(os, 'status', name);
    return status(os, name);
  },
};

function* stopped(machine: Machine, name: string, act: () => void): Op<void> {
  const { process } = machine.units.status(name);
  act();
  if (process?.alive) yield* process.exit.waitWithin(STOP_TIMEOUT);
}

const wantedBy = (name: string): string => `/etc/systemd/system/multi-user.target.wants/${name}.service`;
const unitFile = (name: string): string => `/usr/lib/systemd/system/${name}.service`;

const SIGNS = { active: '●', activating: '●', inactive: '○', failed: '×' } as const;

function status(os: Os, name: string): number {
  const { machine, sim } = os;
  const { description = name, argv } = machine.units.spec(name);
  const { state, process, since, lastExit } = machine.units.status(name);
  const line = (key: string, value: string): void => os.log(`${`${key}:`.padStart(12)} ${value}`);
  os.log(`${SIGNS[state]} ${name}.service - ${description}`);
  line('Loaded', `loaded (${unitFile(name)}; ${machine.units.isEnabled(name) ? 'enabled' : 'disabled'}; preset: enabled)`);
  const dropIns = `${unitFile(name)}.d`;
  if (name === 'kubelet') os.log(`    Drop-In: ${dropIns}\n             └─10-kubeadm.conf`);
  const when = `${weekday(sim, since)} ${clock(sim, since)} UTC; ${ago(sim.now - since)} ago`;
  const how = { active: 'active (running)', activating: 'activating (auto-restart)', inactive: 'inactive (dead)', failed: 'failed' }[state];
  const result = lastExit === null || (lastExit.code === 0 && lastExit.signal === null) ? '' : ` (Result: ${lastExit.signal === null ? 'exit-code' : 'signal'})`;
  line('Active', `${how}${state === 'active' || state === 'inactive' ? '' : result} since ${when}`);
  if (process !== null) {
    line('Main PID', `${process.pid} (${process.comm})`);
    line('Tasks', `${TASKS_OF_A_GO_PROGRAM} (limit: ${Math.floor((machine.memoryBytes / THREAD_BYTES) * 0.15)})`);
    line('Memory', memory(process.memoryBytes));
    line('CPU', `${(process.cpuMicros / SECOND).toFixed(3)}s`);
    line('CGroup', process.cgroup);
    os.log(`             └─${process.pid} ${process.argv.join(' ')}`);
  } else if (lastExit !== null && state !== 'inactive') {
    line('Process', `ExecStart=${argv.join(' ')} (code=${lastExit.signal === null ? 'exited' : 'killed'}, ${lastExit.signal === null ? `status=${lastExit.code}/FAILURE` : `signal=${lastExit.signal.slice(3)}`})`);
  }
  const lines = machine.units.journal(name).slice(-LAST_LINES);
  if (lines.length > 0) os.log('');
  for (const entry of lines) os.log(journalLine(machine, entry));
  return state === 'active' || state === 'activating' ? 0 : NOT_ACTIVE;
}

const TASKS_OF_A_GO_PROGRAM = 11;
/** The kernel allows a thread for so many bytes of memory, systemd a unit 15 % of that. */
const THREAD_BYTES = 128 * 1024;

const memory = (bytes: number): string => (bytes >= 1024 ** 3 ? `${(bytes / 1024 ** 3).toFixed(1)}G` : `${(bytes / 1024 ** 2).toFixed(1)}M`);

/** `5min 3s`, as systemd says how long ago. */
function ago(duration: Micros): string {
  const seconds = Math.floor(duration / SECOND);
  if (seconds < 1) return `${Math.floor(duration / 1000)}ms`;
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}min${seconds < 600 && seconds % 60 > 0 ? ` ${seconds % 60}s` : ''}`;
  return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}min`;
}

function listUnits(os: Os): number {
  const { units } = os.machine;
  // What has ended is left out, unless --all asks for it.
  const shown = units.names().filter((name) => os.argv.includes('--all') || os.argv.includes('-a') || units.status(name).state !== 'inactive');
  const rows = shown.sort().map((name) => {
    const { state } = units.status(name);
    return { name: `${name}.service`, state, sub: { active: 'running', activating: 'auto-restart', inactive: 'dead', failed: 'failed' }[state], description: units.spec(name).description ?? name };
  });
  const width = Math.max(...rows.map((row) => row.name.length), 4);
  os.log(`  ${'UNIT'.padEnd(width)} LOAD   ACTIVE SUB     DESCRIPTION`);
  for (const row of rows) os.log(`  ${row.name.padEnd(width)} loaded ${row.state.padEnd(6)} ${row.sub.padEnd(7)} ${row.description}`);
  return 0;
}
