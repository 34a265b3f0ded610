// What the API server warns about in Pods and Pod templates (pkg/api/pod/warnings.go): deprecated labels, annotations and
// volumes, duplicates that hide each other, amounts that make no sense.

import type {
  Container,
  ContainerPort,
  EnvVar,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../generated/types.ts';
import { parseQuantity } from '../quantity.ts';

/** Collects warnings; `at` is a path such as `spec.template.spec`. */
export type Warn = (text: string) => void;

const deprecated = (since: string, instead: string): string => `deprecated since ${since}; use "${instead}" instead`;

/** Labels of nodes that have newer names. */
export const OLD_NODE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': deprecated('v1.14', 'kubernetes.io/arch'),
  'beta.kubernetes.io/os': deprecated('v1.14', 'kubernetes.io/os'),
  'failure-domain.beta.kubernetes.io/region': deprecated('v1.17', 'topology.kubernetes.io/region'),
  'failure-domain.beta.kubernetes.io/zone': deprecated('v1.17', 'topology.kubernetes.io/zone'),
  'beta.kubernetes.io/instance-type': deprecated('v1.17', 'node.kubernetes.io/instance-type'),
};

/** Volume types that no longer work. */
export const OLD_VOLUMES: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'seccomp.security.alpha.kubernetes.io/pod': 'non-functional in v1.27+; use the "seccompProfile" field instead',
};
const OLD_PREFIXES: readonly (readonly [string, string])[] = [
  ['container.seccomp.security.alpha.kubernetes.io/', 'non-functional in v1.27+; use the "seccompProfile" field instead'],
  ['container.apparmor.security.beta.kubernetes.io/', 'deprecated since v1.30; use the "appArmorProfile" field instead'],
];

/** `root` is the path of the Pod or template: '' or `spec.template`. */
export function warnOfPod(warn: Warn, root: string, annotations: Readonly<Record<string, string>> | undefined, spec: PodSpec): void {
  const under = (path: string): string => (root === '' ? path : `${root}.${path}`);
  for (const key in spec.nodeSelector) if (OLD_NODE_LABELS[key]) warn(`${under('spec')}.nodeSelector[${key}]: ${OLD_NODE_LABELS[key]}`);
  warnOfAffinity(warn, under('spec.affinity'), spec);
  const spread = spec.topologySpreadConstraints ?? [];
  for (let i = 0; i < spread.length; i++) {
    const at = under(`spec.topologySpreadConstraints[${i}]`);
    const key = spread[i]?.topologyKey ?? '';
    if (OLD_NODE_LABELS[key]) warn(`${at}.topologyKey: ${key} is ${OLD_NODE_LABELS[key]}`);
    if (spread[i]?.labelSelector === undefined) warn(`${at}.labelSelector: a null labelSelector results in matching no pod`);
  }
  for (const key in annotations) {
    const old = OLD_ANNOTATIONS[key] ?? OLD_PREFIXES.find(([prefix]) => key.startsWith(prefix))?.[1];
    if (old !== undefined) warn(`${under('metadata')}.annotations[${key}]: ${old}`);
  }
  warnOfVolumes(warn, under('spec.volumes'), spec.volumes ?? []);
  warnOfNames(warn, under('spec'), spec);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warn(`${under('spec')}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`);
  }
  for (const list of ['initContainers', 'containers'] as const) {
    const containers = spec[list] ?? [];
    for (let i = 0; i < containers.length; i++) warnOfContainer(warn, under(`spec.${list}[${i}]`), containers[i] as Container);
  }
  warnOfPorts(warn, under('spec'), spec);
}

export const warnOfTemplate = (warn: Warn, at: string, template: PodTemplateSpec): void =>
  warnOfPod(warn, at, template.metadata.annotations, template.spec);

export function warnOfTerms(warn: Warn, at: string, term: NodeSelectorTerm | undefined): void {
  const expressions = term?.matchExpressions ?? [];
  for (let i = 0; i < expressions.length; i++) {
    const key = expressions[i]?.key ?? '';
    if (OLD_NODE_LABELS[key]) warn(`${at}.matchExpressions[${i}].key: ${key} is ${OLD_NODE_LABELS[key]}`);
  }
}

function warnOfAffinity(warn: Warn, at: string, { affinity }: PodSpec): void {
  if (affinity === undefined) return;
  const node = affinity.nodeAffinity;
  const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
  const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
  const terms = node?.[hard]?.nodeSelectorTerms ?? [];
  for (let i = 0; i < terms.length; i++) warnOfTerms(warn, `${at}.nodeAffinity.${hard}.nodeSelectorTerms[${i}]`, terms[i]);
  const wishes = node?.[soft] ?? [];
  for (let i = 0; i < wishes.length; i++) warnOfTerms(warn, `${at}.nodeAffinity.${soft}[${i}].preference`, wishes[i]?.preference);
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const must = affinity[kind]?.[hard] ?? [];
    for (let i = 0; i < must.length; i++) warnOfPodTerm(warn, `${at}.${kind}.${hard}[${i}]`, must[i]);
    const may = affinity[kind]?.[soft] ?? [];
    for (let i = 0; i < may.length; i++) warnOfPodTerm(warn, `${at}.${kind}.${soft}[${i}].podAffinityTerm`, may[i]?.podAffinityTerm);
  }
}

function warnOfPodTerm(warn: Warn, at: string, term: PodAffinityTerm | undefined): void {
  if (term?.labelSelector === undefined) warn(`${at}.labelSelector: a null labelSelector results in matching no pod`);
}

function warnOfVolumes(warn: Warn, at: string, volumes: readonly Volume[]): void {
  for (let i = 0; i < volumes.length; i++) {
    for (const key in volumes[i]) if (OLD_VOLUMES[key]) warn(`${at}[${i}].${key}: ${OLD_VOLUMES[key]}`);
    const limit = volumes[i]?.emptyDir?.sizeLimit;
    if (limit !== undefined && isFraction(limit)) warn(`${at}[${i}].emptyDir.sizeLimit: ${fraction(limit)}`);
  }
}

const isFraction = (amount: string): boolean => parseQuantity(amount).nanos % 1_000_000_000n !== 0n;
const fraction = (amount: string): string => `fractional byte value "${amount}" is invalid, must be an integer`;

/** A warning about an amount of bytes that is no whole number. */
export function warnOfFraction(warn: Warn, at: string, amount: string | undefined): void {
  if (amount !== undefined && isFraction(amount)) warn(`${at}: ${fraction(amount)}`);
}

function warnOfNames(warn: Warn, at: string, spec: PodSpec): void {
  const addresses = new Set<string>();
  (spec.hostAliases ?? []).forEach(({ ip }, i) => {
    if (addresses.has(ip)) warn(`${at}.hostAliases[${i}].ip: duplicate ip "${ip}"`);
    addresses.add(ip);
  });
  const secrets = new Set<string>();
  (spec.imagePullSecrets ?? []).forEach(({ name = '' }, i) => {
    if (name === '') warn(`${at}.imagePullSecrets[${i}].name: invalid empty name ""`);
    else if (secrets.has(name)) warn(`${at}.imagePullSecrets[${i}].name: duplicate name "${name}"`);
    secrets.add(name);
  });
}

function warnOfContainer(warn: Warn, at: string, c: Container): void {
  for (const list of ['limits', 'requests'] as const) {
    for (const name of ['memory', 'ephemeral-storage'])
      warnOfFraction(warn, `${at}.resources.${list}[${name}]`, c.resources?.[list]?.[name]);
  }
  warnOfEnv(warn, `${at}.env`, c.env ?? []);
}

/** A variable that comes again hides the first, unless it builds on it. */
function warnOfEnv(warn: Warn, at: string, variables: readonly EnvVar[]): void {
  if (variables.length < 2) return;
  const seen = new Set<string>();
  for (let i = 0; i < variables.length; i++) {
    const { name, value } = variables[i] as EnvVar;
    if (seen.has(name) && !(value ?? '').includes(`$(${name})`)) {
      warn(`${at}[${i}]: hides previous definition of "${name}", which may be dropped when using apply`);
    }
    seen.add(name);
  }
}

function warnOfPorts(warn: Warn, at: string, spec: PodSpec): void {
  const byNumber = new Map<string, string>();
  const byName = new Map<string, string>();
  for (const list of ['containers', 'initContainers'] as const) {
    (spec[list] ?? []).forEach((c, i) => {
      if (list === 'initContainers' && c.restartPolicy !== 'Always') return;
      (c.ports ?? []).forEach((port, j) =>
        warnOfPort(warn, `${at}.${list}[${i}].ports[${j}]`, `${at}.${list}[${i}]`, port, byNumber, byName),
      );
    });
  }
}

function warnOfPort(
  warn: Warn,
  at: string,
  container: string,
  { containerPort, protocol = 'TCP', hostPort = 0, hostIP = '', name = '' }: ContainerPort,
  byNumber: Map<string, string>,
  byName: Map<string, string>,
): void {
  const id = `${containerPort}/${protocol}/${hostPort}/${hostIP}`;
  const first = byNumber.get(id);
  if (first !== undefined) warn(`${at}: duplicate port definition with ${first}`);
  else byNumber.set(id, at);
  if (name === '') return;
  const other = byName.get(name);
  if (other === undefined) byName.set(name, at);
  else if (!other.startsWith(`${container}.`)) {
    warn(`${at}: duplicate port name "${name}" with ${other}, services and probes that select ports by name will use ${other}`);
  }
}
