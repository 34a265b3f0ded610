// The operations of a kind's paths as clients read them: parameters, actions, group version kinds, media types of patches.
// Names and order follow apiserver/pkg/endpoints/installer.go; the words are our own.

import type { ResourceKind, Subresource } from '../../api/kinds.ts';
import type { Schema } from './pool.ts';

const query = (name: string, type: string, description: string): Schema => ({ name, in: 'query', description, type });

const DRY_RUN = query('dryRun', 'string', 'All: do everything but keep the result. Anything else is an error.');
const FIELD_MANAGER = query(
  'fieldManager',
  'string',
  'The name under which the change is recorded in managedFields, at most 128 printable characters.',
);
const FIELD_VALIDATION = query(
  'fieldValidation',
  'string',
  'What to do about unknown and duplicate fields: Ignore them, Warn of them (the default), or be Strict and refuse.',
);
const FORCE = query('force', 'boolean', 'Take fields over that other managers own. Only for apply.');
const PRETTY = query('pretty', 'string', 'true: indent the output.');

const LIST: readonly Schema[] = [
  query('allowWatchBookmarks', 'boolean', 'Send BOOKMARK events while watching.'),
  query('continue', 'string', 'The token of the previous part of a list.'),
  query('fieldSelector', 'string', 'Choose objects by their fields.'),
  query('labelSelector', 'string', 'Choose objects by their labels.'),
  query('limit', 'integer', 'At most so many objects; the rest with continue.'),
  query('resourceVersion', 'string', 'How new the answer must be.'),
  query('resourceVersionMatch', 'string', 'NotOlderThan or Exact: how resourceVersion is meant.'),
  query('sendInitialEvents', 'boolean', 'Begin a watch with events for all there is.'),
  query('timeoutSeconds', 'integer', 'How long a list or watch may take.'),
  query('watch', 'boolean', 'Go on with a stream of changes.'),
];

const DELETE: readonly Schema[] = [
  DRY_RUN,
  query('gracePeriodSeconds', 'integer', 'Seconds before the object goes; 0 at once.'),
  query('ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Delete an object that cannot be read.'),
  query('orphanDependents', 'boolean', 'Deprecated: use propagationPolicy.'),
  query('propagationPolicy', 'string', 'Orphan, Background or Foreground: what becomes of dependents.'),
];

export interface Operation {
  /** `get`, `post` … as in the document. */
  readonly method: string;
  readonly action: string;
  readonly description: string;
  readonly parameters: readonly Schema[];
  /** Definition of the body; '' when it takes none. */
  readonly body: string;
  /** Definition of the answer; '' for text. */
  readonly answer: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
}

export interface PathEntry {
  readonly path: string;
  readonly parameters: readonly Schema[];
  readonly operations: readonly Operation[];
}

/** Definitions that operations name. */
export interface Bodies {
  readonly object: string;
  readonly list: string;
  readonly status: string;
  readonly deleteOptions: string;
  readonly patch: string;
  /** Of a subresource's body. */
  readonly subresource: (s: Subresource) => string;
}

const inPath = (name: string, description: string): Schema => ({ name, in: 'path', required: true, description, type: 'string' });

export function pathsOf(kind: ResourceKind, bodies: Bodies): readonly PathEntry[] {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.apiVersion}`;
  const namespace = inPath('namespace', 'object name and auth scope, such as for teams and projects');
  const scope = kind.namespaced ? [namespace] : [];
  const base = `${root}${kind.namespaced ? '/namespaces/{namespace}' : ''}/${kind.plural}`;
  const own = { group: kind.group, version: kind.version, kind: kind.kind };
  const has = (verb: string): boolean => kind.verbs.includes(verb);
  const listed: Operation = {
    method: 'get',
    action: 'list',
    description: `list or watch objects of kind ${kind.kind}`,
    parameters: LIST,
    body: '',
    answer: bodies.list,
    kind: own,
  };
  const collection: Operation[] = [];
  if (has('list')) collection.push(listed);
  if (has('create')) collection.push(write('post', 'post', `create a ${kind.kind}`, bodies.object, bodies.object, own));
  if (has('deletecollection')) {
    const description = `delete collection of ${kind.kind}`;
    const parameters = [...LIST.slice(1, -1), ...DELETE];
    collection.push({
      method: 'delete',
      action: 'deletecollection',
      description,
      parameters,
      body: bodies.deleteOptions,
      answer: bodies.status,
      kind: own,
    });
  }
  const item: Operation[] = [];
  if (has('get')) item.push(read(`read the specified ${kind.kind}`, bodies.object, own));
  if (has('update')) item.push(write('put', 'put', `replace the specified ${kind.kind}`, bodies.object, bodies.object, own));
  if (has('delete')) {
    item.push({
      method: 'delete',
      action: 'delete',
      description: `delete a ${kind.kind}`,
      parameters: DELETE,
      body: bodies.deleteOptions,
      answer: bodies.status,
      kind: own,
    });
  }
  if (has('patch')) item.push(write('patch', 'patch', `partially update the specified ${kind.kind}`, bodies.patch, bodies.object, own));
  const name = inPath('name', `name of the ${kind.kind}`);
  const paths: PathEntry[] = [{ path: base, parameters: [...scope, PRETTY], operations: collection }];
  if (item.length > 0) paths.push({ path: `${base}/{name}`, parameters: [name, ...scope, PRETTY], operations: item });
  for (const s of kind.subresources) {
    paths.push({ path: `${base}/{name}/${s.name}`, parameters: [name, ...scope, PRETTY], operations: subresource(kind, s, bodies) });
  }
  if (kind.namespaced && has('list')) paths.push({ path: `${root}/${kind.plural}`, parameters: [PRETTY], operations: [listed] });
  return paths;
}

function read(description: string, answer: string, kind: Operation['kind']): Operation {
  return { method: 'get', action: 'get', description, parameters: [], body: '', answer, kind };
}

function write(method: string, action: string, description: string, body: string, answer: string, kind: Operation['kind']): Operation {
  const parameters = [DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION, ...(method === 'patch' ? [FORCE] : [])];
  return { method, action, description, parameters, body, answer, kind };
}

const CONNECTIONS = new Set(['attach', 'exec', 'portforward', 'proxy']);
const METHODS: Readonly<Record<string, string>> = { create: 'post', update: 'put', patch: 'patch', get: 'get', delete: 'delete' };

function subresource(kind: ResourceKind, s: Subresource, bodies: Bodies): readonly Operation[] {
  const slash = s.apiVersion.indexOf('/');
  const own = { group: slash < 0 ? '' : s.apiVersion.slice(0, slash), version: s.apiVersion.slice(slash + 1), kind: s.kind };
  const body = bodies.subresource(s) || bodies.object;
  return s.verbs.flatMap((verb): Operation[] => {
    const method = METHODS[verb];
    if (method === undefined) return [];
    if (CONNECTIONS.has(s.name)) {
      const description = `connect ${method.toUpperCase()} requests to ${s.name} of ${kind.kind}`;
      return [{ method, action: 'connect', description, parameters: [], body: '', answer: '', kind: own }];
    }
    if (s.name === 'log') return [{ ...read(`read log of the specified ${kind.kind}`, '', own) }];
    if (method === 'get') return [read(`read ${s.name} of the specified ${kind.kind}`, body, own)];
    if (method === 'patch')
      return [write('patch', 'patch', `partially update ${s.name} of the specified ${kind.kind}`, bodies.patch, body, own)];
    if (method === 'post') return [write('post', 'post', `create ${s.name} of a ${kind.kind}`, body, body, own)];
    return [write('put', 'put', `replace ${s.name} of the specified ${kind.kind}`, body, body, own)];
  });
}
