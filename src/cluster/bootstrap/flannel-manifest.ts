// kube-flannel.yml of flannel v0.27: what the operator applies to give the cluster its Pod network.

import { clusterRole, clusterRoleBinding, configMap, serviceAccount } from './kubeadm/rbac.ts';
import type { Manifest } from './manifest.ts';
import { FLANNEL_CNI_IMAGE, FLANNEL_IMAGE } from './versions.ts';

const NAMESPACE = 'kube-flannel';
const APP = { 'k8s-app': 'flannel' };
const NODE = { app: 'flannel', tier: 'node' };

/** The documents of the file, in order, for Pods in `podCidr`. */
export function flannelManifest(podCidr: string): readonly Manifest[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { labels: { ...APP, 'pod-security.kubernetes.io/enforce': 'privileged' }, name: NAMESPACE },
    } as Manifest,
    serviceAccount(NAMESPACE, 'flannel', APP),
    clusterRole(
      'flannel',
      [
        { apiGroups: [''], resources: ['pods'], verbs: ['get'] },
        { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
      ],
      APP,
    ),
    clusterRoleBinding('flannel', 'flannel', [{ kind: 'ServiceAccount', name: 'flannel', namespace: NAMESPACE }], APP),
    configMap(NAMESPACE, 'kube-flannel-cfg', { 'cni-conf.json': CNI_CONF, 'net-conf.json': netConf(podCidr) }, { ...APP, ...NODE }),
    daemonSet(),
  ];
}

const CNI_CONF = `{
  "name": "cbr0",
  "cniVersion": "0.3.1",
  "plugins": [
    {
      "type": "flannel",
      "delegate": {
        "hairpinMode": true,
        "isDefaultGateway": true
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      }
    }
  ]
}
`;

const netConf = (podCidr: string): string => `{
  "Network": "${podCidr}",
  "EnableNFTables": false,
  "Backend": {
    "Type": "vxlan"
  }
}
`;

function daemonSet(): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { labels: { ...APP, ...NODE }, name: 'kube-flannel-ds', namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: 'flannel' } },
      template: {
        metadata: { labels: NODE },
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }] }],
              },
            },
          },
          containers: [
            {
              args: ['--ip-masq', '--kube-subnet-mgr'],
              command: ['/opt/bin/flanneld'],
              env: [
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
                { name: 'EVENT_QUEUE_DEPTH', value: '5000' },
                { name: 'CONT_WHEN_CACHE_NOT_READY', value: 'false' },
              ],
              image: FLANNEL_IMAGE,
              name: 'kube-flannel',
              resources: { requests: { cpu: '100m', memory: '50Mi' } },
              securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] }, privileged: false },
              volumeMounts: [
                { mountPath: '/run/flannel', name: 'run' },
                { mountPath: '/etc/kube-flannel/', name: 'flannel-cfg' },
                { mountPath: '/run/xtables.lock', name: 'xtables-lock' },
              ],
            },
          ],
          hostNetwork: true,
          initContainers: [
            {
              args: ['-f', '/flannel', '/opt/cni/bin/flannel'],
              command: ['cp'],
              image: FLANNEL_CNI_IMAGE,
              name: 'install-cni-plugin',
              volumeMounts: [{ mountPath: '/opt/cni/bin', name: 'cni-plugin' }],
            },
            {
              args: ['-f', '/etc/kube-flannel/cni-conf.json', '/etc/cni/net.d/10-flannel.conflist'],
              command: ['cp'],
              image: FLANNEL_IMAGE,
              name: 'install-cni',
              volumeMounts: [
                { mountPath: '/etc/cni/net.d', name: 'cni' },
                { mountPath: '/etc/kube-flannel/', name: 'flannel-cfg' },
              ],
            },
          ],
          priorityClassName: 'system-node-critical',
          serviceAccountName: 'flannel',
          tolerations: [{ effect: 'NoSchedule', operator: 'Exists' }],
          volumes: [
            { hostPath: { path: '/run/flannel' }, name: 'run' },
            { hostPath: { path: '/opt/cni/bin' }, name: 'cni-plugin' },
            { hostPath: { path: '/etc/cni/net.d' }, name: 'cni' },
            { configMap: { name: 'kube-flannel-cfg' }, name: 'flannel-cfg' },
            { hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' }, name: 'xtables-lock' },
          ],
        },
      },
    },
  } as Manifest;
}
