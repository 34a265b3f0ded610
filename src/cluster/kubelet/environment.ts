// A container's environment (kubelet_pods.go makeEnvironmentVariables, third_party/forked/golang/expansion).

import { baseUnits } from './resources.ts';
import type { Container, EnvVar, Pod, Service } from '../api/generated/types.ts';

/** A container cannot be configured: CreateContainerConfigError. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

type Data = Readonly<Record<string, string>>;

export interface EnvironmentSources {
  /** Data of an object of the Pod's namespace; throws ConfigError when it is not there, unless `optional`. */
  configMap(name: string, optional: boolean): Data | undefined;
  secret(name: string, optional: boolean): Data | undefined;
  /** Variables of an env file in one of the Pod's volumes; undefined when there is no such file. */
  envFile(volume: string, path: string): Data | undefined;
  /** Services whose addresses become variables. */
  services(namespace: string): readonly Service[];
  readonly hostIp: string;
  readonly podIp: string;
  readonly allocatable: { readonly cpu: number; readonly memory: number };
}

/** All variables of a container, in upstream's order of precedence. Throws ConfigError. */
export function makeEnvironment(pod: Pod, container: Container, sources: EnvironmentSources): Readonly<Record<string, string>> {
  const namespace = pod.metadata?.namespace ?? '';
  const result: Record<string, string> = {};
  const serviceEnv = serviceEnvironment(sources.services(namespace), pod.spec?.enableServiceLinks !== false, namespace);
  for (const from of container.envFrom ?? []) {
    const prefix = from.prefix ?? '';
    const data = from.configMapRef
      ? sources.configMap(from.configMapRef.name ?? '', from.configMapRef.optional === true)
      : from.secretRef
        ? sources.secret(from.secretRef.name ?? '', from.secretRef.optional === true)
        : undefined;
    for (const [key, value] of Object.entries(data ?? {})) result[prefix + key] = value;
  }
  if (container.env && container.env.length > 0) {
    const lookup = (name: string): string | undefined => result[name] ?? serviceEnv[name];
    for (const env of container.env) {
      const value = env.valueFrom ? valueFrom(pod, container, env, sources) : expand(env.value ?? '', lookup);
      if (value !== undefined) result[env.name] = value;
    }
  }
  for (const [key, value] of Object.entries(serviceEnv)) result[key] ??= value;
  return result;
}

function valueFrom(pod: Pod, container: Container, env: EnvVar, sources: EnvironmentSources): string | undefined {
  const from = env.valueFrom;
  const namespace = pod.metadata?.namespace ?? '';
  if (from?.fieldRef) return fieldValue(pod, from.fieldRef.fieldPath, sources);
  if (from?.resourceFieldRef) {
    const { containerName, resource, divisor } = from.resourceFieldRef;
    const target = containerName ? ([...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((c) => c.name === containerName) ?? container) : container;
    return resourceValue(target, resource, divisor, sources.allocatable);
  }
  if (from?.configMapKeyRef) {
    const { name = '', key, optional = false } = from.configMapKeyRef;
    const value = sources.configMap(name, optional)?.[key];
    if (value === undefined && !optional) throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (from?.secretKeyRef) {
    const { name = '', key, optional = false } = from.secretKeyRef;
    const value = sources.secret(name, optional)?.[key];
    if (value === undefined && !optional) throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    return value;
  }
  if (from?.fileKeyRef) {
    const { volumeName, path, key, optional = false } = from.fileKeyRef;
    const file = sources.envFile(volumeName, path);
    const value = file?.[key];
    if (value !== undefined || optional) return value;
    throw new ConfigError(file === undefined ? `couldn't parse env file: environment file ${path} not found in volume ${volumeName}` : `environment variable key "${key}" not found in file "${path}"`);
  }
  return undefined;
}

/** `NAME='value'`, one a line; lines that begin with # say nothing. */
export function parseEnvFile(text: string): Data {
  const data: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const m = /^\s*([A-Za-z_][\w.-]*)='([^']*)'\s*$/.exec(line);
    if (m) data[m[1] as string] = m[2] as string;
  }
  return data;
}

const SUBSCRIPT = /^metadata\.(labels|annotations)\['([^']*)'\]$/;

/** Value of a downward API field; throws ConfigError for a field that is not offered. */
export function fieldValue(pod: Pod, path: string, node: { readonly hostIp: string; readonly podIp: string }): string {
  const meta = pod.metadata;
  switch (path) {
    case 'metadata.name': return meta?.name ?? '';
    case 'metadata.namespace': return meta?.namespace ?? '';
    case 'metadata.uid': return meta?.uid ?? '';
    case 'metadata.labels': return formatMap(meta?.labels ?? {});
    case 'metadata.annotations': return formatMap(meta?.annotations ?? {});
    case 'spec.nodeName': return pod.spec?.nodeName ?? '';
    case 'spec.serviceAccountName': return pod.spec?.serviceAccountName ?? '';
    case 'status.hostIP': case 'status.hostIPs': return node.hostIp;
    case 'status.podIP': case 'status.podIPs': return node.podIp;
  }
  const m = SUBSCRIPT.exec(path);
  if (m) return (m[1] === 'labels' ? meta?.labels : meta?.annotations)?.[m[2] as string] ?? '';
  throw new ConfigError(`unsupported fieldPath: ${path}`);
}

const formatMap = (map: Data): string =>
  Object.keys(map).sort().map((key) => `${key}=${goQuote(map[key] as string)}`).join('\n');

const goQuote = (text: string): string => JSON.stringify(text);

/** A container's request or limit in units of `divisor`, rounded up; without a limit, what the node can give. */
export function resourceValue(
  container: Container,
  resource: string,
  divisor: string | undefined,
  allocatable: { readonly cpu: number; readonly memory: number },
): string {
  const [list = '', name = ''] = resource.split('.');
  const amounts = list === 'limits' ? container.resources?.limits : container.resources?.requests;
  const text = amounts?.[name];
  const fallback = list === 'limits' ? (name === 'cpu' ? allocatable.cpu : name === 'memory' ? allocatable.memory : 0) : 0;
  const value = text === undefined ? fallback : baseUnits(text);
  const unit = divisor === undefined || divisor === '0' || divisor === '' ? 1 : baseUnits(divisor);
  return String(Math.ceil(Number((value / unit).toPrecision(12))));
}

/** `$(NAME)` becomes the variable's value; `$$` is a dollar sign; unknown names stay as they are. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c !== '$' || i + 1 >= text.length) {
      out += c;
      continue;
    }
    const next = text[i + 1];
    if (next === '$') {
      out += '$';
      i++;
    } else if (next === '(') {
      const close = text.indexOf(')', i + 2);
      if (close < 0) {
        out += '$(';
        i++;
        continue;
      }
      const name = text.slice(i + 2, close);
      out += lookup(name) ?? `$(${name})`;
      i = close;
    } else {
      out += `$${next ?? ''}`;
      i++;
    }
  }
  return out;
}

const perServices = new WeakMap<readonly Service[], Map<string, Data>>();

/** kubelet/envvars: Docker-link style variables; only those of `kubernetes` when service links are off. */
export function serviceEnvironment(services: readonly Service[], links: boolean, namespace: string): Data {
  const key = `${links} ${namespace}`;
  let table = perServices.get(services);
  if (!table) perServices.set(services, (table = new Map()));
  let env = table.get(key);
  if (!env) {
    const made: Record<string, string> = {};
    for (const service of services) {
      const master = service.metadata?.name === 'kubernetes' && service.metadata.namespace === 'default';
      if (!master && (!links || service.metadata?.namespace !== namespace)) continue;
      addService(made, service);
    }
    table.set(key, (env = made));
  }
  return env;
}

function addService(env: Record<string, string>, service: Service): void {
  const ip = service.spec?.clusterIP;
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  if (!ip || ip === 'None' || !first) return;
  const prefix = (service.metadata?.name ?? '').toUpperCase().replaceAll('-', '_');
  env[`${prefix}_SERVICE_HOST`] = ip;
  env[`${prefix}_SERVICE_PORT`] = String(first.port);
  for (const port of ports) {
    if (port.name) env[`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`] = String(port.port);
  }
  for (const [i, port] of ports.entries()) {
    const protocol = port.protocol ?? 'TCP';
    const lower = protocol.toLowerCase();
    const portPrefix = `${prefix}_PORT_${port.port}_${protocol}`;
    const url = `${lower}://${ip}:${port.port}`;
    if (i === 0) env[`${prefix}_PORT`] = url;
    env[portPrefix] = url;
    env[`${portPrefix}_PROTO`] = lower;
    env[`${portPrefix}_PORT`] = String(port.port);
    env[`${portPrefix}_ADDR`] = ip;
  }
}
