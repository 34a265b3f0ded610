// The syntax tree of a shell script (POSIX.1-2017, Shell Command Language, 2.10).

export type WordPart =
  | { readonly type: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly type: 'parameter'; readonly name: string; readonly operator: string; readonly word: Word | null; readonly quoted: boolean }
  | { readonly type: 'length'; readonly name: string; readonly quoted: boolean }
  | { readonly type: 'command'; readonly list: List; readonly quoted: boolean }
  | { readonly type: 'arithmetic'; readonly expression: Word; readonly quoted: boolean };

export type Word = readonly WordPart[];

export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

export interface Redirect {
  readonly fd: number;
  /** `<<` carries its text in `word`. */
  readonly operator: '>' | '>>' | '<' | '>&' | '<&' | '<<' | '>|' | '<>';
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
  | { readonly type: 'case'; readonly word: Word; readonly cases: readonly { readonly patterns: readonly Word[]; readonly body: List }[] };
