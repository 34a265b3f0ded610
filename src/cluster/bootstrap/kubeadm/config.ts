// What one run of kubeadm knows about the cluster (kubeadm.k8s.io/v1beta4 InitConfiguration and ClusterConfiguration).

import { formatYaml } from '../../api/yaml.ts';
import { COREDNS_IMAGE, ETCD_IMAGE, KUBERNETES_VERSION } from '../versions.ts';

export interface KubeadmConfig {
  readonly nodeName: string;
  /** Where this control plane's API server listens. */
  readonly advertiseAddress: string;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  readonly dnsDomain: string;
  /** Bootstrap token, `id.secret`. */
  readonly token: string;
  /** Path of the runtime's socket. */
  readonly criSocket: string;
}

export const API_SERVER_PORT = 6443;

export const PKI = '/etc/kubernetes/pki';
export const MANIFESTS = '/etc/kubernetes/manifests';
export const ADMIN_CONF = '/etc/kubernetes/admin.conf';
export const SUPER_ADMIN_CONF = '/etc/kubernetes/super-admin.conf';
export const KUBELET_CONF = '/etc/kubernetes/kubelet.conf';
export const BOOTSTRAP_KUBELET_CONF = '/etc/kubernetes/bootstrap-kubelet.conf';
export const KUBELET_CONFIG_FILE = '/var/lib/kubelet/config.yaml';
export const KUBELET_FLAGS_FILE = '/var/lib/kubelet/kubeadm-flags.env';

export const endpointOf = (config: KubeadmConfig): string => `https://${config.advertiseAddress}:${API_SERVER_PORT}`;

/** The n-th address of an IPv4 range `a.b.c.d/len`. */
export function nthAddress(cidr: string, n: number): string {
  const base = cidr.slice(0, cidr.indexOf('/')).split('.').map(Number);
  let value = base.reduce((sum, part) => sum * 256 + part, 0) + n;
  const parts: number[] = [];
  for (let i = 0; i < 4; i++) {
    parts.unshift(value % 256);
    value = Math.floor(value / 256);
  }
  return parts.join('.');
}

/** The cluster DNS Service's address: the tenth of the Service range. */
export const dnsAddress = (config: Pick<KubeadmConfig, 'serviceSubnet'>): string => nthAddress(config.serviceSubnet, 10);

/** What upload-config stores in ConfigMap kubeadm-config. */
export function clusterConfiguration(config: KubeadmConfig): string {
  const [coreDnsRepository, coreDnsTag] = splitImage(COREDNS_IMAGE);
  const [etcdRepository, etcdTag] = splitImage(ETCD_IMAGE);
  return formatYaml({
    apiServer: {},
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    caCertificateValidityPeriod: '87600h0m0s',
    certificateValidityPeriod: '8760h0m0s',
    certificatesDir: PKI,
    clusterName: 'kubernetes',
    controllerManager: {},
    dns: { imageRepository: coreDnsRepository, imageTag: coreDnsTag },
    encryptionAlgorithm: 'ECDSA-P256',
    etcd: { local: { dataDir: '/var/lib/etcd', imageRepository: etcdRepository, imageTag: etcdTag } },
    imageRepository: 'registry.k8s.io',
    kind: 'ClusterConfiguration',
    kubernetesVersion: KUBERNETES_VERSION,
    networking: { dnsDomain: config.dnsDomain, podSubnet: config.podSubnet, serviceSubnet: config.serviceSubnet },
    proxy: {},
    scheduler: {},
  });
}

function splitImage(image: string): [repository: string, tag: string] {
  const slash = image.lastIndexOf('/');
  return [image.slice(0, slash), image.slice(image.lastIndexOf(':') + 1)];
}

/** What kubelet-start writes to /var/lib/kubelet/config.yaml and upload-config stores in ConfigMap kubelet-config. */
export function kubeletConfiguration(config: Pick<KubeadmConfig, 'serviceSubnet' | 'dnsDomain'>): string {
  return formatYaml({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    authentication: {
      anonymous: { enabled: false },
      webhook: { cacheTTL: '0s', enabled: true },
      x509: { clientCAFile: `${PKI}/ca.crt` },
    },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '0s', cacheUnauthorizedTTL: '0s' } },
    cgroupDriver: 'systemd',
    clusterDNS: [dnsAddress(config)],
    clusterDomain: config.dnsDomain,
    containerRuntimeEndpoint: '',
    cpuManagerReconcilePeriod: '0s',
    crashLoopBackOff: {},
    evictionPressureTransitionPeriod: '0s',
    fileCheckFrequency: '0s',
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    httpCheckFrequency: '0s',
    imageMaximumGCAge: '0s',
    imageMinimumGCAge: '0s',
    kind: 'KubeletConfiguration',
    logging: { flushFrequency: 0, options: { json: { infoBufferSize: '0' }, text: { infoBufferSize: '0' } }, verbosity: 0 },
    memorySwap: {},
    nodeStatusReportFrequency: '0s',
    nodeStatusUpdateFrequency: '0s',
    rotateCertificates: true,
    runtimeRequestTimeout: '0s',
    shutdownGracePeriod: '0s',
    shutdownGracePeriodCriticalPods: '0s',
    staticPodPath: MANIFESTS,
    streamingConnectionIdleTimeout: '0s',
    syncFrequency: '0s',
    volumeStatsAggPeriod: '0s',
  });
}
