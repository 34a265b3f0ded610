// Label and field selectors as text and as objects (apimachinery/pkg/labels, pkg/fields, metav1.LabelSelector).

import type { LabelSelector } from './generated/types.ts';
import { badRequest } from './status.ts';
import { labelKeyErrors, labelValueErrors } from './validation/names.ts';

export type Operator = 'in' | 'notin' | '=' | '==' | '!=' | 'exists' | '!' | 'gt' | 'lt';

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  /** Sorted; empty for exists and not-exists. */
  readonly values: readonly string[];
}

type Labels = Readonly<Record<string, string>> | undefined;

export interface Selector {
  /** All must hold; empty matches everything. */
  readonly requirements: readonly Requirement[];
  /** Matches nothing whatever the requirements say: the selector of a null LabelSelector. */
  readonly nothing: boolean;
}

export const EVERYTHING: Selector = Object.freeze({ requirements: Object.freeze([]), nothing: false });
export const NOTHING: Selector = Object.freeze({ requirements: Object.freeze([]), nothing: true });

/** Whether the labels satisfy the selector. */
export function matchLabels(selector: Selector, labels: Labels): boolean {
  if (selector.nothing) return false;
  for (const requirement of selector.requirements) if (!holds(requirement, labels)) return false;
  return true;
}

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case '=':
    case '==':
      return value === values[0];
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case 'gt':
    case 'lt': {
      const [have, want] = [integer(value), integer(values[0])];
      return have !== undefined && want !== undefined && (operator === 'gt' ? have > want : have < want);
    }
  }
}

const integer = (text: string | undefined): number | undefined =>
  text !== undefined && /^[-+]?\d{1,18}$/.test(text) ? Number(text) : undefined;

/** The selector as kubectl and the API write it. */
export function selectorText(selector: Selector): string {
  return selector.requirements
    .map(({ key, operator, values }) => {
      if (operator === 'exists') return key;
      if (operator === '!') return `!${key}`;
      if (operator === 'in' || operator === 'notin') return `${key} ${operator} (${values.join(',')})`;
      return `${key}${operator === 'gt' ? '>' : operator === 'lt' ? '<' : operator}${values[0]}`;
    })
    .join(',');
}

const fromObjects = new WeakMap<object, Selector>();

/** The selector of a LabelSelector object: absent selects nothing, empty selects everything. Remembered for frozen objects. */
export function selectorOf(selector: LabelSelector | undefined): Selector {
  if (selector === undefined) return NOTHING;
  const known = fromObjects.get(selector);
  if (known) return known;
  const made = fromLabelSelector(selector);
  fromObjects.set(selector, made);
  return made;
}

const OPERATORS: Readonly<Record<string, Operator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function fromLabelSelector(selector: LabelSelector): Selector {
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) requirements.push({ key, operator: '=', values: [value] });
  for (const e of selector.matchExpressions ?? []) {
    const operator = OPERATORS[e.operator];
    if (operator === undefined) return NOTHING;
    requirements.push({ key: e.key, operator, values: [...(e.values ?? [])].sort() });
  }
  if (requirements.length === 0) return EVERYTHING;
  return { requirements: requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)), nothing: false };
}

/** The selector of a plain map (Service, ReplicationController): absent or empty selects nothing here. */
export function selectorOfMap(map: Readonly<Record<string, string>> | undefined): Selector {
  if (map === undefined) return NOTHING;
  const known = fromObjects.get(map);
  if (known) return known;
  const keys = Object.keys(map).sort();
  const made: Selector =
    keys.length === 0
      ? NOTHING
      : { requirements: keys.map((key) => ({ key, operator: '=', values: [map[key] as string] })), nothing: false };
  fromObjects.set(map, made);
  return made;
}

const SPECIAL = new Set(['=', '!', '(', ')', ',', '>', '<']);
const BLANK = new Set([' ', '\t', '\r', '\n']);

function tokens(text: string): string[] {
  const out: string[] = [];
  let i = 0;
  while (i < text.length) {
    const c = text[i] as string;
    if (BLANK.has(c)) i++;
    else if (SPECIAL.has(c)) {
      const two = text.slice(i, i + 2);
      const token = two === '==' || two === '!=' ? two : c;
      out.push(token);
      i += token.length;
    } else {
      let end = i;
      while (end < text.length && !SPECIAL.has(text[end] as string) && !BLANK.has(text[end] as string)) end++;
      out.push(text.slice(i, end));
      i = end;
    }
  }
  return out;
}

const parsed = new Map<string, Selector>();
const PARSED_LIMIT = 1_000;

/** Reads `app=web,tier in (a,b),!x`. Throws ApiError BadRequest. */
export function parseLabelSelector(text: string): Selector {
  const known = parsed.get(text);
  if (known) return known;
  const made = parse(text);
  if (parsed.size >= PARSED_LIMIT) parsed.clear();
  parsed.set(text, made);
  return made;
}

function parse(text: string): Selector {
  const input = tokens(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const fail = (why: string): never => {
    throw badRequest(`unable to parse requirement: ${why}`);
  };
  const word = (): string => {
    const token = input[at];
    if (token === undefined || SPECIAL.has(token) || token === '==' || token === '!=') return '';
    at++;
    return token;
  };
  const values = (): string[] => {
    if (input[at] !== '(') fail(`found '${input[at] ?? ''}' expected: '('`);
    at++;
    const list: string[] = [word()];
    while (input[at] === ',') {
      at++;
      list.push(word());
    }
    if (input[at] !== ')') fail(`found '${input[at] ?? ''}', expected: ',' or ')'`);
    at++;
    return [...new Set(list)].sort();
  };
  while (at < input.length) {
    const negated = input[at] === '!';
    if (negated) at++;
    const key = word();
    if (key === '') fail(`found '${input[at] ?? ''}', expected: identifier`);
    const bad = labelKeyErrors(key);
    if (bad.length > 0) fail(`<nil>: Invalid value: ${JSON.stringify(key)}: ${bad.join('; ')}`);
    const token = input[at];
    if (negated) requirements.push({ key, operator: '!', values: [] });
    else if (token === undefined || token === ',') requirements.push({ key, operator: 'exists', values: [] });
    else if (token === '=' || token === '==' || token === '!=' || token === '>' || token === '<') {
      at++;
      const operator: Operator = token === '>' ? 'gt' : token === '<' ? 'lt' : token;
      const value = word();
      if ((operator === 'gt' || operator === 'lt') && integer(value) === undefined) {
        fail(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`);
      }
      requirements.push({ key, operator, values: [value] });
    } else if (token === 'in' || token === 'notin') {
      at++;
      requirements.push({ key, operator: token, values: values() });
    } else fail(`found '${token}', expected: in, notin, =, ==, !=, gt, lt`);
    for (const value of requirements.at(-1)?.values ?? []) {
      const wrong = labelValueErrors(value);
      if (wrong.length > 0) fail(`values[0][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong.join('; ')}`);
    }
    if (at >= input.length) break;
    if (input[at] !== ',') fail(`found '${input[at]}', expected: ',' or 'end of string'`);
    at++;
    if (at >= input.length) fail("found '', expected: identifier after ','");
  }
  if (requirements.length === 0) return EVERYTHING;
  return { requirements: requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)), nothing: false };
}

export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** All must hold; empty matches everything. */
export type FieldSelector = readonly FieldRequirement[];

const NO_FIELDS: FieldSelector = Object.freeze([]);

const parsedFields = new Map<string, FieldSelector>();

/** Reads `spec.nodeName=n1,status.phase!=Failed`. Throws ApiError BadRequest. */
export function parseFieldSelector(text: string): FieldSelector {
  const known = parsedFields.get(text);
  if (known) return known;
  const made = parseFields(text);
  if (parsedFields.size >= PARSED_LIMIT) parsedFields.clear();
  parsedFields.set(text, made);
  return made;
}

function parseFields(text: string): FieldSelector {
  if (text.trim() === '') return NO_FIELDS;
  return splitTerms(text).map((term) => {
    const m = /^((?:[^=!\\]|\\.)*)(!=|==|=)([\s\S]*)$/.exec(term);
    if (!m) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    return { field: m[1] as string, equal: m[2] !== '!=', value: unescapeValue(m[3] as string) };
  });
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === ',') {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms.filter((term) => term !== '');
}

const unescapeValue = (value: string): string => value.replace(/\\([\\,=])/g, '$1');

/** The value that the selector asks a field to have, if it does: what an index is looked up with. */
export const requiredField = (selector: FieldSelector, field: string): string | undefined =>
  selector.find((r) => r.equal && r.field === field)?.value;

/** selectorOf and matchLabels in one: the test that a LabelSelector stands for. */
export function matcherOf(selector: LabelSelector | undefined): (labels: Labels) => boolean {
  const compiled = selectorOf(selector);
  return (labels) => matchLabels(compiled, labels);
}
