// ssh: a shell, or one command, on another machine as root (OpenSSH 10). Keys are in place; nobody is asked anything.

import { textOf } from '../api/bytes.ts';
import type { Os, Program } from '../machine/process.ts';
import type { Tty } from '../machine/tty.ts';
import type { Op, Task } from '../sim/simulation.ts';
import { MILLISECOND, type Micros, SECOND } from '../sim/time.ts';
import { lookupHost } from '../network/resolver.ts';
import { type Connection, dial } from '../network/socket.ts';
import { SocketError } from '../network/socket-error.ts';
import { type FromClient, type FromServer, SSH_PORT } from '../network/sshd.ts';

const FAILED = 255;
const HANDSHAKE: Micros = 60 * MILLISECOND;

interface Wanted {
  readonly host: string;
  readonly port: number;
  readonly command: string | null;
  /** -t: a terminal even for a command; -T: none at all. */
  readonly terminal: boolean | null;
  readonly timeout: Micros | null;
  /** -n: nothing is read from standard input. */
  readonly mute: boolean;
}

const WITH_VALUE = 'bcDEeFIiJLlmOopQRSWw';

function read(args: readonly string[]): Wanted | null {
  let port = SSH_PORT;
  let terminal: boolean | null = null;
  let timeout: Micros | null = null;
  let mute = false;
  let i = 0;
  for (; args[i]?.startsWith('-'); i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      i++;
      break;
    }
    const value = (): string => (arg.length > 2 ? arg.slice(2) : (args[++i] ?? ''));
    if (arg[1] === 'p') port = Number(value());
    else if (arg[1] === 'o') {
      const seconds = /^ConnectTimeout[= ](\d+)$/i.exec(value())?.[1];
      if (seconds !== undefined) timeout = Number(seconds) * SECOND;
    } else if (WITH_VALUE.includes(arg[1] as string)) value();
    else if (arg.includes('n')) mute = true;
    else if (arg.includes('t')) terminal = true;
    else if (arg.includes('T')) terminal = false;
  }
  const [target, ...command] = args.slice(i);
  if (target === undefined) return null;
  return { host: target.slice(target.lastIndexOf('@') + 1), port, command: command.length === 0 ? null : command.join(' '), terminal, timeout, mute };
}

export const sshProgram: Program = function* (os: Os): Op<number> {
  const wanted = read(os.argv.slice(1));
  if (wanted === null) {
    os.logError('usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-l login_name] [-o option] [-p port] destination [command [argument ...]]');
    return FAILED;
  }
  const { host, port, command, terminal, timeout, mute } = wanted;
  const [address] = (yield* lookupHost(os, host)) ?? [];
  if (address === undefined) {
    os.logError(`ssh: Could not resolve hostname ${host}: Name or service not known`);
    return FAILED;
  }
  let connection: Connection;
  try {
    connection = yield* dial(os, address, port, timeout === null ? {} : { timeout });
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.logError(`ssh: connect to host ${host} port ${port}: ${REASONS[error.code] ?? 'Connection timed out'}`);
    return FAILED;
  }
  yield* os.sleep(HANDSHAKE);
  const tty = terminal === true || (terminal === null && command === null) ? os.tty : null;
  return yield* converse(os, connection, host, command, tty, mute ? null : os.stdin);
};

const REASONS: Readonly<Record<string, string>> = { ECONNREFUSED: 'Connection refused', EHOSTUNREACH: 'No route to host', ENETUNREACH: 'Network is unreachable' };

function* converse(os: Os, connection: Connection, host: string, command: string | null, tty: Tty | null, input: Os['stdin']): Op<number> {
  const send = (message: FromClient): void => {
    if (!connection.closed) connection.send(message);
  };
  const tasks: Task[] = [];
  tty?.setRaw(true);
  try {
    send({ open: { command, tty: tty === null ? null : { columns: tty.columns, rows: tty.rows } } });
    if (input !== null) {
      tasks.push(
        os.go('stdin', function* () {
          for (let piece = yield* input.receive(); piece !== undefined; piece = yield* input.receive()) send({ data: textOf(piece) });
          send({ end: true });
        }),
      );
    } else send({ end: true });
    if (tty !== null) {
      tasks.push(
        os.go('resize', function* () {
          for (let size = yield* tty.resized.receive(); size !== undefined; size = yield* tty.resized.receive()) send({ resize: size });
        }),
      );
    }
    for (let message = yield* connection.receive(); message !== undefined; message = yield* connection.receive()) {
      const said = message as FromServer;
      if ('exit' in said) {
        if (tty !== null) os.writeError(`${command === null ? 'logout\n' : ''}Connection to ${host} closed.\n`);
        return said.exit;
      }
      if (said.stream === 'stdout') os.write(said.data);
      else os.writeError(said.data);
    }
    os.writeError(`Connection to ${host} closed by remote host.\n`);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    os.writeError(`client_loop: send disconnect: Broken pipe\n`);
  } finally {
    for (const task of tasks) task.kill();
    tty?.setRaw(false);
    connection.close();
  }
  return FAILED;
}
