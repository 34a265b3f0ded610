// What a printer is: the columns of a kind and the cells of one object.

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0 = always shown, 1 = only with `-o wide`. */
  readonly priority: number;
}

export type Cell = string | number | boolean;

export interface RowCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface Printer<T> {
  readonly columns: readonly Column[];
  /** As many as columns. `now` in microseconds since 1970. */
  readonly cells: (object: T, now: number) => readonly Cell[];
  readonly conditions?: (object: T) => readonly RowCondition[];
}

/** Columns from names: `*` behind a name = wide only, `#` = integer, `?` = boolean. The first `Name` has format name. */
export function columns(...names: readonly string[]): readonly Column[] {
  return names.map((text) => {
    const name = text.replace(/[*#?]+$/, '');
    const marks = text.slice(name.length);
    return {
      name,
      type: marks.includes('#') ? 'integer' : marks.includes('?') ? 'boolean' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: marks.includes('*') ? 1 : 0,
    };
  });
}
