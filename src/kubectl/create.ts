// kubectl create -f (kubectl/pkg/cmd/create). Its subcommands are in create/.

import type { Op } from '../cluster/sim/simulation.ts';
import { withLastApplied } from './apply/last-applied.ts';
import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { flag, type Flags } from './flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags, selectorFlag, validateFlag } from './global-flags.ts';
import { recorded, recordFlag } from './mutate/record.ts';
import { dryRunOf, fieldValidationOf, operationText, writeQuery } from './mutation.ts';
import { CommandError, throwAll, withSource } from './print/error.ts';
import { printerOf } from './print/printer.ts';
import { filesOf, find } from './resource/builder.ts';
import { sendRaw } from './resource/raw.ts';

export const saveConfigFlag = flag.bool('save-config', 'Keep the configuration in an annotation, for a later kubectl apply.');

/** `kubectl create` with its subcommands. */
export const createCommand = (subcommands: readonly Command[]): Command => ({
  name: 'create',
  group: 'Basic Commands (Beginner):',
  use: 'create -f FILENAME',
  short: 'Create a resource from a file or from stdin',
  long: 'Create a resource from a file or from stdin.\n\n JSON and YAML formats are accepted.',
  examples: '# Create what is in web.yaml\nkubectl create -f ./web.yaml\n\n# Create what comes on stdin\ncat web.json | kubectl create -f -',
  flags: [
    ...printFlags(),
    ...filenameFlags('to create.'),
    dryRunFlag,
    flag.bool('edit', 'Edit the resource before it is created.'),
    fieldManagerFlag('kubectl-create'),
    recordFlag,
    flag.string('raw', 'A path to POST the file to, as it is.'),
    saveConfigFlag,
    selectorFlag,
    validateFlag,
    flag.bool('windows-line-endings', 'With --edit: CRLF line ends.'),
  ],
  ...(subcommands.length === 0 ? {} : { subcommands }),
  run: create,
});

function* create(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw context.usageError(`Unexpected args: [${flags.args.join(' ')}]`);
  const dry = dryRunOf(context, flags);
  const validation = fieldValidationOf(flags);
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') throw new CommandError('must specify one of -f and -k');
  if (flags.text('raw') !== '') return yield* sendRaw(context, flags, 'POST');
  const found = yield* find(context, { ...filesOf(flags), selector: flags.text('selector'), validate: validation !== 'Ignore' });
  const errors: unknown[] = [...found.errors];
  const print = printerOf(context, flags, operationText('created', dry));
  for (const info of found.infos) {
    try {
      const object = recorded(context, flags, flags.is('save-config') ? withLastApplied(info.object) : info.object);
      const created = dry === 'client' ? object : yield* context.rest.create(info, object, writeQuery(flags.text('field-manager'), validation, dry));
      print?.({ object: { ...created, apiVersion: info.mapping.apiVersion, kind: info.mapping.kind } });
    } catch (error) {
      errors.push(withSource(error, 'creating', info.source));
    }
  }
  throwAll(errors);
  if (found.infos.length === 0) throw new CommandError('no objects passed to create');
}
