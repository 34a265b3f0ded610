// Whole documents: OpenAPI v3 for one group version, v2 for everything (kube-openapi's builder3 and builder), made from
// the pool when somebody asks.

import type { ResourceKind } from '../../api/kinds.ts';
import { type Bodies, type Operation, type PathEntry, pathsOf } from './operations.ts';
import type { OpenApiPool, Schema } from './pool.ts';
import { bodyName, customDefinitions, DELETE_OPTIONS, namesOf, PATCH, reachable, RESOURCE_LIST, STATUS, toV3 } from './schemas.ts';

export type Document = Readonly<Record<string, unknown>>;

const JSON_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/cbor'];
const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/apply-patch+cbor',
];
/** Custom resources have no struct that a strategic merge could follow. */
const CUSTOM_PATCH_TYPES = PATCH_TYPES.filter((type) => !type.includes('strategic'));

function bodiesOf(pool: OpenApiPool, kind: ResourceKind): Bodies {
  const { object, list } = namesOf(pool, kind);
  return {
    object,
    list,
    status: STATUS,
    deleteOptions: DELETE_OPTIONS,
    patch: PATCH,
    subresource: (s) => (kind.custom && s.name === 'status' ? object : bodyName(pool, s.apiVersion, s.kind)),
  };
}

const tagOf = (groupVersion: string): string =>
  groupVersion === 'v1' ? 'core_v1' : groupVersion.replace(/\.k8s\.io|\.authorization|\.apiserver/g, '').replace('/', '_');

/** `listCoreV1NamespacedPod`: unique in a document, and all that clients ask of it. */
function operationId(entry: PathEntry, operation: Operation): string {
  const words = entry.path
    .split('/')
    .filter((part) => part !== '' && !['api', 'apis', 'namespaces'].includes(part) && !part.startsWith('{'));
  const scope = entry.path.includes('{namespace}') ? 'Namespaced' : '';
  const camel = words
    .map((word) =>
      word
        .split(/[.-]/)
        .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
        .join(''),
    )
    .join('');
  return `${operation.action}${scope}${camel}${entry.path.endsWith('{name}') ? 'Item' : ''}`;
}

const v3Parameter = ({ type, ...rest }: Schema): Schema => ({ ...rest, schema: { type, uniqueItems: true } });

function v3Content(name: string, types: readonly string[]): Schema {
  const schema = { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}

function v3Path(entry: PathEntry, tag: string, custom: boolean): Schema {
  const out: Record<string, unknown> = {};
  for (const o of entry.operations) {
    const types = o.method === 'patch' ? (custom ? CUSTOM_PATCH_TYPES : PATCH_TYPES) : ['*/*'];
    const answers = o.answer === '' ? { '*/*': { schema: { type: 'string' } } } : v3Content(o.answer, JSON_TYPES);
    out[o.method] = {
      tags: [tag],
      description: o.description,
      operationId: operationId(entry, o),
      ...(o.parameters.length === 0 ? {} : { parameters: o.parameters.map(v3Parameter) }),
      ...(o.body === ''
        ? {}
        : { requestBody: { content: v3Content(o.body, types), ...(o.method === 'delete' ? {} : { required: true }) } }),
      responses: { '200': { description: 'OK', content: answers }, '401': { description: 'Unauthorized' } },
      'x-kubernetes-action': o.action,
      'x-kubernetes-group-version-kind': o.kind,
    };
  }
  return { ...out, parameters: entry.parameters.map(v3Parameter) };
}

const INFO = { title: 'Kubernetes', version: 'v1.36.0' };
const SECURITY = [{ BearerToken: [] }];
const TOKEN = { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' };

/** Names that the operations mention. */
function mentioned(paths: readonly PathEntry[]): readonly string[] {
  return paths.flatMap((p) => p.operations.flatMap((o) => [o.body, o.answer])).filter((name) => name !== '');
}

/** The v3 document of one group version. */
export function v3Document(pool: OpenApiPool, groupVersion: string, kinds: readonly ResourceKind[]): Document {
  const tag = tagOf(groupVersion);
  const root = groupVersion.includes('/') ? `/apis/${groupVersion}/` : `/api/${groupVersion}/`;
  const paths: Record<string, Schema> = { [root]: listPath(tag) };
  const names = [RESOURCE_LIST];
  const custom: Record<string, Schema> = {};
  for (const kind of kinds) {
    Object.assign(custom, customDefinitions(kind));
    const { object, list } = namesOf(pool, kind);
    const entries = pathsOf(kind, bodiesOf(pool, kind));
    names.push(object, list, ...mentioned(entries));
    for (const entry of entries) paths[entry.path] = v3Path(entry, tag, kind.custom !== null);
  }
  const definitions = reachable(pool, custom, names);
  const schemas: Record<string, Schema> = {};
  for (const name of Object.keys(definitions)) schemas[name] = toV3(pool, name, definitions[name] as Schema);
  return {
    openapi: '3.0.0',
    info: INFO,
    paths: sorted(paths),
    components: { schemas, securitySchemes: { BearerToken: TOKEN } },
    security: SECURITY,
  };
}

const sorted = (paths: Readonly<Record<string, Schema>>): Readonly<Record<string, Schema>> =>
  Object.fromEntries(
    Object.keys(paths)
      .sort()
      .map((path) => [path, paths[path] as Schema]),
  );

function listPath(tag: string): Schema {
  const answer = {
    '200': { description: 'OK', content: v3Content(RESOURCE_LIST, JSON_TYPES.slice(0, 3)) },
    '401': { description: 'Unauthorized' },
  };
  return { get: { tags: [tag], description: 'get available resources', operationId: `getAPIResources_${tag}`, responses: answer } };
}

/** The small document of a path that is no group version: /api, /apis, a group, /version. */
export function v3Root(path: string): Document {
  const get = {
    description: `get ${path}`,
    operationId: `get${path.replace(/\W+/g, '_')}`,
    responses: { '200': { description: 'OK' }, '401': { description: 'Unauthorized' } },
  };
  return {
    openapi: '3.0.0',
    info: INFO,
    paths: { [path]: { get } },
    components: { securitySchemes: { BearerToken: TOKEN } },
    security: SECURITY,
  };
}

/** The v2 document of everything. */
export function v2Document(pool: OpenApiPool, kinds: readonly ResourceKind[]): Document {
  const paths: Record<string, Schema> = {};
  const names: string[] = [RESOURCE_LIST, STATUS];
  const custom: Record<string, Schema> = {};
  for (const kind of kinds) {
    Object.assign(custom, customDefinitions(kind));
    const { object, list } = namesOf(pool, kind);
    const entries = pathsOf(kind, bodiesOf(pool, kind));
    names.push(object, list, ...mentioned(entries));
    for (const entry of entries) paths[entry.path] = v2Path(entry, tagOf(kind.apiVersion), kind.custom !== null);
  }
  return {
    swagger: '2.0',
    info: INFO,
    paths: sorted(paths),
    definitions: reachable(pool, custom, names),
    securityDefinitions: { BearerToken: TOKEN },
    security: SECURITY,
  };
}

function v2Path(entry: PathEntry, tag: string, custom: boolean): Schema {
  const out: Record<string, unknown> = {};
  for (const o of entry.operations) {
    const body =
      o.body === '' ? [] : [{ name: 'body', in: 'body', required: o.method !== 'delete', schema: { $ref: `#/definitions/${o.body}` } }];
    const schema = o.answer === '' ? { type: 'string' } : { $ref: `#/definitions/${o.answer}` };
    out[o.method] = {
      consumes: o.method === 'patch' ? (custom ? CUSTOM_PATCH_TYPES : PATCH_TYPES) : ['*/*'],
      produces: JSON_TYPES,
      schemes: ['https'],
      tags: [tag],
      description: o.description,
      operationId: operationId(entry, o),
      parameters: [...body, ...o.parameters.map((p) => ({ ...p, uniqueItems: true }))],
      responses: { '200': { description: 'OK', schema }, '401': { description: 'Unauthorized' } },
      'x-kubernetes-action': o.action,
      'x-kubernetes-group-version-kind': o.kind,
    };
  }
  return { ...out, parameters: entry.parameters.map((p) => ({ ...p, uniqueItems: true })) };
}
