// An edit session: objects go into a file, the editor opens it, what comes back is read, and the file is opened again with the
// reasons on top while it is not accepted (kubectl/pkg/cmd/util/editor/editoptions.go).

import { jsonEqual } from '../../cluster/api/meta.ts';
import type { ApiError } from '../../cluster/api/status.ts';
import { messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { parseManifests } from '../manifest.ts';
import { CommandError, Exit } from '../print/error.ts';
import { goJsonIndent } from '../print/json.ts';
import { goYaml, withoutManagedFields } from '../print/yaml.ts';
import { type Info, place } from '../resource/builder.ts';
import { readText } from '../resource/files.ts';
import type { LiveObject } from '../rest.ts';
import { editText } from './editor.ts';

const HEAD = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;
export const LAST_APPLIED_HEAD = `# Please edit the 'last-applied-configuration' annotations below.
# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.
#
`;

interface Reason {
  readonly head: string;
  readonly other: readonly string[];
}

/** What came of sending the edited objects. */
export class Results {
  readonly reasons: Reason[] = [];
  /** Could be sent again later. */
  retryable = 0;
  missing = 0;
  /** Must be edited again. */
  invalid = 0;

  /** Notes an error of one object and says it. */
  note(error: ApiError, { mapping, name }: Info): string {
    const shown = `${mapping.resource}${mapping.group === '' ? '' : `.${mapping.group}`} ${JSON.stringify(name)}`;
    if (error.reason === 'Invalid') {
      this.invalid++;
      this.reasons.push({ head: `${shown} was not valid`, other: (error.status.details?.causes ?? []).map((c) => `${c.field ?? ''}: ${c.message ?? ''}`) });
      return `error: ${shown} is invalid`;
    }
    if (error.reason === 'NotFound') {
      this.missing++;
      return `error: ${shown} could not be found on the server`;
    }
    this.retryable++;
    return `error: ${shown} could not be patched: ${error.message}`;
  }

  /** The comments on top of the file. */
  header(head: string): string {
    const hashed = (text: string): string => text.replace(/\n(?!#|$)/g, '\n# ');
    let text = head;
    for (const { head: reason, other } of this.reasons) {
      text += other.length > 0 ? `# ${hashed(reason)}:\n` : `# ${hashed(reason)}\n`;
      for (const one of other) text += `# * ${hashed(one)}\n`;
      text += '#\n';
    }
    return text;
  }
}

export interface Work {
  /** 'json' or YAML. */
  readonly format: string;
  readonly header?: string;
  /** Sends what was edited. Notes what the server does not take in `results`; throws what ends the session. */
  send(original: readonly Info[], edited: readonly Info[], results: Results): Op<void>;
}

const withoutComments = (text: string): string => text.split('\n').filter((line) => !line.trimStart().startsWith('#')).join('\n');

/** What the text says, without comments; text that does not parse stays text. */
function contentOf(text: string): unknown {
  const { documents, error } = parseManifests(text);
  return error ? withoutComments(text) : documents.map((d) => d.object);
}

const documentOf = (infos: readonly Info[]): unknown =>
  withoutManagedFields(infos.length === 1 ? infos[0]?.object : { apiVersion: 'v1', items: infos.map((i) => i.object), kind: 'List', metadata: {} });

/** Lets the person edit objects until what comes back is accepted, or nothing was changed. */
export function* editSession(context: Context, infos: readonly Info[], work: Work): Op<void> {
  const { files } = context.os;
  const json = work.format === 'json';
  let results = new Results();
  let original = '';
  let edited = '';
  let kept = '';
  let failed = false;
  const lose = (): void => {
    if (kept !== '' && files.exists(kept)) files.remove(kept);
    kept = '';
  };
  for (;;) {
    const head = json ? '' : results.header(work.header ?? HEAD);
    const body = failed ? withoutComments(edited) : json ? `${goJsonIndent(documentOf(infos))}\n` : goYaml(documentOf(infos));
    if (!failed) original = head + body;
    const before = edited;
    const { path, text } = yield* preserving(context, () => kept, editText(context, head + body, json ? '.json' : '.yaml'));
    edited = text;
    if (failed && jsonEqual(contentOf(before), contentOf(edited))) {
      context.printError(`A copy of your changes has been stored to ${JSON.stringify(path)}`);
      throw new CommandError('Edit cancelled, no valid changes were saved.');
    }
    lose();
    kept = path;
    if (jsonEqual(contentOf(original), contentOf(edited))) {
      lose();
      context.printError('Edit cancelled, no changes made.');
      return;
    }
    if (withoutComments(edited).trim() === '') {
      lose();
      context.printError('Edit cancelled, saved file was empty.');
      return;
    }
    results = new Results();
    const placed = yield* place(context, readText(edited, 'edited-file', false));
    const problem = placed.find((one) => 'error' in one);
    if (problem && 'error' in problem) {
      failed = true;
      results.reasons.push({ head: `The edited file had a syntax error: ${messageOf(problem.error)}`, other: [] });
      continue;
    }
    failed = false;
    yield* preserving(context, () => kept, work.send(infos, placed as readonly Info[], results));
    if (results.retryable > 0) {
      context.printError(`You can run \`kubectl replace -f ${path}\` to try this update again.`);
      throw new Exit(1);
    }
    if (results.missing > 0) {
      context.printError(`The edits you made on deleted resources have been saved to ${JSON.stringify(path)}`);
      throw new Exit(1);
    }
    if (results.invalid === 0) {
      lose();
      return;
    }
    failed = results.reasons.length > 0;
  }
}

/** Where the person's changes are, when it goes wrong. */
function* preserving<T>(context: Context, kept: () => string, work: Op<T>): Op<T> {
  try {
    return yield* work;
  } catch (error) {
    const path = kept();
    if (path !== '' && context.os.files.exists(path)) context.printError(`A copy of your changes has been stored to ${JSON.stringify(path)}`);
    throw error;
  }
}

/** The object that an edited one was. Throws CommandError. */
export function originalOf(originals: readonly Info[], { object }: Info): LiveObject {
  const found = originals.find((one) => one.object.metadata?.uid === object.metadata?.uid);
  if (!found) throw new CommandError(`no original object found for ${JSON.stringify(object)}`);
  return found.object;
}
