// What a database and its clients say to each other over a connection: statements and results as values. Our clients speak it
// alone; who knocks with something else is told so.

import type { Os } from '../../machine/process.ts';
import { lookupHost } from '../../network/resolver.ts';
import { type Connection, dial, listen, SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Session, type SqlEngine, SqlError, type SqlResult } from './engine.ts';

export interface Greeting {
  readonly user: string;
  readonly password: string | null;
  readonly database: string;
  /** Over the server's unix socket. */
  readonly local: boolean;
}

export type Reply = { readonly welcome: string } | { readonly result: SqlResult } | { readonly error: { readonly number: number; readonly state: string; readonly message: string } };

/** Answers the clients of one port. `admit` returns what is wrong with a greeting, or null. Throws SocketError EADDRINUSE. */
export function serveSql(os: Os, port: number, engine: SqlEngine, version: string, admit: (greeting: Greeting, address: string) => SqlError | null): void {
  const listener = listen(os, port);
  listener.onConnection = (connection) => {
    let session: Session | null = null;
    connection.onMessage = (message) => {
      const asked = message as Partial<Greeting> & { readonly sql?: string };
      try {
        if (asked.sql !== undefined && session !== null) {
          const result = engine.run(asked.sql, session);
          if (result.use !== undefined) session = { ...session, database: result.use };
          connection.send({ result } satisfies Reply);
        } else if (asked.user !== undefined) {
          const problem = admit(asked as Greeting, connection.remote.address);
          if (problem !== null) throw problem;
          session = { user: asked.user, database: asked.database ?? '' };
          connection.send({ welcome: version } satisfies Reply);
        } else connection.close();
      } catch (error) {
        if (!(error instanceof SqlError)) throw error;
        connection.send({ error: { number: error.number, state: error.state, message: error.message } } satisfies Reply);
      }
    };
  };
}

/** A client's end. */
export class SqlConnection {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Throws SqlError, or SocketError when the server is gone. */
  *ask(sql: string): Op<SqlResult> {
    this.#connection.send({ sql });
    const reply = yield* this.#reply();
    if ('result' in reply) return reply.result;
    throw new SqlError(0, '', 'unexpected reply');
  }

  *greet(greeting: Greeting): Op<string> {
    this.#connection.send(greeting);
    const reply = yield* this.#reply();
    return 'welcome' in reply ? reply.welcome : '';
  }

  close(): void {
    this.#connection.close();
  }

  *#reply(): Op<Exclude<Reply, { readonly error: unknown }>> {
    const reply = (yield* this.#connection.receive()) as Reply | undefined;
    if (reply === undefined) throw new SocketError('EOF', 'server closed the connection unexpectedly');
    if ('error' in reply) throw new SqlError(reply.error.number, reply.error.state, reply.error.message);
    return reply;
  }
}

/** Connects and greets; throws SocketError, SqlError, or a string: the name has no address. */
export function* connectSql(os: Os, host: string, port: number, greeting: Greeting): Op<SqlConnection> {
  const [address] = greeting.local ? ['127.0.0.1'] : ((yield* lookupHost(os, host)) ?? []);
  if (address === undefined) throw new UnknownHost(host);
  const connection = new SqlConnection(yield* dial(os, address, port, { timeout: 10 * SECOND }));
  yield* connection.greet(greeting);
  return connection;
}

export class UnknownHost extends Error {}
