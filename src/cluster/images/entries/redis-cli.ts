// redis-cli: one command, or a conversation on standard input, over the simulated network.

import { type Chunk, textOf } from '../../api/bytes.ts';
import { lookupHost } from '../../network/resolver.ts';
import { type Connection, dial, SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Applet, AppletContext } from '../shell/applet.ts';
import { isError, type Reply } from './redis-commands.ts';
import { encodeRequest, formatForTerminal, formatRaw, RespReader, splitLine } from './redis-protocol.ts';

interface Options {
  host: string;
  port: number;
  password: string | undefined;
  database: number;
  raw: boolean | undefined;
  repeat: number;
  words: readonly string[];
}

function optionsOf(c: AppletContext): Options {
  const options: Options = { host: '127.0.0.1', port: 6379, password: c.env['REDISCLI_AUTH'], database: 0, raw: undefined, repeat: 1, words: [] };
  const { args } = c;
  let i = 0;
  for (; i < args.length; i++) {
    const flag = args[i] as string;
    if (flag === '-h') options.host = args[++i] ?? '';
    else if (flag === '-p') options.port = Number(args[++i]);
    else if (flag === '-a' || flag === '--pass') options.password = args[++i];
    else if (flag === '-n') options.database = Number(args[++i]);
    else if (flag === '-r') options.repeat = Number(args[++i]);
    else if (flag === '-i' || flag === '--user') i++;
    else if (flag === '--raw') options.raw = true;
    else if (flag === '--no-raw') options.raw = false;
    else if (!flag.startsWith('--')) break;
  }
  options.words = args.slice(i);
  return options;
}

class Session {
  readonly #connection: Connection;
  readonly #reader = new RespReader();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Undefined when the server has hung up. */
  *ask(words: readonly string[]): Op<Reply | undefined> {
    this.#connection.send(encodeRequest(words));
    return yield* this.next();
  }

  *next(): Op<Reply | undefined> {
    for (let reply = this.#reader.reply(); ; reply = this.#reader.reply()) {
      if (reply !== undefined) return reply;
      const piece = yield* this.#connection.receive();
      if (piece === undefined) return undefined;
      this.#reader.feed(textOf(piece as Chunk));
    }
  }

  close(): void {
    this.#connection.close();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused', ETIMEDOUT: 'Connection timed out', EHOSTUNREACH: 'No route to host', ENETUNREACH: 'Network is unreachable',
};

export const redisCli = (version: string): Applet =>
  function* (c) {
    if (c.args[0] === '--version' || c.args[0] === '-v') {
      yield* c.stdout.write(`redis-cli ${version}\n`);
      return 0;
    }
    const options = optionsOf(c);
    const { host, port } = options;
    const [address] = (yield* lookupHost(c.os, host)) ?? [];
    if (address === undefined) return yield* refuse(c, `Could not connect to Redis at ${host}:${port}: Name or service not known`);
    let session: Session;
    try {
      session = new Session(yield* dial(c.os, address, port));
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      return yield* refuse(c, `Could not connect to Redis at ${host}:${port}: ${REASONS[error.code] ?? error.message}`);
    }
    try {
      return yield* talk(c, session, options);
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      return yield* refuse(c, 'Error: Server closed the connection');
    } finally {
      session.close();
    }
  };

function* refuse(c: AppletContext, text: string): Op<number> {
  yield* c.stderr.write(`${text}\n`);
  return 1;
}

function* talk(c: AppletContext, session: Session, options: Options): Op<number> {
  if (options.password !== undefined && options.password !== '') {
    if (c.env['REDISCLI_AUTH'] !== options.password) {
      yield* c.stderr.write("Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n");
    }
    const reply = yield* session.ask(['AUTH', options.password]);
    if (reply !== undefined && isError(reply)) yield* c.stderr.write(`AUTH failed: ${reply.error}\n`);
  }
  if (options.database !== 0) yield* session.ask(['SELECT', String(options.database)]);
  const raw = options.raw ?? c.os.tty === null;
  const show = (reply: Reply): Op<void> => c.stdout.write(`${raw ? formatRaw(reply) : formatForTerminal(reply)}\n`);
  if (options.words.length === 0) return yield* converse(c, session, options, show);
  for (let i = 0; i < options.repeat; i++) {
    let reply = yield* session.ask(options.words);
    if (reply === undefined) return yield* refuse(c, 'Error: Server closed the connection');
    yield* show(reply);
    if (isError(reply) && raw) return 0;
    while (options.words[0]?.toUpperCase() === 'SUBSCRIBE') {
      reply = yield* session.next();
      if (reply === undefined) return 0;
      yield* show(reply);
    }
  }
  return 0;
}

function* converse(c: AppletContext, session: Session, { host, port, database }: Options, show: (reply: Reply) => Op<void>): Op<number> {
  let at = database;
  const prompt = (): Op<void> => c.stdout.write(c.os.tty === null ? '' : `${host}:${port}${at === 0 ? '' : `[${at}]`}> `);
  yield* prompt();
  for (let line = yield* c.stdin.line(); line !== undefined; line = yield* c.stdin.line()) {
    const words = splitLine(line);
    const [first] = words;
    if (first === 'exit' || first === 'quit') return 0;
    if (first !== undefined) {
      const reply = yield* session.ask(words);
      if (reply === undefined) return yield* refuse(c, 'Error: Server closed the connection');
      if (first.toLowerCase() === 'select' && !isError(reply)) at = Number(words[1]);
      yield* show(reply);
    }
    yield* prompt();
  }
  return 0;
}
