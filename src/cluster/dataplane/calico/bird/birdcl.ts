// What speaks to BIRD's control socket: birdcl in the container, calicoctl on the node, the health check.

import type { Os, Program } from '../../../machine/process.ts';
import { SocketError } from '../../../network/socket-error.ts';
import { dialUnix } from '../../../network/unix.ts';
import type { Op } from '../../../sim/simulation.ts';
import { BIRD_VERSION, CONTROL_SOCKET } from './program.ts';

/** The lines of an answer without their codes. Throws SocketError. */
export function* askBird(os: Os, command: string): Op<string[]> {
  const connection = yield* dialUnix(os, CONTROL_SOCKET);
  yield* connection.receive();
  connection.push(command);
  const lines: string[] = [];
  for (;;) {
    const message = yield* connection.receive();
    if (message === undefined) break;
    const line = String(message);
    const text = line.startsWith(' ') ? line.slice(1) : line.slice(5);
    if (text.trim() !== '') lines.push(text);
    if (/^(0|8|9)\d{3} /.test(line)) break;
  }
  connection.close();
  return lines;
}

export interface PeerStatus {
  readonly address: string;
  readonly type: string;
  readonly state: string;
  readonly since: string;
  /** Established, or in which state it is stuck and why. */
  readonly info: string;
}

const TYPES: Readonly<Record<string, string>> = { Global: 'global', Mesh: 'node-to-node mesh', Node: 'node specific' };

/** BIRD's peers. Throws SocketError. */
export function* birdPeers(os: Os): Op<PeerStatus[]> {
  return (yield* askBird(os, 'show protocols')).flatMap((line) => {
    const [name = '', kind, , state = '', since = '', ...info] = line.split(/\s+/);
    const [, type = '', address = ''] = /^(Global|Mesh|Node)_(.+)$/.exec(name) ?? [];
    return kind === 'BGP' && type !== '' ? [{ address: address.replaceAll('_', '.'), type: TYPES[type] ?? type, state, since, info: info.join(' ').trim() }] : [];
  });
}

/** `birdcl [-s SOCKET] show protocols|status|route`. */
export const birdclProgram: Program = function* (os: Os): Op<number> {
  const args = os.argv.slice(1);
  const at = args.indexOf('-s');
  if (at >= 0) args.splice(at, 2);
  try {
    const lines = yield* askBird(os, args.join(' '));
    os.log(`BIRD ${BIRD_VERSION} ready.`);
    for (const line of lines) os.log(line);
    return lines[0] === 'syntax error' ? 1 : 0;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.logError(`Unable to connect to server control socket (${CONTROL_SOCKET}): ${error.code === 'ENOENT' ? 'No such file or directory' : 'Connection refused'}`);
    return 1;
  }
};
