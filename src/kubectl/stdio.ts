// A command's standard streams: text in any pieces goes out, stdin comes as one text or line by line.

import { TextDecoding } from '../cluster/api/bytes.ts';
import type { Os } from '../cluster/machine/process.ts';
import type { Op } from '../cluster/sim/simulation.ts';

export class Stdio {
  readonly #os: Os;
  #held = '';
  #heldError = '';
  readonly #decoding = new TextDecoding();
  #stdin = '';
  #ended = false;

  constructor(os: Os) {
    this.#os = os;
  }

  /** Whole lines go out at once; the rest at the next line break, question or end. */
  out(text: string): void {
    const end = text.lastIndexOf('\n') + 1;
    if (end === 0) this.#held += text;
    else {
      const whole = this.#held + text.slice(0, end - 1);
      this.#held = text.slice(end);
      for (const line of whole.split('\n')) this.#os.log(line);
    }
  }

  error(text: string): void {
    const end = text.lastIndexOf('\n') + 1;
    if (end === 0) this.#heldError += text;
    else {
      const whole = this.#heldError + text.slice(0, end - 1);
      this.#heldError = text.slice(end);
      for (const line of whole.split('\n')) this.#os.logError(line);
    }
  }

  /** What has been printed without a line break comes out, without one. */
  flush(): void {
    if (this.#held !== '') this.#os.write(this.#held);
    if (this.#heldError !== '') this.#os.writeError(this.#heldError);
    this.#held = this.#heldError = '';
  }

  /** One more piece of stdin; false at its end. Without a stream, /dev/stdin is the text. */
  *#more(): Op<boolean> {
    if (this.#ended) return false;
    const { stdin, files } = this.#os;
    if (stdin === null) {
      this.#ended = true;
      this.#stdin += files.exists('/dev/stdin') ? files.read('/dev/stdin') : '';
      return this.#stdin !== '';
    }
    this.flush();
    const chunk = yield* stdin.receive();
    this.#ended = chunk === undefined;
    if (chunk !== undefined) this.#stdin += this.#decoding.decode(chunk);
    return chunk !== undefined;
  }

  /** All of stdin, to its end. */
  *readAll(): Op<string> {
    while (yield* this.#more());
    const text = this.#stdin;
    this.#stdin = '';
    return text;
  }

  /** The next line without its break; undefined at the end. */
  *readLine(): Op<string | undefined> {
    while (!this.#stdin.includes('\n') && (yield* this.#more()));
    if (this.#stdin === '') return undefined;
    const end = this.#stdin.indexOf('\n');
    const line = end < 0 ? this.#stdin : this.#stdin.slice(0, end);
    this.#stdin = end < 0 ? '' : this.#stdin.slice(end + 1);
    return line;
  }
}
