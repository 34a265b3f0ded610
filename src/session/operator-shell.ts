// The shell of the page's terminal: bash on the operator's machine, with kubectl among its commands; and root's shell on the
// other machines, with what each of them has.

import { BASIC_COMMANDS, runCommandLine, toolboxOf } from '../cluster/images/toolbox.ts';
import type { Applet } from '../cluster/images/shell/applet.ts';
import { CURL_APPLETS, NET_APPLETS } from '../cluster/images/shell/applets/net.ts';
import { SYSTEMD_APPLETS } from '../cluster/images/shell/applets/systemd.ts';
import { vi } from '../cluster/images/shell/applets/vi.ts';
import { BASH, type Toolbox } from '../cluster/images/shell/shell.ts';
import type { LineReader } from '../cluster/images/shell/streams.ts';
import type { Machine } from '../cluster/machine/machine.ts';
import type { Chunk, LogSink, Os, Program } from '../cluster/machine/process.ts';
import { provideShellFor } from '../cluster/network-tools/ip.ts';
import { provideLoginShell } from '../cluster/network/sshd.ts';
import { Channel } from '../cluster/sim/channel.ts';
import type { Op, Task } from '../cluster/sim/simulation.ts';
import { provideCommands } from '../kubectl/edit/editor.ts';
import { kubectlProgram } from '../kubectl/kubectl.ts';
import { programsOf } from './machine-commands.ts';
import { PROMPT, PROMPT_END } from './prompt.ts';

interface Piece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Runs a program as a command of the shell: a process below the applet's own, its input and output passed on. */
const programApplet =
  (program: Program): Applet =>
  function* ({ os, name, args, stdin, stdout, stderr, cwd, env }): Op<number> {
    const printed = new Channel<Piece>(os.sim);
    const logs: LogSink = {
      write: (stream, line) => printed.send({ stream, text: `${line}\n` }),
      raw: (stream, text) => printed.send({ stream, text }),
    };
    const { tty } = os;
    const input: Channel<Chunk> = tty === null ? new OnDemand(os, stdin) : tty.input;
    const child = os.spawn(program, { argv: [name, ...args], env: { ...env, PWD: cwd }, stdin: input, ...(tty === null ? {} : { tty }), logs });
    child.onExit(() => {
      printed.close();
      if (input instanceof OnDemand) input.leave();
    });
    for (let piece = yield* printed.receive(); piece !== undefined; piece = yield* printed.receive()) {
      yield* (piece.stream === 'stdout' ? stdout : stderr).write(piece.text);
    }
    return child.status?.code ?? 1;
  };

/** Input that is read only when somebody waits for it: in a loop over lines, what a command does not read is the next command's. */
class OnDemand extends Channel<Chunk> {
  readonly #os: Os;
  readonly #from: LineReader;
  #task: Task | null = null;

  constructor(os: Os, from: LineReader) {
    super(os.sim);
    this.#os = os;
    this.#from = from;
  }

  override wait(index: number): void {
    this.#task ??= this.#os.go('stdin', () => pass(this.#from, this));
    super.wait(index);
  }

  leave(): void {
    this.#task?.kill();
  }
}

function* pass(from: LineReader, to: Channel<Chunk>): Op<void> {
  for (let line = yield* from.line(); line !== undefined; line = yield* from.line()) to.send(`${line}\n`);
  to.close();
}

const COMMANDS = { ...BASIC_COMMANDS, ...NET_APPLETS, ...CURL_APPLETS, ...SYSTEMD_APPLETS, vi, vim: vi, kubectl: programApplet(kubectlProgram) };

const toolboxes = new Map<string, Toolbox>();

/** Machines with the same programs share one. */
function toolboxFor(machine: Machine): Toolbox {
  const { key, programs } = programsOf(machine);
  let toolbox = toolboxes.get(key);
  if (toolbox === undefined) {
    const applets = Object.fromEntries(Object.entries(programs()).map(([name, program]) => [name, programApplet(program)]));
    toolboxes.set(key, (toolbox = toolboxOf(BASH, { ...COMMANDS, ...applets }, ['sh', 'bash'])));
  }
  return toolbox;
}

/** An interactive shell when `os.tty` is there, else whatever its arguments say. */
export const operatorShell: Program = (os: Os) => runCommandLine(os, toolboxFor(os.machine));

// The editor that kubectl edit opens is a command of this shell; ssh gives it on other machines.
provideCommands(operatorShell);
provideShellFor(operatorShell);
provideLoginShell({ program: operatorShell, prompt: `${PROMPT}${PROMPT_END}` });
