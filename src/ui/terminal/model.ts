// The terminal's text as the page knows it, kept while nobody looks at the panel.

export type TerminalListener = (text: string, reset: boolean) => void;

/** What is forgotten first: characters. */
const LONGEST = 400_000;

export class TerminalModel {
  #text = '';
  readonly #listeners = new Set<TerminalListener>();

  get text(): string {
    return this.#text;
  }

  apply(update: { readonly reset: boolean; readonly text: string }): void {
    this.#text = update.reset ? update.text : this.#text + update.text;
    if (this.#text.length > LONGEST) this.#text = this.#text.slice(-LONGEST / 2);
    for (const listener of this.#listeners) listener(update.text, update.reset);
  }

  /** Calls `listener` with each piece. Returns the way to stop. */
  listen(listener: TerminalListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
