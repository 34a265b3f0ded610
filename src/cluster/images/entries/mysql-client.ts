// mysql, mariadb, mysqladmin and mysqldump: what people run with kubectl exec.

import { SocketError } from '../../network/socket.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Applet, AppletContext } from '../shell/applet.ts';
import { type SqlResult, SqlError } from '../sql/engine.ts';
import type { SqlValue } from '../sql/statement.ts';
import { splitSql } from '../sql/syntax.ts';
import { connectSql, type SqlConnection, UnknownHost } from '../sql/wire.ts';

interface Options {
  host: string;
  port: number;
  user: string;
  password: string | null;
  execute: string | null;
  names: boolean;
  table: boolean;
  vertical: boolean;
  readonly rest: string[];
}

function optionsOf(c: AppletContext): Options {
  const options: Options = { host: 'localhost', port: 3306, user: 'root', password: c.env['MYSQL_PWD'] ?? null, execute: null, names: true, table: false, vertical: false, rest: [] };
  const { args } = c;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const m = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg);
    const short = /^-([hPuepBNstrEDS])(.*)$/s.exec(arg);
    const flag = m?.[1] ?? short?.[1] ?? '';
    const inline = m?.[2] ?? (short?.[2] || undefined);
    const value = (): string => inline ?? args[++i] ?? '';
    if (flag === 'h' || flag === 'host') options.host = value();
    else if (flag === 'P' || flag === 'port') options.port = Number(value());
    else if (flag === 'u' || flag === 'user') options.user = value();
    else if (flag === 'p' || flag === 'password') options.password = inline ?? '';
    else if (flag === 'e' || flag === 'execute') options.execute = value();
    else if (flag === 'D' || flag === 'database') options.rest.push(value());
    else if (flag === 'N' || flag === 'skip-column-names') options.names = false;
    else if (flag === 't' || flag === 'table') options.table = true;
    else if (flag === 'E' || flag === 'vertical') options.vertical = true;
    else if (flag === 's' && inline?.includes('N')) options.names = false;
    else if (flag === 'B' && inline?.includes('N')) options.names = false;
    else if (!arg.startsWith('-')) options.rest.push(arg);
  }
  return options;
}

/** Connected, or null after a complaint. */
function* connect(c: AppletContext, options: Options, database: string): Op<SqlConnection | null> {
  const { host, port, user, password } = options;
  const local = host === 'localhost';
  const prefix = c.name === 'mysqladmin' || c.name === 'mariadb-admin' ? `${c.name}: connect to server at '${host}' failed\nerror: '` : 'ERROR ';
  const say = function* (number: number, state: string, text: string): Op<null> {
    yield* c.stderr.write(prefix === 'ERROR ' ? `ERROR ${number} (${state}): ${text}\n` : `${prefix}${text}'\n`);
    return null;
  };
  try {
    return yield* connectSql(c.os, host, port, { user, password, database, local });
  } catch (error) {
    if (error instanceof SqlError) return yield* say(error.number, error.state, error.message);
    if (error instanceof UnknownHost) return yield* say(2005, 'HY000', `Unknown MySQL server host '${host}' (-2)`);
    if (!(error instanceof SocketError)) throw error;
    return yield* say(local ? 2002 : 2003, 'HY000', local ? "Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)" : `Can't connect to MySQL server on '${host}:${port}' (${error.code === 'ECONNREFUSED' ? 111 : 110})`);
  }
}

const WARNING = '[Warning] Using a password on the command line interface can be insecure.';

const mysql: Applet = function* (c) {
  const options = optionsOf(c);
  if (c.args.includes('--version') || c.args.includes('-V')) {
    yield* c.stdout.write(`${c.name}  Ver 9.5.0 for Linux on x86_64 (MySQL Community Server - GPL)\n`);
    return 0;
  }
  if (options.password !== null && options.password !== '' && c.env['MYSQL_PWD'] === undefined && c.name === 'mysql') yield* c.stderr.write(`mysql: ${WARNING}\n`);
  const connection = yield* connect(c, options, options.rest[0] ?? '');
  if (connection === null) return 1;
  const terminal = c.os.tty !== null;
  const show = { ...options, table: options.table || terminal };
  try {
    if (options.execute !== null) return yield* run(c, connection, splitSql(options.execute), show);
    if (terminal) yield* c.stdout.write('Welcome to the MySQL monitor.  Commands end with ; or \\g.\n\n');
    let text = '';
    for (;;) {
      if (terminal) yield* c.stdout.write(text === '' ? 'mysql> ' : '    -> ');
      const line = yield* c.stdin.line();
      if (line === undefined || /^\s*(exit|quit|\\q)\s*;?\s*$/i.test(line)) break;
      text += `${line}\n`;
      if (!/;\s*$|\\[gG]\s*$/.test(text)) continue;
      const code = yield* run(c, connection, splitSql(text.replace(/\\[gG]\s*$/, '')), show);
      text = '';
      if (code !== 0 && !terminal) return code;
    }
    const left = text.trim() === '' ? 0 : yield* run(c, connection, splitSql(text), show);
    if (terminal) yield* c.stdout.write('Bye\n');
    return left;
  } finally {
    connection.close();
  }
};

function* run(c: AppletContext, connection: SqlConnection, statements: readonly string[], options: Options): Op<number> {
  for (const [i, sql] of statements.entries()) {
    try {
      const result = yield* connection.ask(sql);
      if (result.columns !== null) yield* c.stdout.write(printed(result, options) + (c.os.tty === null || result.rows.length === 0 ? '' : `${result.rows.length} row${result.rows.length === 1 ? '' : 's'} in set (0.00 sec)\n\n`));
      if (c.os.tty !== null && result.columns !== null && result.rows.length === 0) yield* c.stdout.write('Empty set (0.00 sec)\n\n');
      if (c.os.tty !== null && result.columns === null) yield* c.stdout.write(result.use === undefined ? `Query OK, ${result.affected} row${result.affected === 1 ? '' : 's'} affected (0.01 sec)\n\n` : 'Database changed\n');
    } catch (error) {
      if (error instanceof SocketError) {
        yield* c.stderr.write('ERROR 2013 (HY000): Lost connection to MySQL server during query\n');
        return 1;
      }
      if (!(error instanceof SqlError)) throw error;
      yield* c.stderr.write(`ERROR ${error.number} (${error.state})${c.os.tty === null ? ` at line ${i + 1}` : ''}: ${error.message}\n`);
      if (c.os.tty === null) return 1;
    }
  }
  return 0;
}

const cell = (value: SqlValue): string => (value === null ? 'NULL' : value === true ? '1' : value === false ? '0' : String(value));

function printed({ columns, rows }: SqlResult, { table, names, vertical }: Options): string {
  const heads = columns ?? [];
  if (rows.length === 0) return '';
  if (vertical) return rows.map((row, i) => `*************************** ${i + 1}. row ***************************\n${row.map((v, k) => `${(heads[k] as string).padStart(Math.max(...heads.map((h) => h.length)))}: ${cell(v)}\n`).join('')}`).join('');
  if (!table) return [...(names ? [heads.join('\t')] : []), ...rows.map((row) => row.map(cell).join('\t'))].map((line) => `${line}\n`).join('');
  const widths = heads.map((head, k) => Math.max(head.length, ...rows.map((row) => cell(row[k] as SqlValue).length)));
  const rule = `+${widths.map((w) => '-'.repeat(w + 2)).join('+')}+\n`;
  const line = (cells: readonly string[], numbers: boolean, row?: readonly SqlValue[]): string => `|${cells.map((text, k) => ` ${numbers && typeof row?.[k] === 'number' ? text.padStart(widths[k] as number) : text.padEnd(widths[k] as number)} `).join('|')}|\n`;
  return rule + (names ? line(heads, false) + rule : '') + rows.map((row) => line(row.map(cell), true, row)).join('') + rule;
}

const mysqladmin: Applet = function* (c) {
  const options = optionsOf(c);
  const connection = yield* connect(c, options, '');
  const verb = options.rest[0] ?? 'ping';
  // The server is alive whether it lets us in or not.
  if (connection === null) return 1;
  connection.close();
  if (options.password) yield* c.stderr.write(`${c.name}: ${WARNING}\n`);
  if (verb === 'ping') yield* c.stdout.write('mysqld is alive\n');
  else if (verb === 'status') yield* c.stdout.write('Uptime: 60  Threads: 2  Questions: 5  Slow queries: 0  Opens: 119  Flush tables: 3  Open tables: 38  Queries per second avg: 0.083\n');
  return 0;
};

const mysqldump: Applet = function* (c) {
  const options = optionsOf(c);
  const database = options.rest[0] ?? '';
  const connection = yield* connect(c, options, database);
  if (connection === null) return 2;
  yield* c.stdout.write(`-- MySQL dump 10.13  Distrib 9.5.0, for Linux (x86_64)\n--\n-- Host: ${options.host}    Database: ${database}\n`);
  for (const [name] of (yield* connection.ask('SHOW TABLES')).rows) {
    const fields = (yield* connection.ask(`DESCRIBE \`${String(name)}\``)).rows;
    const columns = fields.map(([field, type, nullable, key, , extra]) => `  \`${String(field)}\` ${String(type)}${nullable === 'NO' ? ' NOT NULL' : ''}${extra === '' ? '' : ' AUTO_INCREMENT'}${key === 'PRI' ? ' PRIMARY KEY' : ''}`);
    yield* c.stdout.write(`DROP TABLE IF EXISTS \`${String(name)}\`;\nCREATE TABLE \`${String(name)}\` (\n${columns.join(',\n')}\n);\n`);
    const { rows } = yield* connection.ask(`SELECT * FROM \`${String(name)}\``);
    const literal = (value: SqlValue): string => (typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : cell(value));
    if (rows.length > 0) yield* c.stdout.write(`INSERT INTO \`${String(name)}\` VALUES ${rows.map((row) => `(${row.map(literal).join(',')})`).join(',')};\n`);
  }
  connection.close();
  return 0;
};

export const MYSQL_CLIENTS: Readonly<Record<string, Applet>> = { mysql, mariadb: mysql, mysqladmin, 'mariadb-admin': mysqladmin, mysqldump, 'mariadb-dump': mysqldump };
