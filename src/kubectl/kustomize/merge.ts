// Patches of kustomize: strategic merge (new list elements go to the end, unlike on the server), merge for kinds without a schema.

import { type Definition, definition, type FieldSchema, isDefined, type TypeSchema } from '../../cluster/api/schema.ts';
import { isJsonObject, type JsonObject } from '../../cluster/api/patch/merge.ts';

const DIRECTIVE = '$patch';

const objectOf = (type: TypeSchema | undefined): Definition | undefined => (type?.form === 'object' && isDefined(type.name) ? definition(type.name) : undefined);

/** The target with the patch merged in; undefined when the patch deletes it. `schema` '' = no schema. */
export function mergePatch(target: JsonObject, patch: JsonObject, schema: string): JsonObject | undefined {
  if (patch[DIRECTIVE] === 'delete') return undefined;
  return mergeObject(target, patch, schema !== '' && isDefined(schema) ? definition(schema) : undefined);
}

function mergeObject(target: JsonObject, patch: JsonObject, def: Definition | undefined): JsonObject {
  if (patch[DIRECTIVE] === 'replace') return withoutDirective(patch);
  const out: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE) continue;
    const old = out[key];
    const field = def?.fields.get(key);
    if (value === null || (isJsonObject(value) && value[DIRECTIVE] === 'delete')) delete out[key];
    else if (isJsonObject(value) && isJsonObject(old)) out[key] = mergeObject(old, value, objectOf(field?.type.form === 'map' ? field.type.element : field?.type));
    else if (Array.isArray(value) && Array.isArray(old) && field?.patch.merge && field.patch.key !== null) out[key] = mergeList(old, value, field, field.patch.key);
    else out[key] = isJsonObject(value) ? withoutDirective(value) : value;
  }
  return out;
}

const withoutDirective = (object: JsonObject): JsonObject => Object.fromEntries(Object.entries(object).filter(([key]) => key !== DIRECTIVE));

function mergeList(old: readonly unknown[], patch: readonly unknown[], field: FieldSchema, key: string): unknown[] {
  const def = field.type.form === 'list' ? objectOf(field.type.element) : undefined;
  let out = patch.some((p) => isJsonObject(p) && p[DIRECTIVE] === 'replace') ? [] : [...old];
  for (const element of patch) {
    if (!isJsonObject(element)) continue;
    const at = out.findIndex((o) => isJsonObject(o) && o[key] === element[key]);
    if (element[DIRECTIVE] === 'delete') out = out.filter((_, i) => i !== at);
    else if (element[DIRECTIVE] === 'replace') continue;
    else if (at < 0) out.push(element);
    else out[at] = mergeObject(out[at] as JsonObject, element, def);
  }
  return out;
}
