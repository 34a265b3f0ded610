// What a CustomResourceDefinition must be (apiextensions-apiserver/pkg/apis/apiextensions/validation).

import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
} from '../../api/generated/types.ts';
import { jsonEqual } from '../../api/meta.ts';
import type { FieldError } from '../../api/status.ts';
import { duplicate, Errors, forbiddenField, IMMUTABLE, invalidValue, required, tooMany } from '../../api/validation/errors.ts';
import { checkMeta, checkMetaUpdate } from '../../api/validation/meta.ts';
import { label1035Errors, subdomain1123Errors } from '../../api/validation/names.ts';
import { checkApproval } from './approval.ts';
import { isConditionTrue } from './conditions.ts';
import { checkVersionSchema } from './schema-validation.ts';
import { asSchema, type Schema } from './schema.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const MAX_FIELDS = 8;

/** What is wrong with a definition; `old` is what it replaces, `status` whether only its status is written. */
export function validateDefinition(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition | null,
  status = false,
): readonly FieldError[] {
  const errors = new Errors();
  const { metadata, spec } = crd;
  if (old) checkMetaUpdate(errors, metadata, old.metadata);
  else {
    checkMeta(errors, metadata, false, (name) => {
      const wrong = subdomain1123Errors(name);
      return name === `${spec.names.plural}.${spec.group}` ? wrong : [...wrong, 'must be spec.names.plural+"."+spec.group'];
    });
  }
  if (crd.status?.acceptedNames) checkNames(errors, crd.status.acceptedNames, 'status.acceptedNames');
  if (status) return errors.list;
  checkSpec(errors, spec);
  if (old) checkKept(errors, spec, old);
  checkStoredVersions(errors, crd);
  errors.list.push(...checkApproval(crd, old));
  if (spec.preserveUnknownFields === true && old?.spec.preserveUnknownFields !== true) {
    errors.add(
      invalidValue(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  }
  return errors.list;
}

function checkSpec(errors: Errors, spec: CustomResourceDefinitionSpec): void {
  // What a person wrote may lack anything.
  const given: Partial<CustomResourceDefinitionSpec> = spec;
  const group = given.group ?? '';
  const versions = given.versions ?? [];
  const names = given.names ?? ({} as CustomResourceDefinitionNames);
  if (group === '') errors.add(required('spec.group'));
  else if (subdomain1123Errors(group).length > 0) errors.add(invalidValue('spec.group', group, subdomain1123Errors(group).join(',')));
  else if (!group.includes('.')) errors.add(invalidValue('spec.group', group, 'should be a domain with at least one dot'));
  errors.oneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced']);
  versions.forEach((v, i) => {
    if (!v.schema?.openAPIV3Schema) errors.add(required(`spec.versions[${i}].schema.openAPIV3Schema`));
  });
  versions.forEach((v, i) => {
    const at = `spec.versions[${i}]`;
    const wrong = label1035Errors(v.name);
    if (wrong.length > 0) errors.add(invalidValue(`${at}.name`, v.name, wrong.join(',')));
    checkVersion(errors, v, at);
  });
  if (new Set(versions.map((v) => v.name)).size !== versions.length) {
    errors.add(invalidValue('spec.versions', versions, 'must contain unique version names'));
  }
  if (versions.filter((v) => v.storage).length !== 1) {
    errors.add(invalidValue('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) errors.needed(`spec.names.${field}`, names[field]);
  checkNames(errors, names, 'spec.names');
  checkConversion(errors, spec);
}

function checkNames(errors: Errors, names: CustomResourceDefinitionNames, at: string): void {
  const one = (field: string, value: string | undefined, mixed = false): void => {
    if (!value) return;
    const wrong = label1035Errors(mixed ? value.toLowerCase() : value);
    if (wrong.length > 0)
      errors.add(
        invalidValue(`${at}.${field}`, value, (mixed ? 'may have mixed case, but should otherwise match: ' : '') + wrong.join(',')),
      );
  };
  one('plural', names.plural);
  one('singular', names.singular);
  one('kind', names.kind, true);
  one('listKind', names.listKind, true);
  names.shortNames?.forEach((name, i) => one(`shortNames[${i}]`, name));
  if (names.kind && names.kind === names.listKind)
    errors.add(invalidValue(`${at}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  names.categories?.forEach((name, i) => one(`categories[${i}]`, name));
}

function checkVersion(errors: Errors, v: CustomResourceDefinitionVersion, at: string): void {
  for (const wrong of deprecationErrors(v)) errors.add(invalidValue(`${at}.deprecationWarning`, v.deprecationWarning, wrong));
  const schema = v.schema?.openAPIV3Schema;
  if (schema)
    errors.list.push(...checkVersionSchema(asSchema(schema), `${at}.schema.openAPIV3Schema`, v.subresources?.status !== undefined));
  checkScalePaths(errors, v, `${at}.subresources`);
  v.additionalPrinterColumns?.forEach((column, i) => checkColumn(errors, column, `${at}.additionalPrinterColumns[${i}]`));
  if (v.selectableFields && schema) checkSelectable(errors, v, asSchema(schema), `${at}.selectableFields`);
}

function deprecationErrors({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion): string[] {
  if (deprecationWarning === undefined) return [];
  if (deprecated !== true) return ['can only be set for deprecated versions'];
  const errors: string[] = [];
  if (deprecationWarning.length > 256) errors.push('must be <= 256 characters long');
  if (deprecationWarning === '') errors.push('must not be an empty string');
  return errors;
}

function checkScalePaths(errors: Errors, { subresources }: CustomResourceDefinitionVersion, at: string): void {
  const scale = subresources?.scale;
  if (!scale) return;
  const one = (
    field: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath',
    prefixes: readonly string[],
    where: string,
  ): void => {
    const path = scale[field] ?? '';
    const name = `${at}.scale.${field}`;
    if (path === '') {
      if (field !== 'labelSelectorPath') errors.add(required(name));
    } else if (!path.startsWith('.')) errors.add(invalidValue(name, path, 'must be a simple json path starting with .'));
    else if (!prefixes.some((prefix) => path.startsWith(prefix)))
      errors.add(invalidValue(name, path, `should be a json path under ${where}`));
  };
  one('specReplicasPath', ['.spec.'], '.spec');
  one('statusReplicasPath', ['.status.'], '.status');
  one('labelSelectorPath', ['.spec.', '.status.'], 'either .spec or .status');
}

function checkColumn(errors: Errors, column: CustomResourceColumnDefinition, at: string): void {
  errors.needed(`${at}.name`, column.name);
  const types = `must be one of ${COLUMN_TYPES.join(',')}`;
  if (!column.type) errors.add(required(`${at}.type`, types));
  else if (!COLUMN_TYPES.includes(column.type)) errors.add(invalidValue(`${at}.type`, column.type, types));
  if (column.format && !COLUMN_FORMATS.includes(column.format))
    errors.add(invalidValue(`${at}.format`, column.format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  if (!column.jsonPath) errors.add(required(`${at}.JSONPath`));
  else if (!column.jsonPath.startsWith('.'))
    errors.add(invalidValue(`${at}.JSONPath`, column.jsonPath, 'must be a simple json path starting with .'));
}

function checkSelectable(errors: Errors, v: CustomResourceDefinitionVersion, schema: Schema, at: string): void {
  const seen = new Set<string>();
  v.selectableFields?.forEach(({ jsonPath }, i) => {
    const field = `${at}[${i}].jsonPath`;
    if (!jsonPath) return errors.add(required(field));
    if (jsonPath.includes('[')) return errors.add(invalidValue(field, jsonPath, 'is an invalid path: array notation is not allowed'));
    let below: Schema | undefined = schema;
    const path = jsonPath.replace(/^\./, '').split('.');
    for (const key of path) below = below?.properties?.[key];
    if (!below) return errors.add(invalidValue(field, jsonPath, 'is an invalid path: does not refer to a valid field'));
    if (path[0] === 'metadata') errors.add(invalidValue(field, jsonPath, 'must not point to fields in metadata'));
    if (!['string', 'boolean', 'integer'].includes(below.type ?? '')) {
      errors.add(
        invalidValue(
          field,
          jsonPath,
          'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
        ),
      );
    }
    if (seen.has(jsonPath)) errors.add(duplicate(field, jsonPath));
    seen.add(jsonPath);
  });
  if (seen.size > MAX_FIELDS) errors.add(tooMany(at, seen.size, MAX_FIELDS));
}

function checkConversion(errors: Errors, { conversion }: CustomResourceDefinitionSpec): void {
  if (!conversion) return;
  const at = 'spec.conversion';
  errors.oneOf(`${at}.strategy`, conversion.strategy, ['None', 'Webhook']);
  const { webhook } = conversion;
  if (conversion.strategy !== 'Webhook') {
    if (webhook?.clientConfig)
      errors.add(forbiddenField(`${at}.webhookClientConfig`, 'should not be set when strategy is not set to Webhook'));
    if (webhook?.conversionReviewVersions?.length)
      errors.add(forbiddenField(`${at}.conversionReviewVersions`, 'should not be set when strategy is not set to Webhook'));
    return;
  }
  const config = webhook?.clientConfig;
  if (!config) errors.add(required(`${at}.webhookClientConfig`, 'required when strategy is set to Webhook'));
  else if ((config.url === undefined) === (config.service === undefined))
    errors.add(required(`${at}.webhookClientConfig`, 'exactly one of url or service is required'));
  const versions = webhook?.conversionReviewVersions ?? [];
  if (versions.length === 0) errors.add(required(`${at}.conversionReviewVersions`));
  else if (!versions.some((v) => REVIEW_VERSIONS.includes(v))) {
    errors.add(invalidValue(`${at}.conversionReviewVersions`, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`));
  }
}

/** What the storage is built on stays as it is. */
function checkKept(errors: Errors, spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition): void {
  const same = (field: string, now: unknown, before: unknown): void => {
    if (!jsonEqual(now, before)) errors.add(invalidValue(field, now, IMMUTABLE));
  };
  if (isConditionTrue(old, 'Established')) {
    same('spec.scope', spec.scope, old.spec.scope);
    same('spec.names.kind', spec.names.kind, old.spec.names.kind);
  }
  same('spec.group', spec.group, old.spec.group);
  same('spec.names.plural', spec.names.plural, old.spec.names.plural);
}

function checkStoredVersions(errors: Errors, { spec, status }: CustomResourceDefinition): void {
  const stored = status?.storedVersions ?? [];
  const at = 'status.storedVersions';
  if (stored.length === 0) return errors.add(invalidValue(at, stored, 'must have at least one stored version'));
  const storage = spec.versions.find((v) => v.storage);
  if (storage && !stored.includes(storage.name)) errors.add(invalidValue(at, stored, `must have the storage version ${storage.name}`));
  stored.forEach((v, i) => {
    if (spec.versions.some((version) => version.name === v)) return;
    const detail = `missing from spec.versions; ${v} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${v} and removes ${v} from status.storedVersions`;
    errors.add(invalidValue(`${at}[${i}]`, v, detail));
  });
}
