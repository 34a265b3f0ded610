// kubectl replace (kubectl/pkg/cmd/replace).

import { isNotFound } from '../cluster/api/status.ts';
import type { Op } from '../cluster/sim/simulation.ts';
import { withLastApplied } from './apply/last-applied.ts';
import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { saveConfigFlag } from './create.ts';
import { flag, type Flags } from './flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags, subresourceFlag, validateFlag } from './global-flags.ts';
import { type DryRun, dryRunOf, fieldValidationOf, operationText, writeQuery } from './mutation.ts';
import { CommandError, throwAll, withSource } from './print/error.ts';
import { printerOf } from './print/printer.ts';
import { filesOf, find, type Info } from './resource/builder.ts';
import { kindName } from './resource/mapper.ts';
import { sendRaw } from './resource/raw.ts';
import type { LiveObject, Query } from './rest.ts';
import { removeAndWait } from './wait/deletion.ts';

export const REPLACE: Command = {
  name: 'replace',
  group: 'Advanced Commands:',
  use: 'replace -f FILENAME',
  short: 'Replace a resource by file name or stdin',
  long: 'Replace a resource by file name or stdin.\n\n JSON and YAML formats are accepted. The whole new object must be given; "kubectl get TYPE NAME -o yaml" shows what there is.',
  flags: [
    ...printFlags(),
    ...filenameFlags('to replace.'),
    flag.string('cascade', 'background, orphan or foreground: what happens to dependents of deleted objects.', { value: 'background', alone: 'background' }),
    dryRunFlag,
    fieldManagerFlag('kubectl-replace'),
    flag.bool('force', 'Delete the objects and create them anew.'),
    flag.int('grace-period', 'Seconds that an object gets to end by itself. Negative is ignored; 0 only with --force.', { value: '-1' }),
    flag.string('raw', 'A path to PUT the file to, as it is.'),
    saveConfigFlag,
    subresourceFlag,
    flag.duration('timeout', 'How long to wait for a deletion; zero means that the size of the object decides.'),
    validateFlag,
    flag.bool('wait', 'Wait until deleted objects are gone.'),
  ],
  run: replace,
};

function check(flags: Flags, dry: DryRun): void {
  const grace = flags.integer('grace-period');
  if (grace >= 0 && !flags.is('force')) throw new CommandError('--grace-period must have --force specified');
  if (flags.duration('timeout') !== 0 && !flags.is('force')) throw new CommandError('--timeout must have --force specified');
  if (flags.is('force') && dry !== 'none') throw new CommandError('--dry-run can not be used when --force is set');
}

function* replace(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const validation = fieldValidationOf(flags);
  if (flags.list('filename').length === 0 && flags.text('kustomize') === '') throw new CommandError('must specify one of -f and -k');
  check(flags, dry);
  if (flags.text('raw') !== '') return yield* sendRaw(context, flags, 'PUT');
  const { infos, errors } = yield* find(context, { ...filesOf(flags), validate: validation !== 'Ignore', subresource: flags.text('subresource') });
  const force = flags.is('force');
  const print = printerOf(context, flags, operationText('replaced', dry));
  const query = writeQuery(flags.text('field-manager'), validation, dry);
  const failed: unknown[] = [...errors];
  if (force && failed.length === 0) for (const info of infos) yield* remove(context, flags, info);
  for (const info of infos) {
    const object = flags.is('save-config') ? withLastApplied(info.object) : info.object;
    try {
      const done = force ? yield* context.rest.create(info, withoutVersion(object), query) : dry === 'client' ? object : yield* put(context, info, object, query);
      print?.({ object: { ...done, apiVersion: info.mapping.apiVersion, kind: info.mapping.kind } });
    } catch (error) {
      failed.push(withSource(error, force ? 'creating' : 'replacing', info.source));
    }
  }
  throwAll(failed);
  if (infos.length === 0) throw new CommandError('no objects passed to replace');
}

const withoutVersion = (object: LiveObject): LiveObject => {
  const { resourceVersion: _version, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
};

/** Without a version of its own the object takes the live one's: the last write wins. */
function* put(context: Context, info: Info, object: LiveObject, query: Query): Op<LiveObject> {
  if (object.metadata?.resourceVersion) return yield* context.rest.replace(info, object, query);
  const live = yield* context.rest.find(info);
  if (live === undefined) return yield* context.rest.replace(info, object, query);
  const metadata = { ...object.metadata, ...(live.metadata?.resourceVersion ? { resourceVersion: live.metadata.resourceVersion } : {}) };
  return yield* context.rest.replace(info, { ...object, metadata }, query);
}

function* remove(context: Context, flags: Flags, info: Info): Op<void> {
  const grace = flags.integer('grace-period');
  try {
    yield* removeAndWait(context, info, { propagationPolicy: 'Background', ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}) }, flags.duration('timeout') || Infinity);
    context.print(`${kindName(info.mapping)} "${info.name}" ${grace === 0 ? 'force ' : ''}deleted${info.mapping.namespaced ? ` from ${info.namespace} namespace` : ''}`);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
