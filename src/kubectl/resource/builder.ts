// The resource builder of cli-runtime: what files, `type name`, `type/name`, selectors and --all on a command line stand for.

import { matchLabels, parseLabelSelector } from '../../cluster/api/selector.ts';
import { ApiError } from '../../cluster/api/status.ts';
import type { Op } from '../../cluster/sim/simulation.ts';
import type { Context } from '../context.ts';
import type { Flags } from '../flag-set.ts';
import { buildKustomization } from '../kustomize/build.ts';
import { CommandError, ManyErrors, withMessage } from '../print/error.ts';
import type { ListBody, LiveObject, Query, Target } from '../rest.ts';
import type { Mapping } from './discovery.ts';
import { readFiles, type Read } from './files.ts';

/** An object (or, unflattened, a list or table of them) that a command line names. */
export interface Info extends Target {
  /** '' when it came by name. */
  readonly source: string;
  /** What the manifest says, or what the server sent; {} when nobody asked. */
  readonly object: LiveObject;
}

export interface Request {
  readonly args?: readonly string[];
  readonly filenames?: readonly string[];
  readonly kustomize?: string;
  readonly recursive?: boolean;
  readonly selector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly all?: boolean;
  readonly allNamespaces?: boolean;
  /** A resource type alone means all of them. */
  readonly emptySelector?: boolean;
  /** Files are only names: the objects come from the server. */
  readonly latest?: boolean;
  /** Do not ask the server for what is named; files stay as they are. */
  readonly local?: boolean;
  /** Lists stay lists: one Info a page. Default: the items. */
  readonly whole?: boolean;
  readonly subresource?: string | undefined;
  readonly chunkSize?: number;
  /** For the requests of lists and objects. */
  readonly accept?: string;
  readonly query?: Query;
  readonly validate?: boolean;
  readonly singleType?: boolean;
}

export interface Found {
  readonly infos: readonly Info[];
  readonly errors: readonly unknown[];
  /** The command line names exactly one object. */
  readonly single: boolean;
}

const MISSING = `You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`;

/** What a command line names, without having asked for it. */
interface Named {
  readonly tuples: readonly (readonly [type: string, name: string])[];
  readonly types: readonly string[];
  readonly names: readonly string[];
}

/** -f, -k and -R of a command. */
export const filesOf = (flags: Flags): Pick<Request, 'filenames' | 'kustomize' | 'recursive'> => ({
  filenames: flags.list('filename'),
  kustomize: flags.text('kustomize'),
  recursive: flags.is('recursive'),
});

function* readArguments(context: Context, args: readonly string[]): Op<Named> {
  const slashes = args.filter((arg) => arg.includes('/')).length;
  if (slashes > 0) {
    if (slashes !== args.length) {
      throw new CommandError("there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'");
    }
    const tuples = args.map((arg): [string, string] => {
      const [type = '', name = '', ...rest] = arg.split('/');
      if (rest.length > 0) throw new CommandError('arguments in resource/name form may not have more than one slash');
      if (type === '' || name === '' || type.includes(',')) throw new CommandError('arguments in resource/name form must have a single resource and name');
      return [type, name];
    });
    return { tuples, types: [], names: [] };
  }
  const [first, ...names] = args;
  return { tuples: [], types: first === undefined ? [] : yield* context.mapper.replaceAliases(first), names };
}

/** Everything that the request names. Throws what makes the whole command senseless; what fails for one object is in `errors`. */
export function* find(context: Context, request: Request): Op<Found> {
  const named = yield* readArguments(context, request.args ?? []);
  const fromFiles = (request.filenames?.length ?? 0) > 0 || Boolean(request.kustomize);
  if ((request.filenames?.length ?? 0) > 0 && request.kustomize) throw new CommandError('only one of -f or -k can be specified');
  const noNames = named.types.length > 0 && named.names.length === 0;
  const selecting = request.all || request.selector || request.fieldSelector || (noNames && request.emptySelector && !fromFiles);
  if (request.all && (request.selector || request.fieldSelector)) throw new CommandError("setting 'all' parameter but found a non empty selector. ");
  if (fromFiles) return yield* byFiles(context, request, named);
  if (selecting) return yield* bySelector(context, request, named);
  if (named.tuples.length > 0) return yield* byTuples(context, request, named);
  if (named.names.length > 0) {
    const types = yield* mappings(context, named.types);
    const errors: unknown[] = [];
    const pairs = types.flatMap((type) => named.names.map((name) => [type, name] as const));
    return { infos: yield* byName(context, request, pairs, errors), errors, single: pairs.length === 1 };
  }
  if (named.types.length > 0) {
    yield* mappings(context, named.types);
    throw new CommandError('resource(s) were provided, but no name was specified');
  }
  throw new CommandError(MISSING);
}

/** As `find`, but any error is thrown. */
export function* mustFind(context: Context, request: Request): Op<Found> {
  const found = yield* find(context, request);
  if (found.errors.length === 1) throw found.errors[0];
  if (found.errors.length > 1) throw new ManyErrors(found.errors);
  return found;
}

function* mappings(context: Context, types: readonly string[]): Op<Mapping[]> {
  const seen = new Set<Mapping>();
  for (const type of types) seen.add(yield* context.mapper.byArgument(type));
  return [...seen];
}

function* byTuples(context: Context, request: Request, { tuples, types }: Named): Op<Found> {
  if (types.length > 0) throw new CommandError('you may not specify individual resources and bulk resources in the same call');
  const pairs: [Mapping, string][] = [];
  for (const [type, name] of tuples) pairs.push([yield* context.mapper.byArgument(type), name]);
  const errors: unknown[] = [];
  const infos = yield* byName(context, request, pairs, errors);
  return { infos, errors, single: tuples.length === 1 };
}

function* byName(context: Context, request: Request, pairs: readonly (readonly [Mapping, string])[], errors: unknown[]): Op<Info[]> {
  const infos: Info[] = [];
  for (const [mapping] of pairs) {
    if (mapping.namespaced && request.allNamespaces) throw new CommandError('a resource cannot be retrieved by name across all namespaces');
  }
  for (const [mapping, name] of pairs) {
    const info: Info = { mapping, namespace: mapping.namespaced ? context.namespace : '', name, source: '', object: {}, ...(request.subresource ? { subresource: request.subresource } : {}) };
    if (request.local) infos.push(info);
    else {
      try {
        infos.push(yield* retrieve(context, info, request));
      } catch (error) {
        errors.push(error);
      }
    }
  }
  return infos;
}

/** Info.Get: the object from the server; a missing namespace is told instead of a missing object. */
export function* retrieve(context: Context, info: Info, request: Pick<Request, 'accept' | 'query'> = {}): Op<Info> {
  try {
    const options = { ...(request.query ? { query: request.query } : {}), ...(request.accept ? { accept: request.accept } : {}) };
    const object = (yield* context.rest.request('GET', info, options)) as LiveObject;
    return { ...info, object };
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound' && info.namespace !== '' && info.namespace !== 'default') {
      const missing = yield* missingNamespace(context, info.namespace);
      if (missing) throw missing;
    }
    throw error;
  }
}

function* missingNamespace(context: Context, namespace: string): Op<ApiError | undefined> {
  try {
    yield* context.rest.raw('GET', `/api/v1/namespaces/${namespace}`);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return error;
  }
  return undefined;
}

function* bySelector(context: Context, request: Request, { tuples, types, names }: Named): Op<Found> {
  if (names.length > 0) throw new CommandError('name cannot be provided when a selector is specified');
  if (tuples.length > 0) throw new CommandError('selectors and the all flag cannot be used when passing resource/name arguments');
  if (types.length === 0) throw new CommandError('at least one resource must be specified to use a selector');
  if (request.subresource) throw new CommandError('subresource cannot be used when bulk resources are specified');
  const found = yield* mappings(context, types);
  if (request.singleType && found.length > 1) throw new CommandError('you may only specify a single resource type');
  const infos: Info[] = [];
  const errors: unknown[] = [];
  for (const mapping of found) {
    const target: Target = { mapping, namespace: mapping.namespaced && !request.allNamespaces ? context.namespace : '', name: '' };
    try {
      yield* list(context, request, target, infos);
    } catch (error) {
      errors.push(explained(error, request, mapping));
    }
  }
  return { infos, errors, single: false };
}

function* list(context: Context, request: Request, target: Target, infos: Info[]): Op<void> {
  const { selector, fieldSelector, chunkSize = 500 } = request;
  let more: string | undefined = '';
  do {
    const query = {
      ...(selector ? { labelSelector: selector } : {}),
      ...(fieldSelector ? { fieldSelector } : {}),
      ...(chunkSize > 0 ? { limit: String(chunkSize) } : {}),
      ...request.query,
      ...(more ? { continue: more } : {}),
    };
    const body = (yield* context.rest.request('GET', target, { query, ...(request.accept ? { accept: request.accept } : {}) })) as ListBody;
    more = body.metadata?.continue;
    if (request.whole || body.kind === 'Table') infos.push({ ...target, source: '', object: body as LiveObject });
    else {
      for (const item of body.items ?? []) {
        const { mapping } = target;
        const object = { ...item, apiVersion: item.apiVersion ?? mapping.apiVersion, kind: item.kind ?? mapping.kind };
        infos.push({ mapping, namespace: item.metadata?.namespace ?? '', name: item.metadata?.name ?? '', source: '', object });
      }
    }
  } while (more);
}

function explained(error: unknown, { selector, fieldSelector }: Request, { group, version, resource }: Mapping): unknown {
  if (!(error instanceof ApiError) || (error.reason !== 'BadRequest' && error.reason !== 'NotFound')) return error;
  const named = `"${group}/${version}, Resource=${resource}"`;
  return withMessage(error, selector || fieldSelector ? `Unable to find ${named} that match label selector ${JSON.stringify(selector ?? '')}, field selector ${JSON.stringify(fieldSelector ?? '')}: ${error.message}` : `Unable to list ${named}: ${error.message}`);
}

/** Where the objects of manifests go; errors stand in their places. */
export function* place(context: Context, read: readonly Read[], subresource?: string, local = false): Op<(Info | { readonly error: unknown })[]> {
  const out: (Info | { readonly error: unknown })[] = [];
  for (const one of read) {
    if ('error' in one) {
      out.push(one);
      continue;
    }
    try {
      out.push(yield* placed(context, one.object, one.source, subresource, local));
    } catch (error) {
      out.push({ error });
    }
  }
  return out;
}

function* placed(context: Context, object: LiveObject, source: string, subresource: string | undefined, local: boolean): Op<Info> {
  const { apiVersion = '', kind = '', metadata } = object;
  const mapping = yield* context.mapper.byKind(apiVersion, kind);
  if (!mapping) {
    throw new CommandError(
      `resource mapping not found for name: "${metadata?.name ?? ''}" namespace: "${metadata?.namespace ?? ''}" from "${source}": ` +
        `no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`,
    );
  }
  const own = metadata?.namespace;
  if (mapping.namespaced && own && context.namespaceGiven && own !== context.namespace) {
    throw new CommandError(`the namespace from the provided object "${own}" does not match the namespace "${context.namespace}". You must pass '--namespace=${own}' to perform this operation.`);
  }
  const namespace = mapping.namespaced ? own || context.namespace : '';
  const named = mapping.namespaced && !own && !local ? { ...object, metadata: { ...metadata, namespace } } : !mapping.namespaced && own !== undefined ? withoutNamespace(object) : object;
  return { object: named, mapping, namespace, name: metadata?.name ?? '', source, ...(subresource ? { subresource } : {}) };
}

/** What belongs to no namespace loses the one it names (resource.FilterNamespace). */
function withoutNamespace(object: LiveObject): LiveObject {
  const { namespace: _, ...metadata } = object.metadata ?? {};
  return { ...object, metadata } as LiveObject;
}

function* byFiles(context: Context, request: Request, { types, names, tuples }: Named): Op<Found> {
  if (types.length > 0) throw new CommandError('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well');
  if (names.length > 0) throw new CommandError('name cannot be provided when a path is specified');
  if (tuples.length > 0) throw new CommandError('resource/name arguments cannot be provided when a path is specified');
  const read = request.kustomize ? readKustomization(context, request.kustomize) : yield* readFiles(context, request.filenames ?? [], request.recursive ?? false, request.validate ?? true);
  const infos: Info[] = [];
  const errors: unknown[] = [];
  const selector = request.selector ? parseLabelSelector(request.selector) : null;
  for (const one of yield* place(context, read, request.subresource, request.local)) {
    if ('error' in one) errors.push(one.error);
    else if (selector === null || matchLabels(selector, one.object.metadata?.labels ?? {})) {
      try {
        infos.push(request.latest ? yield* retrieve(context, one, request) : one);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  return { infos, errors, single: read.length === 1 && infos.length === 1 };
}

const readKustomization = (context: Context, directory: string): Read[] => buildKustomization(context, directory).map((object) => ({ object, source: directory }));
