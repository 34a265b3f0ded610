// SQL statements as values.

export type SqlValue = string | number | boolean | null;

export type SqlExpression =
  | { readonly type: 'value'; readonly value: SqlValue }
  | { readonly type: 'column'; readonly name: string }
  | { readonly type: 'variable'; readonly name: string }
  | { readonly type: 'star' }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly SqlExpression[] }
  | { readonly type: 'not'; readonly value: SqlExpression }
  | { readonly type: 'in'; readonly value: SqlExpression; readonly list: readonly SqlExpression[]; readonly negated: boolean }
  | { readonly type: 'isNull'; readonly value: SqlExpression; readonly negated: boolean }
  | { readonly type: 'binary'; readonly operator: string; readonly left: SqlExpression; readonly right: SqlExpression };

export interface ColumnDefinition {
  readonly name: string;
  /** As written, upper case: `VARCHAR(20)`. */
  readonly type: string;
  readonly primary: boolean;
  readonly increments: boolean;
  readonly notNull: boolean;
  readonly unique: boolean;
  readonly byDefault: SqlExpression | null;
}

export interface Selected {
  readonly value: SqlExpression;
  readonly as: string;
}

export type SqlStatement =
  | { readonly type: 'createDatabase' | 'dropDatabase'; readonly name: string; readonly conditional: boolean }
  | { readonly type: 'use'; readonly name: string }
  | { readonly type: 'createTable'; readonly table: string; readonly columns: readonly ColumnDefinition[]; readonly conditional: boolean }
  | { readonly type: 'dropTable'; readonly tables: readonly string[]; readonly conditional: boolean }
  | { readonly type: 'truncate'; readonly table: string }
  | { readonly type: 'insert'; readonly table: string; readonly columns: readonly string[] | null; readonly rows: readonly (readonly SqlExpression[])[]; readonly returning: readonly Selected[] | null }
  | { readonly type: 'select'; readonly columns: readonly Selected[]; readonly table: string | null; readonly where: SqlExpression | null; readonly group: readonly SqlExpression[]; readonly order: readonly { readonly value: SqlExpression; readonly descending: boolean }[]; readonly limit: number | null; readonly offset: number }
  | { readonly type: 'update'; readonly table: string; readonly set: readonly { readonly column: string; readonly value: SqlExpression }[]; readonly where: SqlExpression | null }
  | { readonly type: 'delete'; readonly table: string; readonly where: SqlExpression | null }
  | { readonly type: 'show'; readonly what: string; readonly like: string | null }
  | { readonly type: 'describe'; readonly table: string }
  /** Taken, without effect: GRANT, CREATE USER, SET, BEGIN … `tag` is what PostgreSQL answers. */
  | { readonly type: 'accepted'; readonly tag: string };
