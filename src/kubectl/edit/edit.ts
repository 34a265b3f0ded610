// kubectl edit: live objects in the person's editor (kubectl/pkg/cmd/edit).

import { jsonEqual } from '../../cluster/api/meta.ts';
import { kindOf } from '../../cluster/api/kinds.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import { withLastApplied } from '../apply/last-applied.ts';
import { threeWayPatch } from '../apply/patch.ts';
import type { Command } from '../command.ts';
import { completeResources } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { saveConfigFlag } from '../create.ts';
import { flag, type Flags } from '../flag-set.ts';
import { fieldManagerFlag, filenameFlags, printFlags, subresourceFlag, validateFlag } from '../global-flags.ts';
import { fieldValidationOf, writeQuery } from '../mutation.ts';
import { CommandError } from '../print/error.ts';
import { goJson } from '../print/json.ts';
import { printerOf } from '../print/printer.ts';
import { filesOf, type Info, mustFind } from '../resource/builder.ts';
import type { LiveObject } from '../rest.ts';
import { editSession, originalOf, type Results } from './session.ts';

export const EDIT: Command = {
  name: 'edit',
  group: 'Basic Commands (Intermediate):',
  use: 'edit (RESOURCE/NAME | -f FILENAME)',
  short: 'Edit a resource on the server',
  long: 'Edit a resource from the default editor.\n\n The objects are opened in the editor that KUBE_EDITOR or EDITOR names, or in vi. What is saved is sent to the server; what the server does not accept is opened again, with the reasons on top.',
  examples: "kubectl edit svc/web\nKUBE_EDITOR='sed -i s/1.27/1.28/' kubectl edit deployment/web\nkubectl edit job.v1.batch/pi -o json\nkubectl edit deployment web --subresource=status",
  flags: [
    ...printFlags(),
    ...filenameFlags('to edit.'),
    fieldManagerFlag('kubectl-edit'),
    flag.bool('output-patch', 'Print the patch.'),
    saveConfigFlag,
    subresourceFlag,
    validateFlag,
    flag.bool('windows-line-endings', 'Lines of the file end as on Windows.'),
  ],
  complete: completeResources,
  run: edit,
};

function* edit(context: Context, flags: Flags): Op<void> {
  const validation = fieldValidationOf(flags);
  const subresource = flags.text('subresource');
  const files = filesOf(flags);
  const fromFiles = (files.filenames?.length ?? 0) > 0 || Boolean(files.kustomize);
  const { infos } = yield* mustFind(context, { args: flags.args, ...files, latest: true, emptySelector: !fromFiles, ...(subresource === '' ? {} : { subresource }) });
  if (infos.length === 0) throw new CommandError('edit cancelled, no objects found');
  const [skipped, edited] = [printerOf(context, flags, 'skipped'), printerOf(context, flags, 'edited')];
  const query = writeQuery(flags.text('field-manager'), validation, 'none');
  yield* editSession(context, infos, {
    format: flags.text('output') === 'json' ? 'json' : 'yaml',
    *send(originals, given, results): Op<void> {
      for (const one of given) {
        checkNamespace(context, one);
        const before = withoutManaged(originalOf(originals, one));
        const info = flags.is('save-config') ? { ...one, object: withLastApplied(one.object) } : one;
        if (jsonEqual(before, info.object)) {
          skipped?.({ object: info.object });
          continue;
        }
        const target: Info = { ...info, ...(subresource === '' ? {} : { subresource }) };
        const object = yield* send(context, flags, target, before, query, results);
        if (object !== undefined) edited?.({ object });
      }
    },
  });
}

function withoutManaged(object: LiveObject): LiveObject {
  const { managedFields: _managed, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}

function checkNamespace(context: Context, { mapping, object }: Info): void {
  const own = object.metadata?.namespace;
  if (mapping.namespaced && own && own !== context.namespace) {
    throw new CommandError(`the namespace from the provided object "${own}" does not match the namespace "${context.namespace}". You must pass '--namespace=${own}' to perform this operation.`);
  }
}

/** Sends the difference. Undefined when the server did not take it, which is then said. */
function* send(context: Context, flags: Flags, info: Info, before: LiveObject, query: Readonly<Record<string, string>>, results: Results): Op<LiveObject | undefined> {
  const { mapping, object } = info;
  const same = before.apiVersion === object.apiVersion && before.kind === object.kind && before.metadata?.name === object.metadata?.name;
  if (!same) throw new CommandError('At least one of apiVersion, kind and name was changed');
  const schema = kindOf(mapping.apiVersion, mapping.kind)?.schema ?? '';
  const json = before as Record<string, unknown>;
  const patch = threeWayPatch(json, object as Record<string, unknown>, json, schema) ?? {};
  if (flags.is('output-patch')) context.print(`Patch: ${goJson(patch)}`);
  try {
    return yield* context.rest.patch(info, schema === '' ? 'merge' : 'strategic', patch, query);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    context.printError(results.note(error, info));
    return undefined;
  }
}
