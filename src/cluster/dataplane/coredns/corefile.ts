// Corefile: server blocks of plug-ins with arguments and a block of properties (caddyfile syntax, as CoreDNS reads it).

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  /** Properties inside its braces. */
  readonly block: readonly Directive[];
}

export interface ServerBlock {
  /** e.g. `.:53`, `example.org`. */
  readonly zones: readonly string[];
  readonly plugins: readonly Directive[];
}

/** Throws with CoreDNS' wording when braces do not match. */
export function parseCorefile(text: string): readonly ServerBlock[] {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/#.*$/, '').trim())
    .filter((line) => line !== '');
  const blocks: ServerBlock[] = [];
  let at = 0;
  const block = (): Directive[] => {
    const found: Directive[] = [];
    for (;;) {
      const line = lines[at++];
      if (line === undefined) throw new Error('Unexpected EOF');
      if (line === '}') return found;
      const words = line.split(/\s+/);
      const opens = words[words.length - 1] === '{';
      if (opens) words.pop();
      const [name, ...args] = words as [string, ...string[]];
      found.push({ name, args, block: opens ? block() : [] });
    }
  };
  while (at < lines.length) {
    const words = (lines[at++] as string).split(/[\s,]+/);
    if (words.pop() !== '{') throw new Error(`Corefile:${at} - Error during parsing: Unexpected token, expected '{'`);
    blocks.push({ zones: words, plugins: block() });
  }
  return blocks;
}
