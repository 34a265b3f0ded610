// Named formats: apiserver/pkg/cel/library/format.go. `validate` gives none when the text is fine, else what is wrong with it.

import { type Environment, Optional } from '@marcbachmann/cel-js';
import { SYNC } from './lists.ts';
import { Texted } from './opaque.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const must = (what: string, example: string, regex: string): string => `${what} (e.g. ${example}, regex used for validation is '${regex}')`;
const LABEL_TEXT = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character`;
const SUBDOMAIN_TEXT = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`;
const DNS1035_TEXT = `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character`;
const LABEL_VALUE = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const LABEL_VALUE_TEXT = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;

const examples = (...all: string[]): string => all.map((e) => `'${e}'`).join(',  or ');

function shaped(regex: string, most: number, text: string, example: string): (value: string) => readonly string[] {
  const shape = new RegExp(`^${regex}$`);
  return (value) => [
    ...(value.length > most ? [`must be no more than ${most} characters`] : []),
    ...(shape.test(value) ? [] : [must(text, example, regex)]),
  ];
}

const dns1123Label = shaped(LABEL, 63, LABEL_TEXT, examples('my-name', '123-abc'));
const dns1123Subdomain = shaped(`${LABEL}(\\.${LABEL})*`, 253, SUBDOMAIN_TEXT, examples('example.com'));
const dns1035Label = shaped('[a-z]([-a-z0-9]*[a-z0-9])?', 63, DNS1035_TEXT, examples('my-name', 'abc-123'));
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const QUALIFIED_TEXT = `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;
const labelValue = shaped(LABEL_VALUE, 63, LABEL_VALUE_TEXT, examples('MyValue', 'my_value', '12345'));
const asPrefix = (check: (value: string) => readonly string[]) => (value: string) =>
  check(value.endsWith('-') ? `${value.slice(0, -1)}a` : value);

function qualifiedName(value: string): readonly string[] {
  const slash = value.lastIndexOf('/');
  const name = value.slice(slash + 1);
  const prefix = slash < 0 ? [] : dns1123Subdomain(value.slice(0, slash)).map((e) => `prefix part ${e}`);
  if (name === '') return [...prefix, 'name part must be non-empty'];
  const wrong = new RegExp(`^${QUALIFIED}$`).test(name) ? [] : [must(QUALIFIED_TEXT, examples('MyName', 'my.name', '123-abc'), QUALIFIED)];
  return [...prefix, ...(name.length > 63 ? ['name part must be no more than 63 characters'] : []), ...wrong];
}

const matching =
  (regex: RegExp, message: string) =>
  (value: string): readonly string[] =>
    regex.test(value) ? [] : [message];

const FORMATS: Readonly<Record<string, (value: string) => readonly string[]>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  dns1123LabelPrefix: asPrefix(dns1123Label),
  dns1123SubdomainPrefix: asPrefix(dns1123Subdomain),
  dns1035LabelPrefix: asPrefix(dns1035Label),
  qualifiedName,
  labelValue,
  uri: matching(/^([A-Za-z][A-Za-z0-9+.-]*:\/\/\S*|\/\S*)$/, 'invalid URI for request'),
  uuid: matching(/^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$/, 'does not match the UUID format'),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: matching(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, 'invalid date'),
  datetime: matching(/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/, 'invalid datetime'),
};

class Format extends Texted {
  readonly text: string;

  constructor(name: string) {
    super();
    this.text = name;
  }

  validate(value: string): Optional {
    const wrong = (FORMATS[this.text] as (value: string) => readonly string[])(value);
    return wrong.length === 0 ? Optional.none() : Optional.of(wrong as unknown);
  }
}

class FormatNamespace {}

export function registerFormats(env: Environment): void {
  const T = 'kubernetes.NamedFormat';
  env.registerType(T, Format).registerType('FormatNamespace', FormatNamespace);
  env.registerConstant('format', 'FormatNamespace', new FormatNamespace());
  for (const name in FORMATS) {
    const made = new Format(name);
    env.registerFunction(`FormatNamespace.${name}(): ${T}`, () => made, SYNC);
  }
  env.registerFunction(
    `FormatNamespace.named(string): optional<${T}>`,
    (_: FormatNamespace, name: string) => (Object.hasOwn(FORMATS, name) ? Optional.of(new Format(name)) : Optional.none()),
    SYNC,
  );
  env.registerFunction(`${T}.validate(string): optional<list<string>>`, (format: Format, value: string) => format.validate(value), SYNC);
}
