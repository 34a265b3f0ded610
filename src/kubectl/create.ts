// kubectl create -f (kubectl/pkg/cmd/create).

import type { Op } from '../cluster/sim/simulation.ts';
import { APPLY_FLAGS, dryRun, fieldValidation } from './apply.ts';
import { type Context, type LiveObject, nameOf } from './context.ts';
import type { Flags } from './flags.ts';
import { CommandError, ManyErrors, withSource } from './print/error.ts';
import { printObjects } from './print/objects.ts';
import { readItems } from './source.ts';

export const CREATE_FLAGS = APPLY_FLAGS;

export function* create(context: Context, flags: Flags): Op<void> {
  if (flags.list('filename').length === 0) throw new CommandError('must specify one of -f and -k');
  const mode = fieldValidation(flags);
  const dry = dryRun(flags);
  const errors: unknown[] = [];
  let read = 0;
  for (const item of readItems(context, flags, mode !== 'Ignore')) {
    read++;
    if ('error' in item) {
      errors.push(item.error);
      continue;
    }
    const { target, object, source } = item;
    try {
      const query = { fieldManager: 'kubectl-create', fieldValidation: mode, ...(dry === 'server' ? { dryRun: 'All' } : {}) };
      const created = dry === 'client' ? object : ((yield* context.request('POST', { ...target, name: '' }, { query, body: object, subjectName: target.name })) as LiveObject);
      const output = flags.text('output');
      if (output !== undefined) printObjects(context, [{ kind: target.kind, object: created }], output);
      else context.print(`${nameOf(target.kind, created.metadata?.name ?? '')} created${dry === 'none' ? '' : ` (${dry === 'server' ? 'server ' : ''}dry run)`}`);
    } catch (error) {
      errors.push(withSource(error, 'creating', source));
    }
  }
  if (read === 0) throw new CommandError('no objects passed to create');
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new ManyErrors(errors);
}
