// Elastic tab stops as Go's text/tabwriter (and the fork that kubectl uses, which remembers widths between flushes).

export interface TabOptions {
  readonly minWidth: number;
  readonly padding: number;
  /** Columns never get narrower than they were: `get -w`. */
  readonly remember?: boolean;
}

/** What `kubectl get` prints tables with. */
export const GET_TABS: TabOptions = { minWidth: 6, padding: 3, remember: true };
/** What `kubectl describe` prints with. */
export const DESCRIBE_TABS: TabOptions = { minWidth: 0, padding: 2 };

const width = (text: string): number => [...text].length;

export class TabWriter {
  readonly #options: TabOptions;
  readonly #out: (text: string) => void;
  #text = '';
  #remembered: number[] = [];

  constructor(out: (text: string) => void, options: TabOptions = GET_TABS) {
    this.#out = out;
    this.#options = options;
  }

  /** Cells end with a tab; the last of a line does not. */
  write(text: string): void {
    this.#text += text;
  }

  /** Another kind of table begins. */
  forget(): void {
    this.#remembered = [];
  }

  flush(): void {
    if (this.#text === '') return;
    const lines = this.#text.split('\n').map((line) => line.split('\t'));
    this.#text = '';
    const out = lines.map(() => '');
    this.#format(lines, out, 0, lines.length, []);
    this.#out(out.join('\n'));
  }

  /** Lines [from, to) have at least `widths.length` terminated cells; a block of lines with one more shares a column. */
  #format(lines: readonly (readonly string[])[], out: string[], from: number, to: number, widths: readonly number[]): void {
    const column = widths.length;
    for (let at = from; at < to; at++) {
      if ((lines[at] as readonly string[]).length - 1 <= column) {
        out[at] = this.#line(lines[at] as readonly string[], widths);
        continue;
      }
      let end = at;
      let wide = this.#options.minWidth;
      while (end < to && (lines[end] as readonly string[]).length - 1 > column) {
        wide = Math.max(wide, width((lines[end] as readonly string[])[column] as string) + this.#options.padding);
        end++;
      }
      if (this.#options.remember) {
        wide = Math.max(wide, this.#remembered[column] ?? 0);
        this.#remembered[column] = wide;
      }
      this.#format(lines, out, at, end, [...widths, wide]);
      at = end - 1;
    }
  }

  #line(cells: readonly string[], widths: readonly number[]): string {
    let text = '';
    for (const [i, cell] of cells.entries()) {
      text += cell;
      const wide = widths[i];
      if (i < cells.length - 1 && wide !== undefined) text += ' '.repeat(Math.max(0, wide - width(cell)));
    }
    return text;
  }
}
