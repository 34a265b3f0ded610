// ctr, containerd's own client: `ctr -n k8s.io containers|images|tasks ls`. Kubernetes' things are in the namespace k8s.io.

import type { Os, Program } from '../../machine/process.ts';
import type { Op } from '../../sim/simulation.ts';
import { runtimeStateOf } from '../runtime-state.ts';
import { CONTAINERD_SOCKET } from '../runtime-kind.ts';
import { unreachable } from '../socket.ts';
import { table } from './text.ts';

const MIB = 1024 * 1024;

export const ctrProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  let namespace = 'default';
  while (args[0]?.startsWith('-')) {
    const [flag, inline] = (args.shift() as string).split('=');
    const value = inline ?? (/^-(n|-namespace|a|-address)$/.test(flag as string) ? (args.shift() ?? '') : '');
    if (flag === '-n' || flag === '--namespace') namespace = value;
  }
  const [noun = '', verb = 'ls', ...rest] = args;
  const reason = unreachable(os, CONTAINERD_SOCKET);
  if (reason !== undefined) {
    os.logError(`ctr: failed to dial "${CONTAINERD_SOCKET}": connection error: desc = "transport: error while dialing: dial unix ${CONTAINERD_SOCKET}: connect: ${reason}"`);
    return 1;
  }
  const state = runtimeStateOf(os.machine);
  const own = state.scopePrefix === 'docker' ? 'moby' : 'k8s.io';
  const here = namespace === own;
  const quiet = rest.includes('-q') || verb === '-q';
  if (noun === 'version') {
    os.log('Client:\n  Version:  v2.2.1\n  Go version: go1.25.5\n\nServer:\n  Version:  v2.2.1');
    return 0;
  }
  if (!['ls', 'list', '-q'].includes(verb)) {
    os.log(`No help topic for '${verb}'`);
    return 3;
  }
  const sandboxes = here ? [...state.sandboxes.values()] : [];
  const containers = here ? [...state.containers.values()] : [];
  const all = [
    ...sandboxes.map((s) => ({ id: s.status.id, image: 'registry.k8s.io/pause:3.10.1', process: s.pause })),
    ...containers.map((c) => ({ id: c.status.id, image: c.status.image, process: c.process })),
  ].sort((a, b) => (a.id < b.id ? -1 : 1));
  switch (noun) {
    case 'namespaces': case 'namespace': case 'ns':
      print(os, quiet, ['NAME', 'LABELS'], [[own, '']], 1, 1);
      return 0;
    case 'containers': case 'container': case 'c':
      print(os, quiet, ['CONTAINER', 'IMAGE', 'RUNTIME'], all.map((c) => [c.id, c.image, 'io.containerd.runc.v2']), 4, 4);
      return 0;
    case 'tasks': case 'task': case 't':
      print(os, quiet, ['TASK', 'PID', 'STATUS'], all.filter((c) => c.process?.alive).map((c) => [c.id, String(c.process?.pid), 'RUNNING']), 4, 4);
      return 0;
    case 'images': case 'image': case 'i': {
      const rows = (here ? state.images.list() : []).flatMap(({ image, status }) =>
        [...status.repoTags, ...status.repoDigests, status.id].map((ref) => [
          ref, 'application/vnd.oci.image.index.v1+json', image.digest, `${(image.sizeBytes / MIB).toFixed(1)} MiB`, 'linux/amd64', 'io.cri-containerd.image=managed',
        ]),
      );
      print(os, quiet, ['REF', 'TYPE', 'DIGEST', 'SIZE', 'PLATFORMS', 'LABELS'], rows.sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1)), 1, 1);
      return 0;
    }
  }
  os.log(`No help topic for '${noun}'`);
  return 3;
};

/** ctr ends each row with a tab: the last column, too, is filled. */
function print(os: Os, quiet: boolean, head: readonly string[], rows: readonly (readonly string[])[], minimum: number, padding: number): void {
  if (quiet) for (const [first = ''] of rows) os.log(first);
  else os.write(table([head, ...rows].map((row) => [...row, '']), minimum, padding));
}
