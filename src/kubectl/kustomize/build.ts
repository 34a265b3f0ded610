// Builds a kustomization: resources, generators, patches, names, labels, images, replicas (sigs.k8s.io/kustomize).

import { kindOf } from '../../cluster/api/kinds.ts';
import { applyJsonPatch } from '../../cluster/api/patch/json.ts';
import { isJsonObject, type JsonObject } from '../../cluster/api/patch/merge.ts';
import { matchLabels, parseLabelSelector } from '../../cluster/api/selector.ts';
import { parseYaml } from '../../cluster/api/yaml.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../print/error.ts';
import { readText } from '../resource/files.ts';
import type { LiveObject } from '../rest.ts';
import { generate, type Generator, type Options } from './generators.ts';
import { mergePatch } from './merge.ts';
import { contentHash, rename } from './names.ts';
import { addTo, type Item, legacyOrder, rewrite } from './resource.ts';

const FILES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
type Text = Readonly<Record<string, string>>;

interface Target {
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly annotationSelector?: string;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly bases?: readonly string[];
  readonly components?: readonly string[];
  readonly namePrefix?: string;
  readonly nameSuffix?: string;
  readonly namespace?: string;
  readonly commonLabels?: Text;
  readonly commonAnnotations?: Text;
  readonly labels?: readonly { readonly pairs?: Text; readonly includeSelectors?: boolean; readonly includeTemplates?: boolean }[];
  readonly patches?: readonly { readonly path?: string; readonly patch?: string; readonly target?: Target }[];
  readonly patchesStrategicMerge?: readonly string[];
  readonly patchesJson6902?: readonly { readonly path?: string; readonly patch?: string; readonly target?: Target }[];
  readonly images?: readonly { readonly name: string; readonly newName?: string; readonly newTag?: string; readonly digest?: string }[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
  readonly configMapGenerator?: readonly Generator[];
  readonly secretGenerator?: readonly Generator[];
  readonly generatorOptions?: Options;
}

/** The objects of a folder's kustomization, in the order in which they are to be applied. */
export function buildKustomization(context: Context, directory: string): readonly LiveObject[] {
  const { files } = context.os;
  const root = context.path(directory).replace(/\/$/, '');
  if (!files.isDirectory(root)) throw new CommandError(`must build at directory: not a valid directory: evalsymlink failure on '${directory}' : lstat ${root}: no such file or directory`);
  const hashed = rename(new Builder(context).build(root), ({ object, hash }) => `${object.metadata?.name ?? ''}${hash ? `-${contentHash(object)}` : ''}`);
  return legacyOrder(hashed).map((item) => item.object);
}

const SELECTORS: readonly (readonly string[])[] = [['spec', 'selector', 'matchLabels'], ['spec', 'template', 'metadata', 'labels'], ['spec', 'jobTemplate', 'metadata', 'labels'], ['spec', 'jobTemplate', 'spec', 'template', 'metadata', 'labels'], ['spec', 'volumeClaimTemplates', '*', 'metadata', 'labels']];
const WORKLOADS = new Set(['Deployment', 'ReplicaSet', 'DaemonSet', 'StatefulSet', 'Job', 'CronJob', 'ReplicationController']);

class Builder {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  build(root: string): Item[] {
    const { files } = this.#context.os;
    const found = FILES.filter((name) => files.exists(`${root}/${name}`));
    if (found.length === 0) throw new CommandError(`unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${root}'`);
    if (found.length > 1) throw new CommandError(`Found multiple kustomization files: ${root}`);
    const k = (parseYaml(files.read(`${root}/${found[0] as string}`)) ?? {}) as Kustomization;
    if (k.commonLabels) this.#context.printError("# Warning: 'commonLabels' is deprecated. Please use 'labels' instead. Run 'kustomize edit fix' to update your Kustomization automatically.");
    const read = (path: string): string => this.#read(root, path);
    let items: Item[] = [...(k.resources ?? []), ...(k.bases ?? [])].flatMap((path) => this.#resource(root, path));
    for (const [kind, list] of [['ConfigMap', k.configMapGenerator], ['Secret', k.secretGenerator]] as const) for (const g of list ?? []) items = generated(items, generate(kind, g, k.generatorOptions ?? {}, read), g.behavior ?? 'create');
    for (const path of k.components ?? []) items = [...items, ...this.build(join(root, path))];
    items = this.#patched(items, k, read);
    return transformed(items, k);
  }

  #read(root: string, path: string): string {
    const { files } = this.#context.os;
    const at = join(root, path);
    if (!files.exists(at) || files.isDirectory(at)) throw new CommandError(`accumulating resources: accumulation err='accumulating resources from '${path}': open ${at}: no such file or directory'`);
    return files.read(at);
  }

  #resource(root: string, path: string): Item[] {
    if (this.#context.os.files.isDirectory(join(root, path))) return this.build(join(root, path));
    return readText(this.#read(root, path), path, false).map((one) => {
      if ('error' in one) throw one.error;
      return { object: one.object, original: { name: one.object.metadata?.name ?? '', kind: one.object.kind ?? '' }, hash: false };
    });
  }

  #patched(before: readonly Item[], k: Kustomization, read: (path: string) => string): Item[] {
    let items = [...before];
    const merges = (k.patchesStrategicMerge ?? []).map((p) => ({ text: p.includes('\n') ? p : read(p), target: undefined }));
    const others = [...(k.patches ?? []), ...(k.patchesJson6902 ?? [])].map((p) => ({ text: p.patch ?? read(p.path ?? ''), target: p.target }));
    for (const { text, target } of [...merges, ...others]) {
      const first: unknown = parseYaml(text.split(/^---$/m)[0] ?? '');
      if (Array.isArray(first)) items = items.map((item) => (target && matches(item, target) ? { ...item, object: applyJsonPatch(item.object, first) as LiveObject } : item));
      else for (const one of readText(text, 'patch', false)) items = merged(items, 'error' in one ? (first as LiveObject) : one.object, target);
    }
    return items;
  }
}

function join(root: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${root}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function generated(items: readonly Item[], made: Item, behavior: string): Item[] {
  const at = items.findIndex((item) => item.original.kind === made.original.kind && item.original.name === made.original.name);
  if (behavior === 'create' || at < 0) return [...items, made];
  const old = items[at] as Item;
  const data = behavior === 'merge' ? { ...(old.object as { data?: object }).data, ...(made.object as { data?: object }).data } : (made.object as { data?: object }).data;
  return items.with(at, { ...old, object: { ...old.object, data, metadata: { ...old.object.metadata, ...made.object.metadata, name: old.object.metadata?.name ?? '' } } as LiveObject });
}

const anchored = (pattern: string | undefined, text: string): boolean => pattern === undefined || pattern === '' || new RegExp(`^(?:${pattern})$`).test(text);

function matches({ object, original }: Item, t: Target): boolean {
  const apiVersion = object.apiVersion ?? '';
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  const named = anchored(t.name, object.metadata?.name ?? '') || anchored(t.name, original.name);
  if (!named || !anchored(t.kind, object.kind ?? '') || !anchored(t.group, group) || !anchored(t.version, version) || !anchored(t.namespace, object.metadata?.namespace ?? '')) return false;
  if (t.labelSelector && !matchLabels(parseLabelSelector(t.labelSelector), object.metadata?.labels ?? {})) return false;
  return !t.annotationSelector || matchLabels(parseLabelSelector(t.annotationSelector), object.metadata?.annotations ?? {});
}

function merged(items: readonly Item[], patch: LiveObject, target: Target | undefined): Item[] {
  const name = patch.metadata?.name ?? '';
  const wanted = target ?? { kind: patch.kind ?? '', name };
  let hit = false;
  const out = items.flatMap((item) => {
    if (!matches(item, wanted) || (!target && item.object.apiVersion !== patch.apiVersion)) return [item];
    hit = true;
    const schema = kindOf(item.object.apiVersion ?? '', item.object.kind ?? '')?.schema ?? '';
    const object = mergePatch(item.object as JsonObject, patch as JsonObject, schema) as LiveObject | undefined;
    return object ? [{ ...item, object: { ...object, apiVersion: item.object.apiVersion ?? '', kind: item.object.kind ?? '', metadata: { ...object.metadata, name: item.object.metadata?.name ?? '' } } }] : [];
  });
  if (!hit && !target) throw new CommandError(`no resource matches strategic merge patch "${patch.kind}.${(patch.apiVersion ?? '').split('/').reverse().join('.')}/${name}.[noNs]": no matches for Id ${patch.kind}.${(patch.apiVersion ?? '').split('/').reverse().join('.')}/${name}.[noNs]; failed to find unique target for patch ${patch.kind}.${(patch.apiVersion ?? '').split('/').reverse().join('.')}/${name}.[noNs]`);
  return out;
}

function imageOf(image: string, images: NonNullable<Kustomization['images']>): string {
  for (const { name, newName, newTag, digest } of images) {
    const m = /^(.+?)(?::([\w.-]+))?(?:@(.+))?$/.exec(image);
    if (!m || m[1] !== name) continue;
    const suffix = digest ? `@${digest}` : newTag ? `:${newTag}` : `${m[2] ? `:${m[2]}` : ''}${m[3] ? `@${m[3]}` : ''}`;
    return `${newName ?? name}${suffix}`;
  }
  return image;
}

const isNamespaced = (object: LiveObject): boolean => kindOf(object.apiVersion ?? '', object.kind ?? '')?.namespaced ?? true;

function inNamespace(object: LiveObject, namespace: string): LiveObject {
  if (object.kind === 'Namespace') return { ...object, metadata: { ...object.metadata, name: namespace } };
  const placed = isNamespaced(object) ? { ...object, metadata: { ...object.metadata, namespace } } : object;
  const { subjects } = placed as { subjects?: readonly { kind?: string; name?: string }[] };
  return subjects ? ({ ...placed, subjects: subjects.map((s) => (s.kind === 'ServiceAccount' && s.name === 'default' ? { ...s, namespace } : s)) } as LiveObject) : placed;
}

function labelled(object: LiveObject, labels: Text, selectors: boolean, templates: boolean): LiveObject {
  let out = addTo(object, ['metadata', 'labels'], labels, true);
  const kind = object.kind ?? '';
  if (selectors && (kind === 'Service' || kind === 'ReplicationController')) out = addTo(out, ['spec', 'selector'], labels, kind === 'ReplicationController');
  if (WORKLOADS.has(kind)) {
    for (const path of SELECTORS) {
      const isSelector = path.includes('selector');
      if (isSelector ? selectors : selectors || templates) out = addTo(out, path, labels, !isSelector && path[1] === 'template');
    }
  }
  if (selectors && kind === 'NetworkPolicy') out = addTo(out, ['spec', 'podSelector', 'matchLabels'], labels, false);
  if (selectors && kind === 'PodDisruptionBudget') out = addTo(out, ['spec', 'selector', 'matchLabels'], labels, false);
  return out as LiveObject;
}

function annotated(object: LiveObject, annotations: Text): LiveObject {
  let out = addTo(object, ['metadata', 'annotations'], annotations, true);
  const kind = object.kind ?? '';
  if (WORKLOADS.has(kind)) out = addTo(out, kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template', 'metadata', 'annotations'] : ['spec', 'template', 'metadata', 'annotations'], annotations, true);
  return out as LiveObject;
}

function transformed(before: readonly Item[], k: Kustomization): Item[] {
  const counts = new Map((k.replicas ?? []).map((r) => [r.name, r.count]));
  const change = (item: Item): Item => {
    let { object } = item;
    if (k.namespace) object = inNamespace(object, k.namespace);
    for (const { pairs = {}, includeSelectors = false, includeTemplates = false } of k.labels ?? []) object = labelled(object, pairs, includeSelectors, includeTemplates);
    if (k.commonLabels) object = labelled(object, k.commonLabels, true, true);
    if (k.commonAnnotations) object = annotated(object, k.commonAnnotations);
    if (k.images) object = rewrite(object, (fields, key) => ((key === 'containers' || key === 'initContainers') && typeof fields['image'] === 'string' ? { ...fields, image: imageOf(fields['image'], k.images ?? []) } : fields)) as LiveObject;
    const count = counts.get(item.original.name);
    const { spec } = object as { spec?: unknown };
    if (count !== undefined && isJsonObject(spec) && ['Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet'].includes(object.kind ?? '')) object = { ...object, spec: { ...spec, replicas: count } } as LiveObject;
    return { ...item, object };
  };
  return rename(before.map(change), ({ object }) => `${k.namePrefix ?? ''}${object.metadata?.name ?? ''}${k.nameSuffix ?? ''}`);
}
