// The shell of the page's terminal: bash on the operator's machine, with kubectl among its commands.

import { BASIC_COMMANDS, runCommandLine, toolboxOf } from '../cluster/images/toolbox.ts';
import type { Applet } from '../cluster/images/shell/applet.ts';
import { CURL_APPLETS, NET_APPLETS } from '../cluster/images/shell/applets/net.ts';
import { vi } from '../cluster/images/shell/applets/vi.ts';
import { BASH, type Toolbox } from '../cluster/images/shell/shell.ts';
import type { LineReader } from '../cluster/images/shell/streams.ts';
import type { Chunk, LogSink, Os, Program } from '../cluster/machine/process.ts';
import { Channel } from '../cluster/sim/channel.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { provideCommands } from '../kubectl/edit/editor.ts';
import { kubectlProgram } from '../kubectl/kubectl.ts';

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
    const input = tty === null ? new Channel<Chunk>(os.sim) : tty.input;
    if (tty === null) os.go('stdin', () => pass(stdin, input));
    const child = os.spawn(program, { argv: [name, ...args], env: { ...env, PWD: cwd }, stdin: input, ...(tty === null ? {} : { tty }), logs });
    child.onExit(() => printed.close());
    for (let piece = yield* printed.receive(); piece !== undefined; piece = yield* printed.receive()) {
      yield* (piece.stream === 'stdout' ? stdout : stderr).write(piece.text);
    }
    return child.status?.code ?? 1;
  };

function* pass(from: LineReader, to: Channel<Chunk>): Op<void> {
  for (let line = yield* from.line(); line !== undefined; line = yield* from.line()) to.send(`${line}\n`);
  to.close();
}

const toolbox: Toolbox = toolboxOf(BASH, { ...BASIC_COMMANDS, ...NET_APPLETS, ...CURL_APPLETS, vi, vim: vi, kubectl: programApplet(kubectlProgram) }, ['sh', 'bash']);

/** An interactive shell when `os.tty` is there, else whatever its arguments say. */
export const operatorShell: Program = (os: Os) => runCommandLine(os, toolbox);

// The editor that kubectl edit opens is a command of this shell.
provideCommands(operatorShell);
