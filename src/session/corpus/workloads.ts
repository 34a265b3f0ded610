// The workloads of the shared corpus and what is applied for each: the file it stands in, with what its directory brings
// beside it (configuration, claims, accounts, namespaces), in namespaces of its own so that many share one cluster.

import { readdirSync, readFileSync } from 'node:fs';
import { kindOf } from '../../cluster/api/kinds.ts';
import { readText } from '../../kubectl/resource/files.ts';

export interface Expectation {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  /** `Ready`, `Complete`, `restarts/fails by design`, `needs extra: …`. */
  readonly end: string;
  readonly features: readonly string[];
}

export interface CorpusObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** Everything that is applied for one file. */
export interface Round {
  readonly file: string;
  readonly suffix: string;
  readonly objects: readonly CorpusObject[];
  readonly expected: readonly Expectation[];
}

const WORKLOADS = new Set(['Pod', 'Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob']);
/** Of the neighbours in a directory: what would hinder a workload that it was not written for. */
const HINDRANCES = new Set([
  'LimitRange', 'ResourceQuota', 'NetworkPolicy', 'ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration', 'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding', 'MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding', 'APIService', 'Node',
]);
const FIRST = ['Namespace', 'CustomResourceDefinition', 'PriorityClass', 'StorageClass', 'PersistentVolume', 'ServiceAccount', 'Secret', 'ConfigMap', 'PersistentVolumeClaim', 'Service'];

type Row = readonly [string, string, string, string, readonly string[], readonly string[]];

/** The rounds in the corpus' order. `folder` ends with a slash. */
export function roundsOf(folder: string): readonly Round[] {
  const rows = JSON.parse(readFileSync(`${folder}expected-ends.json`, 'utf8')) as readonly Row[];
  const byFile = new Map<string, Expectation[]>();
  for (const [file, kind, name, end, , features] of rows) {
    const list = byFile.get(file) ?? [];
    list.push({ file, kind, name, end, features });
    byFile.set(file, list);
  }
  const cache = new Map<string, readonly CorpusObject[]>();
  const read = (file: string): readonly CorpusObject[] => {
    const known = cache.get(file);
    if (known) return known;
    const objects = objectsOf(folder, file);
    cache.set(file, objects);
    return objects;
  };
  return [...byFile].map(([file, expected], i) => roundOf(folder, file, expected, `-f${i}`, read));
}

function roundOf(folder: string, file: string, expected: readonly Expectation[], suffix: string, read: (file: string) => readonly CorpusObject[]): Round {
  const directory = file.slice(0, file.lastIndexOf('/') + 1);
  const others = readdirSync(folder + directory).filter((name) => /\.(ya?ml|json)$/.test(name) && directory + name !== file);
  // A script that waits for another workload needs that workload.
  const waits = expected.some((e) => e.features.some((f) => f.includes('wait-for-dependency')));
  const objects = [...read(file)];
  const taken = new Set(objects.map(identity));
  const homes = new Set(objects.map(namespaceOf));
  for (const other of others) {
    for (const object of read(directory + other)) {
      if (HINDRANCES.has(object.kind) || (WORKLOADS.has(object.kind) && !waits) || !homes.has(namespaceOf(object)) || taken.has(identity(object))) continue;
      taken.add(identity(object));
      objects.push(object);
    }
  }
  const namespaces = [...new Set(objects.filter((o) => kindOf(o.apiVersion, o.kind)?.namespaced).map(namespaceOf))];
  // Volumes and claims find each other by a class that often is but a word: each round has its own.
  const classes = new Set(objects.filter((o) => o.kind === 'StorageClass').map((o) => o.metadata.name));
  const ofVolumes = objects.filter((o) => o.kind === 'PersistentVolume').map((o) => (o['spec'] as { readonly storageClassName?: string } | undefined)?.storageClassName ?? '');
  const words = ofVolumes.filter((name) => name !== '' && !classes.has(name));
  const volumes = objects.filter((o) => o.kind === 'PersistentVolume').map((o) => o.metadata.name ?? '');
  const moved = objects.filter((o) => o.kind !== 'Namespace').map((object) => move(object, namespaces, suffix, words, volumes));
  const made = namespaces.map((name): CorpusObject => {
    const given = objects.find((o) => o.kind === 'Namespace' && o.metadata.name === name);
    return { ...given, apiVersion: 'v1', kind: 'Namespace', metadata: { ...given?.metadata, name: name + suffix } };
  });
  const rank = (object: CorpusObject): number => (FIRST.includes(object.kind) ? FIRST.indexOf(object.kind) : FIRST.length);
  return { file, suffix, expected, objects: [...made, ...moved].sort((a, b) => rank(a) - rank(b)) };
}

const namespaceOf = (object: CorpusObject): string => object.metadata.namespace || 'default';
const identity = (object: CorpusObject): string => `${object.kind}/${namespaceOf(object)}/${object.metadata.name ?? ''}`;

/** The object in its round's namespaces: what names a namespace in it follows. */
function move(object: CorpusObject, namespaces: readonly string[], suffix: string, classes: readonly string[], volumes: readonly string[]): CorpusObject {
  const text = JSON.stringify(object, (key, value: unknown) => {
    // A default class would be every round's.
    if (key.endsWith('is-default-class')) return 'false';
    if (typeof value !== 'string') return value;
    if (key === 'namespace' && namespaces.includes(value)) return value + suffix;
    if ((key === 'storageClassName' && classes.includes(value)) || (key === 'volumeName' && volumes.includes(value))) return value + suffix;
    return value.replace(/\.([a-z0-9-]+)\.svc\b/g, (all, name: string) => (namespaces.includes(name) ? `.${name}${suffix}.svc` : all));
  });
  const copy = JSON.parse(text) as CorpusObject;
  if (copy.kind === 'PersistentVolume') return { ...copy, metadata: { ...copy.metadata, name: (copy.metadata.name ?? '') + suffix } };
  if (!kindOf(copy.apiVersion, copy.kind)?.namespaced) return copy;
  const { namespace: _namespace, ...metadata } = copy.metadata;
  return { ...copy, metadata: { ...metadata, namespace: namespaceOf(object) + suffix } };
}

function objectsOf(folder: string, file: string): readonly CorpusObject[] {
  const out: CorpusObject[] = [];
  for (const read of readText(readFileSync(folder + file, 'utf8'), file, false)) {
    if ('error' in read) continue;
    const object = read.object as unknown as CorpusObject;
    if (object.kind.endsWith('List') && Array.isArray(object['items'])) out.push(...(object['items'] as CorpusObject[]));
    else if (typeof object.metadata === 'object' && object.metadata !== null) out.push(object);
  }
  return out;
}
