// kubeadm's add-on kube-proxy (app/phases/addons/proxy): DaemonSet, configuration and rights.

import { formatYaml } from '../../api/yaml.ts';
import type { Manifest } from '../manifest.ts';
import { PROXY_IMAGE } from '../versions.ts';
import { endpointOf, type KubeadmConfig } from './config.ts';
import { clusterRoleBinding, configMap, role, roleBinding, serviceAccount } from './rbac.ts';

const LABELS = { 'k8s-app': 'kube-proxy' };
const TOKENS = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The objects in kubeadm's order. */
export function proxyAddon(config: KubeadmConfig): readonly Manifest[] {
  return [
    serviceAccount('kube-system', 'kube-proxy'),
    clusterRoleBinding('kubeadm:node-proxier', 'system:node-proxier', [
      { kind: 'ServiceAccount', name: 'kube-proxy', namespace: 'kube-system' },
    ]),
    role('kube-system', 'kube-proxy', [{ apiGroups: [''], resourceNames: ['kube-proxy'], resources: ['configmaps'], verbs: ['get'] }]),
    roleBinding('kube-system', 'kube-proxy', 'kube-proxy', [{ kind: 'Group', name: 'system:bootstrappers:kubeadm:default-node-token' }]),
    configMap(
      'kube-system',
      'kube-proxy',
      { 'config.conf': proxyConfiguration(config), 'kubeconfig.conf': kubeconfig(config) },
      { app: 'kube-proxy' },
    ),
    daemonSet(),
  ];
}

function kubeconfig(config: KubeadmConfig): string {
  return formatYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ cluster: { 'certificate-authority': `${TOKENS}/ca.crt`, server: endpointOf(config) }, name: 'default' }],
    contexts: [{ context: { cluster: 'default', namespace: 'default', user: 'default' }, name: 'default' }],
    'current-context': 'default',
    users: [{ name: 'default', user: { tokenFile: `${TOKENS}/token` } }],
  });
}

function proxyConfiguration(config: KubeadmConfig): string {
  return formatYaml({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    bindAddress: '0.0.0.0',
    bindAddressHardFail: false,
    clientConnection: { acceptContentTypes: '', burst: 0, contentType: '', kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf', qps: 0 },
    clusterCIDR: config.podSubnet,
    configSyncPeriod: '0s',
    conntrack: {
      maxPerCore: null,
      min: null,
      tcpBeLiberal: false,
      tcpCloseWaitTimeout: null,
      tcpEstablishedTimeout: null,
      udpStreamTimeout: '0s',
      udpTimeout: '0s',
    },
    detectLocal: { bridgeInterface: '', interfaceNamePrefix: '' },
    detectLocalMode: '',
    enableProfiling: false,
    healthzBindAddress: '',
    hostnameOverride: '',
    iptables: { localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: '0s', syncPeriod: '0s' },
    ipvs: {
      excludeCIDRs: null,
      minSyncPeriod: '0s',
      scheduler: '',
      strictARP: false,
      syncPeriod: '0s',
      tcpFinTimeout: '0s',
      tcpTimeout: '0s',
      udpTimeout: '0s',
    },
    kind: 'KubeProxyConfiguration',
    logging: { flushFrequency: 0, options: { json: { infoBufferSize: '0' }, text: { infoBufferSize: '0' } }, verbosity: 0 },
    metricsBindAddress: '',
    mode: '',
    nftables: { masqueradeAll: false, masqueradeBit: null, minSyncPeriod: '0s', syncPeriod: '0s' },
    nodePortAddresses: null,
    oomScoreAdj: null,
    portRange: '',
    showHiddenMetricsForVersion: '',
    winkernel: { enableDSR: false, forwardHealthCheckVip: false, networkName: '', rootHnsEndpointName: '', sourceVip: '' },
  });
}

function daemonSet(): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { labels: LABELS, name: 'kube-proxy', namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          containers: [
            {
              command: ['/usr/local/bin/kube-proxy', '--config=/var/lib/kube-proxy/config.conf', '--hostname-override=$(NODE_NAME)'],
              env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
              image: PROXY_IMAGE,
              imagePullPolicy: 'IfNotPresent',
              name: 'kube-proxy',
              securityContext: { privileged: true },
              volumeMounts: [
                { mountPath: '/var/lib/kube-proxy', name: 'kube-proxy' },
                { mountPath: '/run/xtables.lock', name: 'xtables-lock' },
                { mountPath: '/lib/modules', name: 'lib-modules', readOnly: true },
              ],
            },
          ],
          hostNetwork: true,
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'kube-proxy',
          tolerations: [{ operator: 'Exists' }],
          volumes: [
            { configMap: { name: 'kube-proxy' }, name: 'kube-proxy' },
            { hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' }, name: 'xtables-lock' },
            { hostPath: { path: '/lib/modules' }, name: 'lib-modules' },
          ],
        },
      },
      updateStrategy: { type: 'RollingUpdate' },
    },
  } as Manifest;
}
