// additionalPrinterColumns as columns of a Table (registry/customresource/tableconvertor).

import type { CustomResourceColumnDefinition } from '../../api/generated/types.ts';
import type { ApiObject } from '../../api/meta.ts';
import { age } from '../../api/table/format.ts';
import type { Cell, Column, Printer } from '../../api/table/printer.ts';
import { type JsonPath, parseJsonPath } from './jsonpath.ts';

const NAME_DESCRIPTION =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';
const AGE: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
};

/** The printer of these columns; without any, the age. */
export function customPrinter(columns: readonly CustomResourceColumnDefinition[] | undefined): Printer<ApiObject> {
  const given = columns && columns.length > 0 ? columns : [AGE];
  const read: { readonly type: string; readonly path: JsonPath }[] = [];
  const headers: Column[] = [{ name: 'Name', type: 'string', format: 'name', description: NAME_DESCRIPTION, priority: 0 }];
  for (const column of given) {
    const path = parseJsonPath(column.jsonPath);
    // Upstream prints the columns up to the first that it cannot read.
    if (!path) break;
    read.push({ type: column.type, path });
    headers.push({
      name: column.name,
      type: column.type,
      format: column.format ?? '',
      description: column.description || `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
      priority: column.priority ?? 0,
    });
  }
  return {
    columns: headers,
    cells: (object, now) => [object.metadata.name, ...read.map(({ type, path }) => cell(type, path.find(object)[0], now) as Cell)],
  };
}

function cell(type: string, value: unknown, now: number): Cell | null {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return /^\d{4}-\d{2}-\d{2}T/.test(value) ? age(value, now) : '<invalid>';
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}
