// --sort-by of kubectl get (kubectl/pkg/cmd/get/sorter.go): by the values of one field; numbers, times and quantities in their order.

import { tryQuantity } from '../../cluster/api/quantity.ts';
import { CommandError } from '../print/error.ts';
import { compareKeys } from '../print/yaml.ts';
import { JsonPath, relaxedPath } from '../print/jsonpath.ts';
import type { ServerTable } from '../print/table.ts';
import type { Info } from '../resource/builder.ts';

const TIME = /^\d{4}-\d{2}-\d{2}T/;

function less(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') {
    if (TIME.test(a) && TIME.test(b)) return a < b ? -1 : a > b ? 1 : 0;
    const [x, y] = [tryQuantity(a), tryQuantity(b)];
    if (x && y) return x.value - y.value || x.milli - y.milli;
    return compareKeys(a, b);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return 0;
}

/** Objects without the field come first. */
function compare(a: readonly unknown[], b: readonly unknown[]): number {
  if (a.length === 0 || b.length === 0) return (a.length === 0 ? 0 : 1) - (b.length === 0 ? 0 : 1);
  return less(a[0], b[0]);
}

function pathOf(field: string): { readonly path: JsonPath; readonly text: string } {
  let text = field;
  try {
    text = relaxedPath(field);
  } catch {
    // as it is: the template may be more than a path
  }
  try {
    return { path: new JsonPath(text, { allowMissing: true }), text };
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}

function mustFind(values: readonly (readonly unknown[])[], text: string): void {
  if (values.length > 0 && values.every((v) => v.length === 0)) throw new CommandError(`couldn't find any field with path ${JSON.stringify(text)} in the list of objects`);
}

export function sortObjects(infos: readonly Info[], field: string): readonly Info[] {
  if (infos.length < 2) return infos;
  const { path, text } = pathOf(field);
  const keyed = infos.map((info) => ({ info, key: path.results(info.object).flat() }));
  mustFind(keyed.map((k) => k.key), text);
  return keyed.sort((a, b) => compare(a.key, b.key)).map((k) => k.info);
}

export function sortTables<T extends { readonly table: ServerTable }>(pages: readonly T[], field: string): T[] {
  const { path, text } = pathOf(field);
  // Several tables are sorted as if they were the objects, and have no such field.
  if (pages.length > 1) throw new CommandError(`couldn't find any field with path ${JSON.stringify(text)} in the list of objects`);
  return pages.map((page) => {
    const keyed = page.table.rows.map((row) => ({ row, key: path.results(row.object).flat() }));
    // kubectl drops the error of a table that has no such field, and the table with it.
    if (keyed.every((k) => k.key.length === 0)) return { ...page, table: { ...page.table, rows: [] } };
    return { ...page, table: { ...page.table, rows: keyed.sort((a, b) => compare(a.key, b.key)).map((k) => k.row) } };
  });
}
