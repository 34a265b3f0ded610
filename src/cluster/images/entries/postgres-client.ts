// psql, pg_isready and pg_dump: what people run with kubectl exec.

import { lookupHost } from '../../network/resolver.ts';
import { dial, SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import { SECOND } from '../../sim/time.ts';
import { type Applet, type AppletContext, parseFlags } from '../shell/applet.ts';
import { resolvePath } from '../shell/shell.ts';
import { type SqlResult, SqlError } from '../sql/engine.ts';
import type { SqlValue } from '../sql/statement.ts';
import { splitSql } from '../sql/syntax.ts';
import { connectSql, type SqlConnection, UnknownHost } from '../sql/wire.ts';

interface Target {
  readonly host: string | undefined;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | null;
}

/** `postgres://user:password@host:port/database` in place of the options. */
function targetOf(c: AppletContext, flags: ReturnType<typeof parseFlags>, rest: readonly string[]): Target {
  const { env } = c;
  const url = /^postgres(?:ql)?:\/\/(?:([^:@]+)(?::([^@]*))?@)?([^:/]+)(?::(\d+))?(?:\/([^?]*))?/.exec(rest[0] ?? flags.value('d') ?? '');
  if (url) return { host: url[3], port: Number(url[4] ?? 5432), user: url[1] ?? 'postgres', database: url[5] ?? url[1] ?? 'postgres', password: url[2] ?? env['PGPASSWORD'] ?? null };
  const user = flags.value('U') ?? flags.value('username') ?? rest[1] ?? env['PGUSER'] ?? 'root';
  return {
    host: flags.value('h') ?? flags.value('host') ?? env['PGHOST'],
    port: Number(flags.value('p') ?? flags.value('port') ?? env['PGPORT'] ?? 5432),
    user,
    database: flags.value('d') ?? flags.value('dbname') ?? rest[0] ?? env['PGDATABASE'] ?? user,
    password: env['PGPASSWORD'] ?? null,
  };
}

function* connect(c: AppletContext, { host, port, user, database, password }: Target): Op<SqlConnection | null> {
  const local = host === undefined || host.startsWith('/');
  const where = local ? `connection to server on socket "/var/run/postgresql/.s.PGSQL.${port}" failed: ` : `connection to server at "${host}", port ${port} failed: `;
  const fail = function* (text: string): Op<null> {
    yield* c.stderr.write(`${c.name}: error: ${text}\n`);
    return null;
  };
  try {
    return yield* connectSql(c.os, host ?? 'localhost', port, { user, password, database, local: local || host === 'localhost' || host === '127.0.0.1' });
  } catch (error) {
    if (error instanceof SqlError) return yield* fail(error.message === 'no password supplied' ? `${where}fe_sendauth: no password supplied` : `${where}FATAL:  ${error.message}`);
    if (error instanceof UnknownHost) return yield* fail(`could not translate host name "${host ?? ''}" to address: Name or service not known`);
    if (!(error instanceof SocketError)) throw error;
    if (local) return yield* fail(`${where}No such file or directory\n\tIs the server running locally and accepting connections on that socket?`);
    return yield* fail(`${where}${error.code === 'ECONNREFUSED' ? 'Connection refused' : 'Connection timed out'}\n\tIs the server running on that host and accepting TCP/IP connections?`);
  }
}

interface Style {
  readonly aligned: boolean;
  readonly tuplesOnly: boolean;
}

const psql: Applet = function* (c) {
  const flags = parseFlags(c.args, 'U:h:p:d:c:f:tAqXwWv:laeEnS1', ['username:', 'host:', 'port:', 'dbname:', 'command:', 'file:', 'tuples-only', 'no-align', 'quiet', 'version', 'list', 'no-password', 'set:', 'variable:']);
  if (flags.has('version')) {
    yield* c.stdout.write('psql (PostgreSQL) 18.1 (Debian 18.1-1.pgdg13+1)\n');
    return 0;
  }
  const target = targetOf(c, flags, flags.rest);
  let connection = yield* connect(c, flags.has('l') || flags.has('list') ? { ...target, database: 'postgres' } : target);
  if (connection === null) return 2;
  const style: Style = { aligned: !flags.has('A') && !flags.has('no-align'), tuplesOnly: flags.has('t') || flags.has('tuples-only') };
  const command = flags.value('c') ?? flags.value('command');
  const file = flags.value('f') ?? flags.value('file');
  if (flags.has('l') || flags.has('list')) return yield* meta(c, connection, '\\l', style);
  if (command !== undefined) return yield* run(c, connection, command, style);
  if (file !== undefined) return yield* run(c, connection, c.os.files.read(resolvePath(c.cwd, file)), style);
  const terminal = c.os.tty !== null;
  if (terminal) yield* c.stdout.write('psql (18.1 (Debian 18.1-1.pgdg13+1))\nType "help" for help.\n\n');
  let { database } = target;
  let text = '';
  for (;;) {
    if (terminal) yield* c.stdout.write(`${database}${text === '' ? '=' : '-'}# `);
    const line = yield* c.stdin.line();
    if (line === undefined || /^\s*(\\q|exit|quit)\s*$/.test(line)) break;
    const use = /^\s*\\c(?:onnect)?\s+(\S+)/.exec(line);
    if (use) {
      const other = yield* connect(c, { ...target, database: use[1] as string });
      if (other === null) continue;
      connection = other;
      database = use[1] as string;
      yield* c.stdout.write(`You are now connected to database "${database}" as user "${target.user}".\n`);
      continue;
    }
    text += `${line}\n`;
    if (!/;\s*$/.test(text) && !text.trim().startsWith('\\')) continue;
    yield* run(c, connection, text, style);
    text = '';
  }
  const code = text.trim() === '' ? 0 : yield* run(c, connection, text, style);
  connection.close();
  return code;
};

function* run(c: AppletContext, connection: SqlConnection, text: string, style: Style): Op<number> {
  const trimmed = text.trim();
  if (trimmed.startsWith('\\')) return yield* meta(c, connection, trimmed, style);
  for (const sql of splitSql(text)) {
    try {
      const result = yield* connection.ask(sql);
      yield* c.stdout.write(result.columns === null ? `${result.tag}\n` : printed(result, style));
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      const at = /at or near "(.*)"/.exec(error.message)?.[1];
      const column = at === undefined ? -1 : sql.indexOf(at);
      yield* c.stderr.write(`ERROR:  ${error.message}\n${column >= 0 ? `LINE 1: ${sql}\n${' '.repeat(8 + column)}^\n` : ''}`);
      return 1;
    }
  }
  return 0;
}

/** \l \dt \d \du \conninfo */
function* meta(c: AppletContext, connection: SqlConnection, command: string, style: Style): Op<number> {
  const [verb, name] = command.replace(/;$/, '').split(/\s+/);
  const table = (title: string, columns: readonly string[], rows: readonly (readonly SqlValue[])[]): string => {
    const body = printed({ columns, rows, affected: 0, tag: '' }, style);
    const width = (body.split('\n')[0] ?? '').length;
    return `${title.padStart(Math.floor((width + title.length) / 2))}\n${body}`;
  };
  switch (verb) {
    case '\\l':
    case '\\list': {
      const found = (yield* connection.ask('SHOW DATABASES')).rows.map(([n]) => String(n)).filter((n) => !['information_schema', 'mysql', 'performance_schema', 'sys'].includes(n));
      yield* c.stdout.write(table('List of databases', ['Name', 'Owner', 'Encoding'], [...found, 'template0', 'template1'].sort().map((n) => [n, 'postgres', 'UTF8'])));
      return 0;
    }
    case '\\dt': {
      const found = (yield* connection.ask('SHOW TABLES')).rows;
      if (found.length === 0) yield* c.stdout.write('Did not find any tables.\n');
      else yield* c.stdout.write(table('List of tables', ['Schema', 'Name', 'Type', 'Owner'], found.map(([n]) => ['public', n ?? '', 'table', 'postgres'])));
      return 0;
    }
    case '\\d': {
      if (name === undefined) return yield* meta(c, connection, '\\dt', style);
      const fields = (yield* connection.ask(`DESCRIBE ${name}`)).rows;
      yield* c.stdout.write(table(`Table "public.${name}"`, ['Column', 'Type', 'Nullable'], fields.map(([n, type, nullable]) => [n ?? '', type ?? '', nullable === 'NO' ? 'not null' : ''])));
      return 0;
    }
    case '\\conninfo':
      yield* c.stdout.write('You are connected to the database.\n');
      return 0;
    default:
      yield* c.stderr.write(`invalid command ${verb ?? ''}\nTry \\? for help.\n`);
      return 1;
  }
}

const cell = (value: SqlValue): string => (value === null ? '' : value === true ? 't' : value === false ? 'f' : String(value));

function printed({ columns, rows }: SqlResult, { aligned, tuplesOnly }: Style): string {
  const heads = columns ?? [];
  const count = `(${rows.length} row${rows.length === 1 ? '' : 's'})\n`;
  if (!aligned) return `${[...(tuplesOnly ? [] : [heads.join('|')]), ...rows.map((row) => row.map(cell).join('|'))].map((line) => `${line}\n`).join('')}${tuplesOnly ? '' : count}`;
  const widths = heads.map((head, k) => Math.max(head.length, ...rows.map((row) => cell(row[k] as SqlValue).length)));
  const centred = (text: string, width: number): string => text.padStart(Math.floor((width + text.length) / 2)).padEnd(width);
  const line = (row: readonly SqlValue[]): string => ` ${row.map((v, k) => (typeof v === 'number' ? cell(v).padStart(widths[k] as number) : cell(v).padEnd(widths[k] as number))).join(' | ')}`.trimEnd() + '\n';
  const head = ` ${heads.map((h, k) => centred(h, widths[k] as number)).join(' | ')} \n${widths.map((w) => '-'.repeat(w + 2)).join('+')}\n`;
  return (tuplesOnly ? '' : head) + rows.map(line).join('') + (tuplesOnly ? '\n' : `${count}\n`);
}

const isReady: Applet = function* (c) {
  const flags = parseFlags(c.args, 'U:h:p:d:t:q', ['username:', 'host:', 'port:', 'dbname:', 'timeout:', 'quiet']);
  const { host, port } = targetOf(c, flags, []);
  const shown = host ?? '/var/run/postgresql';
  const [address] = host === undefined || host.startsWith('/') ? ['127.0.0.1'] : ((yield* lookupHost(c.os, host)) ?? []);
  const say = function* (text: string, code: number): Op<number> {
    if (!flags.has('q') && !flags.has('quiet')) yield* c.stdout.write(`${shown}:${port} - ${text}\n`);
    return code;
  };
  if (address === undefined) return yield* say('no response', 2);
  try {
    const connection = yield* dial(c.os, address, port, { timeout: 3 * SECOND });
    connection.close();
    return yield* say('accepting connections', 0);
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return yield* say('no response', 2);
  }
};

export const POSTGRES_CLIENTS: Readonly<Record<string, Applet>> = { psql, pg_isready: isReady };
