// sshd by socket activation, as Debian has it: systemd listens on port 22 and starts a session for each connection. What a
// session runs is the login shell that the host gives.

import type { Machine } from '../machine/machine.ts';
import type { Chunk, LogSink, Os, Process, Program } from '../machine/process.ts';
import { Tty } from '../machine/tty.ts';
import { Channel } from '../sim/channel.ts';
import type { Op } from '../sim/simulation.ts';
import { MILLISECOND, type Micros } from '../sim/time.ts';
import type { Connection } from './connection.ts';
import { listen } from './socket.ts';
import { SocketError } from './socket-error.ts';

export const SSH_PORT = 22;
/** Key exchange and authentication, on the server's side. */
const HANDSHAKE: Micros = 60 * MILLISECOND;

/** What goes over the connection: from the client … */
export type FromClient =
  | { readonly open: { readonly command: string | null; readonly tty: { readonly columns: number; readonly rows: number } | null } }
  | { readonly data: string }
  | { readonly end: true }
  | { readonly resize: { readonly columns: number; readonly rows: number } };

/** … and from the server. */
export type FromServer = { readonly stream: 'stdout' | 'stderr'; readonly data: string } | { readonly exit: number };

export interface LoginShell {
  readonly program: Program;
  /** PS1 of an interactive one. */
  readonly prompt: string;
}

let login: LoginShell | null = null;

/** To be called by the host once, with what root's login shell is on every machine. */
export function provideLoginShell(shell: LoginShell): void {
  login = shell;
}

/** Null: the host has given none yet. */
export const loginShell = (): LoginShell | null => login;

/** ssh.socket: from its next boot on the machine takes logins. */
export function waitForSsh(machine: Machine): void {
  machine.units.addSocket((os) => {
    listen(os, SSH_PORT).onConnection = (connection) => {
      os.machine.spawn((session) => serve(session, connection), {
        argv: ['sshd-session: root'], comm: 'sshd-session', place: `${machine.place}/sshd`, cgroup: '/user.slice/user-0.slice/session-1.scope', background: false,
      });
    };
  });
}

function* serve(os: Os, connection: Connection): Op<void> {
  yield* os.sleep(HANDSHAKE);
  const send = (message: FromServer): void => {
    if (!connection.closed) connection.send(message);
  };
  try {
    const first = (yield* connection.receive()) as FromClient | undefined;
    if (first === undefined || !('open' in first) || login === null) return;
    const { command, tty: size } = first.open;
    const tty = size === null ? null : new Tty(os.sim, (data) => send({ stream: 'stdout', data }));
    if (tty !== null && size !== null) tty.resize(size.columns, size.rows);
    const stdin = tty === null ? new Channel<Chunk>(os.sim) : tty.input;
    const process = startShell(os, login, command, tty, stdin, send);
    tty?.control((signal) => process.kill(signal));
    process.onExit(({ code }) => {
      send({ exit: code });
      connection.close();
    });
    for (let message = yield* connection.receive(); message !== undefined; message = yield* connection.receive()) take(message as FromClient, tty, stdin);
    if (!process.alive) return;
    tty?.hangUp();
    process.kill('SIGHUP');
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
  } finally {
    connection.close();
  }
}

function take(message: FromClient, tty: Tty | null, stdin: Channel<Chunk>): void {
  if ('data' in message) {
    if (tty === null) stdin.send(message.data);
    else tty.type(message.data);
  } else if ('resize' in message) tty?.resize(message.resize.columns, message.resize.rows);
  else if ('end' in message && tty === null) stdin.close();
}

function startShell(os: Os, shell: LoginShell, command: string | null, tty: Tty | null, stdin: Channel<Chunk>, send: (message: FromServer) => void): Process {
  const logs: LogSink =
    tty === null
      ? { write: (stream, line) => send({ stream, data: `${line}\n` }), raw: (stream, data) => send({ stream, data }) }
      : { write: (_stream, line) => tty.write(`${line}\n`), raw: (_stream, text) => tty.write(text) };
  return os.spawn(shell.program, {
    argv: command === null ? ['bash'] : ['bash', '-c', command],
    env: {
      HOME: '/root', USER: 'root', LOGNAME: 'root', SHELL: '/bin/bash', PWD: '/root', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ...(tty === null ? {} : { TERM: 'xterm-256color', PS1: shell.prompt }),
    },
    place: `${os.machine.place}/bash`,
    stdin,
    logs,
    ...(tty === null ? {} : { tty }),
  });
}
