// The hand-written facts and the schema made from client-node, compared with the official OpenAPI document where that is at hand.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import facts from './facts.json' with { type: 'json' };
import { definition, isDefined, type TypeSchema } from './schema.ts';

const OFFICIAL = join(import.meta.dirname, '../../../../shared/openapi/facts-v1.36.json');

interface Property {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly enum?: readonly string[];
  readonly items?: Property;
  readonly additionalProperties?: Property;
  readonly 'x-kubernetes-patch-merge-key'?: string;
  readonly 'x-kubernetes-patch-strategy'?: string;
  readonly 'x-kubernetes-list-type'?: string;
}

/** Names that differ from the last part of the official name. */
const LONG: Readonly<Record<string, string>> = {
  'core.v1.ResourceClaim': 'CoreV1ResourceClaim',
  'discovery.v1.EndpointPort': 'DiscoveryV1EndpointPort',
  'events.v1.Event': 'EventsV1Event',
  'events.v1.EventSeries': 'EventsV1EventSeries',
  'flowcontrol.v1.Subject': 'FlowcontrolV1Subject',
  'storage.v1.TokenRequest': 'StorageV1TokenRequest',
  'apiextensions.v1.ServiceReference': 'ApiextensionsV1ServiceReference',
  'apiregistration.v1.ServiceReference': 'ApiregistrationV1ServiceReference',
  'apiextensions.v1.WebhookClientConfig': 'ApiextensionsV1WebhookClientConfig',
  'autoscaling.v1.CrossVersionObjectReference': 'V1CrossVersionObjectReference',
  'autoscaling.v1.HorizontalPodAutoscaler': 'V1HorizontalPodAutoscaler',
  'autoscaling.v1.HorizontalPodAutoscalerSpec': 'V1HorizontalPodAutoscalerSpec',
  'autoscaling.v1.HorizontalPodAutoscalerStatus': 'V1HorizontalPodAutoscalerStatus',
};

function shape(type: TypeSchema): string {
  if (type.form === 'list') return `[]${shape(type.element)}`;
  if (type.form === 'map') return `{}${shape(type.element)}`;
  return type.form === 'object' ? 'object' : type.scalar;
}

function officialShape(p: Property): string {
  const ref = p.$ref?.split('.').at(-1);
  if (ref !== undefined) {
    const special: Readonly<Record<string, string>> = {
      Quantity: 'q',
      Time: 't',
      MicroTime: 'm',
      IntOrString: 'o',
      RawExtension: 'x',
      FieldsV1: 'x',
    };
    return special[ref] ?? 'object';
  }
  if (p.items) return `[]${officialShape(p.items)}`;
  if (p.additionalProperties) return `{}${officialShape(p.additionalProperties)}`;
  if (p.type === 'string') return p.format === 'byte' ? 'y' : p.format === 'date-time' ? 't' : 's';
  if (p.type === 'integer') return p.format === 'int64' ? 'l' : 'i';
  return p.type === 'boolean' ? 'b' : p.type === 'number' ? 'f' : 'x';
}

test.skipIf(!existsSync(OFFICIAL))('facts and schema agree with the official document', () => {
  const { definitions } = JSON.parse(readFileSync(OFFICIAL, 'utf8')) as {
    definitions: Record<string, { properties?: Record<string, Property> }>;
  };
  const wrong: string[] = [];
  let compared = 0;
  for (const [name, { properties = {} }] of Object.entries(definitions)) {
    const [group, version, kind] = name.split('.').slice(-3) as [string, string, string];
    if (!/^v\d$/.test(version) || group === 'version') continue;
    const own = LONG[`${group}.${version}.${kind}`] ?? kind;
    if (!isDefined(own) || own === 'JSONSchemaProps') continue; // recursive JSON, kept raw
    const fields = definition(own).fields;
    for (const [field, property] of Object.entries(properties)) {
      const path = `${own}.${field}`;
      const schema = fields.get(field);
      if (!schema) {
        wrong.push(`${path} is missing`);
        continue;
      }
      compared++;
      if (path === 'CustomResourceSubresources.status') continue; // an empty object, kept raw
      if (shape(schema.type) !== officialShape(property)) wrong.push(`${path}: ${shape(schema.type)}, official ${officialShape(property)}`);
      const strategy = property['x-kubernetes-patch-strategy'] ?? '';
      if (schema.patch.merge !== strategy.includes('merge')) wrong.push(`${path}: merge`);
      if (schema.patch.retainKeys !== strategy.includes('retainKeys')) wrong.push(`${path}: retainKeys`);
      if ((schema.patch.key ?? undefined) !== property['x-kubernetes-patch-merge-key']) wrong.push(`${path}: merge key`);
      const values = property.enum ?? property.items?.enum;
      const ours = (facts.enums as Readonly<Record<string, readonly string[]>>)[path];
      if (ours !== undefined && JSON.stringify(ours) !== JSON.stringify(values)) wrong.push(`${path}: enum`);
    }
    for (const field of fields.keys()) if (!Object.hasOwn(properties, field)) wrong.push(`${own}.${field} is not official`);
  }
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(2_000);
});
