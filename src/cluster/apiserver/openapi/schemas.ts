// Definitions as a document needs them: those that its operations reach, for v3 with references wrapped and defaults
// written out as kube-openapi's builder3 does, and the schemas of custom resources (apiextensions' openapi/builder).

import type { ResourceKind } from '../../api/kinds.ts';
import { definitionName, type OpenApiPool, type Schema } from './pool.ts';

const PREFIX = '#/definitions/';
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
export const STATUS = `${META}Status`;
export const DELETE_OPTIONS = `${META}DeleteOptions`;
export const PATCH = `${META}Patch`;
export const RESOURCE_LIST = `${META}APIResourceList`;

/** Names of the definitions of a kind and of its list. */
export interface KindNames {
  readonly object: string;
  readonly list: string;
}

/** `stable.example.com` and `CronTab` make `com.example.stable.v1.CronTab`. */
const customName = ({ group, version }: ResourceKind, kind: string): string => `${group.split('.').reverse().join('.')}.${version}.${kind}`;

export function namesOf(pool: OpenApiPool, kind: ResourceKind): KindNames {
  if (kind.custom) return { object: customName(kind, kind.kind), list: customName(kind, kind.custom.listKind) };
  const name = (of: string): string => definitionName(pool, kind.group, kind.version, of) ?? '';
  return { object: name(kind.kind), list: name(`${kind.kind}List`) };
}

/** The definition of the body of a subresource. */
export function bodyName(pool: OpenApiPool, apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/');
  return definitionName(pool, slash < 0 ? '' : apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind) ?? '';
}

const reference = (name: string, rest: Schema = {}): Schema => ({ ...rest, $ref: `${PREFIX}${name}` });

/** The two definitions of a custom kind, in the v2 form. */
export function customDefinitions(kind: ResourceKind): Readonly<Record<string, Schema>> {
  const { custom, group, version } = kind;
  if (!custom) return {};
  const given = (custom.schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }) as Schema;
  const typeMeta = {
    apiVersion: {
      description:
        'APIVersion names the version of this form of the object. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
      type: 'string',
    },
    kind: {
      description:
        'Kind names what the object is. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
      type: 'string',
    },
  };
  const metadata = (of: string, to: string): Schema =>
    reference(`${META}${to}`, {
      description: `Standard ${of} metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata`,
    });
  const properties = { ...(given['properties'] as Schema | undefined), ...typeMeta, metadata: metadata("object's", 'ObjectMeta') };
  const kinds = (name: string): Schema => ({ 'x-kubernetes-group-version-kind': [{ group, kind: name, version }] });
  const items = { description: `List of ${kind.plural}.`, items: reference(customName(kind, kind.kind)), type: 'array' };
  return {
    [customName(kind, kind.kind)]: { ...given, type: 'object', properties, ...kinds(kind.kind) },
    [customName(kind, custom.listKind)]: {
      description: `${custom.listKind} is a list of ${kind.kind}`,
      type: 'object',
      required: ['items'],
      properties: { ...typeMeta, items, metadata: metadata('list', 'ListMeta') },
      ...kinds(custom.listKind),
    },
  };
}

/** Every name that the schema refers to. */
function references(schema: unknown, found: string[]): void {
  if (typeof schema !== 'object' || schema === null) return;
  for (const key of Object.keys(schema)) {
    const value = (schema as Schema)[key];
    if (key === '$ref' && typeof value === 'string') found.push(value.slice(value.lastIndexOf('/') + 1));
    else references(value, found);
  }
}

/** The definitions under these names and all that they reach, by name. */
export function reachable(pool: OpenApiPool, custom: Readonly<Record<string, Schema>>, names: readonly string[]): Record<string, Schema> {
  const found: Record<string, Schema> = {};
  const queue = [...names];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const definition = custom[name] ?? pool.definitions[name];
    if (definition === undefined || found[name] !== undefined) continue;
    found[name] = definition;
    references(definition, queue);
  }
  return Object.fromEntries(
    Object.keys(found)
      .sort()
      .map((name) => [name, found[name] as Schema]),
  );
}

/** A definition in the form of v3. */
export function toV3(pool: OpenApiPool, name: string, definition: Schema): Schema {
  if (name.endsWith('.IntOrString')) return { ...without(definition, 'type'), oneOf: [{ type: 'integer' }, { type: 'string' }] };
  if (name.endsWith('.resource.Quantity')) return { ...without(definition, 'type'), oneOf: [{ type: 'string' }, { type: 'number' }] };
  const properties = definition['properties'] as Readonly<Record<string, Schema>> | undefined;
  if (!properties) return definition;
  const pointers = new Set((pool.pointers[name] ?? '').split(' '));
  const required = new Set((definition['required'] as readonly string[] | undefined) ?? []);
  const fields: Record<string, Schema> = {};
  for (const key of Object.keys(properties)) {
    fields[key] = property(pool, properties[key] as Schema, pointers.has(key) ? 'pointer' : required.has(key) ? 'required' : 'plain');
  }
  return { ...definition, properties: fields };
}

function without(schema: Schema, key: string): Schema {
  const { [key]: _, ...rest } = schema;
  return rest;
}

const ZERO: Readonly<Record<string, unknown>> = { string: '', integer: 0, number: 0, boolean: false };

/** A reference with anything beside it is wrapped in allOf; what Go always writes has its zero value as default. */
function property(pool: OpenApiPool, schema: Schema, presence: 'pointer' | 'required' | 'plain'): Schema {
  const ref = schema['$ref'];
  if (typeof ref === 'string') {
    const { $ref: _, ...rest } = schema;
    const name = ref.slice(PREFIX.length);
    const target = { $ref: `#/components/schemas/${name}` };
    const isStruct = pool.definitions[name]?.['properties'] !== undefined;
    const zero = isStruct && presence !== 'pointer' ? { default: {} } : {};
    return Object.keys(rest).length === 0 && !isStruct ? target : { allOf: [target], ...zero, ...rest };
  }
  const out: Record<string, unknown> = { ...schema };
  for (const key of ['items', 'additionalProperties'] as const) {
    const inner = out[key];
    if (typeof inner === 'object' && inner !== null) out[key] = property(pool, inner as Schema, 'required');
  }
  if (presence === 'required' && out['default'] === undefined && out['type'] !== undefined && out['format'] !== 'byte') {
    const zero = ZERO[out['type'] as string];
    if (zero !== undefined) out['default'] = zero;
  }
  return out;
}
