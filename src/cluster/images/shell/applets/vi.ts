// vi on a terminal: draws the screen, reads keys one by one (the buffer and its keys are in vi-buffer.ts).

import { TextDecoding } from '../../../api/bytes.ts';
import type { Tty } from '../../../machine/tty.ts';
import { type Applet, AppletError } from '../applet.ts';
import { resolvePath } from '../shell.ts';
import { reasonOf } from '../streams.ts';
import { KEYS, ViBuffer } from './vi-buffer.ts';

const ESCAPE = '\u001b';
const CSI = `${ESCAPE}[`;
const ALTERNATE = `${CSI}?1049h`;
/** An escape sequence, or one character. */
const KEY = new RegExp(`${ESCAPE}(?:\\[|O)([A-Z]|\\d~)|[\\s\\S]`, 'gu');
const NORMAL = `${CSI}?1049l`;

/** The keys in what was read; an escape alone is the key. */
function* keysOf(text: string): Generator<string> {
  for (const [all, sequence] of text.matchAll(KEY)) {
    if (sequence !== undefined) yield KEYS[sequence] ?? 'unknown';
    else yield all === ESCAPE ? 'escape' : all;
  }
}

class Screen {
  readonly #tty: Tty;
  readonly #name: string;
  #top = 0;

  constructor(tty: Tty, name: string) {
    this.#tty = tty;
    this.#name = name;
  }

  draw(buffer: ViBuffer): void {
    const { columns, rows } = this.#tty;
    const height = Math.max(1, rows - 1);
    buffer.page = height;
    if (buffer.row < this.#top) this.#top = buffer.row;
    if (buffer.row >= this.#top + height) this.#top = buffer.row - height + 1;
    const left = Math.max(0, buffer.column - columns + 1);
    let out = `${CSI}?25l${CSI}H`;
    for (let i = 0; i < height; i++) {
      const line = buffer.lines[this.#top + i];
      out += `${line === undefined ? '~' : line.replaceAll('\t', ' ').slice(left, left + columns)}${CSI}K\r\n`;
    }
    const mode = buffer.mode === 'insert' ? 'I' : '-';
    const status = buffer.mode === 'line' ? buffer.line : buffer.message || `${mode} ${this.#name}${buffer.changed ? ' [modified]' : ''} ${buffer.row + 1}/${buffer.lines.length}`;
    out += `${status.slice(0, columns - 1)}${CSI}K`;
    const [row, column] = buffer.mode === 'line' ? [rows, buffer.line.length + 1] : [buffer.row - this.#top + 1, buffer.column - left + 1];
    this.#tty.write(`${out}${CSI}${row};${column}H${CSI}?25h`);
  }
}

export const vi: Applet = function* (c) {
  const { files, tty } = c.os;
  const shown = c.args.findLast((arg) => !arg.startsWith('-'));
  if (tty === null) throw new AppletError('standard input is not a terminal');
  if (shown === undefined) throw new AppletError('a file name is needed');
  const path = resolvePath(c.cwd, shown);
  const save = (other: string | null, text: string): string => {
    try {
      files.write(other === null ? path : resolvePath(c.cwd, other), text);
      return `'${other ?? shown}' ${text.split('\n').length - 1}L, ${text.length}C`;
    } catch (error) {
      return `'${other ?? shown}' ${reasonOf(error)}`;
    }
  };
  const buffer = new ViBuffer(files.exists(path) ? files.read(path) : '', save);
  const screen = new Screen(tty, shown);
  const decoding = new TextDecoding();
  tty.setRaw(true);
  tty.write(ALTERNATE);
  try {
    while (buffer.code === null) {
      screen.draw(buffer);
      const piece = yield* tty.input.receive();
      if (piece === undefined) return 1;
      for (const key of keysOf(decoding.decode(piece))) if (buffer.code === null) buffer.key(key);
    }
    return buffer.code;
  } finally {
    tty.write(NORMAL);
    tty.setRaw(false);
  }
};
