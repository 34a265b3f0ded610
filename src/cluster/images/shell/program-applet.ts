// A program as a command of a shell: a process below the applet's own, its input and output passed on.

import type { Chunk, LogSink, Os, Program, SpawnOptions } from '../../machine/process.ts';
import { Channel } from '../../sim/channel.ts';
import type { Op, Task } from '../../sim/simulation.ts';
import type { Applet, AppletContext } from './applet.ts';
import type { LineReader } from './streams.ts';

interface Piece {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export const programApplet =
  (program: Program): Applet =>
  (c) =>
    runProgram(c, program, [c.name, ...c.args], { env: { ...c.env, PWD: c.cwd } });

/** Runs it to its end; returns its exit code. */
export function* runProgram({ os, stdin, stdout, stderr }: AppletContext, program: Program, argv: readonly string[], options: Omit<SpawnOptions, 'argv' | 'logs' | 'stdin' | 'tty'>): Op<number> {
  const printed = new Channel<Piece>(os.sim);
  const logs: LogSink = {
    write: (stream, line) => printed.send({ stream, text: `${line}\n` }),
    raw: (stream, text) => printed.send({ stream, text }),
  };
  const { tty } = os;
  const input: Channel<Chunk> = tty === null ? new OnDemand(os, stdin) : tty.input;
  const child = os.spawn(program, { ...options, argv, stdin: input, ...(tty === null ? {} : { tty }), logs });
  child.onExit(() => {
    printed.close();
    if (input instanceof OnDemand) input.leave();
  });
  for (let piece = yield* printed.receive(); piece !== undefined; piece = yield* printed.receive()) {
    yield* (piece.stream === 'stdout' ? stdout : stderr).write(piece.text);
  }
  return child.status?.code ?? 1;
}

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
