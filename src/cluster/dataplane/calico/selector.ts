// Calico's selector language (libcalico-go/lib/selector): expressions over labels such as `app == 'web' && has(tier)`, read once,
// asked often, and written back in the one form that their ids are made from.

export type Labels = ReadonlyMap<string, string>;

export interface Selector {
  /** The canonical form. */
  readonly text: string;
  matches(labels: Labels): boolean;
}

export class SelectorError extends Error {}

const read = new Map<string, Selector>();

/** Throws SelectorError in the parser's words. */
export function parseSelector(text: string): Selector {
  let selector = read.get(text);
  if (selector === undefined) {
    selector = new Parser(text).whole();
    if (read.size > 5_000) read.clear();
    read.set(text, selector);
  }
  return selector;
}

const TOKEN = /\s*(&&|\|\||==|!=|[!(){},]|'[^']*'|"[^"]*"|[A-Za-z0-9_./-]+)/y;

class Parser {
  readonly #text: string;
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    const trimmed = text.trim();
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < trimmed.length) {
      const start = TOKEN.lastIndex;
      const match = TOKEN.exec(trimmed);
      if (match === null) throw new SelectorError(`unexpected characters at ${trimmed.slice(start)}`);
      this.#tokens.push(match[1] as string);
    }
  }

  whole(): Selector {
    if (this.#tokens.length === 0) return ALL;
    const selector = this.#or();
    if (this.#at < this.#tokens.length) throw new SelectorError(`unexpected content at end of selector ${this.#text}`);
    return selector;
  }

  #or(): Selector {
    return this.#list('||', () => this.#and(), (all, labels) => all.some((s) => s.matches(labels)));
  }

  #and(): Selector {
    return this.#list('&&', () => this.#operation(), (all, labels) => all.every((s) => s.matches(labels)));
  }

  #list(operator: string, part: () => Selector, matches: (all: readonly Selector[], labels: Labels) => boolean): Selector {
    const all = [part()];
    while (this.#tokens[this.#at] === operator) {
      this.#at++;
      all.push(part());
    }
    const [first] = all;
    if (all.length === 1 && first !== undefined) return first;
    return { text: `(${all.map((s) => s.text).join(` ${operator} `)})`, matches: (labels) => matches(all, labels) };
  }

  #operation(): Selector {
    let negated = false;
    while (this.#tokens[this.#at] === '!') {
      negated = !negated;
      this.#at++;
    }
    const inner = this.#plain();
    return negated ? { text: `!${inner.text}`, matches: (labels) => !inner.matches(labels) } : inner;
  }

  #plain(): Selector {
    const token = this.#next();
    if (token === '(') {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (this.#tokens[this.#at] === '(') {
      this.#at++;
      if (token === 'has') {
        const label = this.#next();
        this.#expect(')');
        return { text: `has(${label})`, matches: (labels) => labels.has(label) };
      }
      this.#expect(')');
      if (token === 'all') return ALL;
      if (token === 'global') return { text: 'global()', matches: () => true };
      throw new SelectorError(`unknown function ${token}`);
    }
    return this.#comparison(token);
  }

  #comparison(label: string): Selector {
    const operator = this.#next();
    switch (operator) {
      case '==': {
        const value = this.#string();
        return { text: `${label} == ${quoted(value)}`, matches: (labels) => labels.get(label) === value };
      }
      case '!=': {
        const value = this.#string();
        return { text: `${label} != ${quoted(value)}`, matches: (labels) => labels.get(label) !== value };
      }
      case 'in':
        return this.#within(label, false);
      case 'not':
        this.#expect('in');
        return this.#within(label, true);
      case 'contains':
        return this.#part(label, 'contains', (own, value) => own.includes(value));
      case 'starts':
        this.#expect('with');
        return this.#part(label, 'starts with', (own, value) => own.startsWith(value));
      case 'ends':
        this.#expect('with');
        return this.#part(label, 'ends with', (own, value) => own.endsWith(value));
      default:
        throw new SelectorError(`expected operator, not ${operator}`);
    }
  }

  #part(label: string, operator: string, fits: (own: string, value: string) => boolean): Selector {
    const value = this.#string();
    return { text: `${label} ${operator} ${quoted(value)}`, matches: (labels) => fits(labels.get(label) ?? '\0', value) };
  }

  #within(label: string, not: boolean): Selector {
    this.#expect('{');
    const values = new Set<string>();
    while (this.#tokens[this.#at] !== '}') {
      values.add(this.#string());
      if (this.#tokens[this.#at] === ',') this.#at++;
    }
    this.#at++;
    const sorted = [...values].sort();
    return {
      text: `${label} ${not ? 'not in' : 'in'} {${sorted.map(quoted).join(', ')}}`,
      matches: (labels) => {
        const own = labels.get(label);
        return own === undefined ? not : values.has(own) !== not;
      },
    };
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new SelectorError(`unexpected end of selector ${this.#text}`);
    return token;
  }

  #string(): string {
    const token = this.#next();
    if (!/^['"]/.test(token)) throw new SelectorError(`expected string, not ${token}`);
    return token.slice(1, -1);
  }

  #expect(wanted: string): void {
    const token = this.#next();
    if (token !== wanted) throw new SelectorError(`expected ${wanted}, not ${token}`);
  }
}

const ALL: Selector = { text: 'all()', matches: () => true };
const quoted = (value: string): string => (value.includes('"') ? `'${value}'` : `"${value}"`);

const NAME = /(\bhas\(\s*)([A-Za-z0-9_./-]+)|([A-Za-z0-9_./-]+)(?=\s*(?:==|!=|\bin\b|\bnot\s+in\b|\bcontains\b|\bstarts\s+with\b|\bends\s+with\b))|('[^']*'|"[^"]*")/g;

/** The same question about labels with a prefix (`pcns.` of namespaces, `pcsa.` of service accounts). */
export const withPrefix = (selector: string, prefix: string): string =>
  selector.replace(NAME, (whole: string, has: string | undefined, label: string | undefined, name: string | undefined) =>
    label !== undefined ? `${has}${prefix}${label}` : name !== undefined && name !== 'not' ? `${prefix}${name}` : whole,
  );
