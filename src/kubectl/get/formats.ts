// -o of kubectl get: what all commands know, and custom-columns and wide (kubectl/pkg/cmd/get/get_flags.go).

import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { outputOf, type Printer, printerOf } from '../print/printer.ts';
import { columnsPrinter, parseColumns, parseColumnsFile } from './columns.ts';

export const GET_FORMATS = ['custom-columns', 'custom-columns-file', 'wide'] as const;

export const isHumanReadable = (flags: Flags): boolean => {
  const { format } = outputOf(flags);
  return format === '' || flags.text('output') === 'wide';
};

/** The printer of a format that is no table. Throws CommandError for one that is not known. */
export function formatPrinter(context: Context, flags: Flags): Printer {
  const { format, argument } = outputOf(flags);
  if (format === 'custom-columns' || format === 'custom-columns-file') {
    const text = argument ?? flags.text('template');
    if (text === '') throw new CommandError('custom-columns format specified but no custom columns given');
    const columns = format === 'custom-columns' ? parseColumns(text) : parseColumnsFile(context, text);
    return columnsPrinter(context, columns, !flags.is('no-headers'));
  }
  return printerOf(context, flags, '', GET_FORMATS) ?? (() => undefined);
}
