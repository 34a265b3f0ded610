// kubectl apply: flags, checks, printing (kubectl/pkg/cmd/apply).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags, selectorFlag, subresourceFlag, validateFlag } from '../global-flags.ts';
import { dryRunOf, fieldValidationOf, operationText } from '../mutation.ts';
import { CommandError, ManyErrors, throwAll } from '../print/error.ts';
import { type Printer, printerOf } from '../print/printer.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { type Applied, applyClientSide, type Settings } from './client-side.ts';
import { LAST_APPLIED_COMMANDS } from './last-applied-commands.ts';
import { prune } from './prune.ts';
import { applyServerSide } from './server-side.ts';

export const APPLY: Command = {
  name: 'apply',
  group: 'Advanced Commands:',
  use: 'apply (-f FILENAME | -k DIRECTORY)',
  short: 'Apply a configuration to a resource by file name or stdin',
  long: 'Apply a configuration to a resource by file name or stdin. What does not exist is created; of what exists, the fields that the configuration names are changed. Use apply for objects that were made with apply or create --save-config.\n\n JSON and YAML formats are accepted.',
  examples: '# Apply the configuration in web.yaml\nkubectl apply -f web.yaml\n\n# Apply a folder with a kustomization\nkubectl apply -k dir/\n\n# Apply what comes from another command\ncat web.json | kubectl apply -f -',
  flags: [
    ...printFlags(),
    ...filenameFlags('that contain the configurations to apply.'),
    flag.bool('all', 'Select all objects of the types in question, for --prune.'),
    flag.string('cascade', 'background, orphan or foreground: what happens to dependents of deleted objects.', { value: 'background', alone: 'background' }),
    dryRunFlag,
    fieldManagerFlag('kubectl-client-side-apply'),
    flag.bool('force', 'Delete and create anew what cannot be patched. Immediate deletion may lose data.'),
    flag.bool('force-conflicts', 'Server-side apply takes over fields of other managers.'),
    flag.int('grace-period', 'Seconds that an object gets to end by itself. Negative is ignored; 0 only with --force.', { value: '-1' }),
    flag.bool('openapi-patch', 'Reckon the difference by the OpenAPI documents of the server.', { value: 'true' }),
    flag.bool('overwrite', 'Where the live object differs, the configuration wins.', { value: 'true' }),
    flag.bool('prune', 'Delete objects that were applied before and are no longer in the configurations. Use with -l or --all.'),
    flag.array('prune-allowlist', 'Types for --prune, <group/version/kind>, instead of the default ones.'),
    selectorFlag,
    flag.bool('server-side', 'Let the server merge.'),
    subresourceFlag,
    flag.duration('timeout', 'How long to wait for a deletion; zero means that the size of the object decides.'),
    validateFlag,
    flag.bool('wait', 'Wait until deleted objects are gone.'),
  ],
  subcommands: LAST_APPLIED_COMMANDS,
  run: apply,
};

function settingsOf(context: Context, flags: Flags): Settings & { readonly serverSide: boolean } {
  const serverSide = flags.is('server-side');
  const dry = dryRunOf(context, flags);
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') throw new CommandError('must specify one of -f and -k');
  const validation = fieldValidationOf(flags);
  if (flags.is('force-conflicts') && !serverSide) throw new CommandError('--force-conflicts only works with --server-side');
  if (dry === 'client' && serverSide) throw new CommandError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
  if (serverSide && flags.is('force')) throw new CommandError('--force cannot be used with --server-side');
  if (dry === 'server' && flags.is('force')) throw new CommandError('--dry-run=server cannot be used with --force');
  if (flags.is('all') && flags.text('selector') !== '') throw new CommandError('cannot set --all and --selector at the same time');
  if (flags.is('prune')) {
    if (flags.is('force')) throw new CommandError('--force cannot be used with --prune');
    if (!flags.is('all') && flags.text('selector') === '') throw new CommandError('all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector');
    if (serverSide) throw new CommandError("--prune is in alpha and doesn't currently work on objects created by server-side apply");
  }
  if (flags.text('subresource') !== '' && !serverSide) throw new CommandError('--subresource can only be specified for --server-side');
  const manager = serverSide && !flags.given('field-manager') ? 'kubectl' : flags.text('field-manager');
  return { serverSide, dry, validation, manager, force: serverSide ? flags.is('force-conflicts') : flags.is('force'), wantsObject: flags.text('output') !== '' && flags.text('output') !== 'name' };
}

function* apply(context: Context, flags: Flags): Op<void> {
  if (flags.args.length > 0) throw context.usageError(`Unexpected args: [${flags.args.join(' ')}]`);
  const settings = settingsOf(context, flags);
  const { infos, errors: unread } = yield* find(context, { ...filesOf(flags), selector: flags.text('selector'), subresource: flags.text('subresource'), validate: settings.validation !== 'Ignore' });
  const errors: unknown[] = unread.length > 1 ? [new ManyErrors(unread)] : [...unread];
  if (infos.length === 0 && errors.length === 0) throw new CommandError('no objects passed to apply');
  const { wantsObject } = settings;
  const printers = new Map<string, Printer>();
  const print = (info: Info, { verb, object }: Applied): void => {
    const operation = operationText(verb, settings.dry);
    let printer = printers.get(operation);
    if (!printer) printers.set(operation, (printer = printerOf(context, flags, operation) as Printer));
    printer({ object: { ...object, apiVersion: info.mapping.apiVersion, kind: info.mapping.kind } });
  };
  const done: { info: Info; applied: Applied }[] = [];
  for (const info of infos) {
    try {
      if (info.object.metadata?.generateName && info.name === '') throw new CommandError(`from ${info.object.metadata.generateName}: cannot use generate name with apply`);
      const applied = settings.serverSide ? yield* applyServerSide(context, info, settings) : yield* applyClientSide(context, info, settings);
      done.push({ info, applied });
      if (!wantsObject) print(info, applied);
    } catch (error) {
      errors.push(error);
    }
  }
  throwAll(errors);
  if (wantsObject) printAll(context, flags, done, settings.dry);
  if (flags.is('prune')) yield* prune(context, flags, done.map((d) => d.applied.object), done.map((d) => d.info), settings.dry);
}

/** -o of several objects: one List. */
function printAll(context: Context, flags: Flags, done: readonly { info: Info; applied: Applied }[], dry: Settings['dry']): void {
  const printer = printerOf(context, flags, operationText('configured', dry)) as Printer;
  const [first] = done;
  if (done.length === 1 && first) return printer({ object: first.applied.object });
  const object = { kind: 'List', apiVersion: 'v1', metadata: {}, items: done.map((d) => d.applied.object) };
  printer({ object: object as LiveObject });
}
