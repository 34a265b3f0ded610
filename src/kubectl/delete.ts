// kubectl delete: by file or by name, waits until the objects are gone (kubectl/pkg/cmd/delete).

import { ApiError, isNotFound } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import type { Command } from './command.ts';
import { completeResources } from './completion/resources.ts';
import type { Context } from './context.ts';
import { flag, type Flags } from './flag-set.ts';
import { allNamespacesFlag, dryRunFlag, fieldSelectorFlag, filenameFlags, selectorFlag } from './global-flags.ts';
import { type DryRun, dryRunOf } from './mutation.ts';
import { CommandError, throwAll, withSource } from './print/error.ts';
import { filesOf, find, type Info } from './resource/builder.ts';
import { kindName } from './resource/mapper.ts';
import { splitUrl } from './resource/raw.ts';
import { waitUntilGone } from './wait/deletion.ts';

export const DELETE: Command = {
  name: 'delete',
  group: 'Basic Commands (Intermediate):',
  use: 'delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)])',
  short: 'Delete resources by file names, stdin, resources and names, or by resources and label selector',
  long: 'Delete resources by file names, stdin, resources and names, or by resources and label selector.\n\n JSON and YAML formats are accepted. Give one way to name the resources: files, types and names, or types and a label selector.\n\n Some resources, such as pods, get time to end by themselves; --grace-period changes it, --now makes it one second, --grace-period=0 --force does not wait for confirmation at all.',
  examples: '# Delete what is in a file\nkubectl delete -f ./web.yaml\n\n# Delete a pod and a service\nkubectl delete pod/web service/web\n\n# Delete by label\nkubectl delete pods,services -l app=web\n\n# Delete a pod at once\nkubectl delete pod web --now\n\n# Delete all pods\nkubectl delete pods --all',
  flags: [
    ...filenameFlags('to delete.'),
    flag.bool('all', 'Delete all objects of the types in the namespace.'),
    allNamespacesFlag,
    flag.string('cascade', 'background, orphan or foreground: what happens to dependents, such as the pods of a replica set.', { value: 'background', alone: 'background' }),
    dryRunFlag,
    fieldSelectorFlag,
    flag.bool('force', 'Remove the objects from the API at once. May lose data; needs --grace-period=0 or none.'),
    flag.int('grace-period', 'Seconds that an object gets to end by itself. Negative is ignored; 1 for at once; 0 only with --force.', { value: '-1' }),
    flag.bool('ignore-not-found', 'What does not exist counts as deleted. Default true with --all or a selector.'),
    flag.bool('interactive', 'Ask before deleting.', { short: 'i' }),
    flag.bool('now', 'Ask the objects to end at once, the same as --grace-period=1.'),
    flag.string('output', 'Output format: name, for short output.', { short: 'o' }),
    flag.string('raw', 'A path to send DELETE to, as it is.'),
    selectorFlag,
    flag.duration('timeout', 'How long to wait; zero means that the size of the object decides.'),
    flag.bool('wait', 'Wait until the objects are gone; for finalizers too.', { value: 'true' }),
  ],
  suggestFor: ['rm', 'remove'],
  complete: completeResources,
  run: deleteObjects,
};

const PROPAGATION: Readonly<Record<string, string>> = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan' };

function propagationOf(context: Context, flags: Flags): string {
  const cascade = flags.text('cascade');
  const known = PROPAGATION[cascade];
  if (known !== undefined) return known;
  if (/^(1|t|T|TRUE|true|True)$/.test(cascade)) {
    context.warn(`--cascade=${cascade} is deprecated (boolean value) and can be replaced with --cascade=background.`);
    return 'Background';
  }
  if (/^(0|f|F|FALSE|false|False)$/.test(cascade)) {
    context.warn(`--cascade=${cascade} is deprecated (boolean value) and can be replaced with --cascade=orphan.`);
    return 'Orphan';
  }
  throw new CommandError(`invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`);
}

function graceOf(flags: Flags): number {
  let grace = flags.integer('grace-period');
  if (flags.is('now')) {
    if (grace !== -1) throw new CommandError('--now and --grace-period cannot be specified together');
    grace = 1;
  }
  if (grace === 0 && !flags.is('force')) grace = 1;
  if (flags.is('force') && grace < 0) grace = 0;
  return grace;
}

function* deleteObjects(context: Context, flags: Flags): Op<void> {
  const propagationPolicy = propagationOf(context, flags);
  const grace = graceOf(flags);
  const dry = dryRunOf(context, flags);
  const selecting = flags.is('all') || flags.text('selector') !== '' || flags.text('field-selector') !== '';
  const ignoreMissing = flags.is('ignore-not-found') || (selecting && !flags.given('ignore-not-found'));
  if (flags.text('raw') !== '') {
    const { plain, query } = splitUrl(flags.text('raw'));
    context.print(JSON.stringify((yield* context.rest.raw('DELETE', plain, { query })).body));
    return;
  }
  const found = yield* find(context, {
    args: flags.args,
    ...filesOf(flags),
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    all: flags.is('all'),
    allNamespaces: flags.is('all-namespaces'),
    local: true,
  });
  const output = flags.text('output');
  if (output !== '' && output !== 'name') throw new CommandError(`unexpected -o output mode: ${output}. We only support '-o name'`);
  if (flags.is('all') && flags.text('field-selector') !== '') throw new CommandError('cannot set --all and --field-selector at the same time');
  if (grace === 0 && flags.is('force')) context.warn('Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.');
  if (grace > 0 && flags.is('force')) throw new CommandError('--force and --grace-period greater than 0 cannot be specified together');
  const errors: unknown[] = [...found.errors];
  if (flags.is('interactive') && !(yield* confirmed(context, found.infos))) {
    context.print(found.infos.length === 0 ? 'No resources found' : 'deletion is cancelled');
    return;
  }
  let warn = context.namespaceGiven && !flags.is('all-namespaces');
  const waiting: { info: Info; uid: string | undefined }[] = [];
  for (const info of found.infos) {
    if (warn && !info.mapping.namespaced) {
      context.warn('deleting cluster-scoped resources, not scoped to the provided namespace');
      warn = false;
    }
    try {
      if (dry !== 'client') {
        const body = { ...(grace < 0 ? {} : { gracePeriodSeconds: grace }), propagationPolicy, ...(dry === 'server' ? { dryRun: ['All'] } : {}) };
        const answer = yield* context.rest.delete(info, body);
        waiting.push({ info, uid: answer.details?.uid ?? answer.metadata?.uid });
      }
      context.print(output === 'name' ? `${kindName(info.mapping)}/${info.name}` : `${kindName(info.mapping)} "${info.name}" ${deletedText(info, grace, dry)}`);
    } catch (error) {
      if (!(isNotFound(error) && ignoreMissing)) errors.push(withSource(error, 'deleting', info.source));
    }
  }
  throwAll(ignoreMissing ? errors.filter((e) => !isNotFound(e)) : errors);
  if (found.infos.length === 0) {
    context.print('No resources found');
    return;
  }
  if (flags.is('wait') && dry === 'none') yield* waitForAll(context, flags, waiting);
}

function deletedText({ mapping, namespace }: Info, grace: number, dry: DryRun): string {
  const operation = grace === 0 ? 'force deleted' : 'deleted';
  const from = mapping.namespaced ? ` from ${namespace} namespace` : '';
  return `${operation}${from}${dry === 'none' ? '' : dry === 'server' ? ' (server dry run)' : ' (dry run)'}`;
}

function* waitForAll(context: Context, flags: Flags, waiting: readonly { readonly info: Info; readonly uid: string | undefined }[]): Op<void> {
  const limit = flags.duration('timeout') || Infinity;
  const deadline = context.os.sim.now + limit;
  const late: unknown[] = [];
  for (const { info, uid } of waiting) {
    try {
      if (!(yield* waitUntilGone(context, info, uid, Math.max(0, deadline - context.os.sim.now)))) late.push(new CommandError(`timed out waiting for the condition on ${info.mapping.resource}/${info.name}`));
    } catch (error) {
      if (!(error instanceof ApiError && (error.reason === 'Forbidden' || error.reason === 'MethodNotAllowed'))) throw error;
    }
  }
  throwAll(late);
}

function* confirmed(context: Context, infos: readonly Info[]): Op<boolean> {
  if (infos.length === 0) return false;
  context.print('You are about to delete the following ' + `${infos.length} resource(s):`);
  for (const info of infos) context.print(`${kindName(info.mapping)}/${info.name}`);
  context.write('Do you want to continue? [y/N]: ');
  const answer = ((yield* context.io.readLine()) ?? '').trim().toLowerCase();
  return answer === 'y' || answer === 'yes';
}
