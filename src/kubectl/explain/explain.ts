// kubectl explain: documentation of a type or field from the server's OpenAPI v3 document, in kubectl's plain text layout
// (kubectl/pkg/explain/v2/templates/plaintext.tmpl).

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Command } from '../command.ts';
import { completeTypes } from '../completion/resources.ts';
import type { Context } from '../context.ts';
import { flag, type Flags } from '../flag-set.ts';
import { CommandError, PlainError } from '../print/error.ts';
import { goPrint } from '../print/json.ts';
import { wrapText } from '../print/word-wrap.ts';
import type { Mapping } from '../resource/discovery.ts';
import { groupResource } from '../resource/mapper.ts';
import { descriptionOf, type Document, resolve, type Schema, typeGuess, valuesOf } from './schema.ts';

export const EXPLAIN: Command = {
  name: 'explain',
  group: 'Basic Commands (Intermediate):',
  use: 'explain TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [-o|--output=plaintext|plaintext-openapiv2]',
  short: 'Get documentation for a resource',
  long: 'Describe the fields of a resource.\n\n Fields are named with a path: <type>.<field>[.<field>]. The server knows them: this works for custom resources too.\n\nUse "kubectl api-resources" for a complete list of supported resources.',
  examples: '# The documentation of a type and its fields\nkubectl explain pods\n\n# All fields below it\nkubectl explain pods --recursive\n\n# One field\nkubectl explain pods.spec.containers',
  flags: [
    flag.string('api-version', 'The API version to explain (group/version).'),
    flag.string('output', 'How to show the schema: plaintext or plaintext-openapiv2.', { short: 'o', value: 'plaintext' }),
    flag.bool('recursive', 'Print the fields of fields too.', { short: 'R' }),
  ],
  *complete(context, flags, toComplete): Op<readonly string[]> {
    return flags.args.length === 0 ? yield* completeTypes(context, toComplete) : [];
  },
  run: explain,
};

const indent = (amount: number, text: string): string => {
  const pad = ' '.repeat(amount);
  return pad + text.replaceAll('\n', `\n${pad}`);
};

/** `deployments.apps.spec.replicas`: the longest resource that is a beginning of the words, then fields. */
function* subject(context: Context, word: string, prefixed: boolean): Op<{ mapping: Mapping; fields: readonly string[] }> {
  const parts = word.replace(/\.$/, '').split('.');
  const [first = ''] = parts;
  if (prefixed) {
    const all = yield* context.mapper.all();
    const found = all.filter((m) => m.resource === first && word.startsWith(groupResource(m)) && m.group !== '').sort((a, b) => b.group.length - a.group.length)[0];
    if (found) return { mapping: found, fields: word.slice(groupResource(found).length).split('.').filter(Boolean) };
  }
  const mapping = yield* context.mapper.tryArgument(first);
  if (!mapping) throw new PlainError(`the server doesn't have a resource type ${JSON.stringify(first)}`);
  return { mapping, fields: parts.slice(1) };
}

function* explain(context: Context, flags: Flags): Op<void> {
  const [word, ...more] = flags.args;
  if (word === undefined) throw new CommandError('You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.\n');
  if (more.length > 0) throw new CommandError('We accept only this format: explain RESOURCE\n');
  const asked = flags.text('api-version');
  const { mapping, fields } = yield* subject(context, word, asked === '');
  const output = flags.text('output');
  if (output !== 'plaintext' && output !== 'plaintext-openapiv2') throw new CommandError(`unrecognized format: ${output}`);
  const apiVersion = asked || mapping.apiVersion;
  const path = apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
  const index = (yield* context.rest.raw('GET', '/openapi/v3')).body as { paths?: Readonly<Record<string, { serverRelativeURL?: string }>> };
  const url = index.paths?.[path]?.serverRelativeURL;
  const slash = apiVersion.indexOf('/');
  if (url === undefined) throw new CommandError(`couldn't find resource for "${slash < 0 ? '' : apiVersion.slice(0, slash)}/${apiVersion.slice(slash + 1)}, Resource=${mapping.resource}"`);
  const [plain = '', search = ''] = url.split('?');
  const query = Object.fromEntries(search === '' ? [] : [search.split('=') as [string, string]]);
  const document = (yield* context.rest.raw('GET', plain, { query })).body as Document;
  const wanted = { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1), kind: mapping.kind };
  const schema = Object.values(document.components?.schemas ?? {}).find((s) => s['x-kubernetes-group-version-kind']?.some((g) => g.group === wanted.group && g.version === wanted.version && g.kind === wanted.kind));
  if (!schema) throw new CommandError(`error: GVR (${wanted.group}/${wanted.version}, Resource=${mapping.resource}) not found in OpenAPI schema`);
  const page = new Page(document, flags.is('recursive')).of(schema, fields, new Set());
  context.write(`${wanted.group === '' ? '' : `GROUP:      ${wanted.group}\n`}KIND:       ${wanted.kind}\nVERSION:    ${wanted.version}\n\n`);
  if (page === '') throw new CommandError(`error: field ${JSON.stringify(fields.at(-1) ?? '')} does not exist`);
  context.write(`${page}\n`);
}

class Page {
  readonly #document: Document;
  readonly #recursive: boolean;

  constructor(document: Document, recursive: boolean) {
    this.#document = document;
    this.#recursive = recursive;
  }

  /** The text about what a path of fields leads to; '' when it leads nowhere. */
  of(schema: Schema, path: readonly string[], history: ReadonlySet<string>): string {
    const ref = schema.$ref ?? '';
    const next = new Set([...history, ref]);
    const at = resolve(schema.$ref, this.#document) ?? schema;
    const [field, ...rest] = path;
    if (field === undefined) return this.#whole(at);
    if (ref !== '' && history.has(ref)) return '';
    const property = at.properties && Object.hasOwn(at.properties, field) ? at.properties[field] : undefined;
    if (property) {
      const head = rest.length === 0 ? `FIELD: ${field} <${typeGuess(property, this.#document)}>\n${this.#longEnum(property)}\n\n` : '';
      const inner = this.of(property, rest, new Set());
      return rest.length > 0 && inner === '' ? '' : head + inner;
    }
    if (at.items) return this.of(at.items, path, next);
    const values = valuesOf(at);
    if (values) return this.of(values, path, next);
    for (const part of at.allOf ?? []) {
      const text = this.of(part, path, next);
      if (text !== '') return text;
    }
    return '';
  }

  #whole(schema: Schema): string {
    const description = descriptionOf(schema, this.#document) || '<empty>';
    let text = `DESCRIPTION:\n${indent(4, wrapText(description, 76))}\n`;
    if (schema.externalDocs) {
      text += '\nEXTERNAL DOCS:\n';
      if (schema.externalDocs.description) text += `${indent(4, wrapText(schema.externalDocs.description, 76))}\n`;
      if (schema.externalDocs.url) text += `${indent(4, `URL: ${schema.externalDocs.url}`)}\n`;
    }
    const fields = this.#fields(schema, 1, new Set());
    return fields === '' ? text : `${text}FIELDS:\n${fields}`;
  }

  #longEnum({ enum: values }: Schema): string {
    return values ? `ENUM:${values.map((v) => `\n    ${v === '' ? '""' : goPrint(v)}`).join('')}` : '';
  }

  #fields(schema: Schema, level: number, history: ReadonlySet<string>): string {
    const ref = schema.$ref ?? '';
    if (ref !== '' && history.has(ref)) return '';
    const next = new Set([...history, ref]);
    const at = resolve(schema.$ref, this.#document) ?? schema;
    let text = '';
    for (const name of Object.keys(at.properties ?? {}).sort()) {
      const field = at.properties?.[name] as Schema;
      text += this.#field(name, field, at.required?.includes(name) ?? false, level * 2);
      if (this.#recursive) text += this.#fields(field, level + 1, next);
    }
    for (const part of at.allOf ?? []) text += this.#fields(part, level, next);
    if (at.items) text += this.#fields(at.items, level, next);
    const values = valuesOf(at);
    return values ? text + this.#fields(values, level, next) : text;
  }

  #field(name: string, field: Schema, required: boolean, by: number): string {
    let text = `${indent(by, name)}\t<${typeGuess(field, this.#document)}>${required ? ' -required-' : ''}`;
    if (field.enum) {
      const shown = field.enum.slice(0, 4).map((v) => (v === '' ? '""' : goPrint(v)));
      text += `\n${' '.repeat(by)}enum: ${shown.join(', ')}${field.enum.length > 4 ? ', ....' : ''}`;
    }
    text += '\n';
    if (this.#recursive) return text;
    text += `${indent(by + 2, wrapText(field.description || '<no description>', 78 - by))}\n`;
    if (field.externalDocs) {
      text += `\n${indent(by + 2, 'EXTERNAL DOCS:')}\n`;
      if (field.externalDocs.description) text += `${indent(by + 4, wrapText(field.externalDocs.description, 76 - by))}\n`;
      if (field.externalDocs.url) text += `${indent(by + 4, `URL: ${field.externalDocs.url}`)}\n`;
    }
    return `${text}\n`;
  }
}
