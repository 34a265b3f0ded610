// Defaults of Pods and Pod templates (pkg/apis/core/v1/defaults.go).

import type {
  Container,
  ContainerPort,
  EnvVar,
  HTTPGetAction,
  LifecycleHandler,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
  Volume,
  VolumeProjection,
} from '../generated/types.ts';
import { deepFreeze } from '../meta.ts';
import { Recent } from '../recent.ts';
import { change, each, fill, put } from './fill.ts';

const EMPTY = Object.freeze({});

/** `latest` and no tag at all are pulled always; a digest or another tag only once. */
export function defaultPullPolicy(image: string | undefined): string {
  const reference = image ?? '';
  if (reference.includes('@')) return 'IfNotPresent';
  const last = reference.slice(reference.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  return colon < 0 || last.slice(colon + 1) === 'latest' ? 'Always' : 'IfNotPresent';
}

const tcp = (port: ContainerPort): ContainerPort =>
  port.protocol === undefined || port.protocol === '' ? { ...port, protocol: 'TCP' } : port;

const httpGet = (action: HTTPGetAction): HTTPGetAction => fill(action, { path: '/', scheme: 'HTTP' });

function probe(p: Probe): Probe {
  const zeroless: Probe =
    p.timeoutSeconds === 0 || p.periodSeconds === 0 || p.successThreshold === 0 || p.failureThreshold === 0 ? dropZeros(p) : p;
  let out = fill(zeroless, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  out = change(out, 'httpGet', httpGet);
  return change(out, 'grpc', (grpc) => fill(grpc, { service: '' }));
}

function dropZeros(p: Probe): Probe {
  const out = { ...p } as Record<string, unknown>;
  for (const key of ['timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold']) if (out[key] === 0) delete out[key];
  return out as Probe;
}

const handler = (h: LifecycleHandler): LifecycleHandler => change(h, 'httpGet', httpGet);

const env = (e: EnvVar): EnvVar =>
  change(e, 'valueFrom', (from) =>
    change(
      change(from, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' })),
      'resourceFieldRef',
      (ref) => fill(ref, { divisor: '0' }),
    ),
  );

function container(c: Container): Container {
  let out = fill(c, {
    imagePullPolicy: defaultPullPolicy(c.image),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: EMPTY,
  });
  if (out.imagePullPolicy === '') out = { ...out, imagePullPolicy: defaultPullPolicy(c.image) };
  out = change(out, 'ports', (ports) => each(ports, tcp));
  out = change(out, 'env', (vars) => each(vars, env));
  out = change(out, 'livenessProbe', probe);
  out = change(out, 'readinessProbe', probe);
  out = change(out, 'startupProbe', probe);
  return change(out, 'lifecycle', (l) => change(change(l, 'postStart', handler), 'preStop', handler));
}

const projection = (p: VolumeProjection): VolumeProjection => {
  const out = change(p, 'serviceAccountToken', (token) => fill(token, { expirationSeconds: 3600 }));
  return change(out, 'downwardAPI', (api) =>
    change(api, 'items', (items) => each(items, (item) => change(item, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' })))),
  );
};

function volume(v: Volume): Volume {
  if (Object.keys(v).length === 1) return { ...v, emptyDir: EMPTY };
  let out = change(v, 'secret', (s) => fill(s, { defaultMode: 0o644 }));
  out = change(out, 'configMap', (s) => fill(s, { defaultMode: 0o644 }));
  out = change(out, 'downwardAPI', (s) =>
    change(fill(s, { defaultMode: 0o644 }), 'items', (items) =>
      each(items, (item) => change(item, 'fieldRef', (ref) => fill(ref, { apiVersion: 'v1' }))),
    ),
  );
  out = change(out, 'projected', (s) => change(fill(s, { defaultMode: 0o644 }), 'sources', (sources) => each(sources, projection)));
  out = change(out, 'hostPath', (s) => fill(s, { type: '' }));
  out = change(out, 'ephemeral', (s) =>
    change(s, 'volumeClaimTemplate', (t) => change(t, 'spec', (claim) => fill(claim, { volumeMode: 'Filesystem', resources: EMPTY }))),
  );
  out = change(out, 'iscsi', (s) => fill(s, { iscsiInterface: 'default' }));
  out = change(out, 'rbd', (s) => fill(s, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }));
  out = change(out, 'azureDisk', (s) => fill(s, { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false }));
  out = change(out, 'scaleIO', (s) => fill(s, { storageMode: 'ThinProvisioned', fsType: 'xfs' }));
  return change(out, 'image', (s) => fill(s, { pullPolicy: defaultPullPolicy(s.reference) }));
}

/** serviceAccount is the old name of serviceAccountName: both always say the same. */
function serviceAccount(spec: PodSpec): PodSpec {
  const name = spec.serviceAccountName ?? spec.serviceAccount;
  return name === undefined ? spec : fill(spec, { serviceAccountName: name, serviceAccount: name });
}

/** What a Pod's spec and a template's spec have in common. */
function podSpec(given: PodSpec): PodSpec {
  let out = fill(given, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    securityContext: EMPTY,
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
  });
  out = serviceAccount(out);
  out = change(out, 'containers', (list) => each(list, container));
  out = change(out, 'initContainers', (list) => each(list, container));
  out = change(out, 'ephemeralContainers', (list) => each(list, (c) => container(c as Container)));
  out = change(out, 'volumes', (list) => each(list, volume));
  return out.hostNetwork === true ? hostPorts(out) : out;
}

const hostPort = (port: ContainerPort): ContainerPort =>
  port.hostPort === undefined || port.hostPort === 0 ? { ...port, hostPort: port.containerPort } : port;

function hostPorts(spec: PodSpec): PodSpec {
  const all = (list: readonly Container[]) => each(list, (c) => change(c, 'ports', (ports) => each(ports, hostPort)));
  return change(change(spec, 'containers', all), 'initContainers', all);
}

/** Requests default to limits, in Pods only. */
function requests(r: ResourceRequirements): ResourceRequirements {
  if (r.limits === undefined) return r;
  const missing = Object.keys(r.limits).some((key) => r.requests === undefined || !Object.hasOwn(r.requests, key));
  return missing ? { ...r, requests: { ...r.limits, ...r.requests } } : r;
}

/** What became of the last specs: the Pods of one template share theirs. */
const pods = new Recent<PodSpec>();
const templates = new Recent<PodSpec>();

/** A Pod with its defaults; the spec of `old`, which has them, may be shared. */
export function defaultPod(given: Pod, old: Pod | null = null): Pod {
  const pod = withAddresses(given);
  if (pod.spec === old?.spec) return pod;
  const known = pods.get(pod.spec);
  if (known) return put(pod, 'spec', known);
  let spec = fill(podSpec(pod.spec), { enableServiceLinks: true });
  const withRequests = (list: readonly Container[]) => each(list, (c) => change(c, 'resources', requests));
  spec = change(change(spec, 'containers', withRequests), 'initContainers', withRequests);
  deepFreeze(spec);
  pods.set(pod.spec, spec);
  pods.set(spec, spec);
  return put(pod, 'spec', spec);
}

/** podIP is the first of podIPs, hostIP of hostIPs. */
function withAddresses(pod: Pod): Pod {
  const { podIP, podIPs, hostIP, hostIPs } = pod.status;
  const addPod = podIP !== undefined && podIPs === undefined;
  const addHost = hostIP !== undefined && hostIPs === undefined;
  if (!addPod && !addHost) return pod;
  return {
    ...pod,
    status: { ...pod.status, ...(addPod ? { podIPs: [{ ip: podIP }] } : {}), ...(addHost ? { hostIPs: [{ ip: hostIP }] } : {}) },
  };
}

/** A Pod template with its defaults. */
export function defaultTemplate(template: PodTemplateSpec): PodTemplateSpec {
  const known = templates.get(template.spec);
  if (known) return put(template, 'spec', known);
  const spec = deepFreeze(podSpec(template.spec));
  templates.set(template.spec, spec);
  templates.set(spec, spec);
  return put(template, 'spec', spec);
}
