// kubectl apply view-last-applied and set-last-applied (kubectl/pkg/cmd/apply).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { EDIT_LAST_APPLIED } from '../edit/last-applied.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, filenameFlags, printFlags, selectorFlag } from '../global-flags.ts';
import { dryRunOf, operationText } from '../mutation.ts';
import { CommandError, throwAll } from '../print/error.ts';
import { goJsonIndent } from '../print/json.ts';
import { printerOf } from '../print/printer.ts';
import { goYaml } from '../print/yaml.ts';
import { filesOf, find, mustFind } from '../resource/builder.ts';
import { configurationOf, LAST_APPLIED, lastAppliedText } from './last-applied.ts';

const VIEW: Command = {
  name: 'view-last-applied',
  use: 'view-last-applied (TYPE [NAME | -l label] | TYPE/NAME | -f FILENAME)',
  short: 'View the latest last-applied-configuration annotations of a resource/object',
  flags: [
    ...filenameFlags('that contain the last-applied-configuration annotations.'),
    flag.bool('all', 'Select all objects of the type in the namespace.'),
    flag.string('output', 'Output format, yaml or json.', { short: 'o', value: 'yaml' }),
    selectorFlag,
  ],
  *run(context, flags): Op<void> {
    const found = yield* mustFind(context, { args: flags.args, ...filesOf(flags), selector: flags.text('selector'), all: flags.is('all'), latest: true, emptySelector: true });
    const output = flags.text('output');
    if (output !== 'yaml' && output !== 'json') throw context.usageError(`Unexpected -o output mode: ${output}, the flag 'output' must be one of yaml|json`);
    for (const { object } of found.infos) {
      const text = lastAppliedText(object);
      // kubectl wraps no error here, and so says nothing.
      if (text === undefined) return;
      const value: unknown = JSON.parse(text);
      context.write(output === 'json' ? `${goJsonIndent(value).replace(/^( +)/gm, (s) => ' '.repeat(s.length / 2))}\n` : goYaml(value));
    }
  },
};

const SET: Command = {
  name: 'set-last-applied',
  use: 'set-last-applied -f FILENAME',
  short: 'Set the last-applied-configuration annotation on a live object to match the contents of a file',
  flags: [...printFlags(), ...filenameFlags('that contain the last-applied-configuration annotations.').filter((f) => f.name === 'filename'), dryRunFlag, flag.bool('create-annotation', 'Make the annotation where there is none.')],
  run: setLastApplied,
};

function* setLastApplied(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const { infos, errors } = yield* find(context, { ...filesOf(flags) });
  throwAll(errors);
  if (infos.length === 0) throw new CommandError(`'-f' must be specified`);
  const print = printerOf(context, flags, operationText('configured', dry));
  for (const info of infos) {
    const live = yield* context.rest.get(info);
    if (lastAppliedText(live) === undefined && !flags.is('create-annotation')) {
      throw new CommandError(`no last-applied-configuration annotation found on resource: ${info.name}, to create the annotation, run the command with --create-annotation`);
    }
    const text = configurationOf(info.object);
    let object = live;
    if (lastAppliedText(live) !== text && dry !== 'client') object = yield* context.rest.patch(info, 'merge', { metadata: { annotations: { [LAST_APPLIED]: text } } }, dry === 'server' ? { dryRun: 'All' } : {});
    print?.({ object });
  }
}

export const LAST_APPLIED_COMMANDS: readonly Command[] = [EDIT_LAST_APPLIED, SET, VIEW];
