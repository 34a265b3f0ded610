// The SQL of everyday tries at a database: create, insert, select, update, delete on single tables, show, and what sessions say
// beside it. Both dialects' spellings are read alike; what is more than that is a SqlSyntaxError.

import type { ColumnDefinition, Selected, SqlExpression, SqlStatement } from './statement.ts';

export class SqlSyntaxError extends Error {
  /** What stands from the place where it went wrong. */
  readonly near: string;

  constructor(near: string) {
    super(`syntax error at or near "${near.split(/\s/)[0] ?? ''}"`);
    this.near = near;
  }
}

/** Statements apart at semicolons outside of quotes; comments are gone. */
export function splitSql(text: string): readonly string[] {
  const out: string[] = [''];
  for (const [token] of text.matchAll(/'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|;|[\s\S]/g)) {
    if (token === ';') out.push('');
    else if (!/^(--|#|\/\*)/.test(token)) out[out.length - 1] += token;
  }
  return out.map((s) => s.trim()).filter((s) => s !== '');
}

const TOKEN = /\s*('(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|@@?[\w.]+|\d+(?:\.\d+)?|[A-Za-z_][\w$]*|<=|>=|<>|!=|\|\||::|[-+*/%(),.=<>;])/y;

interface Token {
  readonly text: string;
  readonly at: number;
}

const ACCEPTED = /^(GRANT|REVOKE|FLUSH|SET|BEGIN|START|COMMIT|ROLLBACK|CREATE\s+(USER|ROLE|INDEX|UNIQUE\s+INDEX|EXTENSION|SCHEMA|VIEW)|ALTER|DROP\s+(USER|ROLE|INDEX|VIEW|SCHEMA)|ANALYZE|VACUUM|LOCK|UNLOCK|CHANGE|RESET|STOP|KILL|PURGE)\b/i;

export function parseSql(sql: string): SqlStatement {
  const accepted = ACCEPTED.exec(sql);
  if (accepted) return { type: 'accepted', tag: (accepted[0] as string).toUpperCase().replace('START', 'START TRANSACTION') };
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = sql.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const from = TOKEN.lastIndex;
    const m = TOKEN.exec(sql);
    if (!m) throw new SqlSyntaxError(sql.slice(from).trim());
    tokens.push({ text: m[1] as string, at: from + (m[0].length - (m[1] as string).length) });
  }
  return new Parser(sql, tokens).statement();
}

class Parser {
  readonly #sql: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(sql: string, tokens: readonly Token[]) {
    this.#sql = sql;
    this.#tokens = tokens;
  }

  #upper(ahead = 0): string {
    return (this.#tokens[this.#at + ahead]?.text ?? '').toUpperCase();
  }

  #error(): SqlSyntaxError {
    const token = this.#tokens[this.#at];
    return new SqlSyntaxError(token === undefined ? '' : this.#sql.slice(token.at));
  }

  #take(...words: string[]): boolean {
    if (!words.every((word, i) => this.#upper(i) === word)) return false;
    this.#at += words.length;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) throw this.#error();
  }

  #name(): string {
    const token = this.#tokens[this.#at];
    if (token === undefined || !/^([A-Za-z_`"])/.test(token.text)) throw this.#error();
    this.#at++;
    return unquote(token.text);
  }

  /** `schema.table` is the table. */
  #table(): string {
    let name = this.#name();
    while (this.#take('.')) name = this.#name();
    return name;
  }

  statement(): SqlStatement {
    const found = this.#statement();
    if (this.#at < this.#tokens.length) throw this.#error();
    return found;
  }

  #statement(): SqlStatement {
    if (this.#take('CREATE', 'DATABASE') || this.#take('CREATE', 'SCHEMA')) {
      const conditional = this.#take('IF', 'NOT', 'EXISTS');
      const name = this.#name();
      this.#at = this.#tokens.length;
      return { type: 'createDatabase', name, conditional };
    }
    if (this.#take('DROP', 'DATABASE')) return { type: 'dropDatabase', conditional: this.#take('IF', 'EXISTS'), name: this.#name() };
    if (this.#take('USE')) return { type: 'use', name: this.#name() };
    if (this.#take('CREATE', 'TABLE') || this.#take('CREATE', 'TEMPORARY', 'TABLE')) return this.#createTable();
    if (this.#take('DROP', 'TABLE')) {
      const conditional = this.#take('IF', 'EXISTS');
      const tables = [this.#table()];
      while (this.#take(',')) tables.push(this.#table());
      return { type: 'dropTable', tables, conditional };
    }
    if (this.#take('TRUNCATE')) {
      this.#take('TABLE');
      return { type: 'truncate', table: this.#table() };
    }
    if (this.#take('INSERT', 'INTO') || this.#take('REPLACE', 'INTO') || this.#take('INSERT', 'IGNORE', 'INTO')) return this.#insert();
    if (this.#take('SELECT')) return this.#select();
    if (this.#take('UPDATE')) return this.#update();
    if (this.#take('DELETE', 'FROM')) return { type: 'delete', table: this.#table(), where: this.#where() };
    if (this.#take('SHOW')) return this.#show();
    if (this.#take('DESCRIBE') || this.#take('DESC')) return { type: 'describe', table: this.#table() };
    throw this.#error();
  }

  #show(): SqlStatement {
    let what = '';
    let like: string | null = null;
    while (this.#at < this.#tokens.length) {
      if (this.#take('LIKE') || this.#take('FROM') || this.#take('IN')) {
        like = unquote(this.#tokens[this.#at++]?.text ?? '');
        continue;
      }
      if (this.#take('WHERE')) this.#at = this.#tokens.length;
      else what += ` ${this.#tokens[this.#at++]?.text.toUpperCase() ?? ''}`;
    }
    return { type: 'show', what: what.trim().replace(/^(GLOBAL|SESSION|FULL) /, ''), like };
  }

  #createTable(): SqlStatement {
    const conditional = this.#take('IF', 'NOT', 'EXISTS');
    const table = this.#table();
    this.#expect('(');
    const columns: ColumnDefinition[] = [];
    const keys: string[] = [];
    do {
      if (['PRIMARY', 'UNIQUE', 'KEY', 'INDEX', 'CONSTRAINT', 'FOREIGN', 'CHECK'].includes(this.#upper())) {
        if (this.#take('PRIMARY', 'KEY', '(')) {
          do keys.push(this.#name());
          while (this.#take(','));
          this.#expect(')');
        } else this.#skipClause();
      } else columns.push(this.#column());
    } while (this.#take(','));
    this.#expect(')');
    this.#at = this.#tokens.length;
    return { type: 'createTable', table, conditional, columns: columns.map((c) => (keys.includes(c.name) ? { ...c, primary: true, notNull: true } : c)) };
  }

  #skipClause(): void {
    for (let depth = 0; this.#at < this.#tokens.length; this.#at++) {
      const token = this.#upper();
      if (depth === 0 && (token === ',' || token === ')')) return;
      if (token === '(') depth++;
      if (token === ')') depth--;
    }
  }

  #column(): ColumnDefinition {
    const name = this.#name();
    let type = (this.#tokens[this.#at++]?.text ?? '').toUpperCase();
    if (this.#take('(')) {
      let inside = '';
      while (!this.#take(')')) inside += this.#tokens[this.#at++]?.text ?? ')';
      type += `(${inside})`;
    }
    while (['UNSIGNED', 'VARYING', 'PRECISION', 'ZONE', 'WITH', 'WITHOUT', 'TIME'].includes(this.#upper())) type += ` ${this.#tokens[this.#at++]?.text.toUpperCase() ?? ''}`;
    let [primary, increments, notNull, unique] = [false, /SERIAL/.test(type), false, false];
    let byDefault: SqlExpression | null = null;
    for (;;) {
      if (this.#take('PRIMARY', 'KEY')) primary = notNull = true;
      else if (this.#take('AUTO_INCREMENT') || this.#take('GENERATED', 'ALWAYS', 'AS', 'IDENTITY') || this.#take('GENERATED', 'BY', 'DEFAULT', 'AS', 'IDENTITY')) increments = true;
      else if (this.#take('NOT', 'NULL')) notNull = true;
      else if (this.#take('NULL')) notNull = false;
      else if (this.#take('UNIQUE')) unique = true;
      else if (this.#take('DEFAULT')) byDefault = this.#primary();
      else if (this.#take('ON', 'UPDATE')) this.#primary();
      else if (this.#take('COMMENT')) this.#at++;
      else if (this.#take('REFERENCES') || this.#take('CHECK')) this.#skipClause();
      else break;
    }
    return { name, type, primary, increments, notNull, unique, byDefault };
  }

  #insert(): SqlStatement {
    const table = this.#table();
    let columns: string[] | null = null;
    if (this.#take('(')) {
      columns = [];
      do columns.push(this.#name());
      while (this.#take(','));
      this.#expect(')');
    }
    if (!this.#take('VALUES') && !this.#take('VALUE')) throw this.#error();
    const rows: SqlExpression[][] = [];
    do {
      this.#expect('(');
      const row: SqlExpression[] = [];
      do row.push(this.#expression());
      while (this.#take(','));
      this.#expect(')');
      rows.push(row);
    } while (this.#take(','));
    if (this.#take('ON')) this.#at = this.#tokens.length;
    const returning = this.#take('RETURNING') ? this.#selected() : null;
    return { type: 'insert', table, columns, rows, returning };
  }

  #selected(): Selected[] {
    const out: Selected[] = [];
    do {
      const from = this.#tokens[this.#at]?.at ?? 0;
      const value = this.#expression();
      const written = this.#sql.slice(from, this.#tokens[this.#at]?.at ?? this.#sql.length).trim();
      const named = this.#take('AS') || (/^[A-Z_`"]/.test(this.#upper()) && !['FROM', 'WHERE', 'ORDER', 'LIMIT', 'GROUP'].includes(this.#upper()));
      out.push({ value, as: named ? this.#name() : value.type === 'column' ? value.name : written });
    } while (this.#take(','));
    return out;
  }

  #select(): SqlStatement {
    this.#take('DISTINCT');
    const columns = this.#selected();
    const table = this.#take('FROM') ? this.#table() : null;
    const where = this.#where();
    const group: SqlExpression[] = [];
    if (this.#take('GROUP', 'BY')) {
      do group.push(this.#expression());
      while (this.#take(','));
    }
    const order: { value: SqlExpression; descending: boolean }[] = [];
    if (this.#take('ORDER', 'BY')) {
      do {
        const value = this.#expression();
        const descending = this.#take('DESC');
        this.#take('ASC');
        order.push({ value, descending });
      } while (this.#take(','));
    }
    const limit = this.#take('LIMIT') ? Number(this.#tokens[this.#at++]?.text ?? 0) : null;
    const offset = this.#take('OFFSET') ? Number(this.#tokens[this.#at++]?.text ?? 0) : 0;
    return { type: 'select', columns, table, where, group, order, limit, offset };
  }

  #where(): SqlExpression | null {
    return this.#take('WHERE') ? this.#expression() : null;
  }

  #update(): SqlStatement {
    const table = this.#table();
    this.#expect('SET');
    const set: { column: string; value: SqlExpression }[] = [];
    do {
      const column = this.#name();
      this.#expect('=');
      set.push({ column, value: this.#expression() });
    } while (this.#take(','));
    return { type: 'update', table, set, where: this.#where() };
  }

  #expression(): SqlExpression {
    let left = this.#conjunction();
    while (this.#take('OR')) left = { type: 'binary', operator: 'OR', left, right: this.#conjunction() };
    return left;
  }

  #conjunction(): SqlExpression {
    let left = this.#comparison();
    while (this.#take('AND')) left = { type: 'binary', operator: 'AND', left, right: this.#comparison() };
    return left;
  }

  #comparison(): SqlExpression {
    if (this.#take('NOT')) return { type: 'not', value: this.#comparison() };
    const left = this.#sum();
    if (this.#take('IS')) {
      const negated = this.#take('NOT');
      this.#expect('NULL');
      return { type: 'isNull', value: left, negated };
    }
    const negated = this.#upper() === 'NOT' && ['IN', 'LIKE', 'BETWEEN'].includes(this.#upper(1));
    if (negated) this.#at++;
    if (this.#take('IN')) {
      this.#expect('(');
      const list: SqlExpression[] = [];
      do list.push(this.#expression());
      while (this.#take(','));
      this.#expect(')');
      return { type: 'in', value: left, list, negated };
    }
    if (this.#take('BETWEEN')) {
      const low = this.#sum();
      this.#expect('AND');
      const between: SqlExpression = { type: 'binary', operator: 'AND', left: { type: 'binary', operator: '>=', left, right: low }, right: { type: 'binary', operator: '<=', left, right: this.#sum() } };
      return negated ? { type: 'not', value: between } : between;
    }
    for (const operator of ['=', '<>', '!=', '<=', '>=', '<', '>', 'LIKE', 'ILIKE']) {
      if (!this.#take(operator)) continue;
      const found: SqlExpression = { type: 'binary', operator, left, right: this.#sum() };
      return negated ? { type: 'not', value: found } : found;
    }
    return left;
  }

  #sum(): SqlExpression {
    let left = this.#product();
    for (let operator = this.#upper(); ['+', '-', '||'].includes(operator); operator = this.#upper()) {
      this.#at++;
      left = { type: 'binary', operator, left, right: this.#product() };
    }
    return left;
  }

  #product(): SqlExpression {
    let left = this.#primary();
    for (let operator = this.#upper(); ['*', '/', '%'].includes(operator); operator = this.#upper()) {
      this.#at++;
      left = { type: 'binary', operator, left, right: this.#primary() };
    }
    return left;
  }

  #primary(): SqlExpression {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw this.#error();
    const upper = token.text.toUpperCase();
    this.#at++;
    if (upper === '(') {
      const inner = this.#expression();
      this.#expect(')');
      return inner;
    }
    if (upper === '*') return { type: 'star' };
    if (upper === '-') return { type: 'binary', operator: '-', left: { type: 'value', value: 0 }, right: this.#primary() };
    let found: SqlExpression;
    if (token.text.startsWith("'")) found = { type: 'value', value: unquote(token.text) };
    else if (/^\d/.test(token.text)) found = { type: 'value', value: Number(token.text) };
    else if (token.text.startsWith('@')) found = { type: 'variable', name: token.text.replace(/^@@?/, '').replace(/^(global|session)\./, '') };
    else if (upper === 'NULL' || upper === 'TRUE' || upper === 'FALSE') found = { type: 'value', value: upper === 'NULL' ? null : upper === 'TRUE' };
    else if (/^[A-Za-z_`"]/.test(token.text)) found = this.#named(token.text);
    else {
      this.#at--;
      throw this.#error();
    }
    if (this.#take('::')) this.#name();
    return found;
  }

  #named(text: string): SqlExpression {
    if (this.#take('(')) {
      const args: SqlExpression[] = [];
      if (!this.#take(')')) {
        do args.push(this.#expression());
        while (this.#take(','));
        this.#expect(')');
      }
      return { type: 'call', name: text.toLowerCase(), args };
    }
    if (this.#take('.')) return this.#primary();
    if (/^(current_timestamp|current_date|current_user|current_database)$/i.test(text)) return { type: 'call', name: text.toLowerCase(), args: [] };
    return { type: 'column', name: unquote(text) };
  }
}

function unquote(text: string): string {
  if (!/^['"`]/.test(text)) return text;
  return text.slice(1, -1).replace(/''/g, "'").replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
}
