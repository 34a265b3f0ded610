// What NGINX Gateway Fabric makes for each Gateway: a ServiceAccount, the agent's configuration, a Service of type LoadBalancer and a
// Deployment with nginx, named <gateway>-<class>, all owned by the Gateway (internal/controller/provisioner/objects.go).

import type { ConfigMap, Deployment, Service } from '../../api/generated/types.ts';
import { isNotFound } from '../../api/status.ts';
import type { Client, Draft, StoredResource } from '../../client/client.ts';
import type { ResourceTypes } from '../../api/generated/types.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Gateway } from './types.ts';
import { NGF_NGINX_IMAGE } from './versions.ts';

export interface Settings {
  readonly className: string;
  /** Of the control plane. */
  readonly namespace: string;
  readonly service: string;
  readonly instance: string;
}

export const resourceName = ({ metadata }: Gateway, { className }: Settings): string => `${metadata.name}-${className}`;

/** Makes what is missing, and keeps ports and pods as they should be. */
export function* provision(client: Client, gateway: Gateway, settings: Settings): Op<void> {
  const name = resourceName(gateway, settings);
  const { namespace = '' } = gateway.metadata;
  const selector = {
    'app.kubernetes.io/instance': settings.instance,
    'app.kubernetes.io/managed-by': `${settings.instance}-${settings.className}`,
    'app.kubernetes.io/name': name,
    'gateway.networking.k8s.io/gateway-name': gateway.metadata.name,
  };
  const owner = { apiVersion: gateway.apiVersion as string, kind: 'Gateway', name: gateway.metadata.name, uid: gateway.metadata.uid as string, controller: true, blockOwnerDeletion: true };
  const metadata = (own: string) => ({ name: own, namespace, labels: selector, ownerReferences: [owner] });
  const ports = [...new Set(gateway.spec.listeners.map((l) => l.port))].toSorted((a, b) => a - b);
  yield* ensure(client, 'configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(`${name}-agent-config`), data: { 'nginx-agent.conf': agentConf(settings, namespace, name) } } satisfies Draft<ConfigMap>, () => null);
  yield* ensure(client, 'serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(name), automountServiceAccountToken: false }, () => null);
  const service: Draft<Service> = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name),
    spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector, ports: ports.map((port) => ({ name: `port-${port}`, port, protocol: 'TCP', targetPort: port })) },
  };
  yield* ensure(client, 'services', service, (found) => {
    const known = (found.spec.ports ?? []).map((p) => p.port).toSorted((a, b) => a - b);
    if (known.join() === ports.join()) return null;
    const kept = (service.spec.ports ?? []).map((p) => ({ ...p, ...found.spec.ports?.find((f) => f.port === p.port) }));
    return { ...found, spec: { ...found.spec, ports: kept } };
  });
  const deployment: Draft<Deployment> = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: metadata(name), spec: { replicas: 1, selector: { matchLabels: selector }, template: podTemplate(name, selector, ports) } };
  yield* ensure(client, 'deployments.apps', deployment, (found) => {
    const known = (found.spec.template.spec?.containers[0]?.ports ?? []).map((p) => p.containerPort).filter((p) => p !== 9113 && p !== 8081);
    return known.toSorted((a, b) => a - b).join() === ports.join() ? null : { ...found, spec: { ...found.spec, template: podTemplate(name, selector, ports) } };
  });
}

function podTemplate(name: string, labels: Readonly<Record<string, string>>, ports: readonly number[]): Deployment['spec']['template'] {
  const containers = [
    {
      name: 'nginx',
      image: NGF_NGINX_IMAGE,
      imagePullPolicy: 'IfNotPresent',
      ports: [...ports.map((port) => ({ name: `port-${port}`, containerPort: port })), { name: 'metrics', containerPort: 9113 }],
      readinessProbe: { httpGet: { path: '/readyz', port: 8081 }, initialDelaySeconds: 3, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true, runAsGroup: 1001, runAsUser: 101, seccompProfile: { type: 'RuntimeDefault' } },
      volumeMounts: [
        { name: 'nginx-agent-config', mountPath: '/etc/nginx-agent' },
        ...MOUNTS.map((mountPath) => ({ name: volumeName(mountPath), mountPath })),
      ],
    },
  ];
  const volumes = [
    { name: 'nginx-agent-config', configMap: { name: `${name}-agent-config` } },
    ...MOUNTS.map((path) => ({ name: volumeName(path), emptyDir: {} })),
  ];
  const securityContext = { fsGroup: 1001, runAsNonRoot: true, sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] };
  return { metadata: { labels }, spec: { serviceAccountName: name, terminationGracePeriodSeconds: 30, securityContext, containers, volumes } } as unknown as Deployment['spec']['template'];
}

const VOLUMES: Readonly<Record<string, string>> = { '/etc/nginx/conf.d': 'nginx-conf', '/etc/nginx/main-includes': 'nginx-main-includes', '/etc/nginx/secrets': 'nginx-secrets', '/var/run/nginx': 'nginx-run' };
const MOUNTS = Object.keys(VOLUMES);
const volumeName = (path: string): string => VOLUMES[path] ?? 'nginx';

const agentConf = ({ namespace, service }: Settings, own: string, name: string): string => `command:
    server:
        host: ${service}.${namespace}.svc
        port: 443
    tls:
        cert: /var/run/secrets/ngf/tls.crt
        server_name: ${service}.${namespace}.svc
allowed_directories:
- /etc/nginx
- /var/run/nginx
features:
- configuration
- certificates
log:
    level: info
labels:
    owner-name: ${own}_${name}
    owner-type: Deployment
`;

function* ensure<R extends StoredResource>(client: Client, resource: R, wanted: Draft<ResourceTypes[R]>, change: (found: ResourceTypes[R]) => ResourceTypes[R] | null): Op<void> {
  const { name = '', namespace = '' } = wanted.metadata;
  let found: ResourceTypes[R];
  try {
    found = yield* client.get(resource, namespace, name);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    yield* client.create(resource, wanted);
    return;
  }
  const next = change(found);
  if (next !== null) yield* client.update(resource, next);
}
