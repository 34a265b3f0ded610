// The syntax tree of a shell script (POSIX.1-2017, Shell Command Language, 2.10).

export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly type: 'parameter';
      readonly name: string;
      /** `${name[index]}`: of an array. '@' and '*' are all elements. */
      readonly index?: Word | '@' | '*';
      readonly operator: string;
      readonly word: Word | null;
      /** Of `${name/word/replacement}`. */
      readonly replacement?: Word | null;
      readonly quoted: boolean;
    }
  | { readonly type: 'length'; readonly name: string; readonly index?: Word | '@' | '*'; readonly quoted: boolean }
  | { readonly type: 'command'; readonly list: List; readonly quoted: boolean }
  | { readonly type: 'arithmetic'; readonly expression: Word; readonly quoted: boolean };

export type Word = readonly WordPart[];

export interface Assignment {
  readonly name: string;
  readonly value: Word;
  /** `name[index]=value` */
  readonly index?: Word;
  /** `name=(…)` */
  readonly elements?: readonly Word[];
  /** `name+=…` */
  readonly append?: boolean;
}

export interface Redirect {
  readonly fd: number;
  /** `<<` carries its text in `word`. */
  readonly operator: '>' | '>>' | '<' | '>&' | '<&' | '<<' | '>|' | '<>' | '&>' | '&>>';
  readonly word: Word;
}

export interface List {
  readonly items: readonly { readonly andOr: AndOr; readonly background: boolean }[];
}

export interface AndOr {
  readonly first: Pipeline;
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[];
}

export interface Pipeline {
  readonly negated: boolean;
  readonly commands: readonly Command[];
}

export type Command =
  | { readonly type: 'simple'; readonly assignments: readonly Assignment[]; readonly words: readonly Word[]; readonly redirects: readonly Redirect[] }
  | { readonly type: 'function'; readonly name: string; readonly body: Command }
  | (Compound & { readonly redirects: readonly Redirect[] });

export type Compound =
  | { readonly type: 'group'; readonly body: List }
  | { readonly type: 'subshell'; readonly body: List }
  | { readonly type: 'if'; readonly branches: readonly { readonly condition: List; readonly body: List }[]; readonly otherwise: List | null }
  | { readonly type: 'while'; readonly until: boolean; readonly condition: List; readonly body: List }
  | { readonly type: 'for'; readonly name: string; readonly words: readonly Word[] | null; readonly body: List }
  /** bash's `[[ … ]]` and `(( … ))`, and `for ((…;…;…))`. */
  | { readonly type: 'conditional'; readonly test: Test }
  | { readonly type: 'arithmetic'; readonly expression: Word }
  | { readonly type: 'counting'; readonly start: Word; readonly condition: Word; readonly step: Word; readonly body: List }
  | { readonly type: 'case'; readonly word: Word; readonly cases: readonly { readonly patterns: readonly Word[]; readonly body: List }[] };

/** Between `[[` and `]]`. */
export type Test =
  | { readonly type: 'and' | 'or'; readonly left: Test; readonly right: Test }
  | { readonly type: 'not'; readonly test: Test }
  | { readonly type: 'unary'; readonly operator: string; readonly word: Word }
  | { readonly type: 'binary'; readonly operator: string; readonly left: Word; readonly right: Word };
