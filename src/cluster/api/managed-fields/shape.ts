// What server-side apply knows of a type: which lists are merged by keys, which parts are replaced as one (x-kubernetes-
// list-type, -map-type and their defaults, as structured-merge-diff's schema). Made from the compact schema or, for custom
// resources, from their JSON schema; read when first used.

import type { JSONSchemaProps } from '../generated/types.ts';
import { type Definition, type FieldSchema, parseType, type TypeSchema } from '../schema.ts';
import { fieldElement } from './path-element.ts';

export type Scalar = 'string' | 'numeric' | 'boolean' | 'untyped';

export type Shape =
  | { readonly form: 'leaf'; readonly content: Content | null }
  /** Fields by name; `rest` for names that no field has, null where there may be none. */
  | { readonly form: 'map'; readonly fields: ReadonlyMap<string, Field>; readonly rest: Shape | null; readonly nulls?: readonly string[] }
  | { readonly form: 'keyed'; readonly element: Shape; readonly keys: readonly string[]; readonly defaults: readonly unknown[] }
  | { readonly form: 'set'; readonly scalar: Scalar }
  /** Whatever it turns out to be: maps by field, lists as one. */
  | { readonly form: 'deduced' }
  /** Nobody keeps track of it. */
  | { readonly form: 'nothing' };

/** What a part that is replaced as one consists of, for checking. */
export type Content =
  | { readonly kind: 'scalar'; readonly scalar: Scalar | 'any' }
  | { readonly kind: 'list'; readonly element: Shape }
  | { readonly kind: 'map'; readonly shape: Shape };

export interface Field {
  readonly name: string;
  /** `f:<name>` */
  readonly element: string;
  readonly shape: Shape;
  /** A struct by value in Go, or a list that is always written: it is there in every object. */
  readonly byValue: boolean;
  /** Lists and maps that Go leaves out when they are empty. */
  readonly omitEmpty: boolean;
}

const NO_FIELDS: ReadonlyMap<string, Field> = new Map();
export const DEDUCED: Shape = { form: 'deduced' };
const leaf = (scalar: Scalar | 'any'): Shape => ({ form: 'leaf', content: { kind: 'scalar', scalar } });
const LEAVES: Readonly<Record<Scalar | 'any', Shape>> = {
  string: leaf('string'),
  numeric: leaf('numeric'),
  boolean: leaf('boolean'),
  untyped: leaf('untyped'),
  any: { form: 'leaf', content: null },
};

/** Structs that are no pointers in Go although they may be left out. */
const BY_VALUE = new Set([
  'DaemonSetSpec.updateStrategy',
  'DeploymentSpec.strategy',
  'StatefulSetSpec.updateStrategy',
  'ReplicaSetSpec.template',
  'JobTemplateSpec.metadata',
  'PersistentVolumeClaimSpec.resources',
  'Event.source',
  'EventsV1Event.deprecatedSource',
  'NodeStatus.daemonEndpoints',
  'NodeDaemonEndpoints.kubeletEndpoint',
  'ServiceStatus.loadBalancer',
  'IngressStatus.loadBalancer',
]);

/** Types that are replaced as one wherever they stand. */
const ATOMIC = new Set(['OwnerReference', 'ObjectReference', 'LocalObjectReference', 'TypedLocalObjectReference', 'LabelSelector']);

/** Times that Go writes as null when they are not set. */
const NULLS: Readonly<Record<string, readonly string[]>> = { PodCondition: ['f:lastProbeTime'] };

/** Defaults of fields that are keys of lists. */
const KEY_DEFAULTS: Readonly<Record<string, unknown>> = { 'ContainerPort.protocol': 'TCP', 'ServicePort.protocol': 'TCP' };

const NO_NULLS: readonly string[] = [];
const ofType = new Map<TypeSchema, Shape>();

/** The shape of a definition such as `Pod`. */
export const shapeOfDefinition = (name: string): Shape => shapeOf(parseType(name));

function shapeOf(type: TypeSchema): Shape {
  const known = ofType.get(type);
  if (known) return known;
  const made = makeShape(type);
  ofType.set(type, made);
  return made;
}

function makeShape(type: TypeSchema): Shape {
  switch (type.form) {
    case 'object':
      return new StructShape(type);
    case 'map':
      return { form: 'map', fields: NO_FIELDS, rest: shapeOf(type.element) };
    case 'list':
      return { form: 'leaf', content: { kind: 'list', element: shapeOf(type.element) } };
    case 'scalar':
      return LEAVES[scalarOf(type.scalar)];
  }
}

function scalarOf(code: string): Scalar | 'any' {
  if (code === 'b') return 'boolean';
  if (code === 'i' || code === 'l' || code === 'f') return 'numeric';
  if (code === 'o' || code === 'q') return 'untyped';
  return code === 'x' ? 'any' : 'string';
}

/** Definitions refer to each other in circles: the fields are read when first asked for. */
class StructShape {
  readonly form = 'map';
  readonly rest = null;
  readonly nulls: readonly string[];
  readonly #type: TypeSchema & { readonly form: 'object' };
  #fields: ReadonlyMap<string, Field> | null = null;

  constructor(type: TypeSchema & { readonly form: 'object' }) {
    this.#type = type;
    this.nulls = NULLS[type.name] ?? NO_NULLS;
  }

  get fields(): ReadonlyMap<string, Field> {
    return (this.#fields ??= fieldsOf(this.#type.definition));
  }
}

function fieldsOf(definition: Definition): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  for (const schema of definition.fields.values()) {
    const { name, type, always } = schema;
    fields.set(name, {
      name,
      element: fieldElement(name),
      shape: shapeOfField(schema),
      byValue: (always && type.form !== 'scalar') || BY_VALUE.has(`${definition.name}.${name}`),
      omitEmpty: !always && (type.form === 'list' || type.form === 'map'),
    });
  }
  return fields;
}

function shapeOfField({ type, topology }: FieldSchema): Shape {
  if (topology === 'atomic') {
    if (type.form === 'list') return shapeOf(type);
    return { form: 'leaf', content: { kind: 'map', shape: shapeOf(type) } };
  }
  if (type.form !== 'list' || topology === 'default') return shapeOf(type);
  if (topology === 'set') return { form: 'set', scalar: type.element.form === 'scalar' ? (scalarOf(type.element.scalar) as Scalar) : 'string' };
  const name = type.element.form === 'object' ? type.element.name : '';
  const keys = [...topology].sort();
  const element = shapeOf(type.element);
  const item: Shape = ATOMIC.has(name) ? { form: 'leaf', content: { kind: 'map', shape: element } } : element;
  return { form: 'keyed', element: item, keys, defaults: keys.map((key) => KEY_DEFAULTS[`${name}.${key}`]) };
}

const ofSchema = new WeakMap<JSONSchemaProps, Shape>();

/** The shape of a custom resource or a part of one. */
export function shapeOfSchema(schema: JSONSchemaProps | undefined): Shape {
  if (schema === undefined) return DEDUCED;
  let known = ofSchema.get(schema);
  if (!known) {
    known = makeSchemaShape(schema);
    ofSchema.set(schema, known);
  }
  return known;
}

type Extended = JSONSchemaProps & {
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
};

function makeSchemaShape(given: JSONSchemaProps): Shape {
  const schema = given as Extended;
  if (schema['x-kubernetes-int-or-string'] === true) return LEAVES.untyped;
  if (schema.type === 'array') return makeListShape(schema);
  if (schema.type === 'object' || schema.properties !== undefined) {
    const shape = makeObjectShape(schema);
    return schema['x-kubernetes-map-type'] === 'atomic' ? { form: 'leaf', content: { kind: 'map', shape } } : shape;
  }
  if (schema.type === 'string') return LEAVES.string;
  if (schema.type === 'boolean') return LEAVES.boolean;
  if (schema.type === 'integer' || schema.type === 'number') return LEAVES.numeric;
  return DEDUCED;
}

function makeListShape(schema: Extended): Shape {
  const items = schema.items as JSONSchemaProps | undefined;
  const element = shapeOfSchema(items);
  const listType = schema['x-kubernetes-list-type'];
  if (listType === 'set') {
    const scalar = element.form === 'leaf' && element.content?.kind === 'scalar' ? element.content.scalar : 'untyped';
    return { form: 'set', scalar: scalar === 'any' ? 'untyped' : scalar };
  }
  if (listType !== 'map') return { form: 'leaf', content: { kind: 'list', element } };
  const keys = [...(schema['x-kubernetes-list-map-keys'] ?? [])].sort();
  return { form: 'keyed', element, keys, defaults: keys.map((key) => items?.properties?.[key]?.default) };
}

function makeObjectShape(schema: Extended): Shape {
  const { properties, additionalProperties } = schema;
  const fields = new Map<string, Field>();
  for (const name of Object.keys(properties ?? {})) {
    const shape = shapeOfSchema(properties?.[name]);
    fields.set(name, { name, element: fieldElement(name), shape, byValue: false, omitEmpty: false });
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    for (const name of ['apiVersion', 'kind']) fields.set(name, fieldOf(name, LEAVES.string));
    fields.set('metadata', fieldOf('metadata', shapeOfDefinition('ObjectMeta')));
  }
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || properties === undefined || (additionalProperties as unknown) === true;
  const rest = typeof additionalProperties === 'object' ? shapeOfSchema(additionalProperties as JSONSchemaProps) : open ? DEDUCED : null;
  return { form: 'map', fields, rest };
}

export const fieldOf = (name: string, shape: Shape): Field => ({
  name,
  element: fieldElement(name),
  shape,
  byValue: false,
  omitEmpty: false,
});

/** What a value of unknown type is: a map field by field, everything else as one. */
export const DEDUCED_MAP: Shape = { form: 'map', fields: NO_FIELDS, rest: DEDUCED };
export const ANY = LEAVES.any;
