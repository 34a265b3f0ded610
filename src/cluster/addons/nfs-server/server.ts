// An NFS server in a container: exports one directory. The images that do this differ in where it is.

import type { Files } from '../../machine/files.ts';
import type { Os, Program } from '../../machine/process.ts';
import { listen, SocketError } from '../../network/socket.ts';
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
  listener.onConnection = (connection) =>
    void os.go('nfsd', function* () {
      try {
        const request = (yield* connection.receive()) as { readonly mount: string } | undefined;
        if (request) connection.send(answer(os, root, request.mount), undefined, { kind: 'file', verb: 'nfs-mounted' });
      } catch (error) {
        if (!(error instanceof SocketError)) throw error;
      }
    });
  os.log(`Exporting ${root}`);
  os.log('Startup successful.');
  yield* stop.receive();
  listener.close();
  return 0;
}

function answer(os: Os, root: string, asked: string): Answer {
  const path = asked === '/' || asked === root ? root : `${root}/${asked.replace(/^\/+/, '')}`;
  return os.files.isDirectory(path) ? { files: os.files, path } : { refused: 'No such file or directory' };
}

/** itsthenetwork/nfs-server-alpine: SHARED_DIRECTORY says what is exported. */
export const alpineNfsProgram: Program = function* (os: Os): Op<number> {
  const root = os.env['SHARED_DIRECTORY'] ?? '';
  if (root !== '') return yield* serve(os, root);
  os.log('The SHARED_DIRECTORY environment variable is unset or null, exiting...');
  return 1;
};

/** volume-nfs of the Kubernetes examples: /exports, or the directories that its arguments name. */
export const volumeNfsProgram: Program = (os: Os): Op<number> => serve(os, os.argv.find((arg, i) => i > 0 && arg.startsWith('/')) ?? '/exports');
