// A container's log, kept as lines and turned into text, in the runtime's format, when somebody reads the file.

import type { LogSink } from '../machine/process.ts';
import { HttpStream } from '../network/http.ts';
import type { Simulation } from '../sim/simulation.ts';
import type { Micros } from '../sim/time.ts';

export interface LogLine {
  readonly time: Micros;
  readonly stream: 'stdout' | 'stderr';
  readonly line: string;
}

/** Where nobody rotates the file, the oldest lines fall away. */
const MAX_LINES = 400_000;
/** Time, stream and tag before each line of the file. */
const PREFIX_BYTES = 41;

type Stream = 'stdout' | 'stderr';

interface Follower {
  readonly stream: HttpStream;
  readonly print: (line: LogLine) => string;
}

export class ContainerLog implements LogSink {
  readonly #sim: Simulation;
  #lines: LogLine[] = [];
  #followers: Follower[] = [];
  /** Who is attached to the container's output. */
  #attached: Set<(stream: Stream, text: string) => void> | null = null;
  #begun: Record<Stream, string> = { stdout: '', stderr: '' };
  /** Takes output in pieces, when the container may have somebody attached who types (stdin, tty): a prompt ends no line. */
  readonly raw?: (stream: Stream, text: string) => void;

  readonly #print: (time: string, line: LogLine) => string;
  #bytes = 0;
  #limit = Number.POSITIVE_INFINITY;
  #onFull: (() => void) | null = null;

  /** `print` gives a line as it stands in the file. */
  constructor(sim: Simulation, print: (time: string, line: LogLine) => string, inPieces = false) {
    this.#sim = sim;
    this.#print = print;
    if (inPieces) this.raw = (stream, text) => this.#take(stream, text);
  }

  /** Gives `listener` the output from now on; returns what ends that. */
  attach(listener: (stream: Stream, text: string) => void): () => void {
    const attached = (this.#attached ??= new Set());
    attached.add(listener);
    return () => attached.delete(listener);
  }

  #take(stream: Stream, text: string): void {
    if (this.#attached !== null) for (const listener of this.#attached) listener(stream, text);
    const lines = (this.#begun[stream] + text).split('\n');
    this.#begun[stream] = lines.pop() as string;
    for (const line of lines) this.#add(stream, line);
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  write(stream: Stream, line: string): void {
    if (this.#attached !== null) for (const listener of this.#attached) listener(stream, `${line}\n`);
    this.#add(stream, line);
  }

  #add(stream: Stream, line: string): void {
    if (this.#lines.length >= MAX_LINES) this.#lines = this.#lines.slice(MAX_LINES / 10);
    const entry: LogLine = { time: this.#sim.now, stream, line };
    this.#lines.push(entry);
    this.#bytes += line.length + PREFIX_BYTES;
    if (this.#bytes > this.#limit) this.#fill();
    for (const follower of this.#followers) follower.stream.write(follower.print(entry), { verb: 'log', subject: null, kind: 'http' });
  }

  /** About the size of the file. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Calls `onFull` when the file has grown above `limit` bytes; once, until it is rotated. */
  watchSize(limit: number, onFull: () => void): void {
    this.#limit = limit;
    this.#onFull = onFull;
    if (this.#bytes > limit) this.#fill();
  }

  #fill(): void {
    this.#limit = Number.POSITIVE_INFINITY;
    this.#onFull?.();
  }

  /** The file gets another name and a new one is begun; gives what the old one holds. */
  rotate(limit: number): { readonly bytes: number; text(): string } {
    const lines = this.#lines;
    const bytes = this.#bytes;
    this.#lines = [];
    this.#bytes = 0;
    this.#limit = limit;
    return { bytes, text: () => this.#textOf(lines) };
  }

  /** The file's text. */
  text(): string {
    return this.#textOf(this.#lines);
  }

  #textOf(lines: readonly LogLine[]): string {
    let out = '';
    for (const line of lines) out += this.#print(`${this.#sim.microTime(line.time).slice(0, -1)}000Z`, line);
    return out;
  }

  /** A stream of `lines` and of what is written from now on, each through `print`, until the container ends. */
  follow(lines: readonly LogLine[], print: (line: LogLine) => string): HttpStream {
    const stream = new HttpStream(this.#sim);
    for (const line of lines) stream.write(print(line), { verb: 'log', subject: null, kind: 'http' });
    this.#followers.push({ stream, print });
    stream.onClose(() => {
      this.#followers = this.#followers.filter((f) => f.stream !== stream);
    });
    return stream;
  }

  /** The container has ended: followers are at the end. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#begun[stream];
      this.#begun[stream] = '';
      if (rest !== '') this.#add(stream, rest);
    }
    const followers = this.#followers;
    this.#followers = [];
    for (const { stream } of followers) stream.close();
  }
}
