// Writes what can be derived from the official API description: types, the compact schema and the resource table that
// src/cluster/api uses, and the JSON schema of the editor. The description comes from the models and paths inside
// @kubernetes/client-node (release-1.36); what these lack (merge keys, enums, quantities) stands in src/cluster/api/facts.json.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApiPool } from './openapi.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const gen = join(root, 'node_modules/@kubernetes/client-node/dist/gen');
const out = join(root, 'src/cluster/api/generated');
const facts = JSON.parse(readFileSync(join(root, 'src/cluster/api/facts.json'), 'utf8'));

/** Group versions that a default 1.36 API server serves: class name in client-node → apiVersion. */
const groupVersions = {
  CoreV1: 'v1',
  AdmissionregistrationV1: 'admissionregistration.k8s.io/v1',
  ApiextensionsV1: 'apiextensions.k8s.io/v1',
  ApiregistrationV1: 'apiregistration.k8s.io/v1',
  AppsV1: 'apps/v1',
  AuthenticationV1: 'authentication.k8s.io/v1',
  AuthorizationV1: 'authorization.k8s.io/v1',
  AutoscalingV1: 'autoscaling/v1',
  AutoscalingV2: 'autoscaling/v2',
  BatchV1: 'batch/v1',
  CertificatesV1: 'certificates.k8s.io/v1',
  CoordinationV1: 'coordination.k8s.io/v1',
  DiscoveryV1: 'discovery.k8s.io/v1',
  EventsV1: 'events.k8s.io/v1',
  FlowcontrolApiserverV1: 'flowcontrol.apiserver.k8s.io/v1',
  NetworkingV1: 'networking.k8s.io/v1',
  NodeV1: 'node.k8s.io/v1',
  PolicyV1: 'policy/v1',
  RbacAuthorizationV1: 'rbac.authorization.k8s.io/v1',
  ResourceV1: 'resource.k8s.io/v1',
  SchedulingV1: 'scheduling.k8s.io/v1',
  StorageV1: 'storage.k8s.io/v1',
};

/** Models whose short name is contested: these lose and keep the name that client-node gave them. */
const keepLongName = new Set([
  'ApiextensionsV1ServiceReference',
  'ApiextensionsV1WebhookClientConfig',
  'ApiregistrationV1ServiceReference',
  'CoreV1ResourceClaim',
  'DiscoveryV1EndpointPort',
  'EventsV1Event',
  'EventsV1EventList',
  'EventsV1EventSeries',
  'FlowcontrolV1Subject',
  'StorageV1TokenRequest',
]);

const models = readModels();
const names = new Map();
for (const model of models.keys()) {
  const short = model.replace(
    /^(Admissionregistration|Apiextensions|Apiregistration|Authentication|Core|Discovery|Events|Flowcontrol|Rbac|Resource|Storage)?V[12](?=[A-Z])/,
    '',
  );
  const contested = keepLongName.has(model) || (/^V1[A-Z]/.test(model) && models.has(`V2${short}`));
  names.set(model, contested ? model : short);
}

const resources = readResources();
const used = closure([
  ...resources.map((r) => r.model),
  ...resources.flatMap((r) => r.subresources.map((s) => s.model)),
  'V1Status',
  'V1DeleteOptions',
  'V1Scale',
  'V1Eviction',
  'V1Binding',
  'V1ListMeta',
  'V1PodList',
  'V1APIResourceList',
  'V1APIGroupList',
  'V1APIGroup',
  'V1APIVersions',
  'VersionInfo',
]);
/** Models that travel as whole objects: their metadata, spec and status are always there. */
const topLevel = new Set([...resources.map((r) => r.model), 'V1Scale', 'V1Eviction', 'AuthenticationV1TokenRequest']);
const TOP_FIELDS = ['apiVersion', 'kind', 'metadata', 'spec', 'status'];

mkdirSync(out, { recursive: true });
mkdirSync(join(root, 'public/schema'), { recursive: true });
writeFileSync(join(out, 'types.ts'), typesFile());
writeFileSync(join(out, 'schema.ts'), schemaFile());
writeFileSync(join(out, 'resources.ts'), resourcesFile());
writeFileSync(join(root, 'public/schema/kubernetes.json'), JSON.stringify(editorSchema()));
const openApiFacts = JSON.parse(readFileSync(join(root, 'scripts/openapi-facts.json'), 'utf8'));
writeFileSync(join(out, 'openapi.json'), JSON.stringify(openApiPool(models, names, facts, openApiFacts)));

/** Every model that some group version may need: name → {doc, fields: [{name, type, format, required, doc}]}. */
function readModels() {
  const found = new Map();
  for (const file of readdirSync(join(gen, 'models'))) {
    const name = /^(\w+)\.js$/.exec(file)?.[1];
    if (!name || /^V\d+(alpha|beta)/.test(name)) continue;
    const script = readFileSync(join(gen, 'models', file), 'utf8');
    const map = /attributeTypeMap = (\[[\s\S]*?\n\]);/.exec(script);
    if (!map) continue;
    const declaration = readFileSync(join(gen, 'models', `${name}.d.ts`), 'utf8');
    const documented = new Map();
    for (const m of declaration.matchAll(/(?:\/\*\*\s*\* ([^\n]*)\s*\*\/\s*)?'([^']+)'(\??): ([^;]+);/g)) {
      documented.set(m[2], { doc: unescapeDoc(m[1] ?? ''), required: m[3] === '' });
    }
    const doc = unescapeDoc(/\/\*\*\n\* ([^\n]*)\n\*\/\nexport declare class/.exec(declaration)?.[1] ?? '');
    const fields = JSON.parse(map[1]).map((f) => ({ ...f, ...documented.get(f.name), name: f.baseName }));
    found.set(name, { doc, fields });
  }
  return found;
}

function unescapeDoc(text) {
  return text
    .replaceAll('\\"', '"')
    .replaceAll('\\&#39;', "'")
    .replaceAll("\\'", "'")
    .replaceAll('/_*', '/*')
    .replaceAll('*_/', '*/')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .trim();
}

/** What the paths say: plural, kind, scope, verbs and subresources of every resource of every served group version. */
function readResources() {
  const found = new Map();
  const verbOf = { POST: 'create', PUT: 'update', PATCH: 'patch' };
  for (const [cls, apiVersion] of Object.entries(groupVersions)) {
    const script = readFileSync(join(gen, 'apis', `${cls}Api.js`), 'utf8');
    const prefix = apiVersion === 'v1' ? '/api/v1/' : `/apis/${apiVersion}/`;
    const [requests, responses] = script.split('ApiResponseProcessor {');
    const results = new Map();
    for (const m of responses.matchAll(/async (\w+)WithHttpInfo\(response\)[\s\S]*?parse\([^)]*\), contentType\), "(\w+)"/g))
      results.set(m[1], m[2]);
    for (const m of requests.matchAll(
      /async (\w+)\([^)]*\) \{[\s\S]*?localVarPath = '([^']+)'[\s\S]*?HttpMethod\.(\w+)\)([\s\S]*?)return requestContext;/g,
    )) {
      const [, call, path, method, rest] = m;
      if (!path.startsWith(prefix)) continue;
      const parts = path.slice(prefix.length).split('/');
      const namespaced = parts[0] === 'namespaces' && parts.length > 2 && !['status', 'finalize'].includes(parts[2]);
      if (namespaced) parts.splice(0, 2);
      const [plural, key, subresource] = parts;
      if (!plural || plural === 'watch' || parts.length > 3 || (key && key !== '{name}')) continue;
      const id = `${apiVersion}/${plural}`;
      const entry = found.get(id) ?? { apiVersion, plural, namespaced: false, verbs: new Set(), subresources: new Map(), model: '' };
      found.set(id, entry);
      if (namespaced) entry.namespaced = true;
      const body = /serialize\(body, "(\w+)"/.exec(rest)?.[1];
      if (subresource) {
        const sub = entry.subresources.get(subresource) ?? { name: subresource, verbs: new Set(), model: '' };
        entry.subresources.set(subresource, sub);
        if (method !== 'HEAD' && method !== 'OPTIONS')
          sub.verbs.add(method === 'GET' ? 'get' : method === 'DELETE' ? 'delete' : (verbOf[method] ?? method.toLowerCase()));
        const model = body && method !== 'PATCH' ? body : results.get(call);
        if (model && model !== 'string' && model !== 'any') sub.model = model;
        continue;
      }
      if (call.startsWith('list')) entry.verbs.add('list').add('watch');
      else if (call.startsWith('read')) entry.verbs.add('get');
      else if (call.startsWith('deleteCollection')) entry.verbs.add('deletecollection');
      else if (method === 'DELETE') entry.verbs.add('delete');
      else if (verbOf[method]) entry.verbs.add(verbOf[method]);
      if (body && (method === 'POST' || method === 'PUT')) entry.model = body;
      else if (!entry.model && call.startsWith('read')) entry.model = results.get(call) ?? '';
    }
  }
  return [...found.values()]
    .filter((r) => r.model !== '')
    .map((r) => ({
      ...r,
      verbs: sorted(r.verbs),
      subresources: [...r.subresources.values()]
        .map((s) => ({ ...s, verbs: sorted(s.verbs), model: s.model || r.model }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    }))
    .sort((a, b) => (a.apiVersion + a.plural < b.apiVersion + b.plural ? -1 : 1));
}

function sorted(words) {
  return [...words].sort((a, b) => (a < b ? -1 : 1));
}

function referenced(type) {
  return /^(?:Array<|\{ \[key: string\]: (?:Array<)?)?(\w+)/.exec(type)[1];
}

function closure(seeds) {
  const seen = new Set();
  const queue = seeds.filter((s) => models.has(s));
  while (queue.length > 0) {
    const model = queue.pop();
    if (seen.has(model)) continue;
    seen.add(model);
    for (const field of models.get(model).fields) if (models.has(referenced(field.type))) queue.push(referenced(field.type));
  }
  return [...seen].sort((a, b) => (names.get(a) < names.get(b) ? -1 : 1));
}

function typeScript(type) {
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return `Readonly<Record<string, ${typeScript(map[1])}>>`;
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return `readonly ${wrapped(typeScript(list[1]))}[]`;
  if (models.has(type)) return names.get(type);
  return { Date: 'string', V1MicroTime: 'string', IntOrString: 'IntOrString', any: 'unknown' }[type] ?? type;
}

function wrapped(type) {
  return /[ |]/.test(type) ? `(${type})` : type;
}

function typesFile() {
  const lines = [
    '// Generated by scripts/generate.mjs. The API types of Kubernetes 1.36 as immutable JSON.',
    '// Times are RFC 3339 strings, quantities strings, bytes base64 strings.',
    '',
    'export type IntOrString = number | string;',
    '',
    '/** Metadata of a template: what ObjectMeta holds, and nothing of it need be there. */',
    "export type TemplateMeta = Omit<ObjectMeta, 'name'> & { readonly name?: string };",
    '',
  ];
  for (const model of used) {
    const { doc, fields } = models.get(model);
    const name = names.get(model);
    const kind = topLevel.has(model) && fields.some((f) => f.name === 'metadata');
    if (doc) lines.push(`/** ${firstSentence(doc)} */`);
    lines.push(`export interface ${name} {`);
    for (const f of fields) {
      const top = kind && TOP_FIELDS.includes(f.name);
      const meta = f.type === 'V1ObjectMeta' && !kind;
      const need = f.required || top || facts.present.includes(`${name}.${f.name}`) || (name === 'ObjectMeta' && f.name === 'name');
      const doc = f.doc ? `/** ${firstSentence(f.doc)} */ ` : '';
      const key = /^\w+$/.test(f.name) ? f.name : `'${f.name}'`;
      if (doc) lines.push(`  ${doc.trimEnd()}`);
      lines.push(`  readonly ${key}${need ? '' : '?'}: ${meta ? 'TemplateMeta' : typeScript(f.type)};`);
    }
    lines.push('}', '');
  }
  lines.push(
    '/** Every resource of the default API server under the key `plural` or `plural.group`. */',
    'export interface ResourceTypes {',
  );
  for (const r of resources) {
    if (r.apiVersion === 'autoscaling/v1') continue;
    lines.push(`  readonly '${resourceKey(r)}': ${names.get(r.model)};`);
  }
  lines.push('}', '');
  return lines.join('\n');
}

function resourceKey({ apiVersion, plural }) {
  return apiVersion.includes('/') ? `${plural}.${apiVersion.split('/')[0]}` : plural;
}

function firstSentence(doc) {
  const text = doc.replaceAll('*/', '* /').replace(/\s+/g, ' ');
  const end = text.search(/[.:] [A-Z]/);
  const sentence = end > 0 ? text.slice(0, end + 1) : text;
  return sentence.length > 220 ? `${sentence.slice(0, 217)}…` : sentence;
}

/** One letter for each scalar, `[]` list of, `{}` map of, a definition's name for an object. Explained in ../schema.ts. */
function code(type, format, path) {
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return `{}${code(map[1], format, path)}`;
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return `[]${code(list[1], format, path)}`;
  if (facts.quantities.includes(path)) return 'q';
  if (facts.raw.includes(path)) return 'x';
  if (models.has(type)) return names.get(type);
  if (type === 'string') return format === 'byte' ? 'y' : 's';
  if (type === 'number') return { int32: 'i', int64: 'l', double: 'f' }[format] ?? 'i';
  return (
    { boolean: 'b', Date: 't', V1MicroTime: 'm', IntOrString: 'o', any: 'x', object: 'x' }[type] ?? fail(`no code for ${type} (${path})`)
  );
}

function fail(message) {
  throw new Error(message);
}

function schemaFile() {
  const lines = [];
  for (const model of used) {
    const name = names.get(model);
    const fields = models.get(model).fields.map((f) => {
      const path = `${name}.${f.name}`;
      const top = topLevel.has(model) && TOP_FIELDS.slice(2).includes(f.name) && models.has(f.type);
      const need = (f.required || top || facts.present.includes(path)) && !facts.pointers.includes(path) ? '!' : '';
      const merge = facts.patchMerge[path] ? `/${facts.patchMerge[path]}` : '';
      const list = facts.lists[path] ? `%${facts.lists[path]}` : '';
      return `${f.name}${need}:${code(f.type, f.format, path)}${merge}${list}`;
    });
    lines.push(`${name} ${fields.join(';')}`);
  }
  return [
    '// Generated by scripts/generate.mjs: every definition on one line. ../schema.ts explains and reads the notation.',
    'export const definitions = `',
    ...lines,
    '`;',
    '',
  ].join('\n');
}

function resourcesFile() {
  const lines = resources.map((r) => {
    const subs = r.subresources.map((s) => `${s.name}:${names.get(s.model)}:${s.verbs.join(',')}`).join(' ');
    const kind = names
      .get(r.model)
      .replace(/^[A-Z][a-z]*V\d(?=[A-Z])/, '')
      .replace(/^V\d(?=[A-Z])/, '');
    return [r.apiVersion, r.plural, kind, names.get(r.model), r.namespaced ? 'N' : 'C', r.verbs.join(','), subs].join('|');
  });
  return [
    '// Generated by scripts/generate.mjs: apiVersion|plural|kind|definition|scope|verbs|subresources. Read by ../kinds.ts.',
    'export const resources = `',
    ...lines,
    '`;',
    '',
  ].join('\n');
}

/** The editor's JSON schema: the kinds people write, an if/then for each, closed objects, descriptions, enums. */
function editorSchema() {
  const kinds = resources.filter((r) =>
    facts.editorKinds.includes(r.apiVersion + ' ' + names.get(r.model).replace(/^(EventsV1|V1)(?=[A-Z])/, '')),
  );
  const needed = closure(kinds.map((r) => r.model));
  const defs = {};
  for (const model of needed) {
    const { doc, fields } = models.get(model);
    const name = names.get(model);
    const properties = {};
    for (const f of fields) {
      if (name !== 'ObjectMeta' || f.name !== 'managedFields')
        properties[f.name] = editorType(f.type, f.format, `${name}.${f.name}`, f.doc);
    }
    const required = fields.filter((f) => f.required && f.name !== 'status').map((f) => f.name);
    defs[name] = {
      type: 'object',
      ...(doc ? { description: doc } : {}),
      properties,
      additionalProperties: false,
      ...(required.length ? { required } : {}),
    };
  }
  const versions = [...new Set(kinds.map((r) => r.apiVersion))];
  const allOf = kinds.map((r) => {
    const kind = names.get(r.model);
    return {
      if: { required: ['kind'], properties: { kind: { const: kind } } },
      then: {
        allOf: [
          { $ref: `#/definitions/${kind}` },
          {
            required: ['apiVersion', 'kind', 'metadata'],
            properties: { apiVersion: { enum: kinds.filter((k) => names.get(k.model) === kind).map((k) => k.apiVersion) } },
          },
        ],
      },
    };
  });
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    required: ['apiVersion', 'kind'],
    properties: {
      apiVersion: { type: 'string', enum: versions },
      kind: { type: 'string', enum: kinds.map((r) => names.get(r.model)) },
      metadata: { $ref: '#/definitions/ObjectMeta' },
    },
    allOf,
    definitions: defs,
  };
}

function editorType(type, format, path, doc) {
  const description = doc ? { description: doc } : {};
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map) return { type: ['object', 'null'], ...description, additionalProperties: editorType(map[1], format, path) };
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return { type: ['array', 'null'], ...description, items: editorType(list[1], format, path) };
  const values = facts.enums[path];
  if (facts.quantities.includes(path)) return { type: ['string', 'number'], ...description };
  if (models.has(type))
    return doc ? { allOf: [{ $ref: `#/definitions/${names.get(type)}` }], description: doc } : { $ref: `#/definitions/${names.get(type)}` };
  if (type === 'string') return { type: 'string', ...description, ...(values ? { enum: values } : {}) };
  if (type === 'number') return { type: format === 'double' ? 'number' : 'integer', ...description };
  if (type === 'boolean') return { type: 'boolean', ...description };
  if (type === 'IntOrString') return { type: ['integer', 'string'], ...description };
  if (type === 'Date' || type === 'V1MicroTime') return { type: 'string', format: 'date-time', ...description };
  return { ...description };
}
