// kubectl patch (kubectl/pkg/cmd/patch).

import { kindOf } from '../../cluster/api/kinds.ts';
import { applyJsonPatch } from '../../cluster/api/patch/json.ts';
import { applyMergePatch } from '../../cluster/api/patch/merge.ts';
import { applyStrategicPatch } from '../../cluster/api/patch/strategic.ts';
import { jsonEqual } from '../../cluster/api/meta.ts';
import { ApiError } from '../../cluster/api/status.ts';
import { parseYaml } from '../../cluster/api/yaml.ts';
import { messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { dryRunFlag, fieldManagerFlag, filenameFlags, printFlags, subresourceFlag } from '../global-flags.ts';
import { recorded, recordFlag } from './record.ts';
import { type DryRun, dryRunOf, writeQuery } from '../mutation.ts';
import { CommandError, ManyErrors } from '../print/error.ts';
import { printerOf } from '../print/printer.ts';
import { filesOf, find, type Info } from '../resource/builder.ts';
import { type LiveObject, PATCH_TYPES, type PatchType } from '../rest.ts';

const TYPES: readonly PatchType[] = ['json', 'merge', 'strategic'];

export const PATCH: Command = {
  name: 'patch',
  use: 'patch (-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]',
  short: 'Update fields of a resource',
  group: 'Advanced Commands:',
  flags: [
    dryRunFlag,
    fieldManagerFlag('kubectl-patch'),
    ...filenameFlags('to change.'),
    flag.bool('local', 'Patch what the file says, not what the server has.'),
    ...printFlags(),
    recordFlag,
    flag.string('patch', 'The patch.', { short: 'p' }),
    flag.string('patch-file', 'A file with the patch.'),
    subresourceFlag,
    flag.string('type', `The type of the patch: one of [${TYPES.join(' ')}].`, { value: 'strategic' }),
  ],
  run: patch,
};

function* patch(context: Context, flags: Flags): Op<void> {
  const dry = dryRunOf(context, flags);
  const type = checkedType(flags, dry);
  const body = readPatch(context, flags);
  const found = yield* find(context, { ...filesOf(flags), args: flags.args, local: flags.is('local'), subresource: flags.text('subresource') || undefined });
  const errors: unknown[] = [...found.errors];
  for (const info of found.infos) {
    try {
      yield* patchOne(context, flags, info, type, body, dry);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw new ManyErrors(errors);
  if (found.infos.length === 0) throw new CommandError('no objects passed to patch');
}

function checkedType(flags: Flags, dry: DryRun): PatchType {
  const [given, file] = [flags.text('patch'), flags.text('patch-file')];
  if (given !== '' && file !== '') throw new CommandError('cannot specify --patch and --patch-file together');
  if (given === '' && file === '') throw new CommandError('must specify --patch or --patch-file containing the contents of the patch');
  if (flags.is('local') && flags.args.length > 0) throw new CommandError('cannot specify --local and server resources');
  if (flags.is('local') && dry === 'server') throw new CommandError('cannot specify --local and --dry-run=server - did you mean --dry-run=client?');
  const word = flags.text('type');
  const type = TYPES.find((t) => t === word.toLowerCase());
  if (type === undefined) throw new CommandError(`--type must be one of [${TYPES.join(' ')}], not ${JSON.stringify(word)}`);
  return type;
}

function readPatch(context: Context, flags: Flags): unknown {
  const file = flags.text('patch-file');
  let text = flags.text('patch');
  if (file !== '') {
    const path = context.path(file);
    if (!context.os.files.exists(path)) throw new CommandError(`unable to read patch file: open ${file}: no such file or directory`);
    text = context.os.files.read(path);
  }
  // What looks like JSON goes to the server as it is.
  const json = /^\s*\{/.test(text);
  try {
    return json ? JSON.parse(text) : parseYaml(text);
  } catch (error) {
    if (json) return text;
    throw new CommandError(`unable to parse ${JSON.stringify(flags.text('patch'))}: ${messageOf(error)}`);
  }
}

function* patchOne(context: Context, flags: Flags, info: Info, type: PatchType, body: unknown, dry: DryRun): Op<void> {
  const here = flags.is('local') || dry === 'client';
  const patched = here ? patchedHere(info, type, body) : yield* patchedThere(context, flags, info, type, body, dry);
  // Upstream forgets to say that it was a dry run.
  const operation = jsonEqual(info.object, patched) ? 'patched (no change)' : 'patched';
  printerOf(context, flags, operation)?.({ object: patched });
}

function* patchedThere(context: Context, flags: Flags, info: Info, type: PatchType, body: unknown, dry: DryRun): Op<LiveObject> {
  try {
    const patched = yield* context.rest.patch(info, type, body, writeQuery(flags.text('field-manager'), '', dry));
    if (!flags.is('record')) return patched;
    const { annotations } = recorded(context, flags, patched).metadata ?? {};
    return yield* context.rest.patch(info, 'merge', { metadata: { annotations } }, writeQuery(flags.text('field-manager'), '', dry));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 415) throw error;
    const { group, version, kind } = info.mapping;
    throw new CommandError(`${PATCH_TYPES[type]} is not supported by ${group === '' ? '' : `${group}/`}${version}, Kind=${kind}: ${error.message}`);
  }
}

function patchedHere(info: Info, type: PatchType, body: unknown): LiveObject {
  switch (type) {
    case 'json':
      return applyJsonPatch(info.object, body) as LiveObject;
    case 'merge':
      return applyMergePatch(info.object, body) as LiveObject;
    default: {
      const { apiVersion, kind } = info.mapping;
      const schema = kindOf(apiVersion, kind)?.schema;
      if (schema === undefined) throw new CommandError(`strategic merge patch is not supported for ${apiVersion}, Kind=${kind} locally, try --type merge`);
      return applyStrategicPatch(schema, info.object, body) as LiveObject;
    }
  }
}
