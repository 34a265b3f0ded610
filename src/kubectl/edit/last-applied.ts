// kubectl apply edit-last-applied: the annotation of client-side apply in the person's editor (kubectl/pkg/cmd/apply).

import { jsonEqual } from '../../cluster/api/meta.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { configurationOf, LAST_APPLIED, lastAppliedText } from '../apply/last-applied.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { fieldManagerFlag, filenameFlags, printFlags, validateFlag } from '../global-flags.ts';
import { fieldValidationOf, writeQuery } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { filesOf, type Info, mustFind, place } from '../resource/builder.ts';
import { readText } from '../resource/files.ts';
import { editSession, LAST_APPLIED_HEAD, originalOf } from './session.ts';

export const EDIT_LAST_APPLIED: Command = {
  name: 'edit-last-applied',
  use: 'edit-last-applied (RESOURCE/NAME | -f FILENAME)',
  short: 'Edit latest last-applied-configuration annotations of a resource/object',
  flags: [...printFlags(), ...filenameFlags('to edit.'), fieldManagerFlag('kubectl-client-side-apply'), validateFlag, flag.bool('windows-line-endings', 'Lines of the file end as on Windows.')],
  run: editLastApplied,
};

function* editLastApplied(context: Context, flags: Flags): Op<void> {
  const validation = fieldValidationOf(flags);
  const { infos } = yield* mustFind(context, { args: flags.args, ...filesOf(flags), latest: true, emptySelector: true });
  const originals: Info[] = [];
  for (const { object } of infos) {
    const text = lastAppliedText(object);
    if (text === undefined) continue;
    for (const one of yield* place(context, readText(text, 'edited-file', false))) {
      if ('error' in one) throw one.error;
      originals.push(one);
    }
  }
  if (originals.length === 0) {
    throw new CommandError('no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply set-last-applied --create-annotation`');
  }
  const [skipped, edited] = [printerOf(context, flags, 'skipped'), printerOf(context, flags, 'edited')];
  const query = writeQuery(flags.text('field-manager'), validation, 'none');
  yield* editSession(context, originals, {
    format: flags.text('output') === 'json' ? 'json' : 'yaml',
    header: LAST_APPLIED_HEAD,
    *send(before, given): Op<void> {
      for (const info of given) {
        const { object } = info;
        if (jsonEqual(originalOf(before, info), object)) {
          skipped?.({ object });
          continue;
        }
        yield* context.rest.patch(info, 'merge', { metadata: { annotations: { [LAST_APPLIED]: configurationOf(object) } } }, query);
        edited?.({ object });
      }
    },
  });
}
