// A small database: databases of tables of rows, and what statements do to them. Words and codes of errors are each dialect's own.

import type { ColumnDefinition, Selected, SqlExpression, SqlStatement, SqlValue } from './statement.ts';
import { parseSql, SqlSyntaxError } from './syntax.ts';

export type Row = Readonly<Record<string, SqlValue>>;

export interface Table {
  readonly columns: readonly ColumnDefinition[];
  readonly rows: readonly Row[];
  /** The next number of an incrementing column. */
  readonly next: number;
}

export interface SqlResult {
  /** Null: a statement without rows. */
  readonly columns: readonly string[] | null;
  readonly rows: readonly (readonly SqlValue[])[];
  readonly affected: number;
  /** As PostgreSQL says it: `INSERT 0 1`. */
  readonly tag: string;
  /** The database that the session now uses, when the statement changed it. */
  readonly use?: string;
}

/** MySQL's number and SQLSTATE, and the text in the dialect of the engine. */
export class SqlError extends Error {
  readonly number: number;
  readonly state: string;

  constructor(number: number, state: string, message: string) {
    super(message);
    this.number = number;
    this.state = state;
  }
}

export interface Session {
  readonly database: string;
  readonly user: string;
}

export interface EngineOptions {
  readonly dialect: 'mysql' | 'postgres';
  readonly version: string;
  /** `now()`. */
  readonly now: () => string;
  readonly variables: Readonly<Record<string, SqlValue>>;
  /** Called after a change of a database; null = it is gone. */
  readonly changed: (database: string, tables: ReadonlyMap<string, Table> | null) => void;
}

const AGGREGATES = new Set(['count', 'sum', 'avg', 'min', 'max']);

export class SqlEngine {
  readonly databases = new Map<string, Map<string, Table>>();
  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  /** One statement. Throws SqlError. */
  run(sql: string, session: Session): SqlResult {
    let statement: SqlStatement;
    try {
      statement = parseSql(sql);
    } catch (error) {
      if (!(error instanceof SqlSyntaxError)) throw error;
      throw this.#mysql
        ? new SqlError(1064, '42000', `You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '${error.near.slice(0, 80)}' at line 1`)
        : new SqlError(0, '42601', error.near === '' ? 'syntax error at end of input' : error.message);
    }
    return this.#run(statement, session);
  }

  get #mysql(): boolean {
    return this.#options.dialect === 'mysql';
  }

  #tables(session: Session): Map<string, Table> {
    const tables = this.databases.get(session.database);
    if (tables === undefined) throw session.database === '' ? new SqlError(1046, '3D000', 'No database selected') : this.#noDatabase(session.database);
    return tables;
  }

  #noDatabase = (name: string): SqlError => (this.#mysql ? new SqlError(1049, '42000', `Unknown database '${name}'`) : new SqlError(0, '3D000', `database "${name}" does not exist`));

  #table(session: Session, name: string): Table {
    const table = this.#tables(session).get(name);
    if (table === undefined) throw this.#mysql ? new SqlError(1146, '42S02', `Table '${session.database}.${name}' doesn't exist`) : new SqlError(0, '42P01', `relation "${name}" does not exist`);
    return table;
  }

  #put(session: Session, name: string, table: Table | null): void {
    const tables = this.#tables(session);
    if (table === null) tables.delete(name);
    else tables.set(name, table);
    this.#options.changed(session.database, tables);
  }

  #run(s: SqlStatement, session: Session): SqlResult {
    switch (s.type) {
      case 'accepted': return done(s.tag);
      case 'use':
        if (!this.databases.has(s.name)) throw this.#noDatabase(s.name);
        return { ...done('USE'), use: s.name };
      case 'createDatabase':
        if (this.databases.has(s.name)) {
          if (s.conditional) return done('CREATE DATABASE', 1);
          throw this.#mysql ? new SqlError(1007, 'HY000', `Can't create database '${s.name}'; database exists`) : new SqlError(0, '42P04', `database "${s.name}" already exists`);
        }
        this.databases.set(s.name, new Map());
        this.#options.changed(s.name, this.databases.get(s.name) ?? null);
        return done('CREATE DATABASE', 1);
      case 'dropDatabase':
        if (!this.databases.delete(s.name) && !s.conditional) throw this.#mysql ? new SqlError(1008, 'HY000', `Can't drop database '${s.name}'; database doesn't exist`) : this.#noDatabase(s.name);
        this.#options.changed(s.name, null);
        return done('DROP DATABASE');
      case 'createTable':
        if (this.#tables(session).has(s.table)) {
          if (s.conditional) return done('CREATE TABLE');
          throw this.#mysql ? new SqlError(1050, '42S01', `Table '${s.table}' already exists`) : new SqlError(0, '42P07', `relation "${s.table}" already exists`);
        }
        this.#put(session, s.table, { columns: s.columns, rows: [], next: 1 });
        return done('CREATE TABLE');
      case 'dropTable':
        for (const name of s.tables) {
          if (s.conditional && !this.#tables(session).has(name)) continue;
          if (!this.#tables(session).has(name) && this.#mysql) throw new SqlError(1051, '42S02', `Unknown table '${session.database}.${name}'`);
          this.#table(session, name);
          this.#put(session, name, null);
        }
        return done('DROP TABLE');
      case 'truncate':
        this.#put(session, s.table, { ...this.#table(session, s.table), rows: [], next: 1 });
        return done('TRUNCATE TABLE');
      case 'insert': return this.#insert(s, session);
      case 'select': return this.#select(s, session);
      case 'update': return this.#update(s, session);
      case 'delete': {
        const table = this.#table(session, s.table);
        const kept = table.rows.filter((row) => s.where !== null && !truthy(this.#value(s.where, row, session)));
        const affected = table.rows.length - kept.length;
        if (affected > 0) this.#put(session, s.table, { ...table, rows: kept });
        return done(`DELETE ${affected}`, affected);
      }
      case 'show': return this.#show(s.what, s.like, session);
      case 'describe': return this.#describe(s.table, session);
    }
  }

  #insert(s: Extract<SqlStatement, { type: 'insert' }>, session: Session): SqlResult {
    const table = this.#table(session, s.table);
    let { next } = table;
    const rows = [...table.rows];
    const added: Row[] = [];
    for (const [i, values] of s.rows.entries()) {
      const names = s.columns ?? table.columns.map((c) => c.name);
      if (values.length !== names.length) throw this.#mysql ? new SqlError(1136, '21S01', `Column count doesn't match value count at row ${i + 1}`) : new SqlError(0, '42601', 'INSERT has more expressions than target columns');
      const row: Record<string, SqlValue> = {};
      for (const name of names) this.#column(table, name, s.table, 'field list');
      for (const column of table.columns) {
        const at = names.indexOf(column.name);
        const given = values[at];
        let value = given !== undefined && !(given.type === 'column' && given.name.toUpperCase() === 'DEFAULT') ? this.#value(given, {}, session) : column.byDefault === null ? null : this.#value(column.byDefault, {}, session);
        if (value === null && column.increments) value = next;
        if (column.increments && typeof value === 'number') next = Math.max(next, value + 1);
        value = this.#fit(column, value, i + 1);
        if (value === null && column.notNull) {
          throw this.#mysql
            ? at < 0 ? new SqlError(1364, 'HY000', `Field '${column.name}' doesn't have a default value`) : new SqlError(1048, '23000', `Column '${column.name}' cannot be null`)
            : new SqlError(0, '23502', `null value in column "${column.name}" of relation "${s.table}" violates not-null constraint`);
        }
        if ((column.primary || column.unique) && value !== null && rows.some((r) => r[column.name] === value)) {
          throw this.#mysql
            ? new SqlError(1062, '23000', `Duplicate entry '${String(value)}' for key '${s.table}.${column.primary ? 'PRIMARY' : column.name}'`)
            : new SqlError(0, '23505', `duplicate key value violates unique constraint "${s.table}_${column.primary ? 'pkey' : `${column.name}_key`}"\nDETAIL:  Key (${column.name})=(${String(value)}) already exists.`);
        }
        row[column.name] = value;
      }
      rows.push(row);
      added.push(row);
    }
    this.#put(session, s.table, { ...table, rows, next });
    const result = done(`INSERT 0 ${added.length}`, added.length);
    if (s.returning === null) return result;
    const columns = this.#expanded(s.returning, table);
    return { ...result, columns: columns.map((c) => c.as), rows: added.map((row) => columns.map((c) => this.#value(c.value, row, session))) };
  }

  /** The value as the column keeps it. */
  #fit(column: ColumnDefinition, value: SqlValue, row: number): SqlValue {
    if (value === null) return null;
    if (/^(TINYINT|SMALLINT|INT|INTEGER|BIGINT|SERIAL|BIGSERIAL|MEDIUMINT)/.test(column.type) && typeof value === 'string') {
      if (!/^-?\d+$/.test(value.trim())) throw this.#mysql ? new SqlError(1366, 'HY000', `Incorrect integer value: '${value}' for column '${column.name}' at row ${row}`) : new SqlError(0, '22P02', `invalid input syntax for type integer: "${value}"`);
      return Number(value);
    }
    const length = /^(?:VARCHAR|CHAR|CHARACTER VARYING)\((\d+)\)/.exec(column.type);
    if (length && String(value).length > Number(length[1])) throw this.#mysql ? new SqlError(1406, '22001', `Data too long for column '${column.name}' at row ${row}`) : new SqlError(0, '22001', `value too long for type character varying(${length[1]})`);
    return /CHAR|TEXT/.test(column.type) ? String(value) : value;
  }

  #column(table: Table, name: string, tableName: string, where: string): ColumnDefinition {
    const found = table.columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw this.#mysql ? new SqlError(1054, '42S22', `Unknown column '${name}' in '${where}'`) : new SqlError(0, '42703', where === 'field list' && tableName !== '' ? `column "${name}" of relation "${tableName}" does not exist` : `column "${name}" does not exist`);
    return found;
  }

  #expanded(columns: readonly Selected[], table: Table | null): readonly Selected[] {
    return columns.flatMap((c) => (c.value.type === 'star' && table !== null ? table.columns.map((d): Selected => ({ value: { type: 'column', name: d.name }, as: d.name })) : [this.#named(c)]));
  }

  /** PostgreSQL names a column by its function. */
  #named(c: Selected): Selected {
    if (this.#mysql) return c;
    if (c.value.type === 'call' && /\(/.test(c.as)) return { ...c, as: c.value.name };
    return c.value.type === 'column' || /^\w+$/.test(c.as) && !/^\d/.test(c.as) ? c : { ...c, as: '?column?' };
  }

  #select(s: Extract<SqlStatement, { type: 'select' }>, session: Session): SqlResult {
    const table = s.table === null ? null : this.#table(session, s.table);
    const columns = this.#expanded(s.columns, table);
    if (table !== null) for (const c of columns) if (c.value.type === 'column') this.#column(table, c.value.name, '', 'field list');
    let rows: readonly Row[] = table === null ? [{}] : table.rows;
    const { where } = s;
    if (where !== null) rows = rows.filter((row) => truthy(this.#value(where, row, session)));
    let out: { readonly row: Row; readonly cells: readonly SqlValue[] }[];
    if (s.group.length > 0 || columns.some((c) => hasAggregate(c.value))) {
      const groups = new Map<string, Row[]>();
      if (s.group.length === 0) groups.set('', [...rows]);
      for (const row of s.group.length === 0 ? [] : rows) {
        const key = JSON.stringify(s.group.map((g) => this.#value(g, row, session)));
        groups.set(key, [...(groups.get(key) ?? []), row]);
      }
      out = [...groups.values()].map((group) => ({ row: group[0] ?? {}, cells: columns.map((c) => this.#value(c.value, group[0] ?? {}, session, group)) }));
    } else out = rows.map((row) => ({ row, cells: columns.map((c) => this.#value(c.value, row, session)) }));
    for (const { value, descending } of [...s.order].reverse()) {
      const at = value.type === 'value' && typeof value.value === 'number' ? value.value - 1 : columns.findIndex((c) => value.type === 'column' && c.as === value.name);
      const keyOf = (o: (typeof out)[number]): SqlValue => (at >= 0 ? (o.cells[at] as SqlValue) : this.#value(value, o.row, session));
      out.sort((a, b) => compare(keyOf(a), keyOf(b)) * (descending ? -1 : 1));
    }
    const cells = out.slice(s.offset, s.limit === null ? undefined : s.offset + s.limit).map((o) => o.cells);
    return { columns: columns.map((c) => c.as), rows: cells, affected: cells.length, tag: `SELECT ${cells.length}` };
  }

  #update(s: Extract<SqlStatement, { type: 'update' }>, session: Session): SqlResult {
    const table = this.#table(session, s.table);
    let affected = 0;
    for (const { column } of s.set) this.#column(table, column, s.table, 'field list');
    const rows = table.rows.map((row) => {
      if (s.where !== null && !truthy(this.#value(s.where, row, session))) return row;
      affected++;
      const changes: Record<string, SqlValue> = {};
      for (const { column, value } of s.set) changes[column] = this.#fit(this.#column(table, column, s.table, 'field list'), this.#value(value, row, session), affected);
      return { ...row, ...changes };
    });
    if (affected > 0) this.#put(session, s.table, { ...table, rows });
    return done(`UPDATE ${affected}`, affected);
  }

  #show(what: string, like: string | null, session: Session): SqlResult {
    const list = (column: string, names: readonly string[]): SqlResult => ({ columns: [column], rows: names.map((n) => [n]), affected: names.length, tag: 'SHOW' });
    switch (what) {
      case 'DATABASES':
      case 'SCHEMAS': return list('Database', [...this.databases.keys(), 'information_schema', 'mysql', 'performance_schema', 'sys'].sort());
      case 'TABLES': {
        const of = like !== null && this.databases.has(like) ? like : session.database;
        return list(`Tables_in_${of}`, [...this.#tables({ ...session, database: of }).keys()].sort());
      }
      case 'VARIABLES':
      case 'STATUS': {
        const found = Object.entries(this.#options.variables).filter(([name]) => like === null || likePattern(like).test(name));
        return { columns: ['Variable_name', 'Value'], rows: found.map(([name, value]) => [name, String(value)]), affected: found.length, tag: 'SHOW' };
      }
      case 'PROCESSLIST': return { columns: ['Id', 'User', 'Host', 'db', 'Command', 'Time', 'State', 'Info'], rows: [[8, session.user, 'localhost', session.database || null, 'Query', 0, 'init', 'SHOW PROCESSLIST']], affected: 1, tag: 'SHOW' };
      default: {
        const name = what.toLowerCase();
        if (!this.#mysql && this.#options.variables[name] !== undefined) return { columns: [name], rows: [[String(this.#options.variables[name])]], affected: 1, tag: 'SHOW' };
        return { columns: ['Variable_name', 'Value'], rows: [], affected: 0, tag: 'SHOW' };
      }
    }
  }

  #describe(name: string, session: Session): SqlResult {
    const { columns } = this.#table(session, name);
    const rows = columns.map((c) => [c.name, c.type.toLowerCase(), c.notNull ? 'NO' : 'YES', c.primary ? 'PRI' : c.unique ? 'UNI' : '', c.byDefault?.type === 'value' ? c.byDefault.value : null, c.increments ? 'auto_increment' : '']);
    return { columns: ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'], rows, affected: rows.length, tag: 'SHOW' };
  }

  #value(e: SqlExpression, row: Row, session: Session, group?: readonly Row[]): SqlValue {
    switch (e.type) {
      case 'value': return e.value;
      case 'star': return null;
      case 'variable': return this.#options.variables[e.name] ?? null;
      case 'column': {
        const key = e.name in row ? e.name : Object.keys(row).find((k) => k.toLowerCase() === e.name.toLowerCase());
        if (key === undefined) {
          if (Object.keys(row).length === 0 && group !== undefined) return null;
          throw this.#mysql ? new SqlError(1054, '42S22', `Unknown column '${e.name}' in 'where clause'`) : new SqlError(0, '42703', `column "${e.name}" does not exist`);
        }
        return row[key] ?? null;
      }
      case 'not': return !truthy(this.#value(e.value, row, session, group));
      case 'isNull': return (this.#value(e.value, row, session, group) === null) !== e.negated;
      case 'in': {
        const value = this.#value(e.value, row, session, group);
        return e.list.some((item) => compare(this.#value(item, row, session, group), value) === 0) !== e.negated;
      }
      case 'binary': return this.#binary(e, row, session, group);
      case 'call': return this.#call(e.name, e.args, row, session, group);
    }
  }

  #binary(e: Extract<SqlExpression, { type: 'binary' }>, row: Row, session: Session, group?: readonly Row[]): SqlValue {
    const a = this.#value(e.left, row, session, group);
    const b = this.#value(e.right, row, session, group);
    if (e.operator === 'AND') return truthy(a) && truthy(b);
    if (e.operator === 'OR') return truthy(a) || truthy(b);
    if (a === null || b === null) return null;
    switch (e.operator) {
      case '=': return compare(a, b) === 0;
      case '<>':
      case '!=': return compare(a, b) !== 0;
      case '<': return compare(a, b) < 0;
      case '>': return compare(a, b) > 0;
      case '<=': return compare(a, b) <= 0;
      case '>=': return compare(a, b) >= 0;
      case 'LIKE': return (this.#mysql ? likePattern(String(b).toLowerCase()) : likePattern(String(b))).test(this.#mysql ? String(a).toLowerCase() : String(a));
      case 'ILIKE': return likePattern(String(b).toLowerCase()).test(String(a).toLowerCase());
      case '||': return String(a) + String(b);
      case '+': return Number(a) + Number(b);
      case '-': return Number(a) - Number(b);
      case '*': return Number(a) * Number(b);
      case '%': return Number(a) % Number(b);
      default:
        if (Number(b) === 0) {
          if (this.#mysql) return null;
          throw new SqlError(0, '22012', 'division by zero');
        }
        return this.#mysql ? Number((Number(a) / Number(b)).toFixed(4)) : Math.trunc(Number(a) / Number(b));
    }
  }

  #call(name: string, args: readonly SqlExpression[], row: Row, session: Session, group?: readonly Row[]): SqlValue {
    if (AGGREGATES.has(name)) {
      const of = args[0];
      const rows = group ?? [];
      if (of === undefined || of.type === 'star') return rows.length;
      const values = rows.map((r) => this.#value(of, r, session)).filter((v) => v !== null);
      if (name === 'count') return values.length;
      if (values.length === 0) return null;
      if (name === 'min' || name === 'max') return values.reduce((a, b) => (compare(a, b) < 0 === (name === 'min') ? a : b));
      const sum = values.reduce<number>((a, b) => a + Number(b), 0);
      return name === 'sum' ? sum : Number((sum / values.length).toFixed(4));
    }
    const values = args.map((a) => this.#value(a, row, session, group));
    const [first = null] = values;
    switch (name) {
      case 'version': return this.#mysql ? this.#options.version : `PostgreSQL ${this.#options.version} on x86_64-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit`;
      case 'now':
      case 'current_timestamp': return this.#options.now();
      case 'current_date':
      case 'curdate': return this.#options.now().slice(0, 10);
      case 'database':
      case 'current_database': return session.database === '' ? null : session.database;
      case 'user':
      case 'current_user': return this.#mysql ? `${session.user}@localhost` : session.user;
      case 'upper': return first === null ? null : String(first).toUpperCase();
      case 'lower': return first === null ? null : String(first).toLowerCase();
      case 'length':
      case 'char_length': return first === null ? null : String(first).length;
      case 'concat': return values.map((v) => (v === null ? '' : String(v))).join('');
      case 'coalesce':
      case 'ifnull': return values.find((v) => v !== null) ?? null;
      case 'abs': return first === null ? null : Math.abs(Number(first));
      case 'round': return first === null ? null : Number(Number(first).toFixed(Number(values[1] ?? 0)));
      case 'pg_is_in_recovery': return false;
      case 'sleep':
      case 'pg_sleep': return 0;
      default: throw this.#mysql ? new SqlError(1305, '42000', `FUNCTION ${session.database}.${name} does not exist`) : new SqlError(0, '42883', `function ${name}() does not exist`);
    }
  }
}

const done = (tag: string, affected = 0): SqlResult => ({ columns: null, rows: [], affected, tag });
const truthy = (value: SqlValue): boolean => value !== null && value !== false && value !== 0 && value !== '';

function hasAggregate(e: SqlExpression): boolean {
  if (e.type === 'call') return AGGREGATES.has(e.name) || e.args.some(hasAggregate);
  return e.type === 'binary' && (hasAggregate(e.left) || hasAggregate(e.right));
}

function compare(a: SqlValue, b: SqlValue): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return Number(a) - Number(b);
}

const likePattern = (pattern: string): RegExp => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\*?]/g, '\\$&').replaceAll('%', '[^]*').replaceAll('_', '[^]')}$`);
