// Defaults of a CustomResourceDefinition and what its strategy keeps (apis/apiextensions/v1/defaults.go and
// registry/customresourcedefinition/strategy.go).

import type { CustomResourceDefinition } from '../generated/types.ts';

export function defaultDefinition(crd: CustomResourceDefinition): CustomResourceDefinition {
  const { spec } = crd;
  const { names, conversion } = spec;
  if (names.singular && names.listKind && conversion) return crd;
  const singular = names.singular || names.kind.toLowerCase();
  const listKind = names.listKind || (names.kind === '' ? '' : `${names.kind}List`);
  return { ...crd, spec: { ...spec, names: { ...names, singular, listKind }, conversion: conversion ?? { strategy: 'None' } } };
}

/** The storage version is among the versions that were ever stored. */
export function withStoredVersion(crd: CustomResourceDefinition): CustomResourceDefinition {
  const storage = crd.spec.versions.find((version) => version.storage)?.name;
  const stored = crd.status?.storedVersions ?? [];
  if (storage === undefined || stored.includes(storage)) return crd;
  const acceptedNames = crd.status?.acceptedNames ?? { kind: '', plural: '' };
  return { ...crd, status: { ...crd.status, acceptedNames, storedVersions: [...stored, storage] } };
}
