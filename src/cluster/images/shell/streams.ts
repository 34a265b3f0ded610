// Standard input and output of programs: pipes with back-pressure, files, the container's log.

import { type Chunk, TextDecoding } from '../../api/bytes.ts';
import type { FileError, Files } from '../../machine/files.ts';
import type { Os } from '../../machine/process.ts';
import { type Channel, Deferred } from '../../sim/channel.ts';
import type { Op, Simulation } from '../../sim/simulation.ts';

export interface Reader {
  /** The next piece of text; undefined at the end. */
  read(): Op<string | undefined>;
}

export interface Writer {
  /** Throws BrokenPipe when nobody will read it. */
  write(text: string): Op<void>;
  /** The writer ends: what it holds back goes out. */
  flush(): void;
}

/** An Op that is done at once. */
export function* nothing(): Op<void> {}

/** An Op that has its result at once. */
export function* value<T>(result: T): Op<T> {
  return result;
}

/** Writing to a pipe whose reader has gone (SIGPIPE). */
export class BrokenPipe extends Error {}

const CAPACITY = 65_536;

/** A pipe: writers wait while it is full, readers while it is empty. */
export class Pipe implements Reader, Writer {
  readonly #sim: Simulation;
  #text = '';
  #writers = 1;
  #closed = false;
  #change: Deferred<void> | null = null;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  *read(): Op<string | undefined> {
    while (this.#text === '') {
      if (this.#writers === 0) return undefined;
      yield* this.#wait();
    }
    const text = this.#text;
    this.#text = '';
    this.#notify();
    return text;
  }

  *write(text: string): Op<void> {
    while (this.#text.length >= CAPACITY && !this.#closed) yield* this.#wait();
    if (this.#closed) throw new BrokenPipe('Broken pipe');
    this.#text += text;
    this.#notify();
  }

  flush(): void {
    // nothing is held back
  }

  closeWriter(): void {
    this.#writers = 0;
    this.#notify();
  }

  closeReader(): void {
    this.#closed = true;
    this.#notify();
  }

  *#wait(): Op<void> {
    this.#change ??= new Deferred(this.#sim);
    yield* this.#change.wait();
  }

  #notify(): void {
    const change = this.#change;
    this.#change = null;
    change?.resolve(undefined);
  }
}

/** A process' log: one entry a line; an unfinished line goes out when the writer ends. */
export class LogWriter implements Writer {
  readonly #os: Os;
  readonly #stream: 'stdout' | 'stderr';
  #rest = '';

  constructor(os: Os, stream: 'stdout' | 'stderr') {
    this.#os = os;
    this.#stream = stream;
  }

  write(text: string): Op<void> {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) this.#put(line);
    return nothing();
  }

  flush(): void {
    if (this.#rest === '') return;
    const rest = this.#rest;
    this.#rest = '';
    this.#put(rest);
  }

  #put(line: string): void {
    if (this.#stream === 'stdout') this.#os.log(line);
    else this.#os.logError(line);
  }
}

/** The output of a process whose sink takes pieces: a client of exec, a terminal. */
export class OutputWriter implements Writer {
  readonly #os: Os;
  readonly #stream: 'stdout' | 'stderr';

  constructor(os: Os, stream: 'stdout' | 'stderr') {
    this.#os = os;
    this.#stream = stream;
  }

  write(text: string): Op<void> {
    if (this.#stream === 'stdout') this.#os.write(text);
    else this.#os.writeError(text);
    return nothing();
  }

  flush(): void {
    // nothing is held back
  }
}

/** The standard input of a process. */
export class InputReader implements Reader {
  readonly input: Channel<Chunk>;
  readonly #decoding = new TextDecoding();

  constructor(input: Channel<Chunk>) {
    this.input = input;
  }

  *read(): Op<string | undefined> {
    for (;;) {
      const piece = yield* this.input.receive();
      // A terminal says by an empty piece that this read is at its end (^D).
      if (piece === '') return undefined;
      const text = piece === undefined ? this.#decoding.end() : this.#decoding.decode(piece);
      if (text !== '') return text;
      if (piece === undefined) return undefined;
    }
  }
}

export class FileWriter implements Writer {
  readonly #files: Files;
  readonly #path: string;

  /** Truncates unless `append`. Throws FileError. */
  constructor(files: Files, path: string, append: boolean) {
    this.#files = files;
    this.#path = path;
    if (!append || !files.exists(path)) files.write(path, '');
  }

  write(text: string): Op<void> {
    this.#files.append(this.#path, text);
    return nothing();
  }

  flush(): void {
    // written through
  }
}

/** Collects what is written: `$(…)`. */
export class TextWriter implements Writer {
  text = '';

  write(text: string): Op<void> {
    this.text += text;
    return nothing();
  }

  flush(): void {
    // nothing is held back
  }
}

export class TextReader implements Reader {
  #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Op<string | undefined> {
    const text = this.#text;
    this.#text = '';
    return value(text === '' ? undefined : text);
  }
}

export const NULL_WRITER: Writer = {
  write: () => nothing(),
  flush() {
    // nothing is held back
  },
};

/** Splits what a reader gives into lines; `rest` survives for the next user of the same input. */
export class LineReader implements Reader {
  /** What it reads from. */
  readonly source: Reader;
  #rest = '';
  /** The line given last had no newline: it was what stood before the end. */
  unfinished = false;

  constructor(source: Reader) {
    this.source = source;
  }

  /** A line without its newline; undefined at the end. */
  *line(): Op<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      const more = yield* this.source.read();
      if (more === undefined) {
        if (this.#rest === '') return undefined;
        const line = this.#rest;
        this.#rest = '';
        this.unfinished = true;
        return line;
      }
      this.#rest += more;
    }
  }

  *read(): Op<string | undefined> {
    if (this.#rest !== '') {
      const text = this.#rest;
      this.#rest = '';
      return text;
    }
    return yield* this.source.read();
  }
}

/** Everything up to the end. */
export function* readAll(reader: Reader): Op<string> {
  let text = '';
  for (let more = yield* reader.read(); more !== undefined; more = yield* reader.read()) text += more;
  return text;
}

/** As C's strerror says it: `No such file or directory`. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? (error as FileError).message : String(error);
  const reason = text.slice(text.lastIndexOf(': ') + 2);
  return reason.charAt(0).toUpperCase() + reason.slice(1);
}
