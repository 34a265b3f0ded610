// Tables as calicoctl prints them: columns three spaces apart (text/tabwriter), or with frames (go-pretty).

/** Cells of equal width, three spaces between them. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = widthsOf(rows).map((w) => Math.max(w + 3, 5));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('').trimEnd());
}

/** A frame around head and body; numbers stand to the right. */
export function framed(head: readonly string[], body: readonly (readonly string[])[]): string[] {
  const widths = widthsOf([head, ...body]);
  const line = `+${widths.map((w) => '-'.repeat(w + 2)).join('+')}+`;
  const row = (cells: readonly string[]): string => `|${cells.map((cell, i) => ` ${/^\d+$/.test(cell) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)} `).join('|')}|`;
  return [line, row(head), line, ...body.map(row), line];
}

const widthsOf = (rows: readonly (readonly string[])[]): number[] => (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
