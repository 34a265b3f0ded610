// --raw of create and replace: one file goes to a path as it is (kubectl/pkg/rawhttp).

import { parseQuery } from '../../cluster/network/http1.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';

/** Throws CommandError for flags that do not go with --raw. */
function check(flags: Flags): void {
  const [path, files] = [flags.text('raw'), flags.list('filename')];
  if (flags.is('edit')) throw new CommandError('--raw and --edit are mutually exclusive');
  if (files.length !== 1) throw new CommandError('--raw can only use a single local file or stdin');
  if (/^https?:\/\//.test(files[0] as string)) throw new CommandError('--raw cannot read from a url');
  if (flags.is('recursive')) throw new CommandError('--raw and --recursive are mutually exclusive');
  if (flags.text('selector') !== '') throw new CommandError('--raw and --selector (-l) are mutually exclusive');
  if (flags.text('output') !== '') throw new CommandError('--raw and --output are mutually exclusive');
  if (!path.startsWith('/')) throw new CommandError(`--raw must be a valid URL path: parse ${JSON.stringify(path)}: invalid URI for request`);
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Path and query of what is asked for as it is. */
export function splitUrl(url: string): { readonly plain: string; readonly query: Readonly<Record<string, string>> } {
  const question = url.indexOf('?');
  return question < 0 ? { plain: url, query: {} } : { plain: url.slice(0, question), query: parseQuery(url.slice(question + 1)) };
}

/** Sends the file and prints the answer. */
export function* sendRaw(context: Context, flags: Flags, method: 'POST' | 'PUT'): Op<void> {
  check(flags);
  const file = flags.list('filename')[0] as string;
  const path = context.path(file);
  if (file !== '-' && !context.os.files.exists(path)) throw new CommandError(`open ${file}: no such file or directory`);
  const text = file === '-' ? yield* context.readStdin() : context.os.files.read(path);
  const { plain, query } = splitUrl(flags.text('raw'));
  const { body } = yield* context.rest.raw(method, plain, { query, body: bodyOf(text) });
  context.write(typeof body === 'string' ? body : `${JSON.stringify(body)}\n`);
}
