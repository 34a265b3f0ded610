// The shape of whole objects, and what of them is kept track of at each door: not names and other system metadata, not
// what the door resets anyway (stripmeta.go and the GetResetFields of the registries' strategies).

import { hasSubresource, type ResourceKind } from '../kinds.ts';
import { DEDUCED, type Field, fieldOf, type Shape, shapeOfDefinition, shapeOfSchema } from './shape.ts';

export interface Root {
  readonly whole: Shape;
  readonly tracked: Shape;
}

const SYSTEM_METADATA = [
  'clusterName',
  'creationTimestamp',
  'generation',
  'managedFields',
  'name',
  'namespace',
  'resourceVersion',
  'selfLink',
  'uid',
];

/** Metadata that the /status door of a kind does not write. */
const STATUS_METADATA: Readonly<Record<string, readonly string[]>> = {
  pods: ['deletionTimestamp', 'ownerReferences'],
  'deployments.apps': ['labels'],
};

/** Kinds whose /status door writes nothing of the metadata. */
const NO_METADATA_ON_STATUS = new Set([
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io',
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
]);

const NOTHING: Shape = { form: 'nothing' };
const roots = new WeakMap<ResourceKind, Map<string, Root>>();

/** The root of a kind for writes to that subresource ('' for the resource itself). */
export function rootOf(kind: ResourceKind, subresource: string): Root {
  let known = roots.get(kind);
  if (!known) roots.set(kind, (known = new Map()));
  let root = known.get(subresource);
  if (!root) known.set(subresource, (root = makeRoot(kind, subresource)));
  return root;
}

function makeRoot(kind: ResourceKind, subresource: string): Root {
  const whole = wholeShape(kind);
  const fields = new Map(fieldsOf(whole));
  const drop = (name: string): void => void fields.set(name, { ...fieldOf(name, NOTHING) });
  drop('apiVersion');
  drop('kind');
  const metadata = new Map(fieldsOf(shapeOfDefinition('ObjectMeta')));
  for (const name of SYSTEM_METADATA) metadata.delete(name);
  if (subresource === '') {
    if (kind.custom === null ? hasSubresource(kind, 'status') : kind.custom.hasStatus) drop('status');
  } else {
    const kept = subresource === 'status' || subresource === 'approval' ? 'status' : 'spec';
    for (const name of fields.keys()) if (name !== 'metadata' && name !== kept) drop(name);
    for (const name of STATUS_METADATA[kind.key] ?? []) if (subresource === 'status') metadata.delete(name);
    if (subresource === 'ephemeralcontainers') keepOnly(fields, 'ephemeralContainers');
  }
  const noMetadata =
    subresource === 'ephemeralcontainers' ||
    subresource === 'resize' ||
    (subresource === 'status' && (kind.custom !== null || NO_METADATA_ON_STATUS.has(kind.key)));
  if (noMetadata) drop('metadata');
  else fields.set('metadata', { ...fieldOf('metadata', { form: 'map', fields: metadata, rest: null }), byValue: true });
  const rest = whole.form === 'map' && subresource === '' ? whole.rest : null;
  return { whole, tracked: { form: 'map', fields, rest } };
}

function keepOnly(fields: Map<string, Field>, name: string): void {
  const spec = fields.get('spec') as Field;
  const only = new Map([...fieldsOf(spec.shape)].filter(([field]) => field === name));
  fields.set('spec', { ...spec, shape: { form: 'map', fields: only, rest: null } });
}

const fieldsOf = (shape: Shape): ReadonlyMap<string, Field> => (shape.form === 'map' ? shape.fields : new Map<string, Field>());

function wholeShape(kind: ResourceKind): Shape {
  if (kind.schema !== '') return shapeOfDefinition(kind.schema);
  const given = shapeOfSchema(kind.custom?.schema ?? undefined);
  const meta = shapeOfDefinition('ObjectMeta');
  const text = (fieldsOf(meta).get('name') as Field).shape;
  const fields = new Map(fieldsOf(given));
  for (const name of ['apiVersion', 'kind']) fields.set(name, fieldOf(name, text));
  fields.set('metadata', { ...fieldOf('metadata', meta), byValue: true });
  return { form: 'map', fields, rest: given.form === 'map' ? given.rest : DEDUCED };
}
