// The terminal of the page: a shell on the operator's machine, on a tty of its own. What the shell wrote is kept with its
// instants, so that going back shows the terminal as it was.

import { OPERATOR_ENV, type Cluster } from '../cluster/bootstrap/cluster.ts';
import { OPERATOR_HOME } from '../cluster/bootstrap/provision.ts';
import type { Process, Program } from '../cluster/machine/process.ts';
import { Tty } from '../cluster/machine/tty.ts';
import type { Micros } from '../cluster/sim/time.ts';
import type { TraceRecord } from '../cluster/sim/trace.ts';
import { PROMPT, PROMPT_END } from './prompt.ts';

/** What is forgotten first when somebody printed without end: characters. */
const LONGEST = 400_000;

interface Written {
  readonly at: Micros;
  readonly text: string;
}

export class Terminal {
  readonly #cluster: Cluster;
  readonly #program: Program;
  readonly #tty: Tty;
  #written: Written[] = [];
  #length = 0;
  /** How many pieces were forgotten. */
  #forgotten = 0;
  #process: Process | null = null;
  /** The command that was begun last: what is typed while it runs is part of it. */
  #command: TraceRecord | null = null;

  constructor(cluster: Cluster, program: Program) {
    this.#cluster = cluster;
    this.#program = program;
    this.#tty = new Tty(cluster.sim, (text) => this.#write(text));
  }

  /** The shell waits for a command. */
  get atPrompt(): boolean {
    return this.#written.at(-1)?.text.endsWith(PROMPT_END) ?? false;
  }

  /** Pieces written so far, the forgotten ones included. */
  get count(): number {
    return this.#forgotten + this.#written.length;
  }

  /**
   * Keys that the person pressed, or a whole line. A line at the prompt is a command: it gets a record of its own, which
   * is returned, and what it does descends from it. The first keys open the shell.
   */
  type(keys: string): TraceRecord | null {
    const { sim } = this.#cluster;
    if (this.#process === null || !this.#process.alive) this.#open();
    if (keys === '') return null;
    const begins = this.atPrompt;
    const line = begins && /[\r\n]$/.test(keys) ? keys.trim() : '';
    if (begins) this.#command = line === '' ? null : this.#record(line);
    const outer = sim.cause;
    sim.cause = this.#command;
    this.#tty.type(keys);
    sim.cause = outer;
    return begins ? this.#command : null;
  }

  #record(line: string): TraceRecord {
    const { sim, operator } = this.#cluster;
    const argv = line.split(/\s+/);
    return sim.trace.emit(null, { kind: 'input', verb: 'command', from: `${operator.place}/${argv[0] ?? 'command'}`, start: sim.now, detail: { argv, stdin: null } });
  }

  resize(columns: number, rows: number): void {
    this.#tty.resize(columns, rows);
  }

  /** How many pieces had been written at an instant. */
  countAt(time: Micros): number {
    let low = 0;
    let high = this.#written.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#written[middle] as Written).at <= time) low = middle + 1;
      else high = middle;
    }
    return this.#forgotten + low;
  }

  /** The text of the pieces from `from` to before `to`. */
  text(from: number, to: number): string {
    return this.#written
      .slice(Math.max(0, from - this.#forgotten), Math.max(0, to - this.#forgotten))
      .map((piece) => piece.text)
      .join('');
  }

  #open(): void {
    const { operator } = this.#cluster;
    const tty = this.#tty;
    const write = (_stream: 'stdout' | 'stderr', text: string): void => tty.write(text);
    this.#process = operator.spawn(this.#program, {
      argv: ['bash'],
      env: { ...OPERATOR_ENV, PWD: OPERATOR_HOME, TERM: 'xterm-256color', PS1: `${PROMPT}${PROMPT_END}` },
      place: `${operator.place}/bash`,
      stdin: tty.input,
      tty,
      logs: { write: (stream, line) => write(stream, `${line}\n`), raw: write },
    });
    const shell = this.#process;
    tty.control((signal) => shell.kill(signal));
  }

  #write(text: string): void {
    if (text === '') return;
    this.#written.push({ at: this.#cluster.sim.now, text });
    this.#length += text.length;
    while (this.#length > LONGEST && this.#written.length > 1) {
      this.#length -= (this.#written.shift() as Written).text.length;
      this.#forgotten++;
    }
  }
}
