// Tables as `kubectl get` prints them: the server's columns, with those that flags add (cli-runtime printers/tableprinter.go).

import { goPrint } from './json.ts';

export interface TableColumn {
  readonly name: string;
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
}

interface RowMeta {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  readonly object?: { readonly metadata?: RowMeta } | null;
}

export interface ServerTable {
  readonly kind?: string;
  readonly columnDefinitions: readonly TableColumn[] | null;
  readonly rows: readonly TableRow[];
}

export interface TableOptions {
  readonly wide: boolean;
  readonly headers: boolean;
  readonly withNamespace: boolean;
  /** `deployment.apps` to put before each name; '' for no kind. */
  readonly kind: string;
  readonly labelColumns: readonly string[];
  readonly showLabels: boolean;
}

export const isTable = (object: unknown): object is ServerTable => (object as { kind?: string } | null)?.kind === 'Table';

const ESCAPE = String.fromCharCode(27);

/** Control characters could do anything to a terminal: they are shown as ^[. */
const escapeTerminal = (text: string): string => text.replaceAll(ESCAPE, '^[');

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'string') return goPrint(cell);
  const end = cell.search(/[\f\n\r]/);
  return escapeTerminal(end < 0 ? cell : `${cell.slice(0, end)}...`);
}

const labelsText = (labels: Readonly<Record<string, string>> = {}): string =>
  Object.keys(labels).length === 0 ? '<none>' : Object.entries(labels).map(([k, v]) => `${k}=${v}`).sort().join(',');

interface Column {
  readonly name: string;
  readonly cell: (row: TableRow) => unknown;
}

function columnsOf(definitions: readonly TableColumn[], options: TableOptions, event: string | undefined): Column[] {
  const nameColumn = definitions.findIndex((c) => c.format === 'name' && c.type === 'string');
  const columns: Column[] = [];
  if (event !== undefined) columns.push({ name: 'Event', cell: () => event });
  if (options.withNamespace) columns.push({ name: 'Namespace', cell: (row) => row.object?.metadata?.namespace ?? '' });
  for (const [i, definition] of definitions.entries()) {
    if (definition.priority && !options.wide) continue;
    const prefix = i === nameColumn && options.kind !== '' ? `${options.kind}/` : '';
    columns.push({ name: definition.name, cell: prefix === '' ? (row) => row.cells[i] : (row) => `${prefix}${goPrint(row.cells[i])}` });
  }
  for (const label of options.labelColumns) columns.push({ name: label.slice(label.lastIndexOf('/') + 1), cell: (row) => row.object?.metadata?.labels?.[label] ?? '' });
  if (options.showLabels) columns.push({ name: 'Labels', cell: (row) => labelsText(row.object?.metadata?.labels) });
  return columns;
}

const sameColumns = (a: readonly TableColumn[], b: readonly TableColumn[]): boolean =>
  a.length === b.length && a.every((c, i) => c.name === b[i]?.name && c.priority === b[i]?.priority && c.type === b[i]?.type);

/** Prints tables one after another: headers come when the columns are others than before. Lines go to `write`, cells end with tabs. */
export class TablePrinter {
  readonly #options: TableOptions;
  readonly #write: (text: string) => void;
  #last: readonly TableColumn[] = [];

  constructor(write: (text: string) => void, options: TableOptions) {
    this.#write = write;
    this.#options = options;
  }

  /** `event`: the type of the watch event, to be shown. */
  print(table: ServerTable, event?: string): void {
    let definitions = table.columnDefinitions ?? [];
    const headers = this.#options.headers && definitions.length > 0 && !sameColumns(definitions, this.#last);
    if (definitions.length === 0) definitions = this.#last;
    else this.#last = definitions;
    if (headers && table.rows.length === 0) {
      // No headers over nothing: the next table has them anew.
      this.#last = [];
      return;
    }
    const columns = columnsOf(definitions, this.#options, event);
    if (headers) this.#write(`${columns.map((c) => c.name.toUpperCase()).join('\t')}\n`);
    for (const row of table.rows) this.#write(`${columns.map((c) => cellText(c.cell(row))).join('\t')}\n`);
  }
}
