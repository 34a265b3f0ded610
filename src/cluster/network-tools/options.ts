// Options of one letter as getopt(3) takes them: a value stands behind them or is the next word.

export function option(args: readonly string[], ...names: readonly string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (names.includes(arg)) return args[i + 1];
    const name = names.find((n) => n.length === 2 && arg.startsWith(n) && arg.length > 2);
    if (name !== undefined) return arg.slice(2);
  }
  return undefined;
}

/** What is neither an option nor the value of one of `valued`. */
export const wordsOf = (args: readonly string[], valued: readonly string[]): string[] => args.filter((arg, i) => !arg.startsWith('-') && !valued.includes(args[i - 1] ?? ''));
