// What a name, a label, a port name may look like, in the words of apimachinery/pkg/util/validation.
// Every function returns what is wrong with the value: an empty list when nothing is.

const shape = (pattern: string): RegExp => new RegExp(`^${pattern}$`);

const LABEL_1123 = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN_1123 = `${LABEL_1123}(\\.${LABEL_1123})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const label1123 = shape(LABEL_1123);
const subdomain1123 = shape(SUBDOMAIN_1123);
const label1035 = shape(LABEL_1035);
const qualified = shape(QUALIFIED);
const labelValue = shape(LABEL_VALUE);
const configKey = shape(CONFIG_KEY);
const portCharacters = /^[-a-z0-9]+$/;
const oneLetter = /[a-z]/;

const NONE: readonly string[] = Object.freeze([]);

/** Upstream's sentence for text that misses a pattern. */
const regexError = (message: string, pattern: string, ...examples: string[]): string =>
  `${message} (e.g. ${examples.map((e) => `'${e}', `).join(' or ')}regex used for validation is '${pattern}')`;

export const tooLong = (limit: number): string => `must be no more than ${limit} characters`;

const LABEL_1123_WRONG = regexError(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL_1123,
  'my-name',
  '123-abc',
);
const SUBDOMAIN_WRONG = regexError(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN_1123,
  'example.com',
);
const LABEL_1035_WRONG = regexError(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035,
  'my-name',
  'abc-123',
);
const QUALIFIED_WRONG = regexError(
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  QUALIFIED,
  'MyName',
  'my.name',
  '123-abc',
);
const LABEL_VALUE_WRONG = regexError(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE,
  'MyValue',
  'my_value',
  '12345',
);
const CONFIG_KEY_WRONG = regexError(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  CONFIG_KEY,
  'key.name',
  'KEY_NAME',
  'key-name',
);

/** A label of a DNS name: container names, namespace names. */
export function label1123Errors(value: string): readonly string[] {
  const good = label1123.test(value);
  if (good && value.length <= 63) return NONE;
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLong(63));
  if (!good) errors.push(subdomain1123.test(value) ? 'must not contain dots' : LABEL_1123_WRONG);
  return errors;
}

/** A DNS name: names of most objects. */
export function subdomain1123Errors(value: string): readonly string[] {
  const good = subdomain1123.test(value);
  if (good && value.length <= 253) return NONE;
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLong(253));
  if (!good) errors.push(SUBDOMAIN_WRONG);
  return errors;
}

/** A DNS label that starts with a letter: names of Services. */
export function label1035Errors(value: string): readonly string[] {
  const good = label1035.test(value);
  if (good && value.length <= 63) return NONE;
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLong(63));
  if (!good) errors.push(LABEL_1035_WRONG);
  return errors;
}

/** A name in a URL path: RBAC objects. */
export function pathSegmentErrors(value: string): readonly string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((c) => value.includes(c)).map((c) => `may not contain '${c}'`);
}

const goodKeys = new Set<string>();
const goodValues = new Set<string>();
const REMEMBERED = 5_000;

function remember(set: Set<string>, value: string): void {
  if (set.size >= REMEMBERED) set.clear();
  set.add(value);
}

/** A qualified name (`app`, `example.com/app`): label keys, annotation keys, resource names. */
export function labelKeyErrors(value: string): readonly string[] {
  if (goodKeys.has(value)) return NONE;
  const errors = qualifiedErrors(value);
  if (errors.length === 0) remember(goodKeys, value);
  return errors;
}

function qualifiedErrors(value: string): readonly string[] {
  const parts = value.split('/');
  const errors: string[] = [];
  let name = parts[0] as string;
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    name = parts[1] as string;
    if (prefix === '') errors.push('prefix part must be non-empty');
    else errors.push(...subdomain1123Errors(prefix).map((e) => `prefix part ${e}`));
  } else if (parts.length > 2) {
    return [
      `a qualified name ${regexError(
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        QUALIFIED,
        'MyName',
        'my.name',
        '123-abc',
      )} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${tooLong(63)}`);
  if (!qualified.test(name)) errors.push(QUALIFIED_WRONG);
  return errors;
}

/** The value of a label. */
export function labelValueErrors(value: string): readonly string[] {
  if (goodValues.has(value)) return NONE;
  const errors: string[] = [];
  if (value.length > 63) errors.push(tooLong(63));
  if (!labelValue.test(value)) errors.push(LABEL_VALUE_WRONG);
  if (errors.length === 0) remember(goodValues, value);
  return errors;
}

/** A key of a ConfigMap or Secret. */
export function configKeyErrors(value: string): readonly string[] {
  const errors: string[] = [];
  if (value.length > 253) errors.push(tooLong(253));
  if (!configKey.test(value)) errors.push(CONFIG_KEY_WRONG);
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** The name of an environment variable: since 1.34 nearly anything printable. */
export function envNameErrors(value: string): readonly string[] {
  const errors: string[] = [];
  for (const c of value) {
    const code = c.codePointAt(0) as number;
    if (code < 0x20 || code > 0x7e || c === '=') {
      errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='");
      break;
    }
  }
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
}

/** The name of a port: at most 15 characters, one letter at least. */
export function portNameErrors(value: string): readonly string[] {
  const errors: string[] = [];
  if (value.length > 15) errors.push(tooLong(15));
  if (!portCharacters.test(value)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!oneLetter.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
}

/** A port number. */
export const portNumberErrors = (port: number): readonly string[] =>
  port >= 1 && port <= 65_535 ? NONE : ['must be between 1 and 65535, inclusive'];

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

export const isIPv4 = (value: string): boolean => IPV4.test(value) && !/(^|\.)0\d/.test(value);

/** An IP address of either family. */
export const ipErrors = (value: string): readonly string[] =>
  isIPv4(value) || (value.includes(':') && /^[0-9a-fA-F:.]+$/.test(value))
    ? NONE
    : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
