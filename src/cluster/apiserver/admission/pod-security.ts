// PodSecurity: the Pod Security Standards as the labels of a namespace ask for them (pod-security-admission/admission).

import type { Namespace, ObjectMeta, Pod, PodSpec } from '../../api/generated/types.ts';
import { forbidden, invalid } from '../../api/status.ts';
import type { AdmissionPlugin, AdmissionRequest } from './chain.ts';
import {
  detailText,
  isLabelled,
  policyOf,
  reasonText,
  sameWanted,
  STRENGTH,
  violations,
  type Wanted,
  wantedText,
} from './pod-security/policy.ts';

/** Resources with Pod templates, and where these are. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  podtemplates: ['template'],
  replicationcontrollers: ['spec', 'template'],
  'replicasets.apps': ['spec', 'template'],
  'deployments.apps': ['spec', 'template'],
  'statefulsets.apps': ['spec', 'template'],
  'daemonsets.apps': ['spec', 'template'],
  'jobs.batch': ['spec', 'template'],
  'cronjobs.batch': ['spec', 'jobTemplate', 'spec', 'template'],
};
const IGNORED = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);
const MOST_PODS = 3_000;

export const podSecurity: AdmissionPlugin = {
  name: 'PodSecurity',
  resources: ['pods', 'namespaces', ...Object.keys(TEMPLATES)],

  handles(request) {
    const { operation, kind, subresource, object, server, namespace } = request;
    if (operation === 'DELETE' || !object) return false;
    if (kind.key === 'namespaces')
      return subresource === '' && (isLabelled(object.metadata.labels) || isLabelled(request.old?.metadata.labels));
    if (kind.key === 'pods' ? IGNORED.has(subresource) : subresource !== '') return false;
    const home = server.store.cache.ofKey('namespaces').get(namespace);
    return isLabelled(home?.metadata['labels'] as Readonly<Record<string, string>> | undefined);
  },

  validate(request) {
    if (request.kind.key === 'namespaces') validateNamespace(request);
    else if (request.kind.key === 'pods') validatePod(request);
    else validateTemplate(request);
  },
};

function policyFor({ server, namespace }: AdmissionRequest): ReturnType<typeof policyOf> {
  const home = server.store.cache.ofKey('namespaces').get(namespace) as unknown as Namespace;
  return policyOf(home.metadata.labels);
}

function validatePod(request: AdmissionRequest): void {
  const pod = request.object as unknown as Pod;
  if (request.operation === 'UPDATE' && !isSignificant(pod, request.old as unknown as Pod)) return;
  const { policy } = policyFor(request);
  const against = violations(policy.enforce, pod.metadata, pod.spec);
  if (against.length > 0) {
    throw forbidden(request.kind, request.name, `violates PodSecurity "${wantedText(policy.enforce)}": ${detailText(against)}`);
  }
  audit(request, policy.audit, pod.metadata, pod.spec);
  warn(request, policy.warn, pod.metadata, pod.spec);
}

function audit({ x }: AdmissionRequest, wanted: Wanted, metadata: ObjectMeta, spec: PodSpec): void {
  if (!x.audited) return;
  const against = violations(wanted, metadata, spec);
  if (against.length === 0) return;
  x.audited.annotate(
    'pod-security.kubernetes.io/audit-violations',
    `would violate PodSecurity "${wantedText(wanted)}": ${detailText(against)}`,
  );
}

function validateTemplate(request: AdmissionRequest): void {
  const template = (TEMPLATES[request.kind.key] as readonly string[]).reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    request.object,
  ) as { readonly metadata?: ObjectMeta; readonly spec?: PodSpec } | undefined;
  if (!template?.spec) return;
  const { policy } = policyFor(request);
  const metadata = template.metadata ?? ({} as ObjectMeta);
  audit(request, policy.audit, metadata, template.spec);
  warn(request, policy.warn, metadata, template.spec);
}

function warn({ x }: AdmissionRequest, wanted: Wanted, metadata: ObjectMeta, spec: PodSpec): void {
  const against = violations(wanted, metadata, spec);
  if (against.length > 0) x.warnings.push(`would violate PodSecurity "${wantedText(wanted)}": ${detailText(against)}`);
}

/** Images, ephemeral containers: all else of a running Pod's spec that matters is fixed. */
function isSignificant(pod: Pod, old: Pod): boolean {
  if (pod.spec === old.spec) return false;
  if ((pod.spec.ephemeralContainers?.length ?? 0) !== (old.spec.ephemeralContainers?.length ?? 0)) return true;
  const images = ({ spec }: Pod): string => [...spec.containers, ...(spec.initContainers ?? [])].map((c) => c.image).join(' ');
  return images(pod) !== images(old);
}

function validateNamespace(request: AdmissionRequest): void {
  const now = policyOf(request.object?.metadata.labels);
  const before = policyOf(request.old?.metadata.labels);
  const changed = request.operation === 'CREATE' || JSON.stringify(now.errors) !== JSON.stringify(before.errors);
  if (now.errors.length > 0 && changed) throw invalid(request.kind, request.name, now.errors);
  if (request.operation === 'CREATE') return;
  const [enforce, old] = [now.policy.enforce, before.policy.enforce];
  if (sameWanted(enforce, old) || enforce.level === 'privileged') return;
  if (enforce.version === old.version && STRENGTH[enforce.level] <= STRENGTH[old.level]) return;
  warnAboutPods(request, enforce);
}

/** Pods that are there already stay; who tightens a namespace is told which of them would not be let in again. */
function warnAboutPods({ x, server, name }: AdmissionRequest, enforce: Wanted): void {
  const found = new Map<string, { first: string; count: number }>();
  let total = 0;
  const scope = { namespace: name, name: '', nodeName: '', matches: null };
  server.store.cache.ofKey('pods').select(scope, '', (object) => {
    if (++total > MOST_PODS) return;
    const pod = object as unknown as Pod;
    const against = violations(enforce, pod.metadata, pod.spec);
    if (against.length === 0) return;
    const reason = reasonText(against);
    const known = found.get(reason);
    if (known) known.count++;
    else found.set(reason, { first: pod.metadata.name, count: 1 });
  });
  if (total > MOST_PODS)
    x.warnings.push(`new PodSecurity enforce level only checked against the first ${MOST_PODS} of ${total} existing pods`);
  if (found.size === 0) return;
  x.warnings.push(`existing pods in namespace ${JSON.stringify(name)} violate the new PodSecurity enforce level "${wantedText(enforce)}"`);
  const lines = [...found].map(([reason, { first, count }]) => {
    const others = count === 1 ? '' : count === 2 ? ' (and 1 other pod)' : ` (and ${count - 1} other pods)`;
    return `${first}${others}: ${reason}`;
  });
  for (const line of lines.sort()) x.warnings.push(line);
}
