// The kinds that a CustomResourceDefinition makes, one for each version: how their objects are decoded, prepared, validated
// and shown (apiextensions-apiserver's customresource_handler.go and registry/customresource).

import type { CustomKind, CustomScale } from '../../api/custom.ts';
import type { Decoded, FieldValidation } from '../../api/decode.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion, JSONSchemaProps } from '../../api/generated/types.ts';
import type { ResourceKind, Subresource } from '../../api/kinds.ts';
import { type ApiObject, deepFreeze, semanticEqual } from '../../api/meta.ts';
import { Recent } from '../../api/recent.ts';
import { badRequest, type FieldError } from '../../api/status.ts';
import type { Printer } from '../../api/table/printer.ts';
import { Errors, invalidValue } from '../../api/validation/errors.ts';
import { checkMeta, checkMetaUpdate } from '../../api/validation/meta.ts';
import { subdomain1123Errors } from '../../api/validation/names.ts';
import { compareVersions } from '../kinds.ts';
import { customPrinter } from './columns.ts';
import { isTerminating } from './conditions.ts';
import { type JsonPath, parseJsonPath } from './jsonpath.ts';
import { checkLists } from './lists.ts';
import { readMetadata } from './metadata.ts';
import { fillDefaults, prune } from './prune.ts';
import { Rules } from './rules.ts';
import { asSchema, isPlain, type Plain, preserves, type Schema, splitPath, valueAt } from './schema.ts';
import { validateValue } from './validate.ts';

const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const VERBS_WHEN_TERMINATING = ['delete', 'deletecollection', 'get', 'list', 'watch'];
const SUBRESOURCE_VERBS = ['get', 'patch', 'update'];
/** So much of a body is quoted. */
const SUMMARY = 30;
const INT32_MAX = 2_147_483_647;

/** The kinds of all versions, the served ones first by priority. */
export function kindsOf(crd: CustomResourceDefinition): ResourceKind[] {
  return crd.spec.versions.map((version) => kindOf(crd, version));
}

function kindOf(crd: CustomResourceDefinition, version: CustomResourceDefinitionVersion): ResourceKind {
  const { group, scope } = crd.spec;
  const names = crd.status?.acceptedNames?.plural ? crd.status.acceptedNames : crd.spec.names;
  const apiVersion = `${group}/${version.name}`;
  const { status, scale } = version.subresources ?? {};
  const subresources: Subresource[] = [];
  if (status) subresources.push({ name: 'status', kind: names.kind, apiVersion, verbs: SUBRESOURCE_VERBS });
  if (scale) subresources.push({ name: 'scale', kind: 'Scale', apiVersion: 'autoscaling/v1', verbs: SUBRESOURCE_VERBS });
  const kind: ResourceKind = {
    group,
    version: version.name,
    apiVersion,
    kind: names.kind,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced: scope === 'Namespaced',
    verbs: isTerminating(crd) ? VERBS_WHEN_TERMINATING : VERBS,
    subresources,
    schema: '',
    key: `${names.plural}.${group}`,
    custom: new VersionedKind(crd, version, apiVersion, names.kind),
  };
  return kind;
}

class VersionedKind implements CustomKind {
  readonly definition: CustomResourceDefinition;
  readonly schema: JSONSchemaProps | null;
  readonly listKind: string;
  readonly storedApiVersion: string;
  readonly hasStatus: boolean;
  readonly scale: CustomScale | null;
  readonly deprecation: string;
  readonly #version: CustomResourceDefinitionVersion;
  readonly #apiVersion: string;
  readonly #kind: string;
  readonly #root: Schema;
  readonly #presented = new Recent<ApiObject>();
  #printer: Printer<ApiObject> | null = null;
  #rules: Rules | null = null;
  #fields: ReadonlyMap<string, JsonPath> | null = null;

  constructor(definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, apiVersion: string, kind: string) {
    const { spec } = definition;
    this.definition = definition;
    this.schema = version.schema?.openAPIV3Schema ?? null;
    this.listKind = spec.names.listKind ?? `${kind}List`;
    this.storedApiVersion = `${spec.group}/${spec.versions.find((v) => v.storage)?.name ?? version.name}`;
    this.hasStatus = version.subresources?.status !== undefined;
    const scale = version.subresources?.scale;
    this.scale = scale
      ? {
          specReplicasPath: scale.specReplicasPath,
          statusReplicasPath: scale.statusReplicasPath,
          labelSelectorPath: scale.labelSelectorPath ?? '',
        }
      : null;
    this.deprecation = version.deprecated === true ? (version.deprecationWarning ?? deprecationOf(definition, version.name)) : '';
    this.#version = version;
    this.#apiVersion = apiVersion;
    this.#kind = kind;
    const root = asSchema(this.schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
    this.#root = spec.preserveUnknownFields === true && !preserves(root) ? { ...root, 'x-kubernetes-preserve-unknown-fields': true } : root;
  }

  get printer(): Printer<ApiObject> {
    return (this.#printer ??= customPrinter(this.#version.additionalPrinterColumns));
  }

  decode(body: unknown, mode: FieldValidation): Decoded<ApiObject> {
    if (!isPlain(body)) throw this.#cannotHandle('json: cannot unmarshal into Go value of type map[string]interface {}');
    for (const field of ['kind', 'apiVersion'] as const) if (!body[field]) throw this.#missing(field === 'kind' ? 'Kind' : field, body);
    const unknown: string[] = [];
    const { metadata, wrong } = readMetadata(body['metadata'], unknown);
    if (wrong !== null) throw this.#cannotHandle(wrong);
    const fields: string[] = [];
    const whole = { ...body, apiVersion: this.#apiVersion, kind: this.#kind, metadata };
    const object = prune(fillDefaults(whole, this.#root) as Plain, this.#root, fields);
    unknown.push(...fields.map((path) => `unknown field "${path}"`));
    if (unknown.length > 0 && mode === 'Strict') throw this.#cannotHandle(`strict decoding error: ${unknown.join(', ')}`);
    return { object: deepFreeze(object) as unknown as ApiObject, warnings: mode === 'Warn' ? unknown : [] };
  }

  /** Custom resources are decoded without a Go type that would know what they are. */
  #missing(field: string, body: Plain): Error {
    const text = JSON.stringify(body);
    const summary = text.length > SUMMARY ? `${text.slice(0, SUMMARY)} ...` : text;
    return badRequest(
      `the object provided is unrecognized (must be of type ${this.#kind}): Object '${field}' is missing in '${text}' (${summary})`,
    );
  }

  #cannotHandle(why: string): Error {
    return badRequest(`${this.#kind} in version "${this.#version.name}" cannot be handled as a ${this.#kind}: ${why}`);
  }

  present(object: ApiObject): ApiObject {
    const known = this.#presented.get(object);
    if (known) return known;
    const given = object.apiVersion === this.#apiVersion ? object : { ...object, apiVersion: this.#apiVersion };
    const made = prune(fillDefaults(given, this.#root) as Plain, this.#root, []) as unknown as ApiObject;
    const result = made === object ? object : deepFreeze(made);
    this.#presented.set(object, result);
    return result;
  }

  toStored(object: ApiObject): ApiObject {
    return object.apiVersion === this.storedApiVersion ? object : { ...object, apiVersion: this.storedApiVersion };
  }

  prepareForCreate(object: ApiObject): ApiObject {
    const { status: _, ...rest } = object as ApiObject & { readonly status?: unknown };
    const kept = (this.hasStatus ? rest : object) as ApiObject;
    return deepFreeze({ ...kept, metadata: { ...kept.metadata, generation: 1 } });
  }

  prepareForUpdate(object: ApiObject, old: ApiObject): ApiObject {
    let next = object as ApiObject & { readonly status?: unknown };
    const { status } = old as ApiObject & { readonly status?: unknown };
    if (this.hasStatus && next.status !== status) {
      const { status: _, ...rest } = next;
      next = (status === undefined ? rest : { ...rest, status }) as ApiObject;
    }
    if (!semanticEqual({ ...next, metadata: null }, { ...old, metadata: null })) {
      next = { ...next, metadata: { ...next.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
    }
    return deepFreeze(next);
  }

  prepareForStatusUpdate(object: ApiObject, old: ApiObject): ApiObject {
    const { status } = object as ApiObject & { readonly status?: unknown };
    const { status: _, ...rest } = old as ApiObject & { readonly status?: unknown };
    const { managedFields } = object.metadata;
    const metadata =
      managedFields === old.metadata.managedFields || managedFields === undefined ? old.metadata : { ...old.metadata, managedFields };
    return deepFreeze({ ...rest, metadata, ...(status === undefined ? {} : { status }) }) as ApiObject;
  }

  validateCreate(object: ApiObject): readonly FieldError[] {
    const errors = new Errors();
    checkMeta(errors, object.metadata, this.definition.spec.scope === 'Namespaced', subdomain1123Errors);
    errors.list.push(...validateValue(object, this.#root, ''));
    this.#checkScale(errors, object, true);
    errors.list.push(...checkLists(object, this.#root));
    this.#checkRules(errors, object, undefined);
    return errors.list;
  }

  validateUpdate(object: ApiObject, old: ApiObject, subresource: string): readonly FieldError[] {
    const errors = new Errors();
    checkMetaUpdate(errors, object.metadata, old.metadata);
    if (subresource === 'status') this.#validateStatus(errors, object, old);
    else {
      errors.list.push(...validateValue(object, this.#root, '', old));
      this.#checkScale(errors, object, true);
    }
    if (checkLists(old, this.#root).length === 0) errors.list.push(...checkLists(object, this.#root));
    this.#checkRules(errors, object, old);
    return errors.list;
  }

  #validateStatus(errors: Errors, object: ApiObject, old: ApiObject): void {
    const { status } = object as { readonly status?: unknown };
    const schema = this.#root.properties?.['status'];
    if (schema && status !== undefined)
      errors.list.push(...validateValue(status, schema, 'status', (old as { readonly status?: unknown }).status, ''));
    this.#checkScale(errors, object, false);
  }

  #checkScale(errors: Errors, object: ApiObject, withSpec: boolean): void {
    if (!this.scale) return;
    if (withSpec) checkReplicas(errors, object, this.scale.specReplicasPath);
    checkReplicas(errors, object, this.scale.statusReplicasPath);
    const { labelSelectorPath } = this.scale;
    const selector = labelSelectorPath === '' ? undefined : valueAt(object, splitPath(labelSelectorPath));
    if (selector !== undefined && typeof selector !== 'string') {
      errors.add(
        invalidValue(
          labelSelectorPath,
          '',
          `${labelSelectorPath} accessor error: ${goText(selector)} is of the type ${goType(selector)}, expected string`,
        ),
      );
    }
  }

  /** Rules look at objects that are otherwise as they should be. */
  #checkRules(errors: Errors, object: ApiObject, old: ApiObject | undefined): void {
    if (errors.list.some((e) => BLOCKING.has(e.type))) {
      if (this.#hasRules()) errors.add(NOT_CHECKED);
      return;
    }
    this.#rules ??= new Rules(this.#root);
    errors.list.push(...this.#rules.check(object, old));
  }

  #hasRules(): boolean {
    return JSON.stringify(this.schema ?? {}).includes('"x-kubernetes-validations"');
  }

  field(object: ApiObject, path: string): string | undefined {
    const reader = this.#selectable().get(path);
    if (!reader) return undefined;
    const [value] = reader.find(object);
    return value === undefined || value === null ? '' : String(value);
  }

  offersField(path: string): boolean {
    return this.#selectable().has(path);
  }

  #selectable(): ReadonlyMap<string, JsonPath> {
    if (!this.#fields) {
      const fields = new Map<string, JsonPath>();
      for (const { jsonPath } of this.#version.selectableFields ?? []) {
        const path = parseJsonPath(jsonPath);
        if (path) fields.set(jsonPath.replace(/^\./, ''), path);
      }
      this.#fields = fields;
    }
    return this.#fields;
  }
}

const BLOCKING = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const NOT_CHECKED: FieldError = {
  type: 'FieldValueInvalid',
  field: '<nil>',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

function checkReplicas(errors: Errors, object: ApiObject, path: string): void {
  const value = valueAt(object, splitPath(path));
  if (value === undefined) return;
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    errors.add(invalidValue(path, 0, `${path} accessor error: ${goText(value)} is of the type ${goType(value)}, expected int64`));
  } else if (value < 0) errors.add(invalidValue(path, value, 'should be a non-negative integer'));
  else if (value > INT32_MAX) errors.add(invalidValue(path, value, `should be less than or equal to ${INT32_MAX}`));
}

const goText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  switch (typeof value) {
    case 'object':
      return 'map[string]interface {}';
    case 'number':
      return Number.isInteger(value) ? 'int64' : 'float64';
    case 'boolean':
      return 'bool';
    default:
      return 'string';
  }
}

function deprecationOf({ spec }: CustomResourceDefinition, version: string): string {
  const { group, names } = spec;
  const newer = spec.versions
    .filter((v) => v.served && v.deprecated !== true && compareVersions(v.name, version) < 0)
    .map((v) => v.name)
    .sort(compareVersions);
  const use = newer.length === 0 ? '' : `; use ${group}/${newer[0]} ${names.kind}`;
  return `${group}/${version} ${names.kind} is deprecated${use}`;
}
