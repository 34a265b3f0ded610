// The `-f` and `-k` of kubectl: files, folders and standard input, read and checked as cli-runtime's resource builder does.

import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import { parseManifests } from '../manifest.ts';
import { CommandError } from '../print/error.ts';
import { goJson } from '../print/json.ts';
import type { LiveObject } from '../rest.ts';
import { isUrl, readUrl } from './public-documents.ts';

export interface Manifest {
  readonly object: LiveObject;
  /** What errors call the place it came from: the file's name, or STDIN. */
  readonly source: string;
}

/** A manifest, or the error that stands in its place: kubectl goes on with the next document. */
export type Read = Manifest | { readonly error: unknown };

const SUFFIXES = /\.(json|ya?ml)$/;

interface Text {
  readonly source: string;
  readonly text: string;
}

function* folder(context: Context, given: string, recursive: boolean): Generator<Text> {
  const { files } = context.os;
  for (const name of files.list(context.path(given))) {
    const inner = `${given.replace(/\/$/, '')}/${name}`;
    const path = context.path(inner);
    if (!files.isDirectory(path)) {
      if (SUFFIXES.test(name)) yield { source: inner, text: files.read(path) };
    } else if (recursive) yield* folder(context, inner, true);
  }
}

const wildcard = (pattern: string): RegExp => new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '[^/]*').replaceAll('?', '[^/]')}$`);

/** `dir/*.yaml`; the pattern itself when nothing matches. */
function expand(context: Context, given: string): readonly string[] {
  if (!/[*?[]/.test(given)) return [given];
  const slash = given.lastIndexOf('/');
  const dir = slash < 0 ? '' : given.slice(0, slash + 1);
  const at = context.path(dir === '' ? '.' : dir);
  if (!context.os.files.isDirectory(at)) return [given];
  const found = context.os.files.list(at).filter((name) => wildcard(given.slice(slash + 1)).test(name));
  return found.length === 0 ? [given] : found.map((name) => dir + name);
}

/** The texts that `-f` names. Throws CommandError for a path that does not exist. */
function* texts(context: Context, filenames: readonly string[], recursive: boolean): Op<Text[]> {
  const { files } = context.os;
  const out: Text[] = [];
  for (const pattern of filenames) {
    if (pattern === '-') {
      out.push({ source: 'STDIN', text: yield* context.readStdin() });
      continue;
    }
    if (isUrl(pattern)) {
      out.push({ source: pattern, text: yield* readUrl(context.os, pattern) });
      continue;
    }
    for (const given of expand(context, pattern)) {
      const path = context.path(given);
      if (!files.exists(path)) throw new CommandError(`the path "${given}" does not exist`);
      if (!files.isDirectory(path)) out.push({ source: given, text: files.read(path) });
      else {
        const found = [...folder(context, given, recursive)];
        if (found.length === 0) throw new CommandError(`error reading [${given}]: recognized file extensions are [.json .yaml .yml]`);
        out.push(...found);
      }
    }
  }
  return out;
}

const goType = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'object' ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value;

const undecodable = (source: string, value: unknown, where: string): CommandError => new CommandError(`unable to decode "${source}": json: cannot unmarshal ${goType(value)} into Go ${where}`);

/** What kubectl decodes by itself before it asks anybody: type meta and object meta. */
function checkMeta(value: unknown, source: string, validate: boolean): LiveObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw undecodable(source, value, 'value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }');
  }
  const object = value as Record<string, unknown>;
  const missing = [...(object['apiVersion'] ? [] : ['apiVersion not set']), ...(object['kind'] ? [] : ['kind not set'])];
  if (missing.length > 0 && (validate || !object['kind'])) {
    if (!validate) throw new CommandError(`unable to decode "${source}": Object 'Kind' is missing in '${goJson(object)}'`);
    const told = missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`;
    throw new CommandError(`error validating "${source}": error validating data: ${told}; if you choose to ignore these errors, turn validation off with --validate=false`);
  }
  const meta = object['metadata'];
  if (meta !== undefined && meta !== null && (typeof meta !== 'object' || Array.isArray(meta))) {
    throw undecodable(source, meta, 'struct field metadataOnlyObject.metadata of type v1.ObjectMeta');
  }
  const fields = (meta ?? {}) as Record<string, unknown>;
  for (const map of ['labels', 'annotations']) {
    const entries = fields[map];
    if (entries === undefined || entries === null) continue;
    if (typeof entries !== 'object' || Array.isArray(entries)) throw undecodable(source, entries, `struct field ObjectMeta.metadata.${map} of type map[string]string`);
    const wrong = Object.values(entries).find((v) => v !== null && typeof v !== 'string');
    if (wrong !== undefined) throw undecodable(source, wrong, `struct field ObjectMeta.metadata.${map} of type string`);
  }
  for (const name of ['name', 'generateName', 'namespace']) {
    const text = fields[name];
    if (text !== undefined && text !== null && typeof text !== 'string') throw undecodable(source, text, `struct field ObjectMeta.metadata.${name} of type string`);
  }
  return object as LiveObject;
}

/** A List stands for its items. */
const flattened = (value: unknown): readonly unknown[] => {
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items.flatMap(flattened) : [value];
};

function checked(value: unknown, source: string, validate: boolean): Read {
  try {
    return { object: checkMeta(value, source, validate), source };
  } catch (error) {
    return { error };
  }
}

/** All objects of a text, in order. */
export function readText(text: string, source: string, validate: boolean): Read[] {
  const { documents, error } = parseManifests(text);
  const out = documents.flatMap((document) => flattened(document.object).map((value) => checked(value, source, validate)));
  if (error) out.push({ error: new CommandError(`error parsing ${source}: error converting YAML to JSON: ${error.message}`) });
  return out;
}

/** All objects that `-f` names, in order. */
export function* readFiles(context: Context, filenames: readonly string[], recursive: boolean, validate: boolean): Op<Read[]> {
  return (yield* texts(context, filenames, recursive)).flatMap(({ source, text }) => readText(text, source, validate));
}
