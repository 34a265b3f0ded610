// Kubernetes' expression language as the rest of the house sees it: types of variables, compiling, evaluating. The engine
// behind it is large and seldom needed; whoever hosts a cluster hands it in (`provideCel(celEngine)`) before it can be asked for.

/** `object` carries a name for messages; `opaque` is a type of the libraries, e.g. `kubernetes.authorization.Authorizer`. */
export type CelType =
  | 'dyn'
  | 'bool'
  | 'int'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | { readonly list: CelType }
  | { readonly map: CelType }
  | { readonly object: string; readonly fields: Readonly<Record<string, CelType>> }
  | { readonly opaque: string };

/** What an expression may name. Compiled programs are kept per environment: make one and keep it. */
export interface CelEnvironment {
  readonly variables: Readonly<Record<string, CelType>>;
}

/** An expression that cannot be compiled or evaluated; `message` in cel-go's words, without a prefix. */
export class CelError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Units of work left; an evaluation takes from it. */
export interface CelBudget {
  remaining: number;
}

export interface CelProgram {
  readonly source: string;
  /** In cel-go's notation: `bool`, `list(string)`, `dyn`. */
  readonly type: string;
  /** Variables are plain JSON, or values of the libraries for opaque types. The result is a value for `toJson`. */
  evaluate(variables: Readonly<Record<string, unknown>>, budget?: CelBudget): unknown;
}

export interface CelEngine {
  compile(source: string, environment: CelEnvironment): CelProgram | CelError;
  /** A result as plain JSON. */
  toJson(value: unknown): unknown;
}

/** PerCallLimit and RuntimeCELCostBudget of apiserver/pkg/apis/cel. */
export const CALL_COST_LIMIT = 1_000_000;
export const REQUEST_COST_LIMIT = 10_000_000;

let engine: CelEngine | null = null;

/** Makes expressions available in this realm. */
export function provideCel(given: CelEngine): void {
  engine = given;
}

/** Compiles an expression; a CelError's message begins with `ERROR: <input>:line:column:`. */
export function compileCel(source: string, environment: CelEnvironment): CelProgram | CelError {
  return engine ? engine.compile(source, environment) : new CelError('the expression engine is not loaded');
}

export function celToJson(value: unknown): unknown {
  return engine ? engine.toJson(value) : value;
}
