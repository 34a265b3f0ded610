// kubectl cp: files between this machine and a container, by tar there and here (kubectl/pkg/cmd/cp).

import type { Pod } from '../../cluster/api/generated/types.ts';
import { bytesOf, textOf } from '../../cluster/api/bytes.ts';
import { archive, entriesOf } from '../../cluster/images/shell/applets/tar.ts';
import { isProgrammingError, messageOf } from '../../cluster/client/errors.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError } from '../print/error.ts';
import { containerFor, mustContainer } from './containers.ts';
import { execIn, mustBeAlive } from './exec.ts';
import { podTarget } from './pods.ts';
import type { RemoteStreams } from './remote.ts';

export const CP: Command = {
  name: 'cp',
  group: 'Troubleshooting and Debugging Commands:',
  use: 'cp <file-spec-src> <file-spec-dest>',
  short: 'Copy files and directories to and from containers',
  long: 'Copy files and directories to and from containers.',
  examples: '# The image of the container must have tar.\nkubectl cp ./conf web-1:/etc/conf\nkubectl cp prod/web-1:/var/log/app.log ./app.log -c app',
  flags: [
    flag.string('container', 'The container. Default: the one that the annotation kubectl.kubernetes.io/default-container names, or the first.', { short: 'c' }),
    flag.bool('no-preserve', 'Owner and permissions of the files are not kept in the container.'),
    flag.int('retries', 'How often to begin again when copying from a container breaks off; negative: without end.'),
  ],
  run: cp,
};

interface FileSpec {
  readonly namespace: string;
  /** '' for this machine. */
  readonly pod: string;
  readonly file: string;
}

function fileSpec(arg: string): FileSpec {
  const colon = arg.indexOf(':');
  const [first = '', second, ...more] = arg.slice(0, Math.max(0, colon)).split('/');
  if (colon === 0 || more.length > 0) throw new CommandError('filespec must match the canonical format: [[namespace/]pod:]file/path');
  if (colon < 0) return { namespace: '', pod: '', file: arg };
  const file = arg.slice(colon + 1);
  return second === undefined ? { namespace: '', pod: first, file } : { namespace: first, pod: second, file };
}

function* cp(context: Context, flags: Flags): Op<void> {
  if (flags.args.length !== 2) throw new CommandError('source and destination are required');
  const from = fileSpec(flags.args[0] as string);
  const to = fileSpec(flags.args[1] as string);
  if (from.pod !== '' && to.pod !== '') throw new CommandError('one of src or dest must be a local file specification');
  if (from.file === '' || to.file === '') throw new CommandError('filepath can not be empty');
  if (from.pod !== '') yield* copyFrom(context, flags, from, to.file);
  else if (to.pod !== '') yield* copyTo(context, flags, from.file, to);
  else throw new CommandError('one of src or dest must be a remote file specification');
}

/** path.Clean. */
function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !path.startsWith('/')) parts.push(part);
  }
  const joined = parts.join('/');
  return path.startsWith('/') ? `/${joined}` : joined || '.';
}

const baseOf = (path: string): string => clean(path).split('/').at(-1) || '/';

function dirOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '.' : clean(path.slice(0, slash + 1));
}

function* run(context: Context, flags: Flags, { namespace, pod: name }: FileSpec, command: readonly string[], streams: Partial<RemoteStreams>, quiet = false): Op<void> {
  const target = yield* podTarget(context, namespace || context.namespace, name);
  const pod = (yield* context.rest.get(target)) as unknown as Pod;
  mustBeAlive(pod, 'exec into a container in');
  const asked = flags.text('container');
  const { container } = asked === '' ? containerFor(context, pod, '', quiet) : mustContainer(pod, asked);
  yield* execIn(context, pod, container.name, command, { stdin: null, stdout: () => undefined, stderr: () => undefined, raw: null, ...streams });
}

function* isFolder(context: Context, flags: Flags, to: FileSpec): Op<boolean> {
  try {
    yield* run(context, flags, to, ['test', '-d', to.file], {}, true);
    return true;
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    return false;
  }
}

function* copyTo(context: Context, flags: Flags, from: string, to: FileSpec): Op<void> {
  const { os } = context;
  const source = context.path(clean(from));
  if (!os.files.exists(source)) throw new CommandError(`${from} doesn't exist in local filesystem`);
  const file = (yield* isFolder(context, flags, to)) ? clean(`${to.file}/${baseOf(source)}`) : to.file;
  const above = dirOf(file.replace(/\/+$/, ''));
  const text = archive(os, source, baseOf(file));
  let sent = false;
  const stdin = function* (): Op<string | undefined> {
    if (sent) return undefined;
    sent = true;
    return text;
  };
  const command = ['tar', ...(flags.is('no-preserve') ? ['--no-same-permissions', '--no-same-owner'] : []), '-xmf', '-', '-C', above];
  yield* run(context, flags, to, command, { stdin, stdout: (piece) => os.write(piece), stderr: (piece) => os.writeError(piece) });
}

function* copyFrom(context: Context, flags: Flags, from: FileSpec, to: string): Op<void> {
  const { os } = context;
  let text = '';
  let failure: unknown;
  try {
    yield* run(context, flags, from, ['tar', 'cf', '-', from.file], { stdout: (piece) => void (text += piece), stderr: (piece) => os.write(piece) });
  } catch (error) {
    if (isProgrammingError(error)) throw error;
    failure = error;
  }
  const prefix = clean(from.file.replace(/^\/+/, '')).replace(/^(\.\.\/)+/, '').replace(/^\.\.?$/, '');
  const base = clean(to);
  let warned = false;
  for (const entry of entriesOf(bytesOf(text))) {
    if (!entry.name.startsWith(prefix)) throw new CommandError('tar contents corrupted');
    const shown = clean(`${base}/${entry.name.slice(prefix.length)}`);
    const path = context.path(shown);
    if (shown !== base && base !== '.' && !shown.startsWith(base === '/' ? '/' : `${base}/`)) {
      context.printError(`warning: file ${JSON.stringify(shown)} is outside target destination, skipping`);
      continue;
    }
    try {
      const above = path.slice(0, path.lastIndexOf('/'));
      if (above !== '' && !os.files.exists(above)) os.files.mkdir(above);
      if (entry.type === '5') {
        if (!os.files.exists(path)) os.files.mkdir(path);
      } else if (entry.type === '2') {
        const hint = warned ? '' : ` (consider using "kubectl exec -n ${JSON.stringify(from.namespace)} ${JSON.stringify(from.pod)} -- tar cf - ${JSON.stringify(from.file)} | tar xf -")`;
        context.printError(`warning: skipping symlink: ${JSON.stringify(shown)} -> ${JSON.stringify(entry.link)}${hint}`);
        warned = true;
      } else os.files.write(path, textOf(entry.content));
    } catch (error) {
      if (isProgrammingError(error)) throw error;
      throw new CommandError(messageOf(error));
    }
  }
  // An archive that is whole ends the command before tar's exit code comes.
  if (failure !== undefined && text === '') throw failure;
}
