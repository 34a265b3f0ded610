// Every built-in resource as data: names, scope, verbs, subresources. Paths and verbs are generated from the official
// API description; short names and categories are those that `kubectl api-resources` prints for 1.36.

import { resources as text } from './generated/resources.ts';
import type { CustomKind } from './custom.ts';
import { isDefined } from './schema.ts';

export interface Subresource {
  readonly name: string;
  /** Kind of its body, with the group version where that differs from the resource's own. */
  readonly kind: string;
  readonly apiVersion: string;
  readonly verbs: readonly string[];
}

export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  /** `v1` or `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  /** Name of its definition in schema.ts; '' for kinds made at run time without one. */
  readonly schema: string;
  /** `pods` or `deployments.apps`: the key of ResourceTypes and the resource's name in error texts. */
  readonly key: string;
  /** How a kind of a CustomResourceDefinition decodes, defaults, validates …; null for built-in kinds. */
  readonly custom: CustomKind | null;
}

const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  configmaps: ['cm'],
  componentstatuses: ['cs'],
  endpoints: ['ep'],
  events: ['ev'],
  'events.events.k8s.io': ['ev'],
  limitranges: ['limits'],
  namespaces: ['ns'],
  nodes: ['no'],
  persistentvolumeclaims: ['pvc'],
  persistentvolumes: ['pv'],
  pods: ['po'],
  replicationcontrollers: ['rc'],
  resourcequotas: ['quota'],
  serviceaccounts: ['sa'],
  services: ['svc'],
  'customresourcedefinitions.apiextensions.k8s.io': ['crd', 'crds'],
  'daemonsets.apps': ['ds'],
  'deployments.apps': ['deploy'],
  'replicasets.apps': ['rs'],
  'statefulsets.apps': ['sts'],
  'horizontalpodautoscalers.autoscaling': ['hpa'],
  'cronjobs.batch': ['cj'],
  'certificatesigningrequests.certificates.k8s.io': ['csr'],
  'ingresses.networking.k8s.io': ['ing'],
  'ipaddresses.networking.k8s.io': ['ip'],
  'networkpolicies.networking.k8s.io': ['netpol'],
  'poddisruptionbudgets.policy': ['pdb'],
  'priorityclasses.scheduling.k8s.io': ['pc'],
  'storageclasses.storage.k8s.io': ['sc'],
  'volumeattributesclasses.storage.k8s.io': ['vac'],
};

const ALL = new Set([
  'pods',
  'replicationcontrollers',
  'services',
  'daemonsets.apps',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'horizontalpodautoscalers.autoscaling',
  'cronjobs.batch',
  'jobs.batch',
]);

const EXTENSIONS = new Set([
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
]);

const SUBRESOURCE_VERSIONS: Readonly<Record<string, string>> = {
  scale: 'autoscaling/v1',
  eviction: 'policy/v1',
  token: 'authentication.k8s.io/v1',
};

const SUBRESOURCE_KINDS: Readonly<Record<string, string>> = {
  'pods/attach': 'PodAttachOptions',
  'pods/exec': 'PodExecOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

/** Group versions in the order in which discovery names them; the first version of a group is the preferred one. */
export const GROUP_VERSIONS: readonly string[] = [
  'v1',
  'apiregistration.k8s.io/v1',
  'apps/v1',
  'events.k8s.io/v1',
  'authentication.k8s.io/v1',
  'authorization.k8s.io/v1',
  'autoscaling/v2',
  'autoscaling/v1',
  'batch/v1',
  'certificates.k8s.io/v1',
  'networking.k8s.io/v1',
  'policy/v1',
  'rbac.authorization.k8s.io/v1',
  'storage.k8s.io/v1',
  'admissionregistration.k8s.io/v1',
  'apiextensions.k8s.io/v1',
  'scheduling.k8s.io/v1',
  'coordination.k8s.io/v1',
  'node.k8s.io/v1',
  'discovery.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'resource.k8s.io/v1',
];

const read = text
  .split('\n')
  .filter((line) => line !== '')
  .map(readLine);

/** All built-in resources, group version by group version as in discovery, plural by plural. */
export const KINDS: readonly ResourceKind[] = GROUP_VERSIONS.flatMap((gv) => read.filter((k) => k.apiVersion === gv));

const byKey = new Map<string, ResourceKind>();
/** By apiVersion, then by kind or plural: looking up two known texts is cheaper than joining them. */
const byKind = new Map<string, Map<string, ResourceKind>>();
const byResource = new Map<string, Map<string, ResourceKind>>();
for (const apiVersion of GROUP_VERSIONS) {
  byKind.set(apiVersion, new Map());
  byResource.set(apiVersion, new Map());
}
for (const kind of KINDS) {
  if (!byKey.has(kind.key)) byKey.set(kind.key, kind);
  byKind.get(kind.apiVersion)?.set(kind.kind, kind);
  byResource.get(kind.apiVersion)?.set(kind.plural, kind);
}

function readLine(line: string): ResourceKind {
  const [apiVersion, plural, kind, schema, scope, verbs, subresources] = line.split('|') as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const key = group === '' ? plural : `${plural}.${group}`;
  const categories = ALL.has(key) ? ['all'] : EXTENSIONS.has(key) ? ['api-extensions'] : [];
  return {
    group,
    version: apiVersion.slice(slash + 1),
    apiVersion,
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: SHORT_NAMES[key] ?? [],
    categories,
    namespaced: scope === 'N',
    verbs: verbs.split(','),
    subresources: subresources === '' ? [] : subresources.split(' ').map((s) => readSubresource(s, plural, apiVersion)),
    schema,
    key,
    custom: null,
  };
}

function readSubresource(part: string, plural: string, own: string): Subresource {
  const [name, kind, verbs] = part.split(':') as [string, string, string];
  return {
    name,
    kind: SUBRESOURCE_KINDS[`${plural}/${name}`] ?? kind.replace(/^V\d(?=[A-Z])/, ''),
    apiVersion: SUBRESOURCE_VERSIONS[name] ?? own,
    verbs: verbs.split(','),
  };
}

/** The resource under `pods` or `deployments.apps`, in its preferred version. Undefined when there is none. */
export const resourceOf = (key: string): ResourceKind | undefined => byKey.get(key);

/** The resource that objects of this apiVersion and kind belong to. */
export const kindOf = (apiVersion: string, kind: string): ResourceKind | undefined => byKind.get(apiVersion)?.get(kind);

/** The resource that a URL names: apiVersion as `v1` or `apps/v1`, plural as in the path. */
export const resourceAt = (apiVersion: string, plural: string): ResourceKind | undefined => byResource.get(apiVersion)?.get(plural);

/** The resource under that key; throws where a program names one that does not exist. */
export function mustResource(key: string): ResourceKind {
  const found = byKey.get(key);
  if (!found) throw new Error(`no resource ${key}`);
  return found;
}

/** Whether the resource has that subresource (`status`, `scale`, …). */
export function hasSubresource(kind: ResourceKind, name: string): boolean {
  for (const subresource of kind.subresources) if (subresource.name === name) return true;
  return false;
}

/** A kind that is the body of a request but no resource of its own (`Eviction`, `Scale`, `DeleteOptions`). */
export function bodyKind(apiVersion: string, kind: string): ResourceKind {
  const slash = apiVersion.indexOf('/');
  return {
    group: slash < 0 ? '' : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    apiVersion,
    kind,
    plural: kind.toLowerCase(),
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: true,
    verbs: [],
    subresources: [],
    schema: isDefined(kind) ? kind : '',
    key: kind.toLowerCase(),
    custom: null,
  };
}
