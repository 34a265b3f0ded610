// Rebuilds the definitions of the official OpenAPI v2 document from the models inside @kubernetes/client-node and from
// openapi-facts.json, which holds what these lack: packages, line breaks of descriptions, references, extensions, group
// version kinds. The result is the pool of texts that src/cluster/apiserver/openapi makes its documents from.

const capital = (word) => word[0].toUpperCase() + word.slice(1);

/** The model of a definition: the one named after group and version, else after version, else by name alone. */
export function modelOf(models, full) {
  const [name, version, pkg] = full.split('.').reverse();
  const group = capital(pkg);
  return [`${group}${capital(version)}${name}`, `${capital(version)}${name}`, name].find((m) => models.has(m));
}

/** Description with the white space that the models have flattened. `breaks` is `12 13 40t`: places and what stands there. */
function restore(doc, breaks) {
  if (breaks === undefined) return doc;
  const text = [...doc];
  for (const place of breaks.split(' ')) text[Number.parseInt(place, 10)] = place.endsWith('t') ? '\t' : '\n';
  return text.join('');
}

/** The pool: {definitions, defaults}. `facts` are those of src/cluster/api/facts.json, `extra` openapi-facts.json. */
export function openApiPool(models, names, facts, extra) {
  const full = new Map();
  const all = Object.entries(extra.packages).flatMap(([pkg, list]) => list.split(' ').map((name) => `${pkg}.${name}`));
  for (const name of all) {
    const model = modelOf(models, name);
    if (model !== undefined && !full.has(model)) full.set(model, name);
  }
  const definitions = {};
  for (const name of all) definitions[name] = definition(name);
  return { definitions, pointers: extra.pointers };

  function kinds(name) {
    const at = name.lastIndexOf('.');
    const [groupVersion, list] = extra.kinds[name.slice(0, at)] ?? ['', ''];
    if (!list.split(' ').includes(name.slice(at + 1))) return undefined;
    const slash = groupVersion.indexOf('/');
    return [{ group: slash < 0 ? '' : groupVersion.slice(0, slash), kind: name.slice(at + 1), version: groupVersion.slice(slash + 1) }];
  }

  function definition(name) {
    const model = modelOf(models, name);
    const patch = extra.definitions[name] ?? {};
    if (model === undefined || patch.opaque) return { ...patch, opaque: undefined };
    const { doc, fields } = models.get(model);
    const properties = {};
    for (const f of [...fields].sort((a, b) => (a.name < b.name ? -1 : 1))) properties[f.name] = property(name, model, f);
    const required = fields.filter((f) => f.required).map((f) => f.name);
    return cleaned({
      description: restore(doc, extra.breaks[name]) || undefined,
      properties: fields.length === 0 ? undefined : properties,
      required: required.length === 0 ? undefined : required.sort(),
      type: 'object',
      'x-kubernetes-group-version-kind': kinds(name),
      ...patch,
    });
  }

  function property(owner, model, f) {
    const path = `${owner}.${f.name}`;
    const short = `${names.get(model)}.${f.name}`;
    const values = facts.enums[short];
    const description = `${restore(f.doc ?? '', extra.breaks[path]) || textOf(path, f)}${values === undefined ? '' : enumText(values)}`;
    const out = { description: description || undefined, ...shape(f.type, f.format, short), ...extensions(f.type, short) };
    if (values !== undefined && out.items) out.items = { enum: values, ...out.items };
    else if (values !== undefined) out.enum = values;
    if (extra.atomic[owner]?.split(' ').includes(f.name)) out['x-kubernetes-list-type'] = 'atomic';
    return cleaned({ ...out, ...extra.fields[path] });
  }

  /** The models have no text where a field refers to another definition: some common ones stand in the facts. */
  function textOf(path, f) {
    const type = f.type.replace(/^(.*?)V\d(?=[A-Z])/, '');
    return extra.texts[path] ?? extra.texts[`${f.name}:${type}`] ?? extra.texts[f.name] ?? '';
  }

  function shape(type, format, short) {
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
    if (map) return { additionalProperties: shape(map[1], format, short), type: 'object' };
    const list = /^Array<(.*)>$/.exec(type);
    if (list) return { items: shape(list[1], format, short), type: 'array' };
    if (facts.quantities.includes(short)) return { $ref: '#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity' };
    if (full.has(type)) return { $ref: `#/definitions/${full.get(type)}` };
    if (type === 'string') return { format: format || undefined, type: 'string' };
    if (type === 'number') return { format: format || undefined, type: format === 'double' ? 'number' : 'integer' };
    if (type === 'boolean') return { type: 'boolean' };
    const known = { Date: META + 'Time', V1MicroTime: META + 'MicroTime', IntOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString' }[
      type
    ];
    if (known !== undefined) return { $ref: `#/definitions/${known}` };
    return { type: 'object' };
  }

  function extensions(type, short) {
    const merge = facts.patchMerge[short];
    const list = facts.lists[short];
    const out = {};
    if (list === '=') {
      if (type.startsWith('Array<')) out['x-kubernetes-list-type'] = 'atomic';
      else if (!full.has(type)) out['x-kubernetes-map-type'] = 'atomic';
    } else if (list === '*') out['x-kubernetes-list-type'] = 'set';
    else if (list !== undefined) {
      out['x-kubernetes-list-map-keys'] = list.split(',');
      out['x-kubernetes-list-type'] = 'map';
    }
    if (merge === undefined || merge === '=') return out;
    const key = merge.replace(/[+*]$/, '');
    if (key !== '') out['x-kubernetes-patch-merge-key'] = key;
    out['x-kubernetes-patch-strategy'] = merge === '+' ? 'retainKeys' : merge.endsWith('+') ? 'merge,retainKeys' : 'merge';
    return out;
  }
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

const enumText = (values) => `\n\nPossible enum values:\n${values.map((v) => ` - \`"${v}"\``).join('\n')}`;

/** Without fields that are undefined or, in a patch, null. */
function cleaned(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined && value !== null));
}
