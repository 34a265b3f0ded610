// Makes src/bridge/protobuf-fields.json: for each message that a client may send in a request, its fields by number. Reads the
// field table of the reference material when that is there; the result is committed.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './install.mjs';

const SOURCE = join(ROOT, '..', 'shared', 'openapi', 'protobuf-fields.json');
const TARGET = join(ROOT, 'src', 'bridge', 'protobuf-fields.json');
const REPEATED = 1;
const POINTER = 2;
const OMIT_EMPTY = 4;
const SCALARS = { string: 's', bool: 'b', int32: 'i', int64: 'i', bytes: 'B' };
const SPECIAL = {
  'apis/meta/v1.Time': 'T', 'apis/meta/v1.MicroTime': 'M', 'api/resource.Quantity': 'Q', 'util/intstr.IntOrString': 'I',
  'runtime.RawExtension': 'R', 'apis/meta/v1.FieldsV1': 'R', 'apis/meta/v1.Verbs': 's',
};

if (!existsSync(SOURCE)) {
  console.log('the reference material is not here; the committed table stays');
  process.exit(0);
}
const all = JSON.parse(readFileSync(SOURCE, 'utf8'));
const isKind = (name) => all[name].some(([, json, type]) => json === 'metadata' && type.endsWith('ObjectMeta'));
const wanted = new Map();
const numberOf = (name) => {
  if (!wanted.has(name)) wanted.set(name, wanted.size);
  return wanted.get(name);
};
for (const name of Object.keys(all)) if ((isKind(name) && !name.startsWith('apis/')) || name === 'apis/meta/v1.DeleteOptions') numberOf(name);

/** A type as one letter, or the number of a message; `{}` before it for a map, `[]` for a list. */
function typeOf(type) {
  if (typeof type === 'object') return `{}${typeOf(type.map)}`;
  if (SCALARS[type] !== undefined) return SCALARS[type];
  if (SPECIAL[type] !== undefined) return SPECIAL[type];
  if (all[type] !== undefined) return String(numberOf(type));
  return 's'; // a named string
}

const messages = [];
for (const name of wanted.keys()) {
  const fields = {};
  for (const [number, json, type, flags] of all[name]) {
    const list = (flags & REPEATED) !== 0 && !(type === 'bool' && name.endsWith('SubjectRulesReviewStatus'));
    const drop = (flags & OMIT_EMPTY) !== 0 && (flags & POINTER) === 0;
    fields[number] = `${json}:${list ? '[]' : ''}${drop ? '?' : ''}${typeOf(type)}`;
  }
  messages.push(fields);
}
const kinds = {};
for (const [name, number] of wanted) if (isKind(name) || name.endsWith('.DeleteOptions')) kinds[name] = number;
const lines = messages.map((fields) => JSON.stringify(fields));
writeFileSync(TARGET, `{"kinds":${JSON.stringify(kinds)},\n"messages":[\n${lines.join(',\n')}\n]}\n`);
console.log(`${messages.length} messages, ${lines.join('').length} bytes`);
