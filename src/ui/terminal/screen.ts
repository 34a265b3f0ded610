// The terminal on the page: xterm draws, the line editor edits at the prompt, everything else goes to the cluster as it is typed.

import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal as Xterm } from '@xterm/xterm';
import type { Player } from '../session/player.ts';
import { columnsOf, keysOf, type Line, type LineEditor } from './line-editor.ts';

const ESC = '\u001b';
/** Semantic prompts (OSC 133): `B` ends a prompt. */
const SEMANTIC_PROMPT = 133;

export class TerminalScreen {
  readonly #player: Player;
  readonly #xterm: Xterm;
  readonly #fit = new FitAddon();
  readonly #editor: LineEditor;
  /** The shell waits for a command, and the line below is the page's. */
  #atPrompt = false;
  /** Where the line begins, in columns. */
  #start = 0;
  /** How many rows below the first the drawn line's cursor stands. */
  #row = 0;
  #waiting: string[] = [];
  #sending = false;
  readonly #stops: (() => void)[] = [];

  constructor(player: Player, editor: LineEditor, box: HTMLElement, label: string) {
    this.#player = player;
    this.#editor = editor;
    this.#xterm = new Xterm({ fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK SC", monospace', fontSize: 14, scrollback: 5_000, cursorBlink: false, screenReaderMode: true, theme: themeOf(box) });
    this.#xterm.loadAddon(this.#fit);
    this.#xterm.open(box);
    this.#xterm.textarea?.setAttribute('aria-label', label);
    this.#xterm.parser.registerOscHandler(SEMANTIC_PROMPT, (data) => {
      if (data === 'B') this.#prompted();
      return true;
    });
    this.#xterm.onData((data) => this.#typed(data));
    this.#xterm.attachCustomKeyEventHandler((event) => {
      // Tab alone would keep a keyboard user in the terminal: Escape, then Tab leaves it.
      if (event.type === 'keydown' && event.key === 'Escape' && this.#atPrompt) {
        this.#xterm.blur();
        box.focus();
        return false;
      }
      return true;
    });
    this.#write(player.terminal.text);
    this.#stops.push(
      player.terminal.listen((text, reset) => {
        if (reset) {
          this.#xterm.reset();
          this.#atPrompt = false;
        }
        this.#write(text);
      }),
    );
    const resize = new ResizeObserver(() => this.fit());
    resize.observe(box);
    this.#stops.push(() => resize.disconnect());
    this.fit();
    if (player.terminal.text === '') this.#send('');
  }

  focus(): void {
    this.#xterm.focus();
  }

  setTheme(box: HTMLElement): void {
    this.#xterm.options.theme = themeOf(box);
  }

  fit(): void {
    const { cols, rows } = this.#xterm;
    this.#fit.fit();
    if (this.#xterm.cols !== cols || this.#xterm.rows !== rows) void this.#player.resizeTerminal(this.#xterm.cols, this.#xterm.rows);
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
    this.#xterm.dispose();
  }

  /** What the cluster writes; a line that is being edited is taken away first and comes back with the next prompt. */
  #write(text: string): void {
    if (text === '') return;
    if (this.#atPrompt) {
      this.#erase();
      this.#atPrompt = false;
    }
    this.#xterm.write(text);
  }

  #prompted(): void {
    this.#atPrompt = true;
    this.#start = this.#xterm.buffer.active.cursorX;
    this.#row = 0;
    // Inside the parser nothing may be written: after it.
    queueMicrotask(() => {
      this.#draw(this.#editor.line);
      this.#next();
    });
  }

  #typed(data: string): void {
    this.#waiting.push(...keysOf(data));
    this.#next();
  }

  /**
   * Keys wait while others are under way: what those lead to decides whether the next belong to the line at the prompt (a pasted
   * script) or to the program that runs.
   */
  #next(): void {
    while (this.#atPrompt && !this.#sending && this.#waiting.length > 0) this.#key(this.#waiting.shift() as string);
    if (!this.#sending && this.#waiting.length > 0) this.#send(this.#waiting.splice(0).join(''));
  }

  #key(key: string): void {
    const edited = this.#editor.key(key);
    switch (edited.type) {
      case 'edit':
        this.#draw(edited.line);
        return;
      case 'enter':
        this.#erase();
        this.#atPrompt = false;
        this.#send(`${edited.text}\r`);
        return;
      case 'keys':
        this.#erase();
        this.#atPrompt = false;
        this.#send(edited.keys);
        return;
      case 'clear':
        this.#xterm.clear();
        return;
      case 'complete':
        void this.#complete(edited.line);
    }
  }

  async #complete(line: Line): Promise<void> {
    const characters = [...line.text];
    const before = characters.slice(0, line.cursor).join('');
    this.#sending = true;
    const found = await this.#player.complete(before);
    this.#sending = false;
    if (!this.#atPrompt) return;
    const word = /[^\s=,]*$/.exec(before)?.[0] ?? '';
    const fitting = found.filter((candidate) => candidate.startsWith(word));
    const common = commonStart(fitting);
    if (common.length > word.length || fitting.length === 1) {
      const end = fitting.length === 1 && !common.endsWith('/') && !common.endsWith('=') ? ' ' : '';
      const text = before.slice(0, before.length - word.length) + common + end;
      this.#editor.line = { text: text + characters.slice(line.cursor).join(''), cursor: [...text].length };
    } else if (fitting.length > 1) {
      this.#showCandidates(fitting);
    }
    this.#draw(this.#editor.line);
    this.#next();
  }

  /** Below the line, as readline lists them; then prompt and line again. */
  #showCandidates(candidates: readonly string[]): void {
    const width = Math.max(...candidates.map(columnsOf)) + 2;
    const perRow = Math.max(1, Math.floor(this.#xterm.cols / width));
    const rows: string[] = [];
    for (let i = 0; i < Math.min(candidates.length, 200); i += perRow) {
      rows.push(candidates.slice(i, i + perRow).map((c) => c + ' '.repeat(width - columnsOf(c))).join('').trimEnd());
    }
    this.#moveTo(columnsOf(this.#editor.line.text));
    const prompt = this.#promptText();
    this.#xterm.write(`\r\n${rows.join('\r\n')}\r\n${prompt}`);
    this.#row = 0;
  }

  /** The prompt as it stands on the screen. */
  #promptText(): string {
    const { active } = this.#xterm.buffer;
    const line = active.getLine(active.baseY + active.cursorY - this.#row);
    return line?.translateToString(false, 0, this.#start) ?? '';
  }

  #draw(line: Line): void {
    this.#moveTo(0);
    this.#xterm.write(`${ESC}[J${line.text}`);
    const columns = this.#start + columnsOf(line.text);
    // A line that ends at the right edge leaves the cursor behind the last column: make the terminal wrap.
    if (columns > 0 && columns % this.#xterm.cols === 0) this.#xterm.write(' \r');
    this.#row = Math.floor(columns / this.#xterm.cols);
    this.#moveTo(columnsOf([...line.text].slice(0, line.cursor).join('')));
  }

  #erase(): void {
    this.#moveTo(0);
    this.#xterm.write(`${ESC}[J`);
  }

  /** Puts the cursor `columns` behind the start of the line. */
  #moveTo(columns: number): void {
    const at = this.#start + columns;
    const row = Math.floor(at / this.#xterm.cols);
    const up = this.#row - row;
    this.#xterm.write(`${up > 0 ? `${ESC}[${up}A` : up < 0 ? `${ESC}[${-up}B` : ''}\r${at % this.#xterm.cols > 0 ? `${ESC}[${at % this.#xterm.cols}C` : ''}`);
    this.#row = row;
  }

  #send(keys: string): void {
    this.#sending = true;
    void this.#player.type(keys).then(() => {
      // The answer is on its way to the screen: a prompt in it counts once it was read.
      this.#xterm.write('', () => {
        this.#sending = false;
        this.#next();
      });
    });
  }
}

function commonStart(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  let length = first.length;
  for (const text of others) while (!text.startsWith(first.slice(0, length))) length--;
  return first.slice(0, length);
}

/** Colours of the page's own theme. */
function themeOf(box: HTMLElement): ITheme {
  const style = getComputedStyle(box);
  const dark = style.colorScheme.includes('dark') && matchMedia('(prefers-color-scheme: dark)').matches;
  const of = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  const background = style.backgroundColor === 'rgba(0, 0, 0, 0)' ? (dark ? '#111' : '#fff') : style.backgroundColor;
  const foreground = style.color;
  return { background, foreground, cursor: foreground, cyan: of('--accent', foreground), brightCyan: of('--accent', foreground) };
}
