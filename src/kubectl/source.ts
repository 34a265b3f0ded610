// The `-f` of kubectl: files, folders and standard input, read and checked as cli-runtime's resource builder does.

import type { Flags } from './flags.ts';
import { type Context, type LiveObject, resourceOfManifest, type Target } from './context.ts';
import { parseManifests } from './manifest.ts';
import { CommandError } from './print/error.ts';

export interface Item {
  readonly object: LiveObject;
  readonly target: Target;
  /** What errors call the place it came from: the file's name, or STDIN. */
  readonly source: string;
}

/** An item, or the error that stands in its place: kubectl goes on with the next document. */
export type Read = Item | { readonly error: unknown };

const SUFFIXES = /\.(json|ya?ml)$/;

/** The texts that `-f` names. Throws CommandError for a path that does not exist. */
function* texts(context: Context, paths: readonly string[]): Generator<{ source: string; text: string }> {
  const { files, env } = context.os;
  for (const given of paths) {
    if (given === '-') {
      yield { source: 'STDIN', text: files.exists('/dev/stdin') ? files.read('/dev/stdin') : '' };
      continue;
    }
    const path = given.startsWith('/') ? given : `${env['PWD'] ?? '/root'}/${given}`;
    if (!files.exists(path)) throw new CommandError(`the path "${given}" does not exist`);
    if (!files.isDirectory(path)) yield { source: given, text: files.read(path) };
    else for (const name of files.list(path)) if (SUFFIXES.test(name)) yield { source: `${given}/${name}`, text: files.read(`${path}/${name}`) };
  }
}

const goType = (value: unknown): string =>
  Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'object' ? 'object' : typeof value === 'boolean' ? 'bool' : typeof value;

/** What kubectl decodes by itself before it asks anybody: type meta and object meta. */
function checkMeta(value: unknown, source: string, validate: boolean): LiveObject {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new CommandError(`unable to decode "${source}": json: cannot unmarshal ${goType(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`);
  }
  const object = value as Record<string, unknown>;
  const missing = [...(object['apiVersion'] ? [] : ['apiVersion not set']), ...(object['kind'] ? [] : ['kind not set'])];
  if (missing.length > 0) {
    if (!validate) throw new CommandError(`unable to decode "${source}": Object 'Kind' is missing in '${JSON.stringify(object)}'`);
    const told = missing.length === 1 ? missing[0] : `[${missing.join(', ')}]`;
    throw new CommandError(`error validating "${source}": error validating data: ${told}; if you choose to ignore these errors, turn validation off with --validate=false`);
  }
  const meta = object['metadata'];
  if (meta !== undefined && meta !== null && (typeof meta !== 'object' || Array.isArray(meta))) {
    throw new CommandError(`unable to decode "${source}": json: cannot unmarshal ${goType(meta)} into Go struct field metadataOnlyObject.metadata of type v1.ObjectMeta`);
  }
  const fields = (meta ?? {}) as Record<string, unknown>;
  for (const map of ['labels', 'annotations']) {
    const entries = fields[map];
    if (entries === undefined || entries === null) continue;
    if (typeof entries !== 'object' || Array.isArray(entries)) {
      throw new CommandError(`unable to decode "${source}": json: cannot unmarshal ${goType(entries)} into Go struct field ObjectMeta.metadata.${map} of type map[string]string`);
    }
    const wrong = Object.values(entries).find((v) => v !== null && typeof v !== 'string');
    if (wrong !== undefined) {
      throw new CommandError(`unable to decode "${source}": json: cannot unmarshal ${goType(wrong)} into Go struct field ObjectMeta.metadata.${map} of type string`);
    }
  }
  for (const name of ['name', 'generateName', 'namespace']) {
    const text = fields[name];
    if (text === undefined || text === null || typeof text === 'string') continue;
    throw new CommandError(`unable to decode "${source}": json: cannot unmarshal ${goType(text)} into Go struct field ObjectMeta.metadata.${name} of type string`);
  }
  return object as LiveObject;
}

/** A List stands for its items. */
const flattened = (value: unknown): readonly unknown[] => {
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items) ? items.flatMap(flattened) : [value];
};

/** All objects that the flags name, in order, each with where it goes. */
export function* readItems(context: Context, flags: Flags, validate: boolean): Generator<Read> {
  const paths = flags.list('filename');
  for (const { source, text } of texts(context, paths)) {
    const { documents, error } = parseManifests(text);
    for (const document of documents) {
      for (const value of flattened(document.object)) {
        try {
          yield placed(context, checkMeta(value, source, validate), source);
        } catch (thrown) {
          yield { error: thrown };
        }
      }
    }
    if (error) yield { error: new CommandError(`error parsing ${source}: error converting YAML to JSON: ${error.message}`) };
  }
}

function placed(context: Context, object: LiveObject, source: string): Item {
  const kind = resourceOfManifest(object, source);
  const own = object.metadata?.namespace;
  if (kind.namespaced && own && context.namespaceGiven && own !== context.namespace) {
    throw new CommandError(
      `the namespace from the provided object "${own}" does not match the namespace "${context.namespace}". You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  const namespace = kind.namespaced ? own || context.namespace : '';
  const named = kind.namespaced && !own ? { ...object, metadata: { ...object.metadata, namespace } } : object;
  return { object: named, target: { kind, namespace, name: object.metadata?.name ?? '' }, source };
}
