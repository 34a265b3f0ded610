// Two texts compared line by line.

export interface DiffLine {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
}

/** The most cells of the comparison table; larger texts are shown as wholly replaced between their common ends. */
const MOST_CELLS = 1_500_000;

export function diffLines(before: string, after: string): readonly DiffLine[] {
  const a = before === '' ? [] : before.split('\n');
  const b = after === '' ? [] : after.split('\n');
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (text: string): DiffLine => ({ sign: ' ', text });
  return [
    ...a.slice(0, head).map(same),
    ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...a.slice(a.length - tail).map(same),
  ];
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ sign: '-', text });
  const added = (text: string): DiffLine => ({ sign: '+', text });
  if (a.length * b.length > MOST_CELLS) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] =
        a[i] === b[j] ? (longest[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i] as string });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))) {
      lines.push(removed(a[i++] as string));
    } else lines.push(added(b[j++] as string));
  }
  return lines;
}

/** Leaves out what did not change, except `context` lines around each change; a gap is a line without a text of its own. */
export function withContext(lines: readonly DiffLine[], context: number): readonly (DiffLine | null)[] {
  const keep = new Set<number>();
  lines.forEach((line, i) => {
    if (line.sign === ' ') return;
    for (let k = i - context; k <= i + context; k++) keep.add(k);
  });
  const result: (DiffLine | null)[] = [];
  lines.forEach((line, i) => {
    if (keep.has(i)) result.push(line);
    else if (result.length > 0 && result.at(-1) !== null) result.push(null);
  });
  if (result.at(-1) === null) result.pop();
  return result;
}
