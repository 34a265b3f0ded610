// A terminal (pty) and its line discipline (n_tty): echo, editing of the line, ^C ^\ ^D, carriage returns, and its size.
// What the process writes goes through `write`; what the person types comes in by `type`.

import { type Chunk, TextDecoding, textOf } from '../api/bytes.ts';
import { Channel } from '../sim/channel.ts';
import type { Simulation } from '../sim/simulation.ts';
import type { Signal } from './process.ts';

export interface TtySize {
  readonly columns: number;
  readonly rows: number;
}

const INTERRUPT = '\u0003';
const END_OF_FILE = '\u0004';
const BACKSPACE = '\b';
const ERASE = '\u007f';
const KILL_LINE = '\u0015';
const ERASE_WORD = '\u0017';
const QUIT = '\u001c';
const ESCAPE = '\u001b';

export class Tty {
  /** Lines as the process reads them. */
  readonly input: Channel<Chunk>;
  readonly resized: Channel<TtySize>;
  columns = 80;
  rows = 24;
  /** Hears of ^C and ^\ in place of the session's first process; an interactive shell sets it. */
  onSignal: ((signal: Signal) => void) | null = null;
  readonly #screen: (text: string) => void;
  readonly #decoding = new TextDecoding();
  /** Who gets signals when nobody listens. */
  #interrupt: (signal: Signal) => void = () => undefined;
  #line = '';
  #escape = false;
  #raw = false;

  /** `screen` takes what the terminal shows. */
  constructor(sim: Simulation, screen: (text: string) => void) {
    this.input = new Channel(sim);
    this.resized = new Channel(sim);
    this.#screen = screen;
  }

  /** For the starter of the session's first process. */
  control(interrupt: (signal: Signal) => void): void {
    this.#interrupt = interrupt;
  }

  resize(columns: number, rows: number): void {
    if (columns <= 0 || rows <= 0) return;
    this.columns = columns;
    this.rows = rows;
    this.resized.send({ columns, rows });
  }

  /** What the process prints: each newline is a carriage return, too (ONLCR). */
  write(chunk: Chunk): void {
    this.#screen(textOf(chunk).replace(/\r?\n/g, '\r\n'));
  }

  /** Each key goes to the process as it is, unechoed: whoever reads looks after lines and signals. */
  get raw(): boolean {
    return this.#raw;
  }

  /** As tcsetattr: whoever makes it raw restores it. */
  setRaw(raw: boolean): void {
    this.#raw = raw;
    this.#line = '';
    this.#escape = false;
  }

  /** Keys. */
  type(keys: Chunk): void {
    if (this.#raw) {
      const text = this.#decoding.decode(keys);
      if (text !== '') this.input.send(text);
      return;
    }
    for (const key of this.#decoding.decode(keys)) this.#key(key);
  }

  /** The terminal is gone. */
  hangUp(): void {
    this.input.close();
    this.resized.close();
  }

  #key(key: string): void {
    if (this.#escape) {
      // An escape sequence (an arrow key) ends with a letter or ~; there is no history to walk through.
      if (/[A-Za-z~]/.test(key) && key !== 'O') this.#escape = false;
      return;
    }
    switch (key) {
      case ESCAPE:
        this.#escape = true;
        return;
      case INTERRUPT:
        this.#signal('SIGINT', '^C');
        return;
      case QUIT:
        this.#signal('SIGQUIT', '^\\');
        return;
      case END_OF_FILE:
        // On an empty line the read comes back with nothing, which is the end of the input for this once.
        this.#send();
        return;
      case '\r':
      case '\n':
        this.#screen('\r\n');
        this.#line += '\n';
        this.#send();
        return;
      case ERASE:
      case BACKSPACE:
        this.#erase(1);
        return;
      case KILL_LINE:
        this.#erase([...this.#line].length);
        return;
      case ERASE_WORD:
        this.#erase([...(/\S*\s*$/.exec(this.#line)?.[0] ?? '')].length);
        return;
      case '\t':
        return;
    }
    this.#line += key;
    this.#screen(key);
  }

  #erase(count: number): void {
    const characters = [...this.#line];
    const gone = Math.min(count, characters.length);
    this.#line = characters.slice(0, characters.length - gone).join('');
    this.#screen('\b \b'.repeat(gone));
  }

  #send(): void {
    const line = this.#line;
    this.#line = '';
    this.input.send(line);
  }

  #signal(signal: Signal, shown: string): void {
    this.#line = '';
    this.#screen(shown);
    if (this.onSignal !== null) this.onSignal(signal);
    else this.#interrupt(signal);
  }
}
