// Warnings of each kind on create and update: the WarningsOnCreate and WarningsOnUpdate of pkg/registry's strategies.
// They travel as `Warning: 299` headers and say what works, but will not do what is meant.

import type {
  CronJob,
  Deployment,
  Ingress,
  Job,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  ResourceTypes,
  Service,
  StatefulSet,
  StorageClass,
} from './generated/types.ts';
import type { ResourceKind } from './kinds.ts';
import type { ApiObject } from './meta.ts';
import { label1123Errors } from './validation/names.ts';
import { OLD_NODE_LABELS, OLD_VOLUMES, type Warn, warnOfFraction, warnOfPod, warnOfTemplate, warnOfTerms } from './warnings/pod.ts';

type Warner<T> = (warn: Warn, object: T, old: T | null) => void;
type Warners = { readonly [K in keyof ResourceTypes]?: Warner<ResourceTypes[K]> };

const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class';
const USE_CLASS = 'deprecated since v1.8; use "storageClassName" attribute instead';

/** Names that end up in names of Pods and of their hosts had better be labels of DNS. */
function warnOfName(warn: Warn, { metadata }: ApiObject, old: ApiObject | null): void {
  if (old !== null || metadata.name === '') return;
  const wrong = label1123Errors(metadata.name);
  if (wrong.length === 0) return;
  warn(
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`,
  );
}

function warnOfOwner(warn: Warn, o: Deployment | ReplicaSet | ReplicationController | StatefulSet | Job, old: ApiObject | null): void {
  warnOfName(warn, o, old);
  if (o.spec.template !== undefined) warnOfTemplate(warn, 'spec.template', o.spec.template);
}

function warnOfService(warn: Warn, { spec }: Service): void {
  if (spec.clusterIP !== 'None' || spec.type === 'ExternalName') return;
  if ((spec.externalIPs ?? []).length > 0) warn('spec.externalIPs is ignored when spec.clusterIP is "None"');
  if ((spec.loadBalancerIP ?? '') !== '') warn('spec.loadBalancerIP is ignored when spec.clusterIP is "None"');
  if (spec.sessionAffinity === 'ClientIP') warn('spec.SessionAffinity is ignored for headless services');
}

function warnOfVolume(warn: Warn, { metadata, spec }: PersistentVolume): void {
  if (metadata.annotations?.[BETA_CLASS] !== undefined) warn(`metadata.annotations[${BETA_CLASS}]: ${USE_CLASS}`);
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    warn(
      'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
    );
  }
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  for (let i = 0; i < terms.length; i++) warnOfTerms(warn, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`, terms[i]);
  for (const key in spec) if (OLD_VOLUMES[key]) warn(`spec.${key}: ${OLD_VOLUMES[key]}`);
}

function warnOfClaim(warn: Warn, { metadata, spec }: PersistentVolumeClaim): void {
  if (metadata.annotations?.[BETA_CLASS] !== undefined) warn(`metadata.annotations[${BETA_CLASS}]: ${USE_CLASS}`);
  warnOfFraction(warn, 'spec.resources.requests[storage]', spec.resources?.requests?.storage);
  warnOfFraction(warn, 'spec.resources.limits[storage]', spec.resources?.limits?.storage);
}

function warnOfStorageClass(warn: Warn, c: StorageClass): void {
  (c.allowedTopologies ?? []).forEach((term, i) => {
    (term.matchLabelExpressions ?? []).forEach(({ key }, j) => {
      if (OLD_NODE_LABELS[key]) {
        warn(`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${key} is ${OLD_NODE_LABELS[key]}`);
      }
    });
  });
}

const INGRESS_CLASS = 'kubernetes.io/ingress.class';

const WARNERS: Warners = {
  pods: (warn, pod: Pod, old) => {
    warnOfName(warn, pod, old);
    warnOfPod(warn, '', pod.metadata.annotations, pod.spec);
  },
  podtemplates: (warn, t: PodTemplate) => (t.template === undefined ? undefined : warnOfTemplate(warn, 'template', t.template)),
  'deployments.apps': warnOfOwner,
  'replicasets.apps': warnOfOwner,
  'daemonsets.apps': (warn, d) => warnOfTemplate(warn, 'spec.template', d.spec.template),
  'statefulsets.apps': (warn, s: StatefulSet, old) => {
    warnOfOwner(warn, s, old);
    if ((s.spec.revisionHistoryLimit ?? 0) < 0) {
      warn('spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended');
    }
  },
  replicationcontrollers: warnOfOwner,
  'jobs.batch': warnOfOwner,
  'cronjobs.batch': (warn, c: CronJob, old) => {
    warnOfName(warn, c, old);
    warnOfTemplate(warn, 'spec.jobTemplate.spec.template', c.spec.jobTemplate.spec.template);
    if (/^(CRON_)?TZ=/.test(c.spec.schedule)) {
      warn(
        `spec.schedule: CRON_TZ or TZ used in schedule "${c.spec.schedule}" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`,
      );
    }
  },
  services: warnOfService,
  persistentvolumes: warnOfVolume,
  persistentvolumeclaims: warnOfClaim,
  'storageclasses.storage.k8s.io': warnOfStorageClass,
  nodes: (warn, { spec }: Node) => {
    if (spec.configSource !== undefined) warn('spec.configSource: the DynamicKubeletConfig feature was removed');
    if ((spec.externalID ?? '') !== '') warn('spec.externalID: this field is deprecated, and is unused by Kubernetes');
  },
  'ingresses.networking.k8s.io': (warn, i: Ingress, old) => {
    if (old === null && i.metadata.annotations?.[INGRESS_CLASS] !== undefined) {
      warn(`annotation "${INGRESS_CLASS}" is deprecated, please use 'spec.ingressClassName' instead`);
    }
  },
};

const NONE: readonly string[] = Object.freeze([]);

/** What to warn of when the object, which is valid, is written; `old` is the object it replaces, null on create. */
export function warningsOf(kind: ResourceKind, object: ApiObject, old: ApiObject | null): readonly string[] {
  const warner = (WARNERS as Readonly<Record<string, Warner<ApiObject> | undefined>>)[kind.key];
  if (warner === undefined || kind.apiVersion === 'autoscaling/v1') return NONE;
  const found: string[] = [];
  warner((text) => found.push(text), object, old);
  return found.length === 0 ? NONE : found;
}
