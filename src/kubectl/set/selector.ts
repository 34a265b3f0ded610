// kubectl set selector: of Services only (kubectl/pkg/cmd/set/set_selector.go).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { objectSelector } from '../create/selector.ts';
import { flag, type Flags } from '../flag-set.ts';
import { recorded, recordFlag } from '../mutate/record.ts';
import { dryRunOf, operationText, writeQuery } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { asStruct } from '../print/go-struct.ts';
import { goPrint } from '../print/json.ts';
import { printerOf } from '../print/printer.ts';
import type { LiveObject } from '../rest.ts';
import { objectsOf, patchOf, setFlags } from './changes.ts';

export const SET_SELECTOR: Command = {
  name: 'selector',
  use: 'selector (-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version]',
  short: 'Set the selector on a resource',
  long: 'Set the selector of a service. The one that it has is replaced as a whole.\n\n A selector begins with a letter or digit and has letters, digits, hyphens, dots and underscores, at most 63 of them.',
  examples: "# The selector of a service\nkubectl set selector service web 'app=web,tier=front'",
  flags: [
    ...setFlags('selectors').filter((f) => f.name !== 'kustomize').map((f) => (f.name === 'recursive' ? { ...f, value: 'true' } : f)),
    flag.string('resource-version', 'Change the object only if this is its current version. For a single object.'),
    recordFlag,
  ],
  run: setSelector,
};

/** Throws CommandError for what is no Service. */
function withSelector(object: LiveObject, { matchLabels, matchExpressions }: ReturnType<typeof objectSelector>): LiveObject {
  if (object.kind !== 'Service' || object.apiVersion !== 'v1') throw new CommandError('setting a selector is only supported for Services');
  if (matchExpressions.length > 0) {
    const shown = matchExpressions.map(({ key, operator, values }) => `{${String(key)} ${String(operator)} ${goPrint(values ?? [])}}`);
    throw new CommandError(`match expression [${shown.join(' ')}] not supported on this object`);
  }
  const { spec } = object as LiveObject & { readonly spec?: object };
  return { ...object, spec: { ...spec, selector: matchLabels } } as LiveObject;
}

function* setSelector(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const selector = flags.args.length === 0 ? null : objectSelector(flags.args.at(-1) as string);
  const print = printerOf(context, flags, operationText('selector updated', dry), [], true);
  if (selector === null) throw new CommandError('one selector is required');
  const version = flags.text('resource-version');
  const errors: unknown[] = [];
  for (const info of yield* objectsOf(context, flags, flags.args.slice(0, -1))) {
    try {
      const after = recorded(context, flags, withSelector(info.object, selector));
      if (flags.is('local') || dry === 'client') {
        print?.({ object: asStruct(after) });
        continue;
      }
      const patch = { ...patchOf(info, after) } as Record<string, object>;
      if (version !== '') patch['metadata'] = { ...patch['metadata'], resourceVersion: version };
      print?.({ object: asStruct(yield* context.rest.patch(info, 'strategic', patch, writeQuery(flags.text('field-manager'), '', dry))) });
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
}
