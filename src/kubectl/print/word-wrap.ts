// Wraps text at a width between words, as mitchellh/go-wordwrap does: line breaks and inner spaces stay.

export function wrapText(text: string, limit: number): string {
  let out = '';
  let current = 0;
  let word = '';
  let space = '';
  const flush = (): void => {
    current += space.length + word.length;
    out += space + word;
    space = word = '';
  };
  for (const c of text) {
    if (c === '\n') {
      if (word === '' && current + space.length > limit) space = '';
      flush();
      out += c;
      current = 0;
    } else if (/\s/.test(c) && c !== '\u00a0') {
      if (space === '' || word !== '') flush();
      space += c;
    } else {
      word += c;
      if (current + word.length + space.length > limit && word.length < limit) {
        out += '\n';
        current = 0;
        space = '';
      }
    }
  }
  if (word === '') return current + space.length <= limit ? out + space : out;
  return out + space + word;
}
