// Containers: image, ports, environment, mounts, probes, resources (pkg/apis/core/validation).

import type {
  Container,
  ContainerPort,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  HTTPGetAction,
  IntOrString,
  Lifecycle,
  LifecycleHandler,
  Probe,
  ResourceRequirements,
  VolumeMount,
} from '../generated/types.ts';
import { parseQuantity } from '../quantity.ts';
import { duplicate, type Errors, forbiddenField, invalidValue, missing, notSupported, required } from './errors.ts';
import { configKeyErrors, envNameErrors, label1123Errors, labelKeyErrors, portNameErrors, portNumberErrors } from './names.ts';
import { checkContainerSecurity } from './security.ts';

export const PROTOCOLS = ['SCTP', 'TCP', 'UDP'] as const;
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
const MESSAGE_POLICIES = ['FallbackToLogsOnError', 'File'] as const;
const STANDARD_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);
const WITHOUT_SIDECAR = 'may not be set for init containers without restartPolicy=Always';

const FIELD_PATHS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const RESOURCE_FIELDS = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

/** All containers of a list. `volumes` are the names that mounts may use, `names` those already taken by other lists. */
export function checkContainers(
  errors: Errors,
  field: string,
  containers: readonly Container[],
  volumes: ReadonlySet<string>,
  names: Set<string>,
): void {
  const hostPorts = new Set<string>();
  for (let i = 0; i < containers.length; i++) {
    const c = containers[i] as Container;
    const at = `${field}[${i}]`;
    checkCommon(errors, at, c, volumes);
    if (names.has(c.name)) errors.add(duplicate(`${at}.name`, c.name));
    else names.add(c.name);
    checkLifecycle(errors, `${at}.lifecycle`, c.lifecycle);
    checkProbe(errors, `${at}.livenessProbe`, c.livenessProbe, true);
    checkProbe(errors, `${at}.readinessProbe`, c.readinessProbe, false);
    checkProbe(errors, `${at}.startupProbe`, c.startupProbe, true);
    checkHostPorts(errors, at, c, hostPorts);
  }
}

/** Init containers; those with restartPolicy Always are sidecars and may have probes. */
export function checkInitContainers(
  errors: Errors,
  field: string,
  containers: readonly Container[],
  volumes: ReadonlySet<string>,
  names: Set<string>,
): void {
  for (let i = 0; i < containers.length; i++) {
    const c = containers[i] as Container;
    const at = `${field}[${i}]`;
    checkCommon(errors, at, c, volumes);
    if (names.has(c.name)) errors.add(duplicate(`${at}.name`, c.name));
    else names.add(c.name);
    errors.oneOfIfSet(`${at}.restartPolicy`, c.restartPolicy, ['Always', 'OnFailure', 'Never']);
    if (c.restartPolicy === 'Always') {
      checkLifecycle(errors, `${at}.lifecycle`, c.lifecycle);
      checkProbe(errors, `${at}.livenessProbe`, c.livenessProbe, true);
      checkProbe(errors, `${at}.readinessProbe`, c.readinessProbe, false);
      checkProbe(errors, `${at}.startupProbe`, c.startupProbe, true);
      continue;
    }
    for (const key of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (c[key] !== undefined) errors.add(forbiddenField(`${at}.${key}`, WITHOUT_SIDECAR));
    }
  }
}

function checkCommon(errors: Errors, at: string, c: Container, volumes: ReadonlySet<string>): void {
  if (errors.needed(`${at}.name`, c.name)) errors.rule(`${at}.name`, c.name, label1123Errors(c.name));
  if (errors.needed(`${at}.image`, c.image) && c.image !== c.image?.trim()) {
    errors.add(invalidValue(`${at}.image`, c.image, 'must not have leading or trailing whitespace'));
  }
  errors.oneOf(`${at}.terminationMessagePolicy`, c.terminationMessagePolicy, MESSAGE_POLICIES);
  if (c.ports !== undefined) checkPorts(errors, `${at}.ports`, c.ports);
  if (c.env !== undefined) checkEnv(errors, `${at}.env`, c.env);
  if (c.envFrom !== undefined) checkEnvFrom(errors, `${at}.envFrom`, c.envFrom);
  if (c.volumeMounts !== undefined) checkMounts(errors, `${at}.volumeMounts`, c.volumeMounts, volumes);
  errors.oneOf(`${at}.imagePullPolicy`, c.imagePullPolicy, PULL_POLICIES);
  checkResources(errors, `${at}.resources`, c.resources);
  checkContainerSecurity(errors, `${at}.securityContext`, c);
}

function checkPorts(errors: Errors, field: string, ports: readonly ContainerPort[]): void {
  const names = new Set<string>();
  for (let i = 0; i < ports.length; i++) {
    const p = ports[i] as ContainerPort;
    const at = `${field}[${i}]`;
    if (p.name !== undefined && p.name !== '') {
      const wrong = portNameErrors(p.name);
      errors.rule(`${at}.name`, p.name, wrong);
      if (wrong.length === 0 && names.has(p.name)) errors.add(duplicate(`${at}.name`, p.name));
      names.add(p.name);
    }
    if (p.containerPort === 0) errors.add(required(`${at}.containerPort`));
    else errors.rule(`${at}.containerPort`, p.containerPort, portNumberErrors(p.containerPort));
    if (p.hostPort !== undefined && p.hostPort !== 0) errors.rule(`${at}.hostPort`, p.hostPort, portNumberErrors(p.hostPort));
    errors.oneOf(`${at}.protocol`, p.protocol, PROTOCOLS);
  }
}

function checkHostPorts(errors: Errors, at: string, c: Container, taken: Set<string>): void {
  const ports = c.ports ?? [];
  for (let i = 0; i < ports.length; i++) {
    const p = ports[i] as ContainerPort;
    if (p.hostPort === undefined || p.hostPort === 0) continue;
    const id = `${p.protocol}/${p.hostIP ?? ''}/${p.hostPort}`;
    if (taken.has(id)) errors.add(duplicate(`${at}.ports[${i}].hostPort`, id));
    taken.add(id);
  }
}

function checkEnv(errors: Errors, field: string, vars: readonly EnvVar[]): void {
  for (let i = 0; i < vars.length; i++) {
    const v = vars[i] as EnvVar;
    const at = `${field}[${i}]`;
    if (errors.needed(`${at}.name`, v.name)) errors.rule(`${at}.name`, v.name, envNameErrors(v.name));
    if (v.valueFrom !== undefined) checkValueFrom(errors, `${at}.valueFrom`, v, v.valueFrom);
  }
}

function checkValueFrom(errors: Errors, at: string, v: EnvVar, from: EnvVarSource): void {
  let sources = 0;
  if (from.fieldRef !== undefined) {
    sources++;
    const path = from.fieldRef.fieldPath;
    if (errors.needed(`${at}.fieldRef.fieldPath`, path)) {
      const subscript = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path);
      if (subscript) errors.rule(`${at}.fieldRef`, path, labelKeyErrors((subscript[2] as string).toLowerCase()));
      else if (!FIELD_PATHS.includes(path)) {
        if (path.startsWith('metadata.') || path.startsWith('spec.') || path.startsWith('status.')) {
          errors.add(invalidValue(`${at}.fieldRef.fieldPath`, path, `error converting fieldPath: field label not supported: ${path}`));
        } else errors.add(notSupported(`${at}.fieldRef.fieldPath`, path, FIELD_PATHS));
      }
    }
  }
  if (from.resourceFieldRef !== undefined) {
    sources++;
    const { resource } = from.resourceFieldRef;
    if (
      errors.needed(`${at}.resourceFieldRef.resource`, resource) &&
      !RESOURCE_FIELDS.includes(resource) &&
      !/^(limits|requests)\.hugepages-/.test(resource)
    ) {
      errors.add(notSupported(`${at}.resourceFieldRef.resource`, resource, RESOURCE_FIELDS));
    }
  }
  for (const key of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = from[key];
    if (ref === undefined) continue;
    sources++;
    errors.needed(`${at}.${key}.name`, ref.name);
    if (errors.needed(`${at}.${key}.key`, ref.key)) errors.rule(`${at}.${key}.key`, ref.key, configKeyErrors(ref.key));
  }
  if (from.fileKeyRef !== undefined) sources++;
  if (sources === 0) {
    errors.add(
      invalidValue(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'),
    );
  } else if (v.value !== undefined && v.value !== '') {
    errors.add(invalidValue(at, '', 'may not be specified when `value` is not empty'));
  } else if (sources > 1) errors.add(invalidValue(at, '', 'may not have more than one field specified at a time'));
}

function checkEnvFrom(errors: Errors, field: string, list: readonly EnvFromSource[]): void {
  for (let i = 0; i < list.length; i++) {
    const { prefix, configMapRef, secretRef } = list[i] as EnvFromSource;
    const at = `${field}[${i}]`;
    if (prefix !== undefined && prefix !== '') errors.rule(`${at}.prefix`, prefix, envNameErrors(prefix));
    if (configMapRef !== undefined) errors.needed(`${at}.configMapRef.name`, configMapRef.name);
    if (secretRef !== undefined) errors.needed(`${at}.secretRef.name`, secretRef.name);
    if (configMapRef === undefined && secretRef === undefined) {
      errors.add(invalidValue(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      errors.add(invalidValue(at, '', 'may not have more than one field specified at a time'));
    }
  }
}

function checkMounts(errors: Errors, field: string, mounts: readonly VolumeMount[], volumes: ReadonlySet<string>): void {
  const paths = new Set<string>();
  for (let i = 0; i < mounts.length; i++) {
    const m = mounts[i] as VolumeMount;
    const at = `${field}[${i}]`;
    if (errors.needed(`${at}.name`, m.name) && !volumes.has(m.name)) errors.add(missing(`${at}.name`, m.name));
    errors.needed(`${at}.mountPath`, m.mountPath);
    if (paths.has(m.mountPath)) errors.add(invalidValue(`${at}.mountPath`, m.mountPath, 'must be unique'));
    paths.add(m.mountPath);
    if (m.subPath !== undefined && m.subPath !== '') checkLocalPath(errors, `${at}.subPath`, m.subPath);
    if (m.subPathExpr !== undefined && m.subPathExpr !== '') {
      if (m.subPath !== undefined && m.subPath !== '') {
        errors.add(invalidValue(`${at}.subPathExpr`, m.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      }
      checkLocalPath(errors, `${at}.subPathExpr`, m.subPathExpr);
    }
    errors.oneOfIfSet(`${at}.mountPropagation`, m.mountPropagation, ['Bidirectional', 'HostToContainer', 'None']);
  }
}

/** A path below something: relative, and never leaving it. */
export function checkLocalPath(errors: Errors, field: string, path: string): void {
  if (path.startsWith('/')) errors.add(invalidValue(field, path, 'must be a relative path'));
  checkNoBacksteps(errors, field, path);
}

export function checkNoBacksteps(errors: Errors, field: string, path: string): void {
  if (path.split('/').includes('..')) errors.add(invalidValue(field, path, "must not contain '..'"));
}

/** Limits and requests: known names, no negative amounts, no request above its limit. */
export function checkResources(errors: Errors, at: string, resources: ResourceRequirements | undefined): void {
  if (resources === undefined) return;
  const { limits = {}, requests = {} } = resources;
  for (const name of Object.keys(limits)) checkAmount(errors, `${at}.limits[${name}]`, name, limits[name] as string);
  for (const name of Object.keys(requests)) {
    checkAmount(errors, `${at}.requests[${name}]`, name, requests[name] as string);
    const [request, limit] = [parseQuantity(requests[name] as string), limits[name]];
    const overcommit = !name.includes('/') || name.startsWith('kubernetes.io/');
    if (limit !== undefined) {
      const bound = parseQuantity(limit);
      if (!overcommit && request.nanos !== bound.nanos) {
        errors.add(invalidValue(`${at}.requests`, request.text, `must be equal to ${name} limit of ${bound.text}`));
      } else if (request.nanos > bound.nanos) {
        errors.add(invalidValue(`${at}.requests`, request.text, `must be less than or equal to ${name} limit of ${bound.text}`));
      }
    } else if (!overcommit || name.startsWith('hugepages-')) {
      errors.add(required(`${at}.limits`, 'Limit must be set for non overcommitable resources'));
    }
  }
}

function checkAmount(errors: Errors, field: string, name: string, amount: string): void {
  errors.rule(field, name, labelKeyErrors(name));
  if (!name.includes('/') && !STANDARD_RESOURCES.has(name) && !name.startsWith('hugepages-')) {
    errors.add(invalidValue(field, name, 'must be a standard resource for containers'));
  }
  if (parseQuantity(amount).nanos < 0n) errors.add(invalidValue(field, amount, 'must be greater than or equal to 0'));
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function checkHandler(errors: Errors, at: string, h: Probe & LifecycleHandler): void {
  let handlers = 0;
  for (const key of HANDLERS) {
    if (h[key] === undefined) continue;
    if (++handlers > 1) {
      errors.add(forbiddenField(`${at}.${key}`, 'may not specify more than 1 handler type'));
      continue;
    }
    if (key === 'exec' && (h.exec?.command ?? []).length === 0) errors.add(required(`${at}.exec.command`));
    if (key === 'httpGet') checkHttpGet(errors, `${at}.httpGet`, h.httpGet as HTTPGetAction);
    if (key === 'tcpSocket') checkPort(errors, `${at}.tcpSocket.port`, h.tcpSocket?.port ?? 0);
    if (key === 'grpc') errors.rule(`${at}.grpc.port`, h.grpc?.port, portNumberErrors(h.grpc?.port ?? 0));
  }
  if (handlers === 0) errors.add(required(at, 'must specify a handler type'));
}

function checkHttpGet(errors: Errors, at: string, action: HTTPGetAction): void {
  errors.needed(`${at}.path`, action.path);
  checkPort(errors, `${at}.port`, action.port);
  errors.oneOf(`${at}.scheme`, action.scheme, ['HTTP', 'HTTPS']);
}

/** A port number, or the name of one. */
export function checkPort(errors: Errors, field: string, port: IntOrString): void {
  if (typeof port === 'number') errors.rule(field, port, portNumberErrors(port));
  else errors.rule(field, port, portNameErrors(port));
}

function checkProbe(errors: Errors, at: string, p: Probe | undefined, once: boolean): void {
  if (p === undefined) return;
  checkHandler(errors, at, p);
  for (const key of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    errors.nonNegative(`${at}.${key}`, p[key]);
  }
  if (once) {
    if (p.successThreshold !== undefined && p.successThreshold !== 1)
      errors.add(invalidValue(`${at}.successThreshold`, p.successThreshold, 'must be 1'));
    if (p.terminationGracePeriodSeconds !== undefined && p.terminationGracePeriodSeconds <= 0) {
      errors.add(invalidValue(`${at}.terminationGracePeriodSeconds`, p.terminationGracePeriodSeconds, 'must be greater than 0'));
    }
  } else if (p.terminationGracePeriodSeconds !== undefined) {
    errors.add(invalidValue(`${at}.terminationGracePeriodSeconds`, p.terminationGracePeriodSeconds, 'must not be set for readinessProbes'));
  }
}

function checkLifecycle(errors: Errors, at: string, l: Lifecycle | undefined): void {
  if (l?.postStart !== undefined) checkHandler(errors, `${at}.postStart`, l.postStart as Probe & LifecycleHandler);
  if (l?.preStop !== undefined) checkHandler(errors, `${at}.preStop`, l.preStop as Probe & LifecycleHandler);
}
