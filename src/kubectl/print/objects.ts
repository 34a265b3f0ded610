// `-o yaml`, `-o json`, `-o name` and `-o jsonpath=…` of one object or of several.

import type { ResourceKind } from '../../cluster/api/kinds.ts';
import { type Context, nameOf } from '../context.ts';
import { CommandError } from './error.ts';
import { jsonPath } from './jsonpath.ts';
import { printJson, printYaml } from './yaml.ts';

export interface Printed {
  readonly kind: ResourceKind;
  readonly object: { readonly metadata?: { readonly name?: string } };
}

const FORMATS = 'custom-columns, custom-columns-file, go-template, go-template-file, json, jsonpath, jsonpath-as-json, jsonpath-file, kyaml, name, template, templatefile, wide, yaml';

const listOf = (objects: readonly Printed[]): unknown => ({
  apiVersion: 'v1',
  items: objects.map((o) => o.object),
  kind: 'List',
  metadata: { resourceVersion: '' },
});

/** Prints objects in a format; `asList` even when there is only one. Throws CommandError for a format it does not know. */
export function printObjects(context: Context, objects: readonly Printed[], format: string, asList = objects.length !== 1): void {
  if (format === 'name') {
    for (const { kind, object } of objects) context.print(nameOf(kind, object.metadata?.name ?? ''));
    return;
  }
  const value = asList ? listOf(objects) : objects[0]?.object;
  const path = /^jsonpath=(.*)$/s.exec(format)?.[1];
  let text: string;
  if (format === 'yaml') text = printYaml(value);
  else if (format === 'json') text = printJson(value);
  else if (path !== undefined) text = jsonPath(value, path);
  else throw new CommandError(`unable to match a printer suitable for the output format "${format}", allowed formats are: ${FORMATS}`);
  if (text !== '') for (const line of text.split('\n')) context.print(line);
}
