// What commands that change things share: --dry-run, --validate, the words behind a name, and where an object stands.

import type { Context } from './context.ts';
import type { Flags } from './flag-set.ts';
import { CommandError } from './print/error.ts';

export type DryRun = 'none' | 'server' | 'client';

/** Throws CommandError for a word it does not know; warns of the old forms. */
export function dryRunOf(context: Context, flags: Flags): DryRun {
  const given = flags.text('dry-run');
  if (given === 'none' || given === '') return 'none';
  if (given === 'server' || given === 'client') return given;
  if (given === 'unchanged') {
    context.klog('helpers.go:729] --dry-run is deprecated and can be replaced with --dry-run=client.', 'W');
    return 'client';
  }
  if (/^(1|t|T|TRUE|true|True)$/.test(given)) {
    context.klog(`helpers.go:748] --dry-run=${given} is deprecated (boolean value) and can be replaced with --dry-run=client.`, 'W');
    return 'client';
  }
  if (/^(0|f|F|FALSE|false|False)$/.test(given)) {
    context.klog(`helpers.go:751] --dry-run=${given} is deprecated (boolean value) and can be replaced with --dry-run=none.`, 'W');
    return 'none';
  }
  throw new CommandError(`Invalid dry-run value (${given}). Must be "none", "server", or "client".`);
}

/** `created` → `created (server dry run)`. */
export const operationText = (operation: string, dry: DryRun): string => (dry === 'none' ? operation : `${operation} (${dry === 'server' ? 'server ' : ''}dry run)`);

const VALIDATION: Readonly<Record<string, string>> = { true: 'Strict', strict: 'Strict', warn: 'Warn', false: 'Ignore', ignore: 'Ignore' };

/** `fieldValidation` for `--validate`; throws CommandError for a word it does not know. */
export function fieldValidationOf(flags: Flags): string {
  const given = flags.text('validate');
  const mode = VALIDATION[given];
  if (mode === undefined) throw new CommandError(`invalid - validate option ${JSON.stringify(given)}; must be one of: strict (or true), warn, ignore (or false)`);
  return mode;
}

/** The query of a write. */
export const writeQuery = (manager: string, validation: string, dry: DryRun): Record<string, string> => ({
  ...(manager === '' ? {} : { fieldManager: manager }),
  ...(validation === '' ? {} : { fieldValidation: validation }),
  ...(dry === 'server' ? { dryRun: 'All' } : {}),
});
