// The static Pods of a control plane node (kubeadm app/phases/controlplane and app/phases/etcd).

import type { Container, Pod, Probe, Volume, VolumeMount } from '../../api/generated/types.ts';
import { APISERVER_IMAGE, CONTROLLER_MANAGER_IMAGE, ETCD_IMAGE, SCHEDULER_IMAGE } from '../versions.ts';
import { API_SERVER_PORT, type KubeadmConfig, PKI } from './config.ts';

/** Where a component answers its probes. */
interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly liveness: string;
  /** Absent: the component has no readiness probe. */
  readonly readiness?: string;
  readonly startup: string;
}

interface Component {
  readonly name: string;
  readonly image: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
  readonly probes: ProbeTarget;
  readonly mounts: readonly HostMount[];
  readonly annotations?: Readonly<Record<string, string>>;
}

interface HostMount {
  readonly name: string;
  readonly path: string;
  readonly type: 'DirectoryOrCreate' | 'FileOrCreate';
  readonly readOnly: boolean;
}

const directory = (name: string, path: string, readOnly: boolean): HostMount => ({ name, path, type: 'DirectoryOrCreate', readOnly });
const PROBE_PORT = 'probe-port';

/** The etcd member of this node. */
export function etcdPod(config: KubeadmConfig): Pod {
  const address = config.advertiseAddress;
  const certs = `${PKI}/etcd`;
  return componentPod({
    name: 'etcd',
    image: ETCD_IMAGE,
    annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${address}:2379` },
    flags: {
      'advertise-client-urls': `https://${address}:2379`,
      'cert-file': `${certs}/server.crt`,
      'client-cert-auth': 'true',
      'data-dir': '/var/lib/etcd',
      'feature-gates': 'InitialCorruptCheck=true',
      'initial-advertise-peer-urls': `https://${address}:2380`,
      'initial-cluster': `${config.nodeName}=https://${address}:2380`,
      'key-file': `${certs}/server.key`,
      'listen-client-urls': `https://127.0.0.1:2379,https://${address}:2379`,
      'listen-metrics-urls': 'http://127.0.0.1:2381',
      'listen-peer-urls': `https://${address}:2380`,
      name: config.nodeName,
      'peer-cert-file': `${certs}/peer.crt`,
      'peer-client-cert-auth': 'true',
      'peer-key-file': `${certs}/peer.key`,
      'peer-trusted-ca-file': `${certs}/ca.crt`,
      'snapshot-count': '10000',
      'trusted-ca-file': `${certs}/ca.crt`,
      'watch-progress-notify-interval': '5s',
    },
    requests: { cpu: '100m', memory: '100Mi' },
    probes: { host: '127.0.0.1', port: 2381, scheme: 'HTTP', liveness: '/livez', readiness: '/readyz', startup: '/readyz' },
    mounts: [directory('etcd-data', '/var/lib/etcd', false), directory('etcd-certs', certs, false)],
  });
}

/** The API server of this node. */
export function apiserverPod(config: KubeadmConfig): Pod {
  return componentPod({
    name: 'kube-apiserver',
    image: APISERVER_IMAGE,
    annotations: { 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${config.advertiseAddress}:${API_SERVER_PORT}` },
    flags: {
      'advertise-address': config.advertiseAddress,
      'allow-privileged': 'true',
      'authorization-mode': 'Node,RBAC',
      'client-ca-file': `${PKI}/ca.crt`,
      'enable-admission-plugins': 'NodeRestriction',
      'enable-bootstrap-token-auth': 'true',
      'etcd-cafile': `${PKI}/etcd/ca.crt`,
      'etcd-certfile': `${PKI}/apiserver-etcd-client.crt`,
      'etcd-keyfile': `${PKI}/apiserver-etcd-client.key`,
      'etcd-servers': 'https://127.0.0.1:2379',
      'kubelet-client-certificate': `${PKI}/apiserver-kubelet-client.crt`,
      'kubelet-client-key': `${PKI}/apiserver-kubelet-client.key`,
      'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
      'proxy-client-cert-file': `${PKI}/front-proxy-client.crt`,
      'proxy-client-key-file': `${PKI}/front-proxy-client.key`,
      'requestheader-allowed-names': 'front-proxy-client',
      'requestheader-client-ca-file': `${PKI}/front-proxy-ca.crt`,
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-username-headers': 'X-Remote-User',
      'secure-port': String(API_SERVER_PORT),
      'service-account-issuer': `https://kubernetes.default.svc.${config.dnsDomain}`,
      'service-account-key-file': `${PKI}/sa.pub`,
      'service-account-signing-key-file': `${PKI}/sa.key`,
      'service-cluster-ip-range': config.serviceSubnet,
      'tls-cert-file': `${PKI}/apiserver.crt`,
      'tls-private-key-file': `${PKI}/apiserver.key`,
    },
    requests: { cpu: '250m' },
    probes: {
      host: config.advertiseAddress,
      port: API_SERVER_PORT,
      scheme: 'HTTPS',
      liveness: '/livez',
      readiness: '/readyz',
      startup: '/livez',
    },
    mounts: COMMON_MOUNTS,
  });
}

export function controllerManagerPod(config: KubeadmConfig): Pod {
  const kubeconfig = '/etc/kubernetes/controller-manager.conf';
  return componentPod({
    name: 'kube-controller-manager',
    image: CONTROLLER_MANAGER_IMAGE,
    flags: {
      'allocate-node-cidrs': 'true',
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'bind-address': '127.0.0.1',
      'client-ca-file': `${PKI}/ca.crt`,
      'cluster-cidr': config.podSubnet,
      'cluster-name': 'kubernetes',
      'cluster-signing-cert-file': `${PKI}/ca.crt`,
      'cluster-signing-key-file': `${PKI}/ca.key`,
      controllers: '*,bootstrapsigner,tokencleaner',
      kubeconfig,
      'leader-elect': 'true',
      'requestheader-client-ca-file': `${PKI}/front-proxy-ca.crt`,
      'root-ca-file': `${PKI}/ca.crt`,
      'service-account-private-key-file': `${PKI}/sa.key`,
      'service-cluster-ip-range': config.serviceSubnet,
      'use-service-account-credentials': 'true',
    },
    requests: { cpu: '200m' },
    probes: { host: '127.0.0.1', port: 10257, scheme: 'HTTPS', liveness: '/healthz', startup: '/healthz' },
    mounts: [
      ...COMMON_MOUNTS,
      { name: 'kubeconfig', path: kubeconfig, type: 'FileOrCreate', readOnly: true },
      directory('flexvolume-dir', '/usr/libexec/kubernetes/kubelet-plugins/volume/exec', false),
    ],
  });
}

export function schedulerPod(): Pod {
  const kubeconfig = '/etc/kubernetes/scheduler.conf';
  return componentPod({
    name: 'kube-scheduler',
    image: SCHEDULER_IMAGE,
    flags: {
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'bind-address': '127.0.0.1',
      kubeconfig,
      'leader-elect': 'true',
    },
    requests: { cpu: '100m' },
    probes: { host: '127.0.0.1', port: 10259, scheme: 'HTTPS', liveness: '/livez', readiness: '/readyz', startup: '/livez' },
    mounts: [{ name: 'kubeconfig', path: kubeconfig, type: 'FileOrCreate', readOnly: true }],
  });
}

const COMMON_MOUNTS: readonly HostMount[] = [
  directory('ca-certs', '/etc/ssl/certs', true),
  directory('etc-ca-certificates', '/etc/ca-certificates', true),
  directory('k8s-certs', PKI, true),
  directory('usr-local-share-ca-certificates', '/usr/local/share/ca-certificates', true),
  directory('usr-share-ca-certificates', '/usr/share/ca-certificates', true),
];

function componentPod(component: Component): Pod {
  const { name, probes } = component;
  const mounts = [...component.mounts].sort((a, b) => (a.name < b.name ? -1 : 1));
  const volumeMounts: VolumeMount[] = mounts.map((m) => ({ mountPath: m.path, name: m.name, ...(m.readOnly ? { readOnly: true } : {}) }));
  const volumes: Volume[] = mounts.map((m) => ({ hostPath: { path: m.path, type: m.type }, name: m.name }));
  const container: Container = {
    command: [name, ...Object.entries(component.flags).map(([flag, value]) => `--${flag}=${value}`)],
    image: component.image,
    imagePullPolicy: 'IfNotPresent',
    livenessProbe: { ...slowProbe(probes, probes.liveness), failureThreshold: 8 },
    name,
    ports: [{ containerPort: probes.port, name: PROBE_PORT, protocol: 'TCP' }],
    ...(probes.readiness === undefined ? {} : { readinessProbe: readinessProbe(probes, probes.readiness) }),
    resources: { requests: component.requests },
    startupProbe: { ...slowProbe(probes, probes.startup), failureThreshold: 24 },
    volumeMounts,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(component.annotations === undefined ? {} : { annotations: component.annotations }),
      labels: { component: name, tier: 'control-plane' },
      name,
      namespace: 'kube-system',
    },
    spec: {
      containers: [container],
      hostNetwork: true,
      priority: 2_000_001_000,
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes,
    },
    status: {},
  };
}

const httpGet = (target: ProbeTarget, path: string): Probe['httpGet'] & object => ({
  host: target.host,
  path,
  port: PROBE_PORT,
  scheme: target.scheme,
});

const slowProbe = (target: ProbeTarget, path: string): Probe => ({
  httpGet: httpGet(target, path),
  initialDelaySeconds: 10,
  periodSeconds: 10,
  timeoutSeconds: 15,
});

const readinessProbe = (target: ProbeTarget, path: string): Probe => ({
  failureThreshold: 3,
  httpGet: httpGet(target, path),
  periodSeconds: 1,
  timeoutSeconds: 15,
});
