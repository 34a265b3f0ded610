// Metadata: names, labels, annotations, owners, and what may not change (apimachinery/pkg/api/validation/objectmeta.go).

import type { LabelSelector, ObjectMeta, OwnerReference } from '../generated/types.ts';
import { Recent } from '../recent.ts';
import { type Errors, forbiddenField, IMMUTABLE, invalidValue, required, tooLongField } from './errors.ts';
import { labelKeyErrors, labelValueErrors } from './names.ts';

const ANNOTATIONS_LIMIT = 262_144;

export type NameRule = (name: string) => readonly string[];

/** Label maps and selectors, annotation maps found good: objects share them. */
const validated = new Recent<true>();
const validAnnotations = new Recent<true>();

/** Everything about an object's own metadata. */
export function checkMeta(errors: Errors, meta: ObjectMeta, namespaced: boolean, rule: NameRule): void {
  const { generateName, name, namespace } = meta;
  if (generateName !== undefined && generateName !== '') errors.rule('metadata.generateName', generateName, rule(maskDash(generateName)));
  if (name === '') {
    if (generateName === undefined || generateName === '') errors.add(required('metadata.name', 'name or generateName is required'));
  } else errors.rule('metadata.name', name, rule(name));
  if (namespaced) errors.needed('metadata.namespace', namespace);
  else if (namespace !== undefined && namespace !== '') errors.add(forbiddenField('metadata.namespace', 'not allowed on this type'));
  errors.nonNegative('metadata.generation', meta.generation);
  checkLabels(errors, 'metadata.labels', meta.labels);
  checkAnnotations(errors, 'metadata.annotations', meta.annotations);
  if (meta.ownerReferences !== undefined) checkOwners(errors, meta.ownerReferences);
  if (meta.finalizers !== undefined) checkFinalizers(errors, meta.finalizers);
}

/** A generated name may end in a dash: something follows. */
const maskDash = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);

export function checkLabels(errors: Errors, field: string, labels: Readonly<Record<string, string>> | undefined): void {
  if (labels === undefined || validated.get(labels)) return;
  const before = errors.list.length;
  for (const key of Object.keys(labels)) {
    errors.rule(field, key, labelKeyErrors(key));
    errors.rule(field, labels[key], labelValueErrors(labels[key] as string));
  }
  if (errors.list.length === before) validated.set(labels, true);
}

export function checkAnnotations(errors: Errors, field: string, annotations: Readonly<Record<string, string>> | undefined): void {
  if (annotations === undefined || validAnnotations.get(annotations)) return;
  const before = errors.list.length;
  let size = 0;
  for (const key of Object.keys(annotations)) {
    errors.rule(field, key, labelKeyErrors(key.toLowerCase()));
    size += key.length + (annotations[key] as string).length;
  }
  if (size > ANNOTATIONS_LIMIT) errors.add(tooLongField(field, ANNOTATIONS_LIMIT));
  if (errors.list.length === before) validAnnotations.set(annotations, true);
}

function checkOwners(errors: Errors, owners: readonly OwnerReference[]): void {
  let controller: string | null = null;
  for (const owner of owners) {
    const field = 'metadata.ownerReferences';
    if (owner.apiVersion === '') errors.add(invalidValue(`${field}.apiVersion`, '', 'version must not be empty'));
    if (owner.kind === '') errors.add(invalidValue(`${field}.kind`, '', 'must not be empty'));
    if (owner.name === '') errors.add(invalidValue(`${field}.name`, '', 'must not be empty'));
    if (owner.uid === '') errors.add(invalidValue(`${field}.uid`, '', 'must not be empty'));
    if (owner.controller !== true) continue;
    const label = `${owner.kind}/${owner.name}`;
    if (controller !== null) {
      errors.add(
        invalidValue(
          field,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${label}`,
        ),
      );
    } else controller = label;
  }
}

function checkFinalizers(errors: Errors, finalizers: readonly string[]): void {
  for (const finalizer of finalizers) errors.rule('metadata.finalizers', finalizer, labelKeyErrors(finalizer));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.add(invalidValue('metadata.finalizers', finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  }
}

/** What an update may not change about metadata. */
export function checkMetaUpdate(errors: Errors, meta: ObjectMeta, old: ObjectMeta): void {
  if (meta === old) return;
  if (meta.name !== old.name) errors.add(invalidValue('metadata.name', meta.name, IMMUTABLE));
  if (meta.namespace !== old.namespace) errors.add(invalidValue('metadata.namespace', meta.namespace, IMMUTABLE));
  if (meta.uid !== old.uid) errors.add(invalidValue('metadata.uid', meta.uid, IMMUTABLE));
  if (meta.creationTimestamp !== old.creationTimestamp)
    errors.add(invalidValue('metadata.creationTimestamp', meta.creationTimestamp, IMMUTABLE));
  if (meta.labels !== old.labels) checkLabels(errors, 'metadata.labels', meta.labels);
  if (meta.annotations !== old.annotations) checkAnnotations(errors, 'metadata.annotations', meta.annotations);
  if (meta.ownerReferences !== undefined && meta.ownerReferences !== old.ownerReferences) checkOwners(errors, meta.ownerReferences);
  if (meta.finalizers !== undefined && meta.finalizers !== old.finalizers) {
    checkFinalizers(errors, meta.finalizers);
    if (old.deletionTimestamp !== undefined) checkNewFinalizers(errors, meta.finalizers, old.finalizers ?? []);
  }
}

function checkNewFinalizers(errors: Errors, finalizers: readonly string[], old: readonly string[]): void {
  const extra = finalizers.filter((f) => !old.includes(f));
  if (extra.length === 0) return;
  errors.add(
    forbiddenField(
      'metadata.finalizers',
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${extra.map((f) => `"${f}"`).join(', ')}}`,
    ),
  );
}

/** A LabelSelector's keys, operators and values. */
export function checkLabelSelector(errors: Errors, field: string, selector: LabelSelector | undefined): void {
  if (selector === undefined || validated.get(selector)) return;
  const before = errors.list.length;
  checkLabels(errors, `${field}.matchLabels`, selector.matchLabels);
  const expressions = selector.matchExpressions ?? [];
  for (let i = 0; i < expressions.length; i++) {
    const at = `${field}.matchExpressions[${i}]`;
    const { key, operator, values = [] } = expressions[i] as (typeof expressions)[number];
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) errors.add(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.add(forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else errors.add(invalidValue(`${at}.operator`, operator, 'not a valid selector operator'));
    errors.rule(`${at}.key`, key, labelKeyErrors(key));
    for (let j = 0; j < values.length; j++) errors.rule(`${at}.values[${j}]`, values[j], labelValueErrors(values[j] as string));
  }
  if (errors.list.length === before) validated.set(selector, true);
}
