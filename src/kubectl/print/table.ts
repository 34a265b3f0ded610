// Tables as `kubectl get` prints them: the server's rows, three spaces between columns, no trailing blanks.

export interface TableColumn {
  readonly name: string;
  readonly priority?: number;
}

export interface ServerTable {
  readonly columnDefinitions: readonly TableColumn[] | null;
  readonly rows: readonly {
    readonly cells: readonly unknown[];
    readonly object?: { readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> } };
  }[];
}

export interface TableOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly showLabels: boolean;
  readonly headers: boolean;
  /** `deployment.apps/` before each name when several kinds are listed. */
  readonly prefix: string;
}

const PADDING = 3;
const MIN_WIDTH = 6;

/** East Asian wide characters take two cells; kubectl's tabwriter counts runes, and so do we. */
const width = (text: string): number => [...text].length;

export function printTable(table: ServerTable, options: TableOptions): string[] {
  const columns = (table.columnDefinitions ?? []).map((column, index) => ({ ...column, index })).filter((c) => options.wide || !c.priority);
  const rows: string[][] = [];
  if (options.headers) {
    rows.push([
      ...(options.withNamespace ? ['NAMESPACE'] : []),
      ...columns.map((c) => c.name.toUpperCase()),
      ...(options.showLabels ? ['LABELS'] : []),
    ]);
  }
  for (const row of table.rows) {
    const meta = row.object?.metadata;
    const cells = columns.map((c) => String(row.cells[c.index] ?? '<none>'));
    if (columns[0] && options.prefix) cells[0] = `${options.prefix}${cells[0]}`;
    const labels = Object.entries(meta?.labels ?? {}).map(([k, v]) => `${k}=${v}`);
    rows.push([
      ...(options.withNamespace ? [meta?.namespace ?? ''] : []),
      ...cells,
      ...(options.showLabels ? [labels.length > 0 ? labels.toSorted().join(',') : '<none>'] : []),
    ]);
  }
  const widths = (rows[0] ?? []).map((_, c) => Math.max(MIN_WIDTH, ...rows.map((row) => width(row[c] ?? '') + PADDING)));
  return rows.map((row) => row.map((cell, c) => cell + ' '.repeat((widths[c] as number) - width(cell))).join('').trimEnd());
}
