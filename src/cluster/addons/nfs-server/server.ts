// NFS servers: in a container, which exports one directory (the images differ in where it is), and of a machine's kernel.

import type { Files } from '../../machine/files.ts';
import type { Os, Program } from '../../machine/process.ts';
import { type Connection, listen, SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';

const PORT = 2049;

type Answer = { readonly files: Files; readonly path: string } | { readonly refused: string };

/** `root`: the directory that clients see as `/`. */
function* serve(os: Os, root: string): Op<number> {
  const stop = os.signals();
  if (!os.files.exists(root)) os.files.mkdir(root);
  yield* os.sleep(SECOND);
  const listener = listen(os, PORT);
  listener.onConnection = (connection) => take(os, connection, (asked) => answer(os, root, asked));
  os.log(`Exporting ${root}`);
  os.log('Startup successful.');
  yield* stop.receive();
  listener.close();
  return 0;
}

function take(os: Os, connection: Connection, find: (asked: string) => Answer): void {
  os.go('nfsd', function* () {
    try {
      const request = (yield* connection.receive()) as { readonly mount: string } | undefined;
      if (request) connection.send(find(request.mount), undefined, { kind: 'file', verb: 'nfs-mounted' });
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
    }
  });
}

function answer(os: Os, root: string, asked: string): Answer {
  const path = asked === '/' || asked === root ? root : `${root}/${asked.replace(/^\/+/, '')}`;
  return os.files.isDirectory(path) ? { files: os.files, path } : { refused: 'No such file or directory' };
}

/** The kernel's server on a machine: each mount looks at /etc/exports, as after `exportfs -ra`. */
export const kernelNfsProgram: Program = function* (os: Os): Op<number> {
  const stop = os.signals();
  const listener = listen(os, PORT);
  const exported = (asked: string): Answer => {
    const directories = exportsOf(os);
    const fits = directories.some((directory) => asked === directory || asked.startsWith(`${directory}/`));
    if (!fits) return { refused: 'No such file or directory' };
    return os.files.isDirectory(asked) ? { files: os.files, path: asked } : { refused: 'No such file or directory' };
  };
  listener.onConnection = (connection) => take(os, connection, exported);
  yield* stop.receive();
  listener.close();
  return 0;
};

/** The directories that /etc/exports names. */
export function exportsOf({ files }: Pick<Os, 'files'>): readonly string[] {
  if (!files.exists('/etc/exports')) return [];
  return files
    .read('/etc/exports')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/)[0] ?? '')
    .filter((path) => path !== '')
    .map((path) => path.replace(/(.)\/$/, '$1'));
}

/** `exportfs`: what is exported. `-r` and `-a` have nothing to do here: the server reads the file itself. */
export const exportfsProgram: Program = function* (os: Os): Op<number> {
  yield* os.sleep(0);
  if (os.argv.some((arg) => /^-[a-z]*[ra]/.test(arg)) && !os.argv.some((arg) => /^-[a-z]*v/.test(arg))) return 0;
  for (const path of exportsOf(os)) os.log(`${path}\t<world>`);
  return 0;
};

/** itsthenetwork/nfs-server-alpine: SHARED_DIRECTORY says what is exported. */
export const alpineNfsProgram: Program = function* (os: Os): Op<number> {
  const root = os.env['SHARED_DIRECTORY'] ?? '';
  if (root !== '') return yield* serve(os, root);
  os.log('The SHARED_DIRECTORY environment variable is unset or null, exiting...');
  return 1;
};

/** volume-nfs of the Kubernetes examples: /exports, or the directories that its arguments name. */
export const volumeNfsProgram: Program = (os: Os): Op<number> => serve(os, os.argv.find((arg, i) => i > 0 && arg.startsWith('/')) ?? '/exports');
