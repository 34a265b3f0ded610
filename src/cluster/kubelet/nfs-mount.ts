// The node's NFS client (mount.nfs of nfs-common, pkg/volume/nfs): asks the server for an export and shows it at a directory.

import type { NFSVolumeSource } from '../api/generated/types.ts';
import type { Files } from '../machine/files.ts';
import type { Os } from '../machine/process.ts';
import { lookupHost } from '../network/resolver.ts';
import { dial, SocketError } from '../network/socket.ts';
import type { Op } from '../sim/simulation.ts';
import { SECOND, type Micros } from '../sim/time.ts';
import { MountError } from './mount-error.ts';
import type { Spec } from './storage.ts';

const PORT = 2049;
/** mount.nfs gives up after two minutes (retry=2). */
const PATIENCE: Micros = 120 * SECOND;

const RETRY: Micros = 10 * SECOND;
const TEMPORARY = /refused$|timed out$|No route to host$/;

/** What a server answers to the request for an export. */
export type Export = { readonly files: Files; readonly path: string } | { readonly refused: string };

/** Throws MountError. */
export function* mountNfs(os: Os, { name }: Spec, { server, path, readOnly = false }: NFSVolumeSource, target: string): Op<void> {
  const { files } = os.machine;
  if (files.mountPoints().includes(target)) return;
  const deadline = os.sim.now + PATIENCE;
  let found = yield* ask(os, server, path);
  // A server that is not there may yet come: mount.nfs tries again for two minutes.
  for (; typeof found === 'string' && TEMPORARY.test(found) && os.sim.now + RETRY < deadline; found = yield* ask(os, server, path)) yield* os.sleep(RETRY);
  if (typeof found === 'string') {
    const why = `mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs ${server}:${path} ${target}\nOutput: ${found}\n`;
    throw new MountError(name, why);
  }
  files.mkdir(target);
  files.mount(target, found.files, found.path, readOnly);
}

/** The export, or what mount.nfs prints. */
function* ask(os: Os, server: string, path: string): Op<{ files: Files; path: string } | string> {
  const [address] = (yield* lookupHost(os, server)) ?? [];
  if (address === undefined) return `mount.nfs: Failed to resolve server ${server}: Name or service not known`;
  try {
    const connection = yield* dial(os, address, PORT, { timeout: PATIENCE });
    connection.send({ mount: path }, undefined, { kind: 'file', verb: 'nfs-mount', detail: { export: path } });
    const answer = (yield* connection.receive()) as Export | undefined;
    connection.close();
    if (answer === undefined) return 'mount.nfs: mount system call failed';
    if ('refused' in answer) return `mount.nfs: mounting ${server}:${path} failed, reason given by server: ${answer.refused}`;
    return answer;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    const why = { ECONNREFUSED: 'Connection refused', EHOSTUNREACH: 'No route to host', ENETUNREACH: 'Network is unreachable' } as const;
    return `mount.nfs: ${why[error.code as keyof typeof why] ?? 'Connection timed out'}`;
  }
}
