// $((…)): the integer arithmetic of C, on 64-bit numbers as far as JavaScript's carry exactly.

export class ArithmeticError extends Error {}

const TOKEN = /\s*(0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|\*\*|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|[-+*/%&^|]=|[-+*/%<>=!~&|^?:(),])/y;
const ASSIGN = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '^=', '|=', '<<=', '>>=']);
const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='], ['<', '<=', '>', '>='], ['<<', '>>'], ['+', '-'], ['*', '/', '%']];

export interface Variables {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

/** Throws ArithmeticError in ash's words. */
export function evaluate(text: string, variables: Variables): number {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const from = TOKEN.lastIndex;
    const m = TOKEN.exec(text);
    if (m) tokens.push(m[1] as string);
    else if (text.slice(from).trim() === '') break;
    else throw new ArithmeticError('arithmetic syntax error');
  }
  if (tokens.length === 0) return 0;
  const evaluator = new Evaluator(tokens, variables);
  const value = evaluator.comma();
  if (!evaluator.atEnd) throw new ArithmeticError('arithmetic syntax error');
  return value;
}

class Evaluator {
  readonly #tokens: readonly string[];
  readonly #variables: Variables;
  #at = 0;

  constructor(tokens: readonly string[], variables: Variables) {
    this.#tokens = tokens;
    this.#variables = variables;
  }

  get atEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  comma(): number {
    let value = this.#assignment();
    while (this.#next(',')) value = this.#assignment();
    return value;
  }

  #assignment(): number {
    const name = this.#tokens[this.#at] ?? '';
    const operator = this.#tokens[this.#at + 1] ?? '';
    if (!/^[A-Za-z_]/.test(name) || !ASSIGN.has(operator)) return this.#conditional();
    this.#at += 2;
    const right = this.#assignment();
    const value = operator === '=' ? right : apply(operator.slice(0, -1), this.#read(name), right);
    this.#variables.set(name, String(value));
    return value;
  }

  #conditional(): number {
    const condition = this.#binary(0);
    if (!this.#next('?')) return condition;
    const yes = this.#assignment();
    if (!this.#next(':')) throw new ArithmeticError('arithmetic syntax error');
    const no = this.#conditional();
    return condition === 0 ? no : yes;
  }

  #binary(level: number): number {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const operator = this.#tokens[this.#at] ?? '';
      if (!operators.includes(operator)) return left;
      this.#at++;
      left = apply(operator, left, this.#binary(level + 1));
    }
  }

  #unary(): number {
    const token = this.#tokens[this.#at] ?? '';
    if (token === '++' || token === '--') {
      const name = this.#tokens[this.#at + 1] ?? '';
      this.#at += 2;
      const value = this.#read(name) + (token === '++' ? 1 : -1);
      this.#variables.set(name, String(value));
      return value;
    }
    if (token === '-' || token === '+' || token === '!' || token === '~') {
      this.#at++;
      const value = this.#unary();
      return token === '-' ? -value : token === '+' ? value : token === '!' ? Number(value === 0) : ~value;
    }
    return this.#primary();
  }

  #primary(): number {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new ArithmeticError('arithmetic syntax error');
    if (token === '(') {
      const value = this.comma();
      if (!this.#next(')')) throw new ArithmeticError('arithmetic syntax error');
      return value;
    }
    if (/^\d/.test(token)) return numberOf(token);
    if (!/^[A-Za-z_]/.test(token)) throw new ArithmeticError('arithmetic syntax error');
    const value = this.#read(token);
    const after = this.#tokens[this.#at];
    if (after === '++' || after === '--') {
      this.#at++;
      this.#variables.set(token, String(value + (after === '++' ? 1 : -1)));
    }
    return value;
  }

  #next(token: string): boolean {
    if (this.#tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #read(name: string): number {
    const text = (this.#variables.get(name) ?? '').trim();
    if (text === '') return 0;
    if (!/^[-+]?(0[xX][0-9a-fA-F]+|\d+)$/.test(text)) throw new ArithmeticError('arithmetic syntax error');
    return text.startsWith('-') ? -numberOf(text.slice(1)) : numberOf(text.replace('+', ''));
  }
}

const numberOf = (text: string): number => (/^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text));

function apply(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/':
    case '%':
      if (b === 0) throw new ArithmeticError('divide by zero');
      return operator === '/' ? Math.trunc(a / b) : a % b;
    case '<<': return a * 2 ** b;
    case '>>': return Math.floor(a / 2 ** b);
    case '<': return Number(a < b);
    case '<=': return Number(a <= b);
    case '>': return Number(a > b);
    case '>=': return Number(a >= b);
    case '==': return Number(a === b);
    case '!=': return Number(a !== b);
    case '&': return a & b;
    case '|': return a | b;
    case '^': return a ^ b;
    case '&&': return Number(a !== 0 && b !== 0);
    default: return Number(a !== 0 || b !== 0);
  }
}
