// Go's regular expressions (RE2) as those of this engine: the common syntax is the same; what only one of them has is
// translated (\z, \A, (?P<name>…), leading flags) or refused.

const compiled = new Map<string, RegExp | null>();
const LIMIT = 1_000;

/** The expression, or null when it is none. */
export function compilePattern(pattern: string): RegExp | null {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (compiled.size >= LIMIT) compiled.clear();
  const made = compile(pattern);
  compiled.set(pattern, made);
  return made;
}

function compile(pattern: string): RegExp | null {
  // RE2 has no look-around and no references.
  if (/\(\?<?[=!]/.test(pattern) || /\\[1-9]/.test(pattern)) return null;
  let source = pattern.replaceAll('(?P<', '(?<').replaceAll('\\A', '^').replaceAll('\\z', '$');
  let flags = 'u';
  const leading = /^\(\?([ims]+)\)/.exec(source);
  if (leading) {
    source = source.slice(leading[0].length);
    flags += leading[1];
  }
  for (const tried of [flags, flags.replace('u', '')]) {
    try {
      return new RegExp(source, tried);
    } catch {
      // The stricter mode first, then the other.
    }
  }
  return null;
}
